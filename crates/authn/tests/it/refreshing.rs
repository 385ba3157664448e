//! Credentials that do not last.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use wharf_authn::{
    AnonymousKeychain, Authenticator, Bearer, Credential, Error, Keychain, RefreshingKeychain, Resource,
};

use crate::resource;

const MINUTE: Duration = Duration::from_secs(60);

/// Mints a new token each time it is asked, the number of the question.
#[derive(Debug, Default)]
struct Mint {
    asked: AtomicU64,
    is_closed: AtomicBool,
}

impl Keychain for Mint {
    fn resolve<'a>(
        &'a self,
        _resource: &'a Resource,
    ) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        Box::pin(async move {
            // Long enough for others to come.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            match self.is_closed.load(Relaxed) {
                true => Err(Error::other(format!("closed at {asked}"))),
                false => Ok(Arc::new(Bearer::new(asked.to_string())) as Arc<dyn Authenticator>),
            }
        })
    }
}

/// A mint, a clock that moves when it is told to, and what a keychain of 5 minutes answered.
struct Setting {
    mint: Arc<Mint>,
    now: Arc<Mutex<Instant>>,
    found: Arc<dyn Authenticator>,
}

impl Setting {
    async fn new(grace: Duration) -> Self {
        let mint = Arc::<Mint>::default();
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        let keychain = RefreshingKeychain::new(Arc::clone(&mint), 5 * MINUTE)
            .with_grace(grace)
            .with_clock(move || *clock.lock().expect("whole"));
        let found = keychain.resolve(&resource("a.example")).await.expect("a token");
        Self { mint, now, found }
    }

    fn pass(&self, time: Duration) {
        *self.now.lock().expect("whole") += time;
    }

    /// The number of the token, or the failure.
    async fn token(&self) -> Result<String, String> {
        match self.found.credential().await {
            Ok(Credential::RegistryToken(token)) => Ok(token.expose().to_owned()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(crate::chain(&error)),
        }
    }
}

fn ok(token: &str) -> Result<String, String> {
    Ok(token.to_owned())
}

fn closed(asked: u32) -> Result<String, String> {
    Err(format!("credentials are not available: closed at {asked}"))
}

#[tokio::test]
async fn what_is_too_old_is_renewed() {
    let setting = Setting::new(Duration::ZERO).await;
    for minute in 0..10 {
        let want = if minute <= 5 { "1" } else { "2" };
        assert_eq!(setting.token().await, ok(want), "minute {minute}");
        setting.pass(MINUTE);
    }
    assert_eq!(setting.mint.asked.load(Relaxed), 2);
}

#[tokio::test]
async fn exactly_as_old_as_allowed_is_not_too_old() {
    let setting = Setting::new(Duration::ZERO).await;
    setting.pass(5 * MINUTE);
    assert_eq!(setting.token().await, ok("1"));
    setting.pass(Duration::from_nanos(1));
    assert_eq!(setting.token().await, ok("2"));
}

#[tokio::test]
async fn one_renewal_is_for_all() {
    let setting = Setting::new(Duration::ZERO).await;
    setting.pass(6 * MINUTE);
    let tokens = tokio::join!(setting.token(), setting.token(), setting.token());
    assert_eq!(tokens, (ok("2"), ok("2"), ok("2")));
    setting.pass(6 * MINUTE);
    setting.mint.is_closed.store(true, Relaxed);
    let tokens = tokio::join!(setting.token(), setting.token(), setting.token());
    assert_eq!(tokens, (closed(3), closed(3), closed(3)));
}

#[tokio::test]
async fn what_is_too_old_is_not_used_when_renewing_fails() {
    let setting = Setting::new(Duration::ZERO).await;
    setting.pass(6 * MINUTE);
    setting.mint.is_closed.store(true, Relaxed);
    assert_eq!(setting.token().await, closed(2));
    // At once, not after a pause: there is nothing to go on with.
    setting.mint.is_closed.store(false, Relaxed);
    assert_eq!(setting.token().await, ok("3"));
}

#[tokio::test]
async fn what_is_still_good_is_used_when_renewing_fails() {
    let setting = Setting::new(2 * MINUTE).await;
    setting.pass(6 * MINUTE);
    setting.mint.is_closed.store(true, Relaxed);
    assert_eq!(setting.token().await, ok("1"));
    assert_eq!(setting.token().await, ok("1"));
    assert_eq!(setting.mint.asked.load(Relaxed), 2, "not each time");
    setting.pass(Duration::from_secs(10));
    assert_eq!(setting.token().await, ok("1"));
    assert_eq!(setting.mint.asked.load(Relaxed), 3);
    // The end of the grace.
    setting.pass(MINUTE);
    assert_eq!(setting.token().await, closed(4));
    setting.mint.is_closed.store(false, Relaxed);
    assert_eq!(setting.token().await, ok("5"));
}

#[tokio::test]
async fn what_is_refused_is_renewed_and_never_used_again() {
    let setting = Setting::new(MINUTE).await;
    let first = setting.found.credential().await.expect("a token").identity();
    assert!(!setting.found.rejected(&first), "it is new");
    setting.pass(MINUTE);
    assert!(
        !setting
            .found
            .rejected(&Credential::registry_token("7").identity())
    );
    assert!(setting.found.rejected(&first));
    assert!(!setting.found.rejected(&first), "told already");
    setting.mint.is_closed.store(true, Relaxed);
    assert_eq!(setting.token().await, closed(2));
    setting.mint.is_closed.store(false, Relaxed);
    assert_eq!(setting.token().await, ok("3"));
}

#[tokio::test]
async fn nothing_and_failures_are_passed_on() {
    let anonymous = RefreshingKeychain::new(AnonymousKeychain, MINUTE);
    let found = anonymous.resolve(&resource("a.example")).await;
    assert!(found.expect("nobody").is_anonymous());
    let mint = Mint::default();
    mint.is_closed.store(true, Relaxed);
    let keychain = RefreshingKeychain::new(mint, MINUTE);
    keychain
        .resolve(&resource("a.example"))
        .await
        .expect_err("closed");
}
