//! Archives as callers and other tools see them.

mod read;
mod support;
mod write;
