//! What refers to a manifest.

use http::{Method, StatusCode, header};
use oci_spec::image::{Descriptor, ImageIndex, MediaType};
use wharf_name::{DigestReference, Reference};
use wharf_transport::{ErrorCode, RegistryError};
use wharf_v1::{Document, IndexManifest};

use crate::client::ReferrersApi;
use crate::error::{Error, Operation, Violation};
use crate::media::content_type;
use crate::read::DOCUMENT_LIMIT;
use crate::read::links::{Links, Unfollowed};
use crate::{Client, wire};

/// More referrers than these are not collected.
const MOST_REFERRERS: usize = 100_000;

impl Client {
    /// The manifests that refer to the one `subject` names (Go: `remote.Referrers`), as the registry lists them: with
    /// their artifact types and annotations. With an artifact type, only what is of it.
    ///
    /// Registries that do not have the
    /// [API](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers) are asked for the
    /// tag that clients keep in its stead, `sha256-…`, which is remembered for each registry. That nothing refers to it, or
    /// that there is no such manifest, gives an empty list.
    ///
    /// Costs 1 request a page, and 1 more where the registry does not have the API, the first time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = wharf_registry::server::Server::bind(wharf_registry::Registry::in_memory(), "127.0.0.1:0").await?;
    /// # let client = wharf_remote::Client::new()?;
    /// # let repository: wharf_name::Repository = format!("{}/app", server.host()).parse()?;
    /// # let image = client.write(&repository.tag("v1")?.into(), &wharf_v1::random::image(1, 1, 16)).await?;
    /// let subject = repository.digest(image.digest().clone());
    /// assert!(client.referrers(&subject, None).await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses or cannot be reached; [`Error::Answer`] when a page, or what the tag
    /// names, is no index, the pages do not end, or there are more than 100 000 referrers; or when the tag is not to be used
    /// ([`ClientBuilder::referrers_tag`](crate::ClientBuilder::referrers_tag)).
    pub async fn referrers(
        &self,
        subject: &DigestReference,
        artifact_type: Option<&MediaType>,
    ) -> Result<Vec<Descriptor>, Error> {
        let host = self.facts().host(subject.registry());
        let mut found = match host.referrers_api() {
            ReferrersApi::Missing => None,
            _ => self.listed_referrers(subject, artifact_type).await?,
        };
        if found.is_none() {
            self.check_referrers_tag(Operation::Referrers, subject)?;
            let tag = referrers_tag(subject);
            found = match self.fetch_manifest(&tag, MediaType::ImageIndex.as_ref()).await {
                // GitLab finds the manifest itself by that name.
                Ok((descriptor, _)) if descriptor.digest() == subject.digest() => Some(Vec::new()),
                Ok((descriptor, _)) if *descriptor.media_type() != MediaType::ImageIndex => {
                    let got = descriptor.media_type().clone();
                    let violation = Violation::NotReferrers { got };
                    return Err(Error::answer(Operation::Referrers, &tag, violation));
                }
                Ok((descriptor, raw)) => {
                    let index: IndexManifest = Document::new(raw, descriptor.media_type().clone());
                    let view = index
                        .view()
                        .map_err(|error| Error::content(Operation::Referrers, &tag, error))?;
                    Some(view.manifests().clone())
                }
                Err(error) if error.is_not_found() => Some(Vec::new()),
                Err(error) => return Err(error),
            };
        }
        let mut found = found.unwrap_or_default();
        if let Some(wanted) = artifact_type {
            found.retain(|referrer| referrer.artifact_type().as_ref() == Some(wanted));
        }
        Ok(found)
    }

    /// An error where the tag that lists referrers is not to be used.
    pub(crate) fn check_referrers_tag(
        &self,
        operation: Operation,
        subject: &DigestReference,
    ) -> Result<(), Error> {
        if self.settings().referrers_tag {
            return Ok(());
        }
        let subject = Reference::from(subject.clone());
        Err(Error::answer(operation, &subject, Violation::NoReferrersApi))
    }

    /// What the registry's API lists; `None` if it has none.
    pub(crate) async fn listed_referrers(
        &self,
        subject: &DigestReference,
        artifact_type: Option<&MediaType>,
    ) -> Result<Option<Vec<Descriptor>>, Error> {
        let repository = subject.repository();
        let host = self.facts().host(repository.registry());
        let mut path = format!("{}/referrers/{}", repository.path(), subject.digest());
        if let Some(wanted) = artifact_type {
            path = wire::with_query(&path, "artifactType", wanted.as_ref());
        }
        let target = Reference::from(subject.clone());
        let refuse = |violation| Error::answer(Operation::Referrers, &target, violation);
        let failed = |error| Error::request(Operation::Referrers, &target, error);
        let mut call = self.call(Method::GET, wire::pull(repository), &path);
        let mut links = Links::default();
        let mut found: Vec<Descriptor> = Vec::new();
        loop {
            let accept = MediaType::ImageIndex;
            let answer = call
                .header(header::ACCEPT, accept.as_ref())
                .accepted(&[StatusCode::OK])
                .read(DOCUMENT_LIMIT)
                .await;
            let (parts, raw) = match answer {
                Ok(answer) => answer,
                Err(error) if found.is_empty() && is_missing(error.status()) => {
                    // Of a repository that is not there nothing is learned.
                    if error
                        .registry_error()
                        .is_none_or(|error| !names_repository(error))
                    {
                        host.learn_referrers_api(ReferrersApi::Missing);
                    }
                    return Ok(None);
                }
                Err(error) => return Err(failed(error)),
            };
            if content_type(&parts.headers).is_some_and(|found| found != MediaType::ImageIndex) {
                // A page for people, as servers send that know nothing of this.
                host.learn_referrers_api(ReferrersApi::Missing);
                return Ok(None);
            }
            let page: IndexManifest = Document::new(raw, MediaType::ImageIndex);
            let view: &ImageIndex = page
                .view()
                .map_err(|error| Error::content(Operation::Referrers, &target, error))?;
            host.learn_referrers_api(ReferrersApi::Present);
            found.extend(view.manifests().iter().cloned());
            if found.len() > MOST_REFERRERS {
                return Err(refuse(Violation::PageLoop));
            }
            match links.next(self, repository.registry(), &parts) {
                Ok(None) => return Ok(Some(found)),
                Ok(Some(url)) => call = self.call_url(Method::GET, wire::pull(repository), &url),
                Err(Unfollowed::Refused(error)) => return Err(failed(error)),
                Err(Unfollowed::Violation(violation)) => return Err(refuse(violation)),
            }
        }
    }
}

/// The tag that stands in for the API
/// ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema)).
pub(crate) fn referrers_tag(subject: &DigestReference) -> Reference {
    const ALGORITHM: usize = 32;
    const ENCODED: usize = 64;
    let digest = subject.digest();
    let algorithm = digest.algorithm().to_string();
    let parts = [(algorithm.as_str(), ALGORITHM), (digest.digest(), ENCODED)];
    let [algorithm, encoded] = parts.map(|(part, most)| {
        let chars = part.chars().take(most);
        chars
            .map(|c| {
                if c.is_ascii_alphanumeric() || "_.-".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect::<String>()
    });
    let tag = subject.repository().tag(&format!("{algorithm}-{encoded}"));
    Reference::Tag(tag.expect("it has only characters that tags have, and begins with a letter or digit"))
}

/// Whether the registry says that there is no such repository.
fn names_repository(error: &RegistryError) -> bool {
    error
        .errors
        .iter()
        .any(|diagnostic| diagnostic.code == ErrorCode::NameUnknown)
}

fn is_missing(status: Option<StatusCode>) -> bool {
    matches!(
        status,
        Some(
            StatusCode::NOT_FOUND
                | StatusCode::BAD_REQUEST
                | StatusCode::NOT_ACCEPTABLE
                | StatusCode::METHOD_NOT_ALLOWED
        )
    )
}
