//! Layouts as callers see them: on disk, read back, and when things go wrong.

mod conformance;
mod failure;
mod read;
mod support;
mod write;
