//! The client against registries in process.

mod conformance;
mod kit;
mod lists;
mod read;
mod resume;
mod write;
