//! No secret is ever logged, at any level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use wharf_authn::{AnonymousKeychain, Basic};
use wharf_transport::{Actions, AnswerInfo, Body};

use crate::fake::{Net, challenge, keychain, one_shot, pull, redirect, request, respond, send};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_logged() {
    let net = Net::new(|asked| match asked.host() {
        "auth.registry.example" => respond(
            200,
            r#"{"token":"hunter-token","refresh_token":"hunter-refresh"}"#,
        ),
        "cdn.example" => {
            let mut response = respond(503, "down");
            response
                .headers_mut()
                .insert("set-cookie", "hunter-cookie".parse().expect("a header"));
            response
        }
        _ if asked.authorization().is_some() => {
            redirect(307, "https://cdn.example/blob?X-Amz-Signature=hunter-signature")
        }
        _ => challenge(r#"Bearer realm="https://auth.registry.example/token?key=hunter-key",service="svc""#),
    });
    let log = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // With one subscriber alone, tracing asks the thread that first comes by an event whether anybody listens, and
    // believes it for all threads: those of other tests say that nobody does.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let wire = log.clone();
    let wire_log = move |text: &str| {
        wire.clone().write_all(text.as_bytes()).expect("in memory");
    };
    let transport = net
        .builder(keychain(Basic::new("user", "hunter-password")))
        .wire_log(wire_log)
        .build()
        .expect("settings are valid");
    let error = send(&transport, pull("app"))
        .await
        .expect_err("the store is down");
    tracing::info!(?transport, "done");
    drop(guard);

    let log = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    for shown in [
        "registry.example/v2/app/x",
        "X-Amz-Signature=REDACTED",
        "retrying",
        "http.response.status_code=503",
        "redirected",
        "http.request.method=GET",
        "server.address=\"cdn.example\"",
        "--> GET https://registry.example/v2/app/x\n",
        "authorization: REDACTED",
        "set-cookie: REDACTED",
        "location: https://cdn.example/blob?X-Amz-Signature=REDACTED",
        "bearer realm=\"https://auth.registry.example/token?key=REDACTED\"",
        "[body redacted: token response contains credentials]",
    ] {
        assert!(log.contains(shown), "{shown}: {log}");
    }
    assert!(!log.contains("hunter"), "{log}");
    assert!(!log.contains("dXNlcjpodW50ZXItcGFzc3dvcmQ"), "{log}");
    let text = error.to_string();
    assert!(
        text.contains("X-Amz-Signature=REDACTED") && !text.contains("hunter-signature"),
        "{text}"
    );
}

#[tokio::test]
async fn the_wire_log_shows_what_helps() {
    const MANIFEST: &str = r#"{"schemaVersion":2}"#;
    let net = Net::new(|asked| {
        let mut response = respond(201, asked.body.clone().expect("readable"));
        if let Some(content_type) = asked.headers.get("content-type") {
            response
                .headers_mut()
                .insert("content-type", content_type.clone());
        }
        response
    });
    let shown = async |content_type: &'static str, body: Body| {
        let log = Captured::default();
        let sink = log.clone();
        let transport = net
            .builder(AnonymousKeychain)
            .wire_log(move |text| sink.clone().write_all(text.as_bytes()).expect("in memory"))
            .build()
            .expect("settings are valid");
        let mut put = request("PUT", "app", Actions::Push, body);
        put.headers_mut()
            .insert("content-type", http::HeaderValue::from_static(content_type));
        let response = transport.send(put).await.expect("an answer");
        let body = response.into_body().collect(1 << 20).await.expect("put back");
        let text = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        (text, body)
    };
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let (text, body) = shown(manifest_type, Body::full(MANIFEST)).await;
    assert_eq!(text.matches(MANIFEST).count(), 2, "{text}");
    assert!(
        text.contains("<-- 201 Created https://registry.example/v2/app/x ("),
        "{text}"
    );
    assert_eq!(body, MANIFEST);
    // Blobs, large documents and credentials are not shown.
    let (text, _) = shown("application/octet-stream", Body::full(MANIFEST)).await;
    assert!(!text.contains("schemaVersion"), "{text}");
    let (text, body) = shown(manifest_type, Body::full(" ".repeat(20_000) + MANIFEST)).await;
    assert!(!text.contains("schemaVersion"), "{text}");
    assert_eq!(body.len(), 20_000 + MANIFEST.len());
    let (text, _) = shown("application/json", Body::full(r#"{"refresh_token":"hunter"}"#)).await;
    assert!(!text.contains("hunter"), "{text}");
    // What can be read once is not touched.
    let (text, body) = shown(manifest_type, one_shot(r#"{"a":1}"#, Some(7))).await;
    assert_eq!((text.matches(r#"{"a":1}"#).count(), body.len()), (1, 7), "{text}");
}

#[tokio::test]
async fn answers_tell_more_than_their_content() {
    for status in [200, 404] {
        let net = Net::new(move |_| {
            let mut response = respond(status, "");
            for (name, value) in [
                ("x-request-id", "abc-123"),
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "0;w=21600"),
                ("docker-ratelimit-source", "192.0.2.1"),
                ("warning", "299 - \"this tag goes away\""),
                ("warning", "garbage"),
            ] {
                response
                    .headers_mut()
                    .append(name, value.parse().expect("a header"));
            }
            response
        });
        let (request_id, quota, warnings, attempts) =
            match net.transport(AnonymousKeychain).send(pull("app")).await {
                Ok(response) => {
                    let info = response.extensions().get::<AnswerInfo>().expect("always there");
                    let info = info.clone();
                    (info.request_id, info.quota, info.warnings, info.attempts)
                }
                Err(error) => {
                    let error = error.registry_error().expect("an answer");
                    let (request_id, warnings) = (error.request_id.clone(), error.warnings.clone());
                    (request_id, error.quota.clone(), warnings, error.attempts)
                }
            };
        let quota = quota.expect("a quota");
        assert_eq!((quota.limit, quota.remaining), (Some(100), Some(0)));
        assert_eq!(quota.source.as_deref(), Some("192.0.2.1"));
        assert_eq!(request_id.as_deref(), Some("abc-123"));
        assert_eq!((warnings, attempts), (vec!["this tag goes away".to_owned()], 1));
    }
}
