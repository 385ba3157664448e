//! Runs the code of the guide.
#![doc = include_str!("../../../docs/extending-the-transport.md")]
