//! Resolving names, and judging what they resolve to.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::{Service, ServiceExt as _};

use crate::BoxError;
use crate::origin::{Reach, may_lead};

/// Resolves the names of hosts.
///
/// # Contract
/// Names are in lower case, without the dot of the root and never addresses. The order of the addresses is the order of
/// preference; both families are tried at almost the same time.
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a host.
    ///
    /// The future's error says why the name has none.
    fn resolve(&self, host: &str) -> BoxFuture<'static, Result<Vec<IpAddr>, io::Error>>;
}

const _: fn(&dyn Resolve) = |_| {};

/// Resolves as the operating system does, by `getaddrinfo` on a thread of its own.
#[derive(Clone, Debug)]
pub struct SystemResolver(GaiResolver);

impl SystemResolver {
    /// The resolver.
    #[must_use]
    pub fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> BoxFuture<'static, Result<Vec<IpAddr>, io::Error>> {
        let (resolver, name) = (self.0.clone(), host.parse::<Name>());
        Box::pin(async move {
            let name = name.map_err(io::Error::other)?;
            let addresses = resolver.oneshot(name).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Who chose the URL, as far as it matters for where a connection may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// The user: it may lead anywhere.
    Open,
    /// A server on the internet.
    FromPublic,
    /// A server in a private network.
    FromPrivate,
    /// A server on this machine.
    FromLoopback,
}

impl Guard {
    pub(super) const ALL: [Self; 4] = [
        Self::Open,
        Self::FromPublic,
        Self::FromPrivate,
        Self::FromLoopback,
    ];

    /// The guard of URLs that a server with this reach chose.
    pub(super) fn from(reach: Reach) -> Self {
        match reach {
            // Who is in an odd place may not lead further inside than who is outside.
            Reach::Public | Reach::Infrastructure => Self::FromPublic,
            Reach::Private => Self::FromPrivate,
            Reach::Loopback => Self::FromLoopback,
        }
    }

    pub(super) fn allows(self, to: Reach) -> bool {
        let from = match self {
            Self::Open => return true,
            Self::FromPublic => Reach::Public,
            Self::FromPrivate => Reach::Private,
            Self::FromLoopback => Reach::Loopback,
        };
        may_lead(from, to)
    }
}

/// A resolver whose answers do not lead where they must not.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) guard: Guard,
}

impl Service<Name> for Judged {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, guard) = (self.resolver.resolve(name.as_str()), self.guard);
        Box::pin(async move {
            let all = resolving.await?;
            if all.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            let allowed: Vec<SocketAddr> = all
                .into_iter()
                .filter(|address| guard.allows(Reach::of_address(*address)))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(Inside.into());
            }
            Ok(allowed.into_iter())
        })
    }
}

/// All addresses of a name are where it must not lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside;

impl Inside {
    pub(super) fn is_in(error: &(dyn StdError + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name resolves to a private, loopback or link-local address")
    }
}

impl StdError for Inside {}
