//! No secret is ever logged, at any level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use wharf_authn::Basic;

use crate::fake::{Net, challenge, keychain, pull, redirect, respond, send};

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
    let guard = tracing::subscriber::set_default(subscriber);
    let transport = net.transport(keychain(Basic::new("user", "hunter-password")));
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
        "status=503",
        "redirected",
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
