//! The tag that lists what refers to a manifest, where the registry does not.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use oci_spec::image::{Descriptor, Digest, ImageIndex, ImageIndexBuilder, MediaType, SCHEMA_VERSION};
use serde::Deserialize;
use wharf_name::{DigestReference, Reference};
use wharf_transport::Body;
use wharf_v1::{Document, Hasher, IndexManifest};

use crate::client::ReferrersApi;
use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::media::{content_type, manifest_type};
use crate::read::{DOCUMENT_LIMIT, referrers_tag};
use crate::wire;
use crate::write::Destination;

/// How often a tag is changed that others change too.
const ATTEMPTS: u32 = 5;

/// What of a manifest the list of referrers has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Config>,
    #[serde(default)]
    annotations: Option<std::collections::HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    media_type: Option<String>,
}

/// The digest of the manifest that this one refers to.
pub(super) fn subject_of(raw: &[u8]) -> Option<Digest> {
    #[derive(Deserialize)]
    struct Refers {
        subject: Option<Subject>,
    }
    #[derive(Deserialize)]
    struct Subject {
        digest: String,
    }
    let refers: Refers = serde_json::from_slice(raw).ok()?;
    wharf_v1::parse_digest(&refers.subject?.digest).ok()
}

impl Destination {
    /// Adds a manifest to the tag that lists those that refer to `subject`, unless the registry keeps such lists.
    ///
    /// The tag is read again after it was written: where the registry has no conditional requests, two clients may
    /// have written at the same time, and then the one whose entry is missing does it again.
    pub(super) async fn list_referrer(
        &self,
        subject: &Digest,
        referrer: &Descriptor,
        raw: &Bytes,
    ) -> Result<(), Error> {
        let subject = self.repository.digest(subject.clone());
        match self.host.referrers_api() {
            ReferrersApi::Present => return Ok(()),
            ReferrersApi::Missing => {}
            ReferrersApi::Unknown => {
                if self.client.listed_referrers(&subject, None).await?.is_some() {
                    return Ok(());
                }
            }
        }
        self.client
            .check_referrers_tag(Operation::WriteReferrers, &subject)?;
        let entry = entry(referrer, raw);
        self.change_referrers(&subject, referrer, |listed| {
            let is_new = listed.iter().all(|known| known.digest() != entry.digest());
            if is_new {
                listed.push(entry.clone());
            }
            is_new
        })
        .await
    }

    /// Takes a manifest that was deleted from the tag that lists those that refer to `subject`.
    pub(super) async fn unlist_referrer(&self, subject: &Digest, gone: &Descriptor) -> Result<(), Error> {
        let subject = self.repository.digest(subject.clone());
        if self.host.referrers_api() == ReferrersApi::Present || !self.client.settings().referrers_tag {
            return Ok(());
        }
        self.change_referrers(&subject, gone, |listed| {
            let before = listed.len();
            listed.retain(|known| known.digest() != gone.digest());
            listed.len() != before
        })
        .await
    }

    /// Changes what the tag lists until nothing is left to change.
    async fn change_referrers(
        &self,
        subject: &DigestReference,
        referrer: &Descriptor,
        change: impl Fn(&mut Vec<Descriptor>) -> bool,
    ) -> Result<(), Error> {
        let tag = referrers_tag(subject);
        let failed = |error| Error::content(Operation::WriteReferrers, &tag, error);
        let _turn = self.facts.change_referrers_tag().await;
        for _ in 0..ATTEMPTS {
            let (index, state) = self.referrers_index(&tag, subject.digest()).await?;
            let mut listed = index.view().map_err(failed)?.manifests().clone();
            if !change(&mut listed) {
                return Ok(());
            }
            let changed = index.edit(|index| {
                index.set_manifests(listed.clone());
            });
            let changed = changed.map_err(failed)?;
            if self.put_referrers_index(&tag, &changed, state).await? {
                self.emit(Event::ReferrersTagUpdated {
                    reference: &tag,
                    descriptor: referrer,
                });
            }
        }
        Err(Error::answer(
            Operation::WriteReferrers,
            &tag,
            Violation::Contended { attempts: ATTEMPTS },
        ))
    }

    /// What the tag lists, and what is known of its state.
    async fn referrers_index(
        &self,
        tag: &Reference,
        subject: &Digest,
    ) -> Result<(IndexManifest, State), Error> {
        let failed = |error| Error::request(Operation::WriteReferrers, tag, error);
        let answer = self
            .client
            .call(
                Method::GET,
                wire::push(&self.repository),
                &wire::manifest_path(tag),
            )
            .header(header::ACCEPT, MediaType::ImageIndex.as_ref())
            .accepted(&[StatusCode::OK])
            .read(DOCUMENT_LIMIT)
            .await;
        let (parts, raw) = match answer {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => {
                return Ok((Document::from_view(empty(), MediaType::ImageIndex), State::Absent));
            }
            Err(error) => return Err(failed(error)),
        };
        let refuse = |violation| Error::answer(Operation::WriteReferrers, tag, violation);
        let got = manifest_type(content_type(&parts.headers), &raw).map_err(refuse)?;
        if got != MediaType::ImageIndex {
            let mut hasher = Hasher::new(subject.algorithm())
                .map_err(|error| Error::content(Operation::WriteReferrers, tag, error))?;
            hasher.update(&raw);
            if hasher.finish() != *subject {
                return Err(refuse(Violation::NotReferrers { got }));
            }
            // GitLab finds the manifest itself by that name, so there is no list yet.
            return Ok((
                Document::from_view(empty(), MediaType::ImageIndex),
                State::Unknown,
            ));
        }
        let state = match parts.headers.get(header::ETAG) {
            Some(tag) => State::Tagged(tag.clone()),
            None => State::Unknown,
        };
        Ok((Document::new(raw, MediaType::ImageIndex), state))
    }

    /// Whether the tag names this index now. It does not if somebody else was faster.
    async fn put_referrers_index(
        &self,
        tag: &Reference,
        index: &IndexManifest,
        state: State,
    ) -> Result<bool, Error> {
        let call = self
            .client
            .call(
                Method::PUT,
                wire::push(&self.repository),
                &wire::manifest_path(tag),
            )
            .header(header::CONTENT_TYPE, MediaType::ImageIndex.as_ref())
            .body(Body::full(index.raw().clone()))
            .accepted(wire::MANIFEST_PUT);
        let call = match &state {
            State::Tagged(etag) => match etag.to_str() {
                Ok(etag) => call.header(header::IF_MATCH, etag),
                Err(_) => call,
            },
            State::Absent => call.header(header::IF_NONE_MATCH, "*"),
            State::Unknown => call,
        };
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::PRECONDITION_FAILED) => Ok(false),
            Err(error) => Err(Error::request(Operation::WriteReferrers, tag, error)),
        }
    }
}

/// What is known of a tag that will be changed.
enum State {
    Absent,
    Tagged(HeaderValue),
    Unknown,
}

fn empty() -> ImageIndex {
    ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(Vec::new())
        .build()
        .expect("all required fields are set")
}

/// How a list of referrers shows a manifest: with its artifact type, or else the media type of its config, and its
/// annotations.
fn entry(descriptor: &Descriptor, raw: &[u8]) -> Descriptor {
    let mut entry = Descriptor::new(
        descriptor.media_type().clone(),
        descriptor.size(),
        descriptor.digest().clone(),
    );
    if let Ok(listed) = serde_json::from_slice::<Listed>(raw) {
        let of_config = listed.config.and_then(|config| config.media_type);
        let artifact_type = listed.artifact_type.filter(|text| !text.is_empty()).or(of_config);
        entry.set_artifact_type(artifact_type.as_deref().map(MediaType::from));
        entry.set_annotations(listed.annotations);
    }
    entry
}
