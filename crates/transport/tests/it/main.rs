//! The transport over real sockets and through the whole stack.

mod plain;
mod server;
