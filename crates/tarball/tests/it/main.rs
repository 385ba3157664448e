//! Archives as callers and other tools see them.

mod formats;
mod read;
mod support;
mod write;
