//! The connections of one process: one as long as that is enough, and a few where many threads refresh
//! at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;
use crate::store::address::Address;

/// The most connections of one process. A server has a hundred for everybody, and a pooler few more
/// than these.
const MOST: usize = 4;

/// The connections to the database of a vault, each of which one thread has at a time.
pub(in crate::store::postgres) struct Connections {
    address: Address,
    state: Mutex<State>,
    /// The signal that a connection is free again.
    returned: Condvar,
}

struct State {
    free: Vec<Connection>,
    /// The number of connections, free or not.
    count: usize,
    /// The most connections that the server seems to have room for.
    most: usize,
}

/// The place of a connection that one thread has.
struct Taken<'a> {
    connections: &'a Connections,
    /// The connection that is free when the place goes; `None` after a panic, since nobody knows what
    /// was under way on it.
    back: Option<Connection>,
}

impl Connections {
    pub(in crate::store::postgres) fn of(first: Connection) -> Self {
        let address = first.address().clone();
        let state = State { free: vec![first], count: 1, most: MOST };
        Self { address, state: Mutex::new(state), returned: Condvar::new() }
    }

    /// Runs `work` on a connection that is free, or on one more, or waits until one is free.
    pub(in crate::store::postgres) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let mut connection = self.take();
        let mut taken = Taken { connections: self, back: None };
        let done = work(&mut connection);
        taken.back = Some(connection);
        done
    }

    fn take(&self) -> Connection {
        let mut state = self.state();
        loop {
            if let Some(connection) = state.free.pop() {
                return connection;
            }
            if state.count < state.most {
                state.count += 1;
                drop(state);
                if let Some(connection) = self.one_more() {
                    return connection;
                }
                state = self.state();
            } else {
                state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Opens one more connection, which is counted already. If that fails, those that are there have
    /// to be enough.
    fn one_more(&self) -> Option<Connection> {
        let mut connection = Connection::to(self.address.clone());
        let Err(error) = connection.connect() else { return Some(connection) };
        log::debug!("no further connection to the database: {error}");
        let mut state = self.state();
        state.count -= 1;
        state.most = state.count.max(1);
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        match self.back.take() {
            Some(connection) => state.free.push(connection),
            None => state.count -= 1,
        }
        self.connections.returned.notify_one();
    }
}
