//! What a failure of SQLite means to the vault.

use rusqlite::ErrorCode;

use crate::store::error::{EngineError, Error};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            // Without a code: a column that does not hold what its name says. With the general one:
            // a table or column is missing, for the statements themselves are always the same.
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
            | None => Self::Damaged(EngineError(Box::new(error))),
            Some(_) => Self::Engine(EngineError(Box::new(error))),
        }
    }
}

/// Whether the memory that all users of a write-ahead log share could not be had.
pub(super) fn lacks_shared_memory(error: &Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE};
    let Error::Engine(EngineError(error)) = error else { return false };
    let found = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error);
    found.is_some_and(|found| {
        matches!(found.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly)
            || [SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE]
                .contains(&found.extended_code)
    })
}
