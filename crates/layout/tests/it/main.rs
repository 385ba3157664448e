//! Layouts as callers see them: on disk, read back, and when things go wrong.

mod algorithms;
mod archive;
mod collect;
mod conformance;
mod crash;
mod edit;
mod failure;
mod read;
mod support;
mod write;
