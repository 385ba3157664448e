//! A token server's answer.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_authn::Secret;

use super::AuthFailure;

/// The life of a token that does not say how long it lives
/// ([token specification](https://distribution.github.io/distribution/spec/auth/token/#token-response-fields)).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A longer life is not believed.
const MAX_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a token server gave.
pub(super) struct Granted {
    pub(super) token: Secret,
    /// How long the token lives from now on.
    pub(super) life: Duration,
    /// The refresh token for the next exchange.
    pub(super) refresh: Option<Secret>,
}

impl Granted {
    /// Reads the answer. `date` is when the server sent it, by its own clock.
    ///
    /// Forgiven are numbers as text and fractions, fields of other types, and bytes behind the end.
    pub(super) fn parse(body: &[u8], date: Option<SystemTime>) -> Result<Self, AuthFailure> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let answer =
            Answer::deserialize(&mut json).map_err(|_| AuthFailure::MalformedToken("it is not JSON"))?;
        let token = text(answer.access_token)
            .or_else(|| text(answer.token))
            .ok_or(AuthFailure::MalformedToken("there is no token in it"))?;
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(AuthFailure::NOT_A_HEADER);
        }
        let life = number(answer.expires_in).map_or(DEFAULT_LIFE, |life| life.min(MAX_LIFE));
        let issued = text(answer.issued_at).and_then(|at| time(&at));
        let age = match (issued, date) {
            // Both by the server's clock: ours may be wrong.
            (Some(issued), Some(date)) => date.duration_since(issued).unwrap_or_default(),
            _ => Duration::ZERO,
        };
        Ok(Self {
            token: token.into(),
            life: life.saturating_sub(age),
            refresh: text(answer.refresh_token).map(Secret::from),
        })
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    access_token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refresh_token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    expires_in: Option<&'a RawValue>,
    #[serde(borrow, default)]
    issued_at: Option<&'a RawValue>,
}

fn text(value: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(value?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// A time by RFC 3339.
fn time(text: &str) -> Option<SystemTime> {
    let since_epoch = text.parse::<jiff::Timestamp>().ok()?.as_second();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(since_epoch).ok()?))
}

/// A positive number of seconds, in whatever form.
fn number(value: Option<&RawValue>) -> Option<Duration> {
    let value = value?.get();
    let seconds: f64 = value.trim_matches('"').trim().parse().ok()?;
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(MAX_LIFE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, want: Result<(&str, u64), &str>) {
        let got = Granted::parse(body.as_bytes(), time("2026-01-01T00:00:40Z"));
        let got = got
            .as_ref()
            .map(|granted| (granted.token.expose(), granted.life.as_secs()))
            .map_err(|error| match error {
                AuthFailure::MalformedToken(why) => *why,
                other => panic!("{other}"),
            });
        assert_eq!(got, want, "{body}");
    }

    #[test]
    fn answers() {
        check(r#"{"token":"t"}"#, Ok(("t", 60)));
        check(r#"{"access_token":"a","token":"t"}"#, Ok(("a", 60)));
        check(r#"{"access_token":"","token":"t"}"#, Ok(("t", 60)));
        check(
            r#"{"access_token":null,"token":"t","expires_in":300}"#,
            Ok(("t", 300)),
        );
        check(r#"{"token":"t","expires_in":"300"}"#, Ok(("t", 300)));
        check(r#"{"token":"t","expires_in":299.5}"#, Ok(("t", 299)));
        check(r#"{"token":"t","expires_in":0}"#, Ok(("t", 60)));
        check(r#"{"token":"t","expires_in":-5}"#, Ok(("t", 60)));
        check(r#"{"token":"t","expires_in":{}}"#, Ok(("t", 60)));
        check(r#"{"token":"t","expires_in":1e300}"#, Ok(("t", 30 * 24 * 3600)));
        check(
            r#"{"token":"t","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
            Ok(("t", 260)),
        );
        check(
            r#"{"token":"t","expires_in":300,"issued_at":"2026-01-01T01:00:00.5+01:00"}"#,
            Ok(("t", 260)),
        );
        check(
            r#"{"token":"t","expires_in":300,"issued_at":"2027-01-01T00:00:00Z"}"#,
            Ok(("t", 300)),
        );
        check(
            r#"{"token":"t","expires_in":300,"issued_at":"yesterday"}"#,
            Ok(("t", 300)),
        );
        check(r#"{"token":"t"} trailing"#, Ok(("t", 60)));
        check("{}", Err("there is no token in it"));
        check(r#"{"token":7}"#, Err("there is no token in it"));
        check(r#"{"not_a_token":"t"}"#, Err("there is no token in it"));
        check("", Err("it is not JSON"));
        check("[]", Err("there is no token in it"));
        check("<html>", Err("it is not JSON"));
        check(
            r#"{"token":"a\r\nX: y"}"#,
            Err("the token has characters that no header can have"),
        );
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(body in "\\PC{0,100}") {
            let _ = Granted::parse(body.as_bytes(), None);
        }
    }
}
