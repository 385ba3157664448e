//! Basic authentication.

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;

use crate::auth::{Caller, Need, Users};
use crate::problem::{Code, Problem};

use super::users::{Malformed, basic_credentials};

/// User name and password with every request ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
#[derive(Clone, Debug)]
pub struct Basic {
    users: Users,
}

impl Basic {
    /// Lets these users in.
    #[must_use]
    pub fn new(users: Users) -> Self {
        Self { users }
    }

    pub(super) async fn admit(&self, parts: &Parts, need: Option<Need<'_>>) -> Result<Caller, Problem> {
        let rights = match basic_credentials(&parts.headers).map_err(|Malformed| challenge())? {
            Some((name, password)) => self.users.check(&name, &password).await.ok_or_else(challenge)?,
            None => {
                // Without a need there is only `/v2/`, which clients ask to find out how to authenticate.
                let anonymous = self.users.anonymous();
                if need.is_none() || !anonymous.allow(need) {
                    return Err(challenge());
                }
                anonymous
            }
        };
        if !rights.allow(need) {
            return Err(Problem::new(
                Code::Denied,
                "requested access to the resource is denied",
            ));
        }
        let rights = rights.clone();
        Ok(Caller::new(move |repository, action| {
            rights.may(repository, action)
        }))
    }
}

fn challenge() -> Problem {
    Problem::new(Code::Unauthorized, "authentication required").with_header(
        WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"wharf\", charset=\"UTF-8\""),
    )
}
