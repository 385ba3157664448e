//! Layers as callers get them.

mod content;
mod directory;
mod golden;
mod support;
