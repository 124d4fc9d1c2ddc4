//! Statements, each sent with its values and the types of those, so that no statement has a name.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::Client;
pub(in crate::store::postgres) use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::fault::Fault;

/// The longest time that one statement is waited for.
const LIMIT: Duration = Duration::from_secs(15);

/// A transaction, or a single statement that is one by itself.
pub(in crate::store::postgres) struct Transaction<'a> {
    runtime: &'a Runtime,
    client: &'a Client,
    /// Whether this work was tried before, and may have been committed.
    is_repeated: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn over(runtime: &'a Runtime, client: &'a Client, is_repeated: bool) -> Self {
        Self { runtime, client, is_repeated }
    }

    /// Whether this work was tried before, and nobody knows whether it was committed.
    pub(in crate::store::postgres) fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Runs `statement` with `values` and returns the rows of its answer.
    pub(in crate::store::postgres) fn query(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Fault> {
        self.wait(self.client.query_typed(statement, values))
    }

    /// Runs `statement` with `values` and returns the number of rows that it wrote.
    pub(in crate::store::postgres) fn execute(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Fault> {
        self.wait(self.client.execute_typed(statement, values))
    }

    /// Runs statements without values.
    pub(in crate::store::postgres) fn run(&self, statements: &str) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(statements))
    }

    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let limited = async { tokio::time::timeout(LIMIT, answer).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Fault::of(&error)),
            Err(_) => Err(Fault::Lost(format!("no answer within {} seconds", LIMIT.as_secs()))),
        }
    }
}
