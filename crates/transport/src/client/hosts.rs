//! What is set and known of single hosts.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_name::Registry;

use crate::origin::{Origin, Reach};
use crate::proxy::{Proxies, Proxy};
use crate::settings::{AllSettings, HttpVersions, ProxyChoice, RegistrySettings};

use super::stream::ConnectionInfo;

/// How often streams of a host break before HTTP/2 is given up with it.
const MAX_FAULTS: u32 = 3;
/// Of so many origins facts are kept.
const MAX_ORIGINS: usize = 4096;

/// Host and port.
pub(super) type HostKey = (String, u16);

pub(super) fn host_key(origin: &Origin) -> HostKey {
    (origin.host().to_owned(), origin.port())
}

/// The origins of a registry: with TLS and without.
pub(super) fn homes(registry: &Registry) -> impl Iterator<Item = Origin> {
    let home = move |scheme| Origin::of(&format!("{scheme}://{registry}/").parse().ok()?).ok();
    ["https", "http"].into_iter().filter_map(home)
}

/// The settings by host, and what has been learnt.
#[derive(Debug)]
pub(super) struct Hosts {
    default: RegistrySettings,
    own: HashMap<HostKey, RegistrySettings>,
    proxies: Proxies,
    learned: Mutex<HashMap<Origin, Facts>>,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    reach: Option<Reach>,
    faults: u32,
    /// The last connection that broke as a whole, with all its streams.
    broken: Option<u64>,
    speaks_http1_only: bool,
}

impl Hosts {
    pub(super) fn new(settings: &AllSettings, proxies: Proxies) -> Self {
        let mut own = HashMap::new();
        for (name, settings) in &settings.own {
            let Ok(registry) = name.parse::<Registry>() else {
                continue;
            };
            own.extend(homes(&registry).map(|origin| (host_key(&origin), settings.clone())));
        }
        Self {
            default: settings.default.clone(),
            own,
            proxies,
            learned: Mutex::default(),
        }
    }

    pub(super) fn settings(&self, origin: &Origin) -> &RegistrySettings {
        self.own.get(&host_key(origin)).unwrap_or(&self.default)
    }

    #[cfg(feature = "tls")]
    pub(super) fn default(&self) -> &RegistrySettings {
        &self.default
    }

    #[cfg(feature = "tls")]
    pub(super) fn own(&self) -> impl Iterator<Item = (&HostKey, &RegistrySettings)> {
        self.own.iter()
    }

    pub(super) fn proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match &self.settings(origin).proxy {
            ProxyChoice::ByRules => self.proxies.of(origin),
            ProxyChoice::Direct => None,
            ProxyChoice::Through(proxy) => Some(proxy),
        }
    }

    /// How far inside a network a host is, by the address it was connected at or else by its name.
    pub(super) fn reach(&self, origin: &Origin) -> Reach {
        let learned = self.learned().get(origin).and_then(|facts| facts.reach);
        learned.unwrap_or_else(|| origin.reach())
    }

    /// Notes at which kind of address a host was connected. Who has been seen outside stays there, so that nobody gets
    /// inside by changing his address.
    pub(super) fn learn_reach(&self, origin: &Origin, reach: Reach) {
        self.learn(origin, |facts| {
            if facts.reach != Some(Reach::Public) {
                facts.reach = Some(reach);
            }
        });
    }

    pub(super) fn is_http1_only(&self, origin: &Origin) -> bool {
        self.settings(origin).http_versions == HttpVersions::Http1
            || self
                .learned()
                .get(origin)
                .is_some_and(|facts| facts.speaks_http1_only)
    }

    /// Notes that an exchange over HTTP/2 ended well.
    pub(super) fn note_success(&self, origin: &Origin) {
        if let Some(facts) = self.learned().get_mut(origin) {
            facts.faults = 0;
        }
    }

    /// Notes that an exchange over HTTP/2 failed, if it did so by a fault of HTTP/2.
    pub(super) fn note_failure(
        &self,
        origin: &Origin,
        connection: &ConnectionInfo,
        error: &(dyn StdError + 'static),
    ) {
        let Some(fault) = Fault::of(error).filter(|_| connection.is_h2) else {
            return;
        };
        self.learn(origin, |facts| {
            // All streams of a connection break with it.
            if fault == Fault::Connection && facts.broken.replace(connection.id) == Some(connection.id) {
                return;
            }
            facts.faults += 1;
            if (fault == Fault::WantsHttp1 || facts.faults >= MAX_FAULTS) && !facts.speaks_http1_only {
                tracing::debug!(%origin, "speaking HTTP/1.1 from now on, since HTTP/2 streams break");
                facts.speaks_http1_only = true;
            }
        });
    }

    fn learn(&self, origin: &Origin, change: impl FnOnce(&mut Facts)) {
        let mut learned = self.learned();
        if learned.len() >= MAX_ORIGINS && !learned.contains_key(origin) {
            learned.clear();
        }
        change(learned.entry(origin.clone()).or_default());
    }

    fn learned(&self) -> MutexGuard<'_, HashMap<Origin, Facts>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What broke of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Stream,
    Connection,
    /// The server says that it wants HTTP/1.1.
    WantsHttp1,
}

impl Fault {
    fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            let Some(error) = error.downcast_ref::<h2::Error>() else {
                next = error.source();
                continue;
            };
            return match error.reason()? {
                // Refusing streams, cancelling them and going away without an error are parts of the protocol.
                h2::Reason::NO_ERROR | h2::Reason::CANCEL | h2::Reason::REFUSED_STREAM => None,
                h2::Reason::HTTP_1_1_REQUIRED => Some(Self::WantsHttp1),
                _ if error.is_reset() => Some(Self::Stream),
                _ => Some(Self::Connection),
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&url.parse().expect("URL")).expect("an origin")
    }

    fn hosts() -> Hosts {
        Hosts::new(&AllSettings::default(), Proxies::direct())
    }

    fn connection(id: u64) -> ConnectionInfo {
        ConnectionInfo {
            id,
            is_h2: true,
            broken: Arc::default(),
        }
    }

    #[test]
    fn who_was_seen_outside_stays_there() {
        let (hosts, registry) = (hosts(), origin("https://registry.example"));
        assert_eq!(hosts.reach(&registry), Reach::Public);
        hosts.learn_reach(&registry, Reach::Private);
        assert_eq!(hosts.reach(&registry), Reach::Private);
        hosts.learn_reach(&registry, Reach::Public);
        hosts.learn_reach(&registry, Reach::Private);
        assert_eq!(hosts.reach(&registry), Reach::Public);
    }

    #[track_caller]
    fn check_faults(reasons: &[(u64, h2::Reason)], want: bool) {
        let (hosts, registry) = (hosts(), origin("https://registry.example"));
        for (id, reason) in reasons {
            // An error that was made here counts as one of the whole connection.
            hosts.note_failure(&registry, &connection(*id), &h2::Error::from(*reason));
        }
        assert_eq!(hosts.is_http1_only(&registry), want, "{reasons:?}");
        assert!(!hosts.is_http1_only(&origin("https://other.example")));
    }

    #[test]
    fn three_broken_connections_are_enough() {
        use h2::Reason;
        let calm = Reason::ENHANCE_YOUR_CALM;
        check_faults(&[(1, calm), (2, calm)], false);
        check_faults(&[(1, calm), (2, calm), (3, calm)], true);
        check_faults(&[(1, calm), (1, calm), (1, calm), (1, calm)], false);
        check_faults(&[(1, Reason::HTTP_1_1_REQUIRED)], true);
        for usual in [Reason::NO_ERROR, Reason::CANCEL, Reason::REFUSED_STREAM] {
            check_faults(&[(1, usual), (2, usual), (3, usual), (4, usual)], false);
        }
    }

    #[test]
    fn success_in_between_clears_the_count() {
        let (hosts, registry) = (hosts(), origin("https://registry.example"));
        for id in 0..10 {
            let error = h2::Error::from(h2::Reason::PROTOCOL_ERROR);
            hosts.note_failure(&registry, &connection(id), &error);
            hosts.note_success(&registry);
        }
        assert!(!hosts.is_http1_only(&registry));
    }
}
