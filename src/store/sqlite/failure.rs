//! What a failure of SQLite means to the vault.

use rusqlite::ErrorCode;

use crate::store::error::{DiskFault, EngineError, Error};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            // Without a code: a column that does not hold what its name says. With the general one:
            // a table or column is missing, for the statements themselves are always the same.
            // A row that is larger than any of tokctl's: nobody else wrote it by accident.
            Some(
                ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::TooBig
                | ErrorCode::Unknown,
            )
            | None => Self::Damaged(EngineError(Box::new(error))),
            Some(ErrorCode::DiskFull) => Self::Unwritable(DiskFault::Full),
            // The file was there and could be read when it was looked for: what can't be opened is
            // what SQLite makes beside it.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Self::Unwritable(DiskFault::ReadOnly)
            }
            Some(ErrorCode::SystemIoFailure) if lacks_room(&error) => {
                Self::Unwritable(DiskFault::Full)
            }
            Some(_) => Self::Engine(EngineError(Box::new(error))),
        }
    }
}

/// Whether the memory that all users of a write-ahead log share could not be made larger.
fn lacks_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Whether the memory that all users of a write-ahead log share could not be had.
pub(super) fn lacks_shared_memory(error: &Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN};
    let Error::Engine(EngineError(error)) = error else {
        return matches!(error, Error::Unwritable(_));
    };
    let found = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error);
    found.is_some_and(|found| {
        [SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN].contains(&found.extended_code)
    })
}
