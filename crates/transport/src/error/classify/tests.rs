use http::Method;

use super::*;
use crate::origin::Origin;
use crate::proxy::ProxyFailure;
use crate::{BoxError, RedactedUrl, TlsFailure};

fn origin() -> Origin {
    Origin::of(&"https://r.example/".parse().expect("URL")).expect("an origin")
}

fn of_kind(kind: io::ErrorKind) -> BoxError {
    io::Error::from(kind).into()
}

fn exchange(source: BoxError) -> Error {
    Error::Exchange {
        method: Method::GET,
        url: RedactedUrl::of_text("https://r.example/"),
        source,
    }
}

fn timeout(phase: Phase) -> Error {
    Error::Timeout {
        method: Method::GET,
        url: RedactedUrl::of_text("https://r.example/"),
        phase,
        after: Duration::from_secs(1),
    }
}

fn tls(source: BoxError) -> Error {
    Error::Tls {
        origin: origin(),
        failure: TlsFailure::Other,
        source,
    }
}

fn proxy(source: ProxyFailure) -> Error {
    Error::Proxy {
        origin: origin(),
        proxy: "http://proxy.example:3128".to_owned(),
        source,
    }
}

#[track_caller]
fn check(error: &Error, want: Cause) {
    assert_eq!(error.cause(), want, "{error:?}");
    assert_eq!(error.is_temporary(), want != Cause::Permanent, "{error:?}");
}

/// An error whose source is another one.
#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] BoxError);

#[test]
fn who_never_got_the_request_can_be_asked_again() {
    // Names that do not resolve and ports where nobody listens alike.
    for source in ["no such name".into(), of_kind(io::ErrorKind::ConnectionRefused)] {
        let origin = origin();
        check(&Error::Connect { origin, source }, Cause::NotSent);
    }
    check(&timeout(Phase::Connect), Cause::NotSent);
    check(&timeout(Phase::Tls), Cause::NotSent);
    check(&tls(of_kind(io::ErrorKind::ConnectionReset)), Cause::NotSent);
    check(&tls(of_kind(io::ErrorKind::UnexpectedEof)), Cause::NotSent);
    check(&tls("the certificate has expired".into()), Cause::Permanent);
    let busy = http::StatusCode::SERVICE_UNAVAILABLE;
    check(&proxy(ProxyFailure::Status(busy)), Cause::NotSent);
    check(&proxy(ProxyFailure::Reply(5)), Cause::NotSent);
    check(&proxy(ProxyFailure::Reply(2)), Cause::Permanent);
    check(&proxy(ProxyFailure::Unauthorized), Cause::Permanent);
}

#[test]
fn what_broke_in_between_may_have_been_taken() {
    for phase in [Phase::ResponseHeader, Phase::Idle, Phase::Rate, Phase::SendRate] {
        check(&timeout(phase), Cause::Broken);
    }
    for kind in [
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::NotConnected,
        io::ErrorKind::TimedOut,
        io::ErrorKind::UnexpectedEof,
    ] {
        check(&exchange(of_kind(kind)), Cause::Broken);
        // However deep it is.
        let deep = Outer(Outer(io::Error::other(io::Error::from(kind)).into()).into());
        check(&exchange(deep.into()), Cause::Broken);
        check(&Error::Service(of_kind(kind)), Cause::Broken);
        check(
            &Error::Body {
                source: of_kind(kind),
            },
            Cause::Broken,
        );
    }
    for kind in [
        io::ErrorKind::InvalidData,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::NotFound,
    ] {
        check(&exchange(of_kind(kind)), Cause::Permanent);
    }
    check(&exchange("something else".into()), Cause::Permanent);
}

#[test]
fn errors_of_this_crate_inside_others_count_as_what_they_are() {
    check(
        &Error::Service(Outer(timeout(Phase::Connect).into()).into()),
        Cause::NotSent,
    );
    check(
        &Error::Service(Outer(proxy(ProxyFailure::Unauthorized).into()).into()),
        Cause::Permanent,
    );
    check(&Error::BodyTooLarge { limit: 1 }, Cause::Permanent);
}
