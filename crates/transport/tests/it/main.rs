//! The transport over real sockets and through the whole stack.

mod address;
mod auth;
mod fake;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod h2;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod handshake;
mod leak;
mod limits;
mod log;
mod mirrors;
mod plain;
mod proxy;
mod replay;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod self_signed;
mod server;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
