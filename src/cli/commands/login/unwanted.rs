//! The sentences about what the browser brought that is not the answer to this login.

use crate::model::account::ProviderName;
use crate::ops::login::browser::{Stranger, Stray, Unwanted};

/// Returns what is told of a request that was not the answer to a login at `provider`. `may_paste`
/// says that somebody can paste the answer.
pub(super) fn told(unwanted: Unwanted, provider: &ProviderName, may_paste: bool) -> String {
    let what = match unwanted {
        Unwanted::Stranger(stranger) => {
            let whose = match stranger {
                Stranger::User(id) => format!("another user of this machine (number {id})"),
                Stranger::Gone => "a program that ended at once".to_owned(),
            };
            format!("{whose} brought an answer to this login, which was refused")
        }
        Unwanted::Stray(stray) => stray_answer(stray, provider, may_paste),
    };
    format!("{what}; the login waits on")
}

fn stray_answer(stray: Stray, provider: &ProviderName, may_paste: bool) -> String {
    let set_redirect_uri =
        format!("set `redirect_uri` of `{provider}` in config.toml to where the server sends it");
    match stray {
        Stray::Nothing if may_paste => {
            "the browser came back without an answer: if its address has a `#`, paste the whole of it here"
                .to_owned()
        }
        Stray::Nothing => format!(
            "the browser came back without an answer: if its address has a `#`, set \
             `authorization_params = {{ response_mode = \"query\" }}` of `{provider}` in config.toml"
        ),
        Stray::TrailingSlash => format!(
            "the browser came back to the redirect URI with a slash more or less at its end: {set_redirect_uri}"
        ),
        Stray::OtherPath => {
            format!("an answer came to another path than this login's: {set_redirect_uri}")
        }
        Stray::OtherHost => {
            format!("an answer came for another host than this login's: {set_redirect_uri}")
        }
        Stray::Unreadable => "what came is no form of an answer, or too long for one".to_owned(),
        Stray::ErrorWithoutState(Some(code)) => {
            format!("an error came that names no login and is not verified: `{code}`")
        }
        Stray::ErrorWithoutState(None) => {
            "an error came that names no login and is in no standard".to_owned()
        }
        Stray::WithoutState => "an answer came that names no login: it has no `state`".to_owned(),
        Stray::Jwt => format!(
            "an answer came as a JWT (JARM), which tokctl does not read: set \
             `authorization_params = {{ response_mode = \"query\" }}` of `{provider}` in config.toml"
        ),
        Stray::WrongState => "an answer to another login came".to_owned(),
        Stray::Unusable => {
            "an answer to this login came that can't be used: it holds too much or too little"
                .to_owned()
        }
    }
}
