//! Compiles the code of the guide.
#![doc = include_str!("../../../docs/credentials.md")]
