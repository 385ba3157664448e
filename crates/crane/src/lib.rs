//! Whole jobs on container images, and the command line `crane`.
//!
//! Each job is one function: it takes a [`Client`](wharf::remote::Client), what it is about, and options
//! where there is something to choose. What a job does with the network, the disk and memory is up to
//! the crates below, all of which are in [`wharf`]; here is only how they play together.
//!
//! ```
//! use wharf::name::Reference;
//! use wharf::registry::{Registry, server::Server};
//! use wharf::remote::Client;
//! use wharf_crane::{CopyOptions, PullFormat, PullOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any registry would do; this one is in this process, and gets an image to begin with.
//! let server = Server::bind(Registry::default(), "127.0.0.1:0").await?;
//! let (app, copied): (Reference, Reference) =
//!     (format!("{}/app:v1", server.host()).parse()?, format!("{}/team/app:v1", server.host()).parse()?);
//! let client = Client::new()?;
//! client.write(&app, &wharf::v1::random::image(1, 2, 1024)).await?;
//!
//! wharf_crane::copy(&client, &app.clone().into(), &copied.clone().into(), &CopyOptions::default()).await?;
//! assert_eq!(
//!     wharf_crane::digest(&client, &copied.clone().into(), None).await?,
//!     wharf_crane::digest(&client, &app.into(), None).await?,
//! );
//!
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("app");
//! let options = PullOptions::default().with_format(PullFormat::Oci);
//! wharf_crane::pull(&client, &[copied.into()], &path, &options).await?;
//! assert!(path.join("index.json").exists());
//! # Ok(())
//! # }
//! ```
//!
//! # Jobs
//!
//! | job | Go ancestor |
//! |---|---|
//! | [`digest`], [`descriptor`], and the same of a tarball | `crane.Digest`, `crane.Head` |
//! | [`manifest`], [`config`], [`blob`], [`blob_at`] | `crane.Manifest`, `crane.Config`, `crane.PullLayer` |
//! | [`tags`], [`catalog`] | `crane.ListTags`, `crane.Catalog` |
//! | [`copy`](copy()), [`copy_reported`], [`plan_copy`] | `crane.Copy` |
//! | [`copy_repository`], [`copy_repository_to_layout`] | `crane.CopyRepository` |
//! | [`sync`](sync()) | |
//! | [`tag`](tag()), [`tag_all`], [`delete`] | `crane.Tag`, `crane.Delete` |
//! | [`pull`], [`pull_to_writer`], [`pull_to_place`] | `crane.Pull` and the `Save` functions |
//! | [`push`] | `crane.Load` and `crane.Push` |
//! | [`append`](append()), [`save`] | `crane.Append`, `crane.Save` |
//! | [`export`](export()), [`export_to_file`] | `crane.Export` |
//! | [`mutate`](mutate()), [`flatten`](flatten()), [`rebase`](rebase()) | `crane mutate`, `flatten`, `rebase` |
//! | [`append_to_index`], [`append_to_layout`], [`filter_index`] | `crane index append`, `index filter` |
//! | [`inspect`](inspect()), [`tree`](tree()), [`referrers`](referrers()) | `remote.Referrers` |
//! | [`diff`](diff()), [`list_files`], [`read_file`] | |
//! | [`artifact`](artifact()), [`push_artifact`], [`pull_artifact`], [`attach`] | |
//!
//! What the jobs read and write is a [`Place`]: a registry, a layout, an archive. A
//! [`Reference`](wharf::name::Reference) is one too.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `object-store` | no | `crane registry serve --bucket`: a registry in a bucket of S3, or of what speaks like it |

mod append;
mod artifact;
mod blob;
mod companions;
mod copy;
mod destination;
mod diff;
mod digest;
mod documents;
mod error;
mod export;
mod files;
mod flatten;
mod index;
mod inspect;
mod list;
mod mutate;
mod output;
mod place;
mod pull;
mod push;
mod rebase;
mod referrers;
mod summary;
mod sync;
mod tag;
mod tree;

pub use append::{LayerSource, append, save};
pub use artifact::{
    ArtifactFile, ArtifactOptions, PulledFile, UnpackedArtifact, artifact, attach, pull_artifact,
    push_artifact,
};
pub use blob::{blob, blob_at};
pub use copy::{
    CopiedTags, CopyOptions, Existing, copy, copy_reported, copy_repository, copy_repository_to_layout,
    plan_copy,
};
pub use destination::{Destination, Stored};
pub use diff::{DiffOptions, DocumentChange, FileChange, ImageDiff, LayerChange, Side, diff};
pub use digest::{descriptor, descriptor_of_tarball, digest, digest_of_tarball};
pub use documents::{config, manifest};
pub use error::Error;
pub use export::{export, export_to_file};
pub use files::{list_files, mode_text, read_file};
pub use flatten::flatten;
pub use index::{Nesting, append_to_index, append_to_layout, filter_index};
pub use inspect::{ImageSummary, Inspection, LayerSummary, PlatformSummary, inspect};
pub use list::{catalog, tags};
pub use mutate::{MutateOptions, mutate};
pub use place::{Content, Entry, ParsePlaceError, Place};
pub use pull::{PullFormat, PullOptions, pull, pull_to_place, pull_to_writer};
pub use push::{PushScope, push};
pub use rebase::{BaseName, OldBase, RebaseOptions, rebase};
pub use referrers::referrers;
pub use summary::{AmountSummary, CopySummary, DescriptorSummary};
pub use sync::{SyncItem, SyncOptions, SyncOutcome, SyncReport, SyncRepositories, SyncRule, SyncRules, sync};
pub use tag::{delete, tag, tag_all};
pub use tree::{NodeKind, TreeNode, tree};
