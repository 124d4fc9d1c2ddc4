//! One connection, made at its first use and made anew when it breaks.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;

use super::connect::connect;
use super::fault::Fault;
use super::transaction::Transaction;
use crate::store::address::Address;
use crate::store::error::Error as StoreError;
use crate::store::shared_error::Error;

/// The time for which work is tried again after the connection broke, or others were in its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The connection to the database of a vault.
pub(in crate::store::postgres) struct Connection {
    address: Address,
    open: Option<Open>,
    /// Whether this process had a connection before.
    was_open: bool,
}

struct Open {
    runtime: Runtime,
    client: Client,
}

/// The way in which work is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Each statement is a transaction of its own.
    Single,
    /// All statements are one transaction.
    Whole,
}

impl Connection {
    pub(in crate::store::postgres) fn address(&self) -> &Address {
        &self.address
    }

    pub(in crate::store::postgres) fn to(address: Address) -> Self {
        Self { address, open: None, was_open: false }
    }

    /// Connects, unless it is connected already.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        self.open().map(drop)
    }

    /// Runs `work`, whose statements are transactions by themselves; again if the connection breaks.
    pub(in crate::store::postgres) fn single<T>(
        &mut self,
        work: impl FnMut(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.repeat(Kind::Single, work)
    }

    /// Runs `work` in one transaction and commits it; again if the connection breaks or another
    /// transaction was in its way. So `work` may find that it was committed already: see
    /// [`Transaction::is_repeated`].
    pub(in crate::store::postgres) fn transact<T>(
        &mut self,
        work: impl FnMut(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.repeat(Kind::Whole, work)
    }

    fn repeat<T>(
        &mut self,
        kind: Kind,
        mut work: impl FnMut(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let (began, mut pause, mut is_repeated) = (Instant::now(), FIRST_PAUSE, false);
        let mut tries = 0;
        loop {
            tries += 1;
            let was_open = self.was_open;
            let outcome = match self.open() {
                Ok(open) => {
                    let outcome = open.try_once(kind, is_repeated, &mut work);
                    is_repeated |= matches!(outcome, Err(Fault::Lost(_)));
                    outcome
                }
                // What can't be reached at first is told at once. What broke may come back.
                Err(error) if was_open && error.is_passing() => Err(Fault::Lost(error.reason())),
                Err(error) => return Err(error.into()),
            };
            let (why, enough) = match outcome {
                Ok(done) => return Ok(done),
                Err(Fault::Failed(error)) => return Err(self.named(*error)),
                // The others may be this work's own first try, which was given up and came late.
                Err(Fault::Undone) => ("others write at the same time".to_owned(), 2),
                Err(Fault::Lost(why)) => {
                    self.open = None;
                    (why, 1)
                }
            };
            log::debug!("the database: {why}");
            // A connection that fell silent has used up the time, and a new one may be well.
            if tries > enough && began.elapsed() + pause > PATIENCE {
                let place = self.address.shown();
                return Err(if self.open.is_some() {
                    Error::Busy { why }.into()
                } else {
                    Error::Unreachable { place, why }.into()
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn open(&mut self) -> Result<&Open, Error> {
        if self.open.as_ref().is_some_and(|open| open.client.is_closed()) {
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(open),
            empty @ None => {
                let runtime = Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| Error::Unreachable {
                    place: self.address.shown(),
                    why: error.to_string(),
                })?;
                let client = runtime.block_on(connect(&self.address))?;
                self.was_open = true;
                Ok(empty.insert(Open { runtime, client }))
            }
        }
    }

    /// Returns `error` with the name of this database where it has none.
    fn named(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Shared(Error::NoVault { .. }) => {
                Error::NoVault { place: self.address.shown() }.into()
            }
            other => other,
        }
    }
}

impl Open {
    fn try_once<T>(
        &self,
        kind: Kind,
        is_repeated: bool,
        work: &mut impl FnMut(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let transaction = match kind {
            Kind::Single => Transaction::of_each(&self.runtime, &self.client, is_repeated),
            Kind::Whole => Transaction::of_all(&self.runtime, &self.client, is_repeated),
        };
        let done = work(&transaction).and_then(|done| transaction.commit().map(|()| done));
        if !matches!(done, Ok(_) | Err(Fault::Lost(_))) {
            // A connection on which this fails is not used again.
            transaction.roll_back()?;
        }
        done
    }
}
