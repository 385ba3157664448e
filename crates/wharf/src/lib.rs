//! A toolkit for OCI container registries: every part under one name.
//!
//! | module | holds | on its own as |
//! |---|---|---|
//! | [`name`] | references: registry, repository, tag, digest | `wharf-name` |
//! | [`v1`] | content: documents, platforms, streams, the traits `Image`, `Index`, `Layer` | `wharf-v1` |
//! | [`authn`] | credentials: keychains, docker and podman files | `wharf-authn` |
//! | [`transport`] | the authenticated HTTP client, a stack of tower layers | `wharf-transport` |
//! | [`remote`] | reading, writing, listing, deleting in a registry | `wharf-remote` |
//! | [`layer`] | layers made of tars, streams and directories | `wharf-layer` |
//! | [`extract`] | the filesystem of an image, as a stream or in a directory | `wharf-extract` |
//! | [`mutate`] | images made of images | `wharf-mutate` |
//! | [`layout`] | OCI image layouts on disk | `wharf-layout` |
//! | [`cache`] | content kept on disk by digest, in front of any image | `wharf-cache` |
//! | [`tarball`] | archives as `docker save` writes them | `wharf-tarball` |
//! | `registry` | an embeddable registry server | `wharf-registry` |
//! | `proxy` | a registry that hands out what another has, and keeps it | `wharf-proxy` |
//!
//! This crate adds nothing to them but short paths and features that fit together. What links them are
//! the traits of [`v1`]: anything that is an [`Image`](v1::Image) can be pushed, stored, packed or
//! changed, wherever it comes from. Whole jobs, as the command line `crane` does them, are functions of
//! `wharf-crane`.
//!
//! ```
//! # #[cfg(feature = "registry")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use wharf::layout::{AppendOptions, Layout};
//! use wharf::name::Reference;
//! use wharf::registry::{Registry, server::Server};
//! use wharf::remote::Client;
//! use wharf::v1::random;
//!
//! // Any registry would do; this one is in this process.
//! let server = Server::bind(Registry::default(), "127.0.0.1:0").await?;
//! let reference: Reference = format!("{}/hello:v1", server.host()).parse()?;
//!
//! let client = Client::new()?;
//! let pushed = client.write(&reference, &random::image(1, 2, 1024)).await?;
//!
//! // Blobs flow from the registry into files, and are verified on the way.
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("images");
//! let image = client.image(&reference, None).await?;
//! let stored = Layout::create(&path).await?.append_image(&image, &AppendOptions::new()).await?;
//! assert_eq!(stored.digest(), pushed.digest());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "registry"))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `aws-lc-rs` | TLS with rustls on aws-lc-rs | yes |
//! | `ring` | TLS with rustls on ring; take it without the default features | no |
//! | `gzip` | reading and writing gzip-compressed layers (pure Rust) | yes |
//! | `helper` | running the credential helpers that docker's and podman's files name | yes |
//! | `zstd` | reading and writing zstd-compressed layers (links the C library) | yes |
//! | `registry` | the modules `registry` and `proxy`: the embeddable server, and its pull-through cache | no |
//! | `object-store` | `registry`, and its store in a bucket | no |

#[cfg(all(doctest, feature = "registry"))]
mod readme;

#[doc(inline)]
pub use wharf_authn as authn;
#[doc(inline)]
pub use wharf_cache as cache;
#[doc(inline)]
pub use wharf_extract as extract;
#[doc(inline)]
pub use wharf_layer as layer;
#[doc(inline)]
pub use wharf_layout as layout;
#[doc(inline)]
pub use wharf_mutate as mutate;
#[doc(inline)]
pub use wharf_name as name;
#[cfg(feature = "registry")]
#[doc(inline)]
pub use wharf_proxy as proxy;
#[cfg(feature = "registry")]
#[doc(inline)]
pub use wharf_registry as registry;
#[doc(inline)]
pub use wharf_remote as remote;
#[doc(inline)]
pub use wharf_tarball as tarball;
#[doc(inline)]
pub use wharf_transport as transport;
#[doc(inline)]
pub use wharf_v1 as v1;
