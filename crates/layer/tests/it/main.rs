//! Layers as callers get them.

mod conformance;
mod content;
mod directory;
mod edit;
mod golden;
mod interop;
mod stream;
mod support;
