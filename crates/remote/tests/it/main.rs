//! The client against registries in process.

mod auth;
mod budget;
mod chunks;
mod conformance;
mod copy;
mod cuts;
mod distribution;
mod elsewhere;
mod kit;
mod lacking;
mod lists;
mod memory;
mod modes;
mod mount;
mod odd;
mod parallel;
mod read;
mod referrers;
mod resume;
mod soak;
mod sockets;
mod upload;
mod write;
