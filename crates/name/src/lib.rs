//! References to registries, repositories, tags and digests.
//!
//! The text that people type, `ubuntu`, `ghcr.io/org/app:v1` or `localhost:5000/app@sha256:…`, becomes a
//! value that says which registry, which repository and which manifest is meant. A value cannot hold
//! anything invalid: each type is parsed once, at the edge, and everything after that is infallible.
//!
//! ```
//! use wharf_name::{ParseOptions, Reference, Scheme};
//!
//! let image: Reference = "ubuntu".parse()?;
//! assert_eq!(image.to_string(), "index.docker.io/library/ubuntu:latest");
//! assert_eq!(image.registry().as_str(), "index.docker.io");
//! assert_eq!(image.repository().path(), "library/ubuntu");
//! assert_eq!(image.identifier(), "latest");
//! assert_eq!(image.as_typed(), "ubuntu");
//!
//! let local: Reference = "localhost:5000/app:v1".parse()?;
//! assert_eq!(local.registry().scheme(), Scheme::Http);
//!
//! // No defaults: the registry and the tag have to be there.
//! let strict = ParseOptions::default().with_strict();
//! assert!(strict.parse_reference("ubuntu").is_err());
//! assert!(strict.parse_reference("ghcr.io/org/app:v1").is_ok());
//!
//! // Errors say what is wrong, where, and what to do about it.
//! let error = "https://ghcr.io/org/app".parse::<Reference>().unwrap_err();
//! assert_eq!(error.span(), 0..8);
//! assert_eq!(error.hint(), Some("write `ghcr.io/org/app`"));
//! # Ok::<(), wharf_name::ParseError>(())
//! ```
//!
//! # Parts
//!
//! | Type | Example | Go ancestor |
//! |---|---|---|
//! | [`Registry`] | `ghcr.io`, `localhost:5000`, `[::1]:5000` | `name.Registry` |
//! | [`Repository`] | `ghcr.io/org/app` | `name.Repository` |
//! | [`Tag`] | `ghcr.io/org/app:v1` | `name.Tag` |
//! | [`DigestReference`] | `ghcr.io/org/app@sha256:…` | `name.Digest` |
//! | [`Reference`] | a tag or a digest | `name.Reference` |
//! | [`ParseOptions`] | strictness and defaults | `name.Option` |
//! | [`ParseError`] | kind, byte span, hint | `name.ErrBadName` |
//!
//! # Meaning, not spelling
//!
//! Values are canonical: host names and IPv6 literals are in lower case and shortest form, `docker.io` is
//! `index.docker.io`, and the implicit `library/` of Docker Hub is written out. Equality, order and hash
//! are those of the canonical form, which is also what [`Display`](std::fmt::Display) and serde write,
//! and which always parses back to an equal value. The text as it was typed is kept aside: `as_typed()`.
//!
//! A name holds no security setting. [`Registry::scheme`] says what the *name* alone allows; plain HTTP or
//! unverified TLS for any other registry is configured where connections are made.
//!
//! # Features
//!
//! None.

mod digest;
mod error;
mod host;
mod options;
mod part;
mod reference;
mod registry;
mod repository;
mod tag;
mod text;

pub use digest::DigestReference;
pub use error::{ParseError, ParseErrorKind};
pub use options::ParseOptions;
pub use reference::Reference;
pub use registry::{Registry, Scheme};
pub use repository::Repository;
pub use tag::Tag;
