//! The binary as its users see it: exit status, standard output, standard error.

mod additions;
mod arguments;
mod artifacts;
mod auth;
mod buckets;
mod cache;
mod certs;
mod clients;
mod completion;
mod copies;
mod edit;
mod failures;
mod files;
mod fixture;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod guide;
mod hazards;
mod headers;
mod index;
mod inspect;
mod interop;
mod json;
mod layouts;
#[cfg(target_os = "linux")]
mod memory;
mod mirrors;
mod mutate;
#[cfg(unix)]
mod pipelines;
mod places;
mod read;
mod registry;
mod removals;
mod repositories;
mod sandbox;
mod serve;
mod serving;
mod sides;
mod streams;
mod sync;
mod warnings;
mod write;
