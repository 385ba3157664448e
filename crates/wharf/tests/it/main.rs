//! Several crates together, and with other people's programs.

mod interop;
