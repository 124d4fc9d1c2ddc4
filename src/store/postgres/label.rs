//! The form in which what `list` shows of a credential is sealed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::account::Account;
use crate::model::credential::Status;
use crate::model::scope::Scopes;
use crate::model::summary::{Kind, Summary};

/// A [`Summary`] as JSON.
#[derive(Serialize, Deserialize)]
struct Label {
    provider: String,
    user: String,
    oauth: bool,
    status: Status,
    server_url: Option<String>,
    username: Option<String>,
    scopes: Scopes,
    expires_at: Option<Timestamp>,
    refreshable: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_refreshed_at: Option<Timestamp>,
    login_by: Option<Timestamp>,
}

/// Returns the text of `summary`.
pub(super) fn encode(summary: Summary) -> serde_json::Result<Vec<u8>> {
    let Summary {
        account,
        kind,
        status,
        server_url,
        username,
        scopes,
        expires_at,
        refreshable,
        created_at,
        updated_at,
        last_refreshed_at,
        login_by,
    } = summary;
    serde_json::to_vec(&Label {
        provider: account.provider.to_string(),
        user: account.user.to_string(),
        oauth: kind == Kind::OAuth,
        status,
        server_url,
        username,
        scopes,
        expires_at,
        refreshable,
        created_at,
        updated_at,
        last_refreshed_at,
        login_by,
    })
}

/// Reads what [`encode`] returned; `None` if the text is another one.
pub(super) fn decode(text: &[u8]) -> Option<Summary> {
    let label: Label = serde_json::from_slice(text).ok()?;
    let account =
        Account { provider: label.provider.parse().ok()?, user: label.user.parse().ok()? };
    Some(Summary {
        account,
        kind: if label.oauth { Kind::OAuth } else { Kind::Static },
        status: label.status,
        server_url: label.server_url,
        username: label.username,
        scopes: label.scopes,
        expires_at: label.expires_at,
        refreshable: label.refreshable,
        created_at: label.created_at,
        updated_at: label.updated_at,
        last_refreshed_at: label.last_refreshed_at,
        login_by: label.login_by,
    })
}
