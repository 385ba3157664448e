//! Choosing among the descriptors of an index.

use std::fmt;
use std::sync::Arc;

use oci_spec::image::{Descriptor, Digest, MediaType};

use crate::PlatformSpec;

/// The annotation that names an entry of an image layout
/// ([image-spec](https://github.com/opencontainers/image-spec/blob/main/annotations.md)).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Says of a descriptor whether it is one of those that are meant. Go's `match` package.
///
/// ```
/// use wharf_v1::oci_spec::image::{Descriptor, MediaType};
/// use wharf_v1::{Matcher, sha256};
///
/// let descriptor = Descriptor::new(MediaType::ImageManifest, 1, sha256("x"));
/// assert!(Matcher::digests([sha256("x")]).matches(&descriptor));
/// assert!(!Matcher::any().and(Matcher::name("latest")).matches(&descriptor));
/// ```
#[derive(Clone, Debug)]
pub struct Matcher(Rule);

#[derive(Clone)]
enum Rule {
    Any,
    Annotation(String, String),
    Platforms(Vec<PlatformSpec>),
    PlatformFor(PlatformSpec),
    MediaTypes(Vec<MediaType>),
    Digests(Vec<Digest>),
    Custom(Arc<dyn Fn(&Descriptor) -> bool + Send + Sync>),
    Both(Arc<(Matcher, Matcher)>),
    Either(Arc<(Matcher, Matcher)>),
    Not(Arc<Matcher>),
}

impl Matcher {
    /// Every descriptor.
    #[must_use]
    pub fn any() -> Self {
        Self(Rule::Any)
    }

    /// Those whose annotation [`REF_NAME`] is `name`.
    pub fn name(name: impl Into<String>) -> Self {
        Self::annotation(REF_NAME, name)
    }

    /// Those that have an annotation with this key and this value.
    pub fn annotation(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self(Rule::Annotation(key.into(), value.into()))
    }

    /// Those that state just one of these platforms: with nothing more and nothing less, features in any
    /// order.
    pub fn platforms(platforms: impl IntoIterator<Item = PlatformSpec>) -> Self {
        Self(Rule::Platforms(platforms.into_iter().collect()))
    }

    /// Those that are [for this platform](PlatformSpec::matches_child), which one that states none may be
    /// too.
    #[must_use]
    pub fn for_platform(platform: PlatformSpec) -> Self {
        Self(Rule::PlatformFor(platform))
    }

    /// Those of one of these media types. An empty media type is none.
    pub fn media_types(media_types: impl IntoIterator<Item = MediaType>) -> Self {
        Self(Rule::MediaTypes(media_types.into_iter().collect()))
    }

    /// Those with one of these digests.
    pub fn digests(digests: impl IntoIterator<Item = Digest>) -> Self {
        Self(Rule::Digests(digests.into_iter().collect()))
    }

    /// Those of which `predicate` says so.
    pub fn from_fn(predicate: impl Fn(&Descriptor) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::Custom(Arc::new(predicate)))
    }

    /// Those that both match.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(Rule::Both(Arc::new((self, other))))
    }

    /// Those that one of the two matches, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(Rule::Either(Arc::new((self, other))))
    }

    /// Those that this one does not match.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(Rule::Not(Arc::new(self)))
    }

    /// Whether `descriptor` is one of those that are meant.
    #[must_use]
    pub fn matches(&self, descriptor: &Descriptor) -> bool {
        match &self.0 {
            Rule::Any => true,
            Rule::Annotation(key, value) => {
                let annotations = descriptor.annotations().as_ref();
                annotations.and_then(|annotations| annotations.get(key)) == Some(value)
            }
            Rule::Platforms(platforms) => {
                let stated = descriptor.platform().as_ref().map(PlatformSpec::from);
                stated.is_some_and(|stated| platforms.contains(&stated))
            }
            Rule::PlatformFor(platform) => platform.matches_child(descriptor),
            Rule::MediaTypes(media_types) => {
                let media_type = descriptor.media_type();
                !media_type.as_ref().is_empty() && media_types.contains(media_type)
            }
            Rule::Digests(digests) => digests.contains(descriptor.digest()),
            Rule::Custom(predicate) => predicate(descriptor),
            Rule::Both(both) => both.0.matches(descriptor) && both.1.matches(descriptor),
            Rule::Either(either) => either.0.matches(descriptor) || either.1.matches(descriptor),
            Rule::Not(inner) => !inner.matches(descriptor),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Annotation(key, value) => f.debug_tuple("Annotation").field(key).field(value).finish(),
            Self::Platforms(platforms) => f.debug_tuple("Platforms").field(platforms).finish(),
            Self::PlatformFor(platform) => f.debug_tuple("PlatformFor").field(platform).finish(),
            Self::MediaTypes(media_types) => f.debug_tuple("MediaTypes").field(media_types).finish(),
            Self::Digests(digests) => f.debug_tuple("Digests").field(digests).finish(),
            Self::Custom(_) => f.write_str("Custom"),
            Self::Both(both) => f.debug_tuple("Both").field(&both.0).field(&both.1).finish(),
            Self::Either(either) => f.debug_tuple("Either").field(&either.0).field(&either.1).finish(),
            Self::Not(inner) => f.debug_tuple("Not").field(inner).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use oci_spec::image::Platform;

    use super::*;
    use crate::sha256;

    fn descriptor() -> Descriptor {
        Descriptor::new(MediaType::ImageManifest, 1, sha256("x"))
    }

    fn annotated(pairs: &[(&str, &str)]) -> Descriptor {
        let mut descriptor = descriptor();
        let pairs = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        descriptor.set_annotations(Some(pairs.collect()));
        descriptor
    }

    fn on(platform: &PlatformSpec) -> Descriptor {
        let mut descriptor = descriptor();
        descriptor.set_platform(Some(platform.to_platform()));
        descriptor
    }

    #[track_caller]
    fn check(matcher: &Matcher, descriptor: &Descriptor, want: bool) {
        assert_eq!(matcher.matches(descriptor), want, "{matcher:?} {descriptor:?}");
    }

    #[test]
    fn annotations() {
        let name = Matcher::name("foo");
        check(&name, &annotated(&[(REF_NAME, "foo")]), true);
        check(&name, &annotated(&[(REF_NAME, "bar")]), false);
        check(&name, &annotated(&[("other", "foo")]), false);
        check(&name, &annotated(&[]), false);
        check(&name, &descriptor(), false);
        let pair = Matcher::annotation("k", "v");
        check(&pair, &annotated(&[("j", "w"), ("k", "v")]), true);
        check(&pair, &annotated(&[("k", "")]), false);
    }

    #[test]
    fn platforms() {
        let spec = |text: &str| text.parse::<PlatformSpec>().expect(text);
        let two = Matcher::platforms([spec("darwin/amd64"), spec("linux/amd64")]);
        check(&two, &on(&spec("linux/amd64")), true);
        check(&two, &on(&spec("linux/arm64")), false);
        check(&two, &on(&spec("linux")), false);
        check(&two, &on(&spec("linux/amd64:5")), false);
        check(&two, &on(&PlatformSpec::new("", "")), false);
        check(&two, &descriptor(), false);
        let featured = |features: [&str; 2]| spec("linux/amd64").with_os_features(features);
        let mut have = featured(["a", "b"]).to_platform();
        have.set_os_features(Some(vec!["b".to_owned(), "a".to_owned()]));
        let mut listed = descriptor();
        listed.set_platform(Some(Platform::clone(&have)));
        check(&Matcher::platforms([featured(["a", "b"])]), &listed, true);

        let on_linux = Matcher::for_platform(spec("linux/amd64"));
        check(&on_linux, &on(&spec("linux/amd64:5")), true);
        check(&on_linux, &descriptor(), true);
        check(&on_linux, &on(&spec("linux/arm64")), false);
    }

    #[test]
    fn media_types() {
        let of = |list: &[&str]| Matcher::media_types(list.iter().map(|text| MediaType::from(*text)));
        let index = "application/vnd.oci.image.index.v1+json";
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        check(&of(&[manifest]), &descriptor(), true);
        check(&of(&[index, manifest]), &descriptor(), true);
        check(&of(&[index]), &descriptor(), false);
        check(&of(&["made", "up"]), &descriptor(), false);
        check(&of(&[]), &descriptor(), false);
        let untyped = Descriptor::new(MediaType::from(""), 1, sha256("x"));
        check(&of(&[""]), &untyped, false);
    }

    #[test]
    fn digests() {
        check(&Matcher::digests([sha256("x"), sha256("y")]), &descriptor(), true);
        check(&Matcher::digests([sha256("y"), sha256("x")]), &descriptor(), true);
        check(&Matcher::digests([sha256("y")]), &descriptor(), false);
    }

    #[test]
    fn combinations() {
        let (yes, no) = (Matcher::any, || Matcher::any().negated());
        check(&yes().and(yes()), &descriptor(), true);
        check(&yes().and(no()), &descriptor(), false);
        check(&no().or(yes()), &descriptor(), true);
        check(&no().or(no()), &descriptor(), false);
        check(&Matcher::from_fn(|found| found.size() == 1), &descriptor(), true);
    }
}
