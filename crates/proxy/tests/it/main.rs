//! A pull-through cache between a client and an upstream, all in process.

mod kit;
mod pull;
mod tags;
