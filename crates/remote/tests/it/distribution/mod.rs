//! Against Debian's `docker-registry`, which asks for passwords or for tokens. Where it is not installed these tests say
//! so and prove nothing.

mod issuer;

use std::sync::Arc;

use http::{Request, StatusCode};
use tempfile::TempDir;
use wharf_authn::{AnonymousKeychain, Basic, Keychain, StaticKeychain};
use wharf_name::{Reference, Registry};
use wharf_remote::{Client, CopyOptions, Event, Observer};
use wharf_testkit::{Served, docker_registry};
use wharf_transport::settings::RegistrySettings;
use wharf_transport::{Body, Error, RegistryContext};
use wharf_v1::Image;

use crate::kit::reference;

use self::issuer::Issuer;

/// Made by Debian's htpasswd 2.4 (`htpasswd -nbB alice wonderland`).
const HTPASSWD: &str = "alice:$2y$05$bfw/V5k15pgs043y2vnpHOA27hhCNv.qYlQh7Dzen.ix6VI5ZBFp.\n";

/// Counts the blobs that were mounted.
#[derive(Debug, Default)]
struct Mounts(std::sync::atomic::AtomicUsize);

impl Observer for Mounts {
    fn event(&self, event: Event<'_>) {
        if let Event::BlobMounted { .. } = event {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

struct Setup {
    registry: Served,
    _folder: TempDir,
    settings: RegistrySettings,
    mounts: Arc<Mounts>,
}

impl Setup {
    /// `None` if there is no `docker-registry`.
    fn start(folder: TempDir, auth: &str, settings: RegistrySettings) -> Option<Self> {
        Some(Self {
            registry: docker_registry(folder.path(), auth)?,
            _folder: folder,
            settings,
            mounts: Arc::default(),
        })
    }

    fn name(&self) -> Registry {
        self.registry.host().parse().expect("an address is a registry")
    }

    fn client(&self, keychain: impl Keychain) -> Client {
        let registry = self.name();
        Client::builder()
            .keychain(Arc::new(keychain))
            .observer(Arc::clone(&self.mounts) as Arc<dyn Observer>)
            .configure(|transport| transport.registry_settings(&registry, self.settings.clone()))
            .build()
            .expect("a client")
    }

    fn client_of(&self, user: &str, password: &str) -> Client {
        self.client(StaticKeychain::new(self.name(), Basic::new(user, password)))
    }

    fn reference(&self, text: &str) -> Reference {
        reference(&format!("{}/{text}", self.name()))
    }

    /// Asks whether the registry takes the client's credentials, as a login does.
    async fn login(&self, client: &Client) -> Result<StatusCode, Error> {
        let (transport, registry) = (client.transport(), self.name());
        let request = Request::get(transport.url(&registry, "/v2/")?)
            .extension(RegistryContext::new(registry))
            .body(Body::empty())
            .expect("parts are valid");
        transport.send(request).await.map(|response| response.status())
    }

    /// Logs in, pushes, pulls, and mounts from one repository to another.
    async fn check(&self) {
        for stranger in [
            self.client(AnonymousKeychain),
            self.client_of("alice", "wrong"),
            self.client_of("bob", "wonderland"),
        ] {
            let error = self.login(&stranger).await.expect_err("a stranger");
            assert!(error.is_unauthorized(), "{error:?}");
            let app = self.reference("team/app:v1");
            let error = stranger
                .write(&app, &image())
                .await
                .expect_err("a stranger pushes nothing");
            assert!(error.is_unauthorized() || error.is_denied(), "{error:?}");
            let error = stranger.head(&app).await.expect_err("a stranger sees nothing");
            assert!(error.is_unauthorized() || error.is_denied(), "{error:?}");
        }

        let alice = self.client_of("alice", "wonderland");
        assert_eq!(self.login(&alice).await.expect("alice"), 200);
        let (app, mirror) = (self.reference("team/app:v1"), self.reference("team/mirror:v1"));
        let image = image();
        let pushed = alice.write(&app, &image).await.expect("pushed");
        let descriptor = image.descriptor().await.expect("in memory");
        assert_eq!(pushed.digest(), descriptor.digest());

        let pulled = self
            .client_of("alice", "wonderland")
            .image(&app, None)
            .await
            .expect("there");
        let descriptor = pulled.descriptor().await.expect("there");
        assert_eq!(descriptor.digest(), pushed.digest());
        wharf_v1::conformance::image(pulled).await;

        let copied = self
            .client_of("alice", "wonderland")
            .copy(&app, &mirror, &CopyOptions::default())
            .await
            .expect("copied");
        assert_eq!(copied.descriptor.digest(), pushed.digest());
        let mounted = self.mounts.0.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(mounted, LAYERS + 1, "all blobs were mounted");
        let there = alice.image(&mirror, None).await.expect("there");
        wharf_v1::conformance::image(there).await;
    }
}

const LAYERS: usize = 3;

fn image() -> impl Image {
    wharf_v1::random::image(7, LAYERS, 100_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_docker_registry() {
    let folder = tempfile::tempdir().expect("a folder");
    let htpasswd = folder.path().join("htpasswd");
    std::fs::write(&htpasswd, HTPASSWD).expect("written");
    let auth = format!(
        "auth: {{htpasswd: {{realm: wharf, path: {}}}}}\n",
        htpasswd.display()
    );
    let Some(setup) = Setup::start(folder, &auth, RegistrySettings::default()) else {
        return;
    };
    setup.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_docker_registry() {
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = Issuer::start("alice", "wonderland").await;
    let bundle = folder.path().join("bundle.pem");
    std::fs::write(&bundle, issuer.certificate()).expect("written");
    let auth = format!(
        "auth: {{token: {{realm: '{}', service: wharf, issuer: wharf-issuer, rootcertbundle: {}}}}}\n",
        issuer.realm(),
        bundle.display()
    );
    // Another port of the loopback interface is another origin, so it has to be trusted by name.
    let settings = RegistrySettings::default().with_trusted_realm(issuer.origin());
    let Some(setup) = Setup::start(folder, &auth, settings) else {
        return;
    };
    setup.check().await;

    // The last copy was by a client that knew nothing: one token for both repositories at a time.
    let asked = issuer.asked();
    let both = asked.iter().any(|scopes| {
        scopes.contains("repository:team/mirror:pull,push") && scopes.contains("repository:team/app:pull")
    });
    assert!(both, "the mount was asked for in one exchange: {asked:#?}");
}
