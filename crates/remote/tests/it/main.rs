//! The client against registries in process.

mod auth;
mod budget;
mod conformance;
mod copy;
mod kit;
mod lists;
mod mount;
mod read;
mod resume;
mod upload;
mod write;
