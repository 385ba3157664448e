use std::fmt;
use std::sync::Arc;

use http::{Request, Response};
use tower::{Layer, Service};
use wharf_authn::{AnonymousKeychain, Keychain};
use wharf_name::Registry;

use crate::auth::AuthOptions;
#[cfg(feature = "tls")]
use crate::certs::CertsDirs;
use crate::check::{CheckLayer, HeadFailures};
use crate::deadline::DeadlineOptions;
use crate::limit::LimitOptions;
use crate::mirror::{MirrorLayer, Mirrors};
use crate::proxy::Proxies;
use crate::retry::RetryOptions;
use crate::settings::{AllSettings, ClientOptions, PlainHttp, RegistrySettings, Timeouts};
use crate::stack::{Ingredients, stack};
use crate::user_agent::UserAgentLayer;
use crate::wire::WireLogLayer;
use crate::{Body, BoxError, Environment, Error, HttpClient, OnWait, Resolve, Wait};

use super::Transport;

type Wrap = Box<dyn FnOnce(Transport) -> Transport + Send>;
type Bottom = Box<dyn FnOnce(Arc<AllSettings>) -> Transport + Send>;

/// Collects what a [`Transport`] is made of.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use http::{HeaderValue, Request, Response};
/// use tower::util::{MapRequestLayer, MapResponseLayer};
/// use wharf_transport::{Body, Error, Transport};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let attempts = Arc::new(AtomicU32::new(0));
/// let count = Arc::clone(&attempts);
/// let transport = Transport::builder()
///     // Sees each request of a caller once.
///     .layer(MapRequestLayer::new(|mut request: Request<Body>| {
///         request.headers_mut().insert("x-job", HeaderValue::from_static("nightly"));
///         request
///     }))
///     // Sees each answer that came over the wire.
///     .layer_inside(MapResponseLayer::new(move |response: Response<Body>| {
///         count.fetch_add(1, Ordering::Relaxed);
///         response
///     }))
///     // A registry that is always too busy.
///     .bottom(tower::service_fn(|request: Request<Body>| async move {
///         assert_eq!(request.headers()["x-job"], "nightly");
///         let busy = Response::builder().status(503).body(Body::empty());
///         Ok::<_, Error>(busy.expect("parts are valid"))
///     }))
///     .build()?;
/// let request = Request::get("https://registry.example/v2/").body(Body::empty())?;
/// assert!(transport.send(request).await.is_err_and(|error| error.is_temporary()));
/// assert_eq!(attempts.load(Ordering::Relaxed), 3);
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Default)]
pub struct TransportBuilder {
    settings: AllSettings,
    timeouts: Timeouts,
    environment: Option<Environment>,
    proxies: Option<Proxies>,
    #[cfg(feature = "tls")]
    certs_dirs: CertsDirs,
    resolver: Option<Arc<dyn Resolve>>,
    keychain: Option<Arc<dyn Keychain>>,
    auth: AuthOptions,
    head_failures: HeadFailures,
    retry: RetryOptions,
    limits: LimitOptions,
    deadline: DeadlineOptions,
    on_wait: Option<OnWait>,
    wire_log: Option<WireLogLayer>,
    user_agent: Option<String>,
    mirrors: Mirrors,
    bottom: Option<Bottom>,
    inside: Vec<Wrap>,
    outside: Vec<Wrap>,
}

impl TransportBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Sets who knows the credentials. Default: [`AnonymousKeychain`], that is nobody. Stored credentials are used only
    /// by a choice, since references may come from strangers.
    pub fn keychain(mut self, keychain: Arc<dyn Keychain>) -> Self {
        self.keychain = Some(keychain);
        self
    }

    /// Names the product that uses this transport, as `my-tool/1.0`; it comes before `wharf/<version>` in the
    /// `User-Agent` header. Default: none.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Sets the time limits of single phases. A custom [bottom](Self::bottom) has its own.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the environment that says which [proxies](crate::proxy) are used and, by `SSL_CERT_FILE` and `SSL_CERT_DIR`,
    /// which authorities are trusted. Default: that of the process. A custom [bottom](Self::bottom) has its own.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets which hosts are reached through a proxy, in place of what the environment says.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Sets where folders with [certificates of single hosts](crate::certs) are. Default: nowhere.
    #[cfg(feature = "tls")]
    pub fn certs_dirs(mut self, dirs: CertsDirs) -> Self {
        self.certs_dirs = dirs;
        self
    }

    /// Sets who resolves names. Default: the system.
    pub fn resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Sets how credentials and tokens are used: a shared cache of tokens, what to do when a credential is refused.
    pub fn auth(mut self, options: AuthOptions) -> Self {
        self.auth = options;
        self
    }

    /// Sets how often and after which waits requests are repeated.
    pub fn retry(mut self, options: RetryOptions) -> Self {
        self.retry = options;
        self
    }

    /// Sets how much is asked of one host at a time. Default: 32 requests that read and 32 others.
    pub fn limits(mut self, limits: LimitOptions) -> Self {
        self.limits = limits;
        self
    }

    /// Sets limits on whole requests, and on how slow they may be. Default: none.
    pub fn deadline(mut self, options: DeadlineOptions) -> Self {
        self.deadline = options;
        self
    }

    /// Calls `listener` whenever a request has to wait, unless it has a listener of its own. It must not block.
    pub fn on_wait(mut self, listener: impl Fn(&Wait) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(OnWait::new(listener));
        self
    }

    /// Sets where else things can be read from than at their registries. Default: nowhere.
    ///
    /// [`registry_settings`](Self::registry_settings) for a mirror's host go before those in `mirrors`.
    pub fn mirrors(mut self, mirrors: Mirrors) -> Self {
        self.mirrors = mirrors;
        self
    }

    /// Writes each request and answer to `sink` as it goes over the wire, [without secrets](crate::wire). It must not block.
    pub fn wire_log(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.wire_log = Some(WireLogLayer::new(sink));
        self
    }

    /// Sets how all registries are reached that have no settings of their own.
    pub fn default_settings(mut self, settings: RegistrySettings) -> Self {
        self.settings.default = settings;
        self
    }

    /// Sets how one registry is reached.
    pub fn registry_settings(mut self, registry: &Registry, settings: RegistrySettings) -> Self {
        *self.settings.own_mut(registry) = settings;
        self
    }

    /// Allows one registry to be spoken to without TLS, if it does not speak TLS.
    pub fn plain_http(mut self, registry: &Registry) -> Self {
        self.settings.own_mut(registry).plain_http = PlainHttp::Allowed;
        self
    }

    /// Does not check the certificate of one registry, and allows it to be spoken to without TLS.
    pub fn insecure(mut self, registry: &Registry) -> Self {
        let settings = self.settings.own_mut(registry);
        settings.plain_http = PlainHttp::Allowed;
        settings.tls = std::mem::take(&mut settings.tls).with_insecure_skip_verify();
        self
    }

    /// Puts a layer around the whole stack: it sees each request of a caller once, and its final answer. Layers added
    /// later are further out.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Transport> + Send + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.outside.push(wrap(layer));
        self
    }

    /// Puts a layer right above the bottom, inside authentication and retry: it sees each request as it goes over the
    /// wire, credentials included, token requests and repetitions too. Layers added later are further out.
    pub fn layer_inside<L>(mut self, layer: L) -> Self
    where
        L: Layer<Transport> + Send + 'static,
        L::Service: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        self.inside.push(wrap(layer));
        self
    }

    /// Replaces the bottom service, by default an [`HttpClient`]: another HTTP library, or one in memory for tests.
    /// It gets absolute URLs, and answers once, without following redirects.
    pub fn bottom<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.bottom = Some(Box::new(|settings| Transport::new(service, settings)));
        self
    }

    /// Sets what to do when a `HEAD` fails. Default: nothing more.
    pub fn head_failures(mut self, policy: HeadFailures) -> Self {
        self.head_failures = policy;
        self
    }

    /// Builds the stack.
    ///
    /// # Errors
    /// [`Error::Settings`] when a certificate, a key, a proxy of the environment or the product's name cannot be used, or
    /// endpoints of mirrors at one host have settings that differ.
    pub fn build(mut self) -> Result<Transport, Error> {
        let user_agent = UserAgentLayer::with_prefix(self.user_agent.as_deref().unwrap_or_default())
            .map_err(|error| Error::Settings {
                what: "setting the user agent",
                source: error.into(),
            })?;
        let mut settings = std::mem::take(&mut self.settings);
        self.mirrors.settings_into(&mut settings)?;
        let settings = Arc::new(settings);
        let bottom = match self.bottom.take() {
            Some(bottom) => bottom(Arc::clone(&settings)),
            None => Transport::new(
                HttpClient::with_settings(self.client_options()?, &settings)?,
                Arc::clone(&settings),
            ),
        };
        let bottom = self.inside.into_iter().fold(bottom, |inner, wrap| wrap(inner));
        let with = Ingredients {
            settings: Arc::clone(&settings),
            mirrors: MirrorLayer::new(self.mirrors),
            keychain: self.keychain.unwrap_or_else(|| Arc::new(AnonymousKeychain)),
            user_agent,
            auth: self.auth,
            check: CheckLayer::new().with_head_failures(self.head_failures),
            retry: self.retry,
            limits: self.limits,
            deadline: self.deadline,
            on_wait: self.on_wait,
            wire_log: self.wire_log,
        };
        let whole = Transport::new(stack(with, bottom), settings);
        Ok(self.outside.into_iter().fold(whole, |inner, wrap| wrap(inner)))
    }
}

impl TransportBuilder {
    fn client_options(&mut self) -> Result<ClientOptions, Error> {
        let environment = self.environment.take().unwrap_or_else(Environment::from_process);
        let proxies = match self.proxies.take() {
            Some(proxies) => proxies,
            None => Proxies::from_environment(&environment)?,
        };
        let mut options = ClientOptions::default()
            .with_timeouts(self.timeouts.clone())
            .with_proxies(proxies)
            .with_roots_of(&environment);
        #[cfg(feature = "tls")]
        {
            options.certs_dirs = std::mem::take(&mut self.certs_dirs);
        }
        if let Some(resolver) = self.resolver.take() {
            options.resolver = resolver;
        }
        Ok(options)
    }
}

fn wrap<L>(layer: L) -> Wrap
where
    L: Layer<Transport> + Send + 'static,
    L::Service: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    Box::new(move |inner| {
        let settings = Arc::clone(&inner.settings);
        Transport::new(layer.layer(inner), settings)
    })
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder")
            .field("keychain", &self.keychain)
            .field("settings", &self.settings)
            .field("timeouts", &self.timeouts)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
