//! The random name of a vault, by which it is told from others wherever it lies.

use super::engine::Engine;
use super::error::Error;
use super::open_vault::OpenVault;
use super::sqlite::header;
use super::vault::Vault;

impl Vault {
    /// Returns the name that the file claims, which needs no key, in hexadecimal digits. `None` if the
    /// vault was never finished, or is a shared one.
    pub(crate) fn claimed_name(&self) -> Result<Option<String>, Error> {
        match &self.engine {
            Engine::Sqlite(file) => {
                file.read(|view| Ok(header::read(view)?.map(|header| header.vault.hex())))
            }
            #[cfg(feature = "postgres")]
            Engine::Server(_) => Ok(None),
        }
    }
}

impl OpenVault {
    /// Returns the name, in hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        self.key().vault.hex()
    }
}
