//! The pause that an authorization server asked one client for (`Retry-After`, RFC 9110 §10.2.3).
//!
//! A server that is asked for too much means the client, not the one credential whose request it
//! answered. So the end of the pause lies in a file beside the vault, one for each client, and every
//! process reads it before it sends a request for a new token. It is sealed, because whoever could
//! forge it could keep tokens from being renewed. Losing it is no error: what was answered about a
//! credential also stands in its row.

use std::io::Read;
use std::path::PathBuf;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::error::Error;
use super::open_vault::OpenVault;
use crate::model::attempt;
use crate::model::client::Client;
use crate::private_file;
use crate::vault::seal::SealContext;

/// The largest file that is read. A sealed time is much shorter.
const LIMIT: u64 = 256;

impl OpenVault {
    /// Returns the end of the pause that the server of `client` asked for, if it is still to come.
    pub(crate) fn client_pause(&self, client: &Client, now: Timestamp) -> Option<Timestamp> {
        let name = name_of(client);
        let mut sealed = Vec::new();
        let path = self.file().sidecar_path().join(file_name(&name));
        let file = private_file::open_plain_no_follow(&path).ok()?;
        file.take(LIMIT).read_to_end(&mut sealed).ok()?;
        let opened = self.machine_key().open(SealContext::Pause { client: &name }, &sealed).ok()?;
        let milliseconds = i64::from_le_bytes(opened.as_slice().try_into().ok()?);
        let until = Timestamp::from_millisecond(milliseconds).ok()?;
        attempt::is_pause(until, now).then_some(until)
    }

    /// Makes every process leave the server of `client` alone until `until`, or longer if it asked
    /// for that before. If this can't be written, only the credential that was asked about waits.
    pub(crate) fn pause_client(&self, client: &Client, until: Timestamp, now: Timestamp) {
        if self.client_pause(client, now).is_none_or(|before| before < until) {
            let _ = self.write_pause(client, until);
        }
    }

    /// Ends the pause of `client`, whose server has answered a login since.
    pub(crate) fn end_client_pause(&self, client: &Client) {
        let path = self.file().sidecar_path().join(file_name(&name_of(client)));
        let _ = std::fs::remove_file(path);
    }

    fn write_pause(&self, client: &Client, until: Timestamp) -> Result<(), Error> {
        let name = name_of(client);
        let plaintext = until.as_millisecond().to_le_bytes();
        let sealed = self.machine_key().seal(SealContext::Pause { client: &name }, &plaintext)?;
        let path: PathBuf = self.file().ensure_sidecar()?.join(file_name(&name));
        private_file::replace_private(&path, &sealed)
            .map_err(|source| Error::io("write beside", source))
    }
}

/// The name of a client at its token endpoint: a hash, so that the file's name tells neither.
fn name_of(client: &Client) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update(client.token_endpoint.to_string())
        .chain_update([0])
        .chain_update(&client.id)
        .finalize();
    let mut name = [0; 16];
    name.copy_from_slice(&digest[..16]);
    name
}

fn file_name(name: &[u8; 16]) -> String {
    format!("{}.pause", data_encoding::HEXLOWER.encode(name))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::credential::{Expiry, OAuthGrant};
    use crate::store::keys::FirstSlot;
    use crate::store::vault::Vault;
    use crate::vault::Key;
    use crate::vault::slot::KeyMaterial;
    use crate::vault::slot_secret::SlotSecret;

    #[test]
    fn a_pause_is_for_one_client_and_the_longest_counts() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("v/tokens.db");
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let (key, slot) = (Key::generate().unwrap(), FirstSlot::generate().unwrap());
        let (secret, material) = (SlotSecret::Key(key.clone()), KeyMaterial::Random(key));
        let vault = Vault::open_or_create(&path).unwrap();
        let vault = vault.finish(slot, secret, &material, Timestamp::UNIX_EPOCH).unwrap();
        let client = OAuthGrant::made_up(Expiry::None).client;
        let other = Client { id: "another".into(), ..client.clone() };
        let elsewhere = Client {
            token_endpoint: "https://other.example/token".parse().unwrap(),
            ..client.clone()
        };
        let later = |seconds| now + SignedDuration::from_secs(seconds);

        assert_eq!(vault.client_pause(&client, now), None);
        vault.pause_client(&client, later(600), now);
        vault.pause_client(&client, later(5), now);
        assert_eq!(vault.client_pause(&client, now), Some(later(600)));
        assert_eq!(vault.client_pause(&other, now), None);
        assert_eq!(vault.client_pause(&elsewhere, now), None);
        assert_eq!(vault.client_pause(&client, later(600)), None, "it is over");
        assert_eq!(vault.client_pause(&client, later(-4000)), None, "the clock was set back");

        // A file that was renamed is another client's, and does not open.
        let file =
            |client: &Client| path.with_file_name("tokens.db.d").join(file_name(&name_of(client)));
        std::fs::copy(file(&client), file(&other)).unwrap();
        assert_eq!(vault.client_pause(&other, now), None);
        vault.end_client_pause(&client);
        assert_eq!(vault.client_pause(&client, now), None);
    }
}
