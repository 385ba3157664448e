//! Layers as callers get them.

mod conformance;
mod content;
mod directory;
mod golden;
mod stream;
mod support;
