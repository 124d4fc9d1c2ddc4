//! Statements, each sent with its values and the types of those, so that no statement has a name.
//!
//! What need not be waited for is sent along: the beginning of a transaction with its first statement,
//! and the commit with its last. So a change of one row is two round trips, and a claim is one.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::Client;
pub(in crate::store::postgres) use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::fault::Fault;

/// The longest time that one statement is waited for.
const LIMIT: Duration = Duration::from_secs(15);

/// The beginning of each transaction that writes: its commit is durable when it is confirmed, and no
/// statement in it takes long. Where the server knows such a limit, from PostgreSQL 17 on, it ends as a
/// whole: a client that vanished between the parts of a message would keep its locks for hours.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = '10s'; \
     SET LOCAL idle_in_transaction_session_timeout = '20s'; \
     SELECT pg_catalog.set_config('transaction_timeout', '60s', true) \
     WHERE pg_catalog.current_setting('server_version_num')::int >= 170000";

/// The answer to a statement, or why there is none.
type Answer<T> = Result<T, tokio_postgres::Error>;

/// A transaction, or single statements, each of which is one by itself.
pub(in crate::store::postgres) struct Transaction<'a> {
    runtime: &'a Runtime,
    client: &'a Client,
    state: Cell<State>,
    /// Whether this work was tried before, and may have been committed.
    is_repeated: bool,
}

/// The progress of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Each statement is a transaction by itself: none was wanted, or it was committed.
    Single,
    /// The next statement is the first one of the transaction.
    New,
    Begun,
}

impl<'a> Transaction<'a> {
    /// Returns single statements.
    pub(super) fn of_each(runtime: &'a Runtime, client: &'a Client, is_repeated: bool) -> Self {
        Self { runtime, client, state: Cell::new(State::Single), is_repeated }
    }

    /// Returns a transaction, which [`Self::commit`] or [`Self::roll_back`] ends.
    pub(super) fn of_all(runtime: &'a Runtime, client: &'a Client, is_repeated: bool) -> Self {
        Self { runtime, client, state: Cell::new(State::New), is_repeated }
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
        self.wait(self.client.query_typed(statement, values), false)
    }

    /// Runs `statement` as [`Self::query`] does, and commits.
    pub(in crate::store::postgres) fn query_last(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Fault> {
        self.wait(self.client.query_typed(statement, values), true)
    }

    /// Runs `statement` with `values` and returns the number of rows that it wrote.
    pub(in crate::store::postgres) fn execute(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Fault> {
        self.wait(self.client.execute_typed(statement, values), false)
    }

    /// Runs `statement` as [`Self::execute`] does, and commits, whatever the number is.
    pub(in crate::store::postgres) fn execute_last(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Fault> {
        self.wait(self.client.execute_typed(statement, values), true)
    }

    /// Runs statements without values.
    pub(in crate::store::postgres) fn run(&self, statements: &str) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(statements), false)
    }

    /// Commits what was not committed with its last statement.
    pub(super) fn commit(&self) -> Result<(), Fault> {
        self.end("COMMIT")
    }

    /// Undoes what was not committed.
    pub(super) fn roll_back(&self) -> Result<(), Fault> {
        self.end("ROLLBACK")
    }

    fn end(&self, how: &str) -> Result<(), Fault> {
        match self.state.replace(State::Single) {
            State::Single | State::New => Ok(()),
            State::Begun => self.run(how),
        }
    }

    /// Waits for `answer`, whose statement is sent when it is first asked for. Begins the transaction
    /// before it, if it is the first, and `commits` behind it.
    fn wait<T>(&self, answer: impl Future<Output = Answer<T>>, commits: bool) -> Result<T, Fault> {
        let state = self.state.replace(match (self.state.get(), commits) {
            (State::Single, _) | (_, true) => State::Single,
            (State::New | State::Begun, false) => State::Begun,
        });
        let begins = state == State::New;
        let commits = commits && state != State::Single;
        let all = async {
            let begin = pin!(self.when(begins, BEGIN));
            let answer = pin!(answer);
            let end = pin!(self.when(commits, "COMMIT"));
            let begin = Sent::send(begin).await;
            let answer = Sent::send(answer).await;
            let end = Sent::send(end).await;
            // A statement behind one that failed is refused, and a commit then is none.
            let started = begin.answer().await;
            let answer = answer.answer().await;
            let ended = end.answer().await;
            started?;
            let answer = answer?;
            ended.map(|()| answer)
        };
        match self.runtime.block_on(async { tokio::time::timeout(LIMIT, all).await }) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Fault::of(&error)),
            Err(_) => Err(Fault::Lost(format!("no answer within {} seconds", LIMIT.as_secs()))),
        }
    }

    async fn when(&self, wanted: bool, statements: &str) -> Answer<()> {
        if wanted { self.client.batch_execute(statements).await } else { Ok(()) }
    }
}

/// A statement that was sent and is not waited for yet.
struct Sent<'a, F: Future> {
    future: Pin<&'a mut F>,
    /// The answer, if it was there at once.
    early: Option<F::Output>,
}

impl<'a, F: Future> Sent<'a, F> {
    async fn send(mut future: Pin<&'a mut F>) -> Self {
        let early = poll_fn(|context| {
            Poll::Ready(match future.as_mut().poll(context) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            })
        })
        .await;
        Self { future, early }
    }

    async fn answer(self) -> F::Output {
        match self.early {
            Some(answer) => answer,
            None => self.future.await,
        }
    }
}
