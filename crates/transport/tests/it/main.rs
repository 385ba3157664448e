//! The transport over real sockets and through the whole stack.

mod address;
mod auth;
mod fake;
#[cfg(feature = "aws-lc-rs")]
mod h2;
#[cfg(feature = "aws-lc-rs")]
mod handshake;
mod leak;
mod limits;
mod log;
mod matrix;
mod mirrors;
mod plain;
mod proxy;
mod refusals;
mod replay;
mod server;
#[cfg(feature = "aws-lc-rs")]
mod tls;
