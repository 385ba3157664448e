//! What platform is asked for, and what fits it.

mod fit;
mod local;
mod normalize;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use oci_spec::image::{Arch, Descriptor, ImageConfiguration, Os, Platform};

pub use fit::Fit;

/// A platform as a user asks for it: `os[/architecture[/variant]][:os.version]`.
///
/// What is left out is not asked for. [`matches`](Self::matches) compares values as they are: `x86_64` is
/// not `amd64`, and no variant is taken for granted. [`fit`](Self::fit) also knows other names and what
/// else will do. The default is `linux/amd64`, whatever machine this runs on.
///
/// Two specs are equal when they ask for the same, in whatever order they list features.
///
/// ```
/// use wharf_v1::PlatformSpec;
///
/// let spec: PlatformSpec = "linux/arm/v7".parse()?;
/// assert_eq!(spec.os(), "linux");
/// assert_eq!(spec.variant(), Some("v7"));
/// assert_eq!(spec.to_string(), "linux/arm/v7");
/// # Ok::<(), wharf_v1::ParsePlatformError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlatformSpec {
    os: String,
    /// Like all that follow: empty is not asked for.
    architecture: String,
    variant: String,
    os_version: String,
    os_features: BTreeSet<String>,
    features: BTreeSet<String>,
}

impl PlatformSpec {
    /// Asks for this operating system on this architecture.
    #[must_use]
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self {
            os: os.into(),
            architecture: architecture.into(),
            variant: String::new(),
            os_version: String::new(),
            os_features: BTreeSet::new(),
            features: BTreeSet::new(),
        }
    }

    /// The platform that an image's config says it is for; `None` when it says nothing at all.
    #[must_use]
    pub fn of_config(config: &ImageConfiguration) -> Option<Self> {
        let spec = Self::new(config.os().to_string(), config.architecture().to_string())
            .with_variant(config.variant().clone().unwrap_or_default())
            .with_os_version(config.os_version().clone().unwrap_or_default())
            .with_os_features(config.os_features().clone().unwrap_or_default());
        (spec != Self::new("", "")).then_some(spec)
    }

    /// Asks for this variant of the architecture too.
    #[must_use]
    pub fn with_variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = variant.into();
        self
    }

    /// Asks for this version of the operating system too.
    #[must_use]
    pub fn with_os_version(mut self, os_version: impl Into<String>) -> Self {
        self.os_version = os_version.into();
        self
    }

    /// Asks for these features of the operating system too.
    #[must_use]
    pub fn with_os_features<S: Into<String>>(mut self, os_features: impl IntoIterator<Item = S>) -> Self {
        self.os_features = os_features.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for these features of the processor too.
    #[must_use]
    pub fn with_features<S: Into<String>>(mut self, features: impl IntoIterator<Item = S>) -> Self {
        self.features = features.into_iter().map(Into::into).collect();
        self
    }

    /// The operating system asked for.
    #[must_use]
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The architecture asked for, if one is.
    #[must_use]
    pub fn architecture(&self) -> Option<&str> {
        given(&self.architecture)
    }

    /// The variant of the architecture asked for, if one is.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        given(&self.variant)
    }

    /// The version of the operating system asked for, if one is.
    #[must_use]
    pub fn os_version(&self) -> Option<&str> {
        given(&self.os_version)
    }

    /// The features of the operating system asked for.
    #[must_use]
    pub fn os_features(&self) -> &BTreeSet<String> {
        &self.os_features
    }

    /// The features of the processor asked for.
    #[must_use]
    pub fn features(&self) -> &BTreeSet<String> {
        &self.features
    }

    /// Whether `have` is what an index should be searched for: operating system and architecture are
    /// equal, also where they are left out, variant and version are equal where they are asked for,
    /// and all features asked for are there.
    ///
    /// So a spec without architecture matches next to nothing; to filter a list by what a spec does
    /// say, ask [`is_satisfied_by`](Self::is_satisfied_by).
    #[must_use]
    pub fn matches(&self, have: &Platform) -> bool {
        have.os().to_string() == self.os
            && have.architecture().to_string() == self.architecture
            && self.is_satisfied_by(have)
    }

    /// Whether the child that `descriptor` names [matches](Self::matches). One without a platform
    /// counts as `linux/amd64`.
    #[must_use]
    pub fn matches_child(&self, descriptor: &Descriptor) -> bool {
        match descriptor.platform() {
            Some(have) => self.matches(have),
            None => self.matches(&Self::default().to_platform()),
        }
    }

    /// Whether `have` is all that is asked for: what is left out is not compared.
    #[must_use]
    pub fn is_satisfied_by(&self, have: &Platform) -> bool {
        let scalar = |want: &str, have: &str| want.is_empty() || want == have;
        let subset = |want: &BTreeSet<String>, have: &Option<Vec<String>>| {
            let have = have.as_deref().unwrap_or_default();
            want.iter().all(|feature| have.contains(feature))
        };
        scalar(&self.os, &have.os().to_string())
            && scalar(&self.architecture, &have.architecture().to_string())
            && scalar(&self.variant, have.variant().as_deref().unwrap_or_default())
            && scalar(&self.os_version, have.os_version().as_deref().unwrap_or_default())
            && subset(&self.os_features, have.os_features())
            && subset(&self.features, have.features())
    }

    /// The platform that has just what is asked for.
    #[must_use]
    pub fn to_platform(&self) -> Platform {
        let list = |features: &BTreeSet<String>| {
            (!features.is_empty()).then(|| features.iter().cloned().collect::<Vec<_>>())
        };
        // `Platform::default` would fill in the machine that this runs on.
        let mut platform = Platform::default();
        platform
            .set_os(Os::from(self.os.as_str()))
            .set_architecture(architecture(&self.architecture))
            .set_variant(self.variant().map(str::to_owned))
            .set_os_version(self.os_version().map(str::to_owned))
            .set_os_features(list(&self.os_features))
            .set_features(list(&self.features));
        platform
    }
}

fn architecture(text: &str) -> Arch {
    match text {
        // oci-spec 0.10 reads this one as `arm64be`.
        "armbe" => Arch::ARMbe,
        other => Arch::from(other),
    }
}

fn given(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

impl Default for PlatformSpec {
    /// `linux/amd64`.
    fn default() -> Self {
        Self::new("linux", "amd64")
    }
}

impl From<&Platform> for PlatformSpec {
    /// Asks for all that `platform` states.
    fn from(platform: &Platform) -> Self {
        Self::new(platform.os().to_string(), platform.architecture().to_string())
            .with_variant(platform.variant().clone().unwrap_or_default())
            .with_os_version(platform.os_version().clone().unwrap_or_default())
            .with_os_features(platform.os_features().clone().unwrap_or_default())
            .with_features(platform.features().clone().unwrap_or_default())
    }
}

/// The text that [`FromStr`] reads. Features have no place in it; without an operating system it is
/// empty.
impl fmt::Display for PlatformSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.os.is_empty() {
            return Ok(());
        }
        f.write_str(&self.os)?;
        for (mark, part) in [
            ('/', &self.architecture),
            ('/', &self.variant),
            (':', &self.os_version),
        ] {
            if !part.is_empty() {
                write!(f, "{mark}{part}")?;
            }
        }
        Ok(())
    }
}

/// Why a text is no [`PlatformSpec`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePlatformError {
    /// There is no operating system.
    #[error("no operating system in platform spec: {input:?}")]
    NoOs {
        /// The text.
        input: String,
    },
    /// There is a variant, but no architecture that it could be one of.
    #[error("variant without architecture in platform spec: {input}")]
    NoArchitecture {
        /// The text.
        input: String,
    },
    /// There are more parts than operating system, architecture and variant.
    #[error("too many slashes in platform spec: {input}")]
    TooManySlashes {
        /// The text.
        input: String,
    },
    /// There is more than one version of the operating system.
    #[error("too many colons in platform spec: {input}")]
    TooManyColons {
        /// The text.
        input: String,
    },
}

impl FromStr for PlatformSpec {
    type Err = ParsePlatformError;

    /// Reads `os[/architecture[/variant]][:os.version]`, with blanks around it or around a part. A trailing
    /// part may be empty, as scripts leave it when they put together a text from variables; it is not asked
    /// for.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let input = || text.to_owned();
        let (parts, version) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        if version.contains(':') {
            return Err(ParsePlatformError::TooManyColons { input: input() });
        }
        let mut parts = parts.split('/');
        let mut next = || parts.next().unwrap_or_default().trim();
        let (os, architecture, variant) = (next(), next(), next());
        if parts.next().is_some() {
            return Err(ParsePlatformError::TooManySlashes { input: input() });
        }
        if os.is_empty() {
            return Err(ParsePlatformError::NoOs { input: input() });
        }
        if architecture.is_empty() && !variant.is_empty() {
            return Err(ParsePlatformError::NoArchitecture { input: input() });
        }
        Ok(Self::new(os, architecture)
            .with_variant(variant)
            .with_os_version(version.trim()))
    }
}

#[cfg(test)]
mod tests;
