//! Other people's programs in our tests: found or said to be missing, run, served from, and stopped.
//!
//! Only a dev-dependency, and not published. A test that needs a program asks for it and passes over what it
//! cannot do when the program is missing; whoever runs the tests is told.
//!
//! ```
//! use std::process::Command;
//!
//! if wharf_testkit::is_installed("cargo") {
//!     let output = wharf_testkit::run(Command::new("cargo").arg("--version"));
//!     assert!(output.stdout.starts_with(b"cargo "));
//! }
//! assert!(!wharf_testkit::is_installed("no-such-program-anywhere"));
//! ```
//!
//! # Parts
//!
//! | Item | What |
//! |---|---|
//! | [`is_installed`] | whether a program is there; says so when it is not |
//! | [`run`] | a program to its end, which has to be a success |
//! | [`send`] | a signal to a process |
//! | [`Served`] | a process that serves on a loopback port, killed when dropped |
//! | [`docker_registry`] | Debian's `docker-registry`, which is the distribution project's |
//!
//! # Features
//!
//! None.

mod distribution;
mod program;
mod served;

pub use distribution::docker_registry;
pub use program::{is_installed, pass_over, run, send};
pub use served::Served;
