//! Requests with bodies that are refused first.

use std::time::Duration;

use http::StatusCode;
use wharf_authn::AnonymousKeychain;
use wharf_transport::{Actions, Body, Error};

use super::{BEARER, alice, bearer, good};
use crate::fake::{Net, challenge, one_shot, reopenable, request, respond, send};

#[tokio::test]
async fn uploads_are_sent_whole_after_a_401() {
    for body in [Body::full("asdf"), reopenable(Some(4)), reopenable(None)] {
        let net = bearer(|_| good());
        send(
            &net.transport(alice()),
            request("PUT", "app", Actions::Push, body),
        )
        .await
        .expect("authenticated");
        let sent: Vec<_> = net
            .asked()
            .iter()
            .filter(|asked| asked.method == "PUT")
            .map(|asked| asked.body.clone())
            .collect();
        assert_eq!(sent, [Ok("asdf".into()), Ok("asdf".into())]);
    }
}

#[tokio::test]
async fn what_can_be_sent_once_is_sent_with_a_token_from_the_start() {
    let net = bearer(|_| good());
    let upload = request("PUT", "app", Actions::Push, one_shot("asdf", Some(4)));
    send(&net.transport(alice()), upload)
        .await
        .expect("authenticated");
    let lines = net.lines();
    assert_eq!(lines[0], "GET https://registry.example/v2/");
    assert_eq!(lines[2], "PUT https://registry.example/v2/app/x Bearer good");
    assert_eq!(lines.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_can_be_sent_once_gets_a_token_that_lasts() {
    let net = bearer(|_| respond(200, r#"{"token":"good","expires_in":100}"#));
    let transport = net.transport(alice());
    send(&transport, request("POST", "app", Actions::Push, Body::empty()))
        .await
        .expect("authenticated");
    tokio::time::advance(Duration::from_secs(60)).await;
    net.lines();
    send(
        &transport,
        request("PUT", "app", Actions::Push, one_shot("asdf", Some(4))),
    )
    .await
    .expect("authenticated");
    assert_eq!(
        net.lines().len(),
        2,
        "the token would be good for a usual request, but is renewed for this one"
    );
}

#[tokio::test]
async fn what_can_be_sent_once_is_never_sent_twice() {
    let net = Net::new(|asked| match (asked.host(), asked.method.as_str()) {
        ("auth.registry.example", _) => good(),
        (_, "PUT") if asked.authorization().is_none() => challenge(BEARER),
        _ => respond(200, ""),
    });
    let transport = net.transport(alice());
    let upload = || request("PUT", "app", Actions::Push, one_shot("asdf", Some(4)));
    let error = send(&transport, upload())
        .await
        .expect_err("cannot be sent again");
    assert!(
        matches!(
            error,
            Error::NotReplayable {
                status: StatusCode::UNAUTHORIZED,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_unauthorized());
    assert_eq!(
        net.asked().iter().filter(|asked| asked.method == "PUT").count(),
        1
    );
    send(&transport, upload())
        .await
        .expect("what was found out is remembered");

    let error = send(&net.transport(AnonymousKeychain), upload()).await;
    assert!(
        matches!(error, Err(Error::NotReplayable { .. })),
        "an anonymous token is something to show"
    );
    let basic = Net::new(|asked| {
        if asked.method == "PUT" {
            challenge("Basic realm=x")
        } else {
            respond(200, "")
        }
    });
    let error = send(&basic.transport(AnonymousKeychain), upload())
        .await
        .expect_err("nothing to show");
    assert!(matches!(error, Error::Registry(_)), "{error:?}");
}
