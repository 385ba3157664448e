//! How well a platform fits what is asked for.

use std::cmp::Reverse;

use oci_spec::image::{Descriptor, Platform};

use super::PlatformSpec;
use crate::Error;

/// What buildkit marks descriptors of attestations with.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// How well a platform fits. The smaller, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fit {
    inexact: bool,
    /// By how many steps the variant is older.
    steps: u32,
    revision: Reverse<u64>,
}

impl Fit {
    const EXACT: Self = Self {
        inexact: false,
        steps: 0,
        revision: Reverse(0),
    };

    /// Whether the platform [matches](PlatformSpec::matches) as it is written.
    #[must_use]
    pub fn is_exact(self) -> bool {
        !self.inexact
    }
}

impl PlatformSpec {
    /// How well `have` fits; `None` when it does not.
    ///
    /// Best is what [`matches`](Self::matches). Next comes what is the same by
    /// [another name](Self::normalized), then an older variant of the architecture, which a newer one runs:
    /// `arm/v6` for `arm/v7`, `amd64/v2` for `amd64/v3`, the newest first. On Windows any revision of the
    /// build asked for will do (`10.0.17763.1` for `10.0.17763.2`), the highest first. Another architecture
    /// never fits, even where processors could run it.
    ///
    /// `unknown/unknown`, which is what attestations have for a platform, fits only who asks for `unknown`.
    ///
    /// ```
    /// use wharf_v1::PlatformSpec;
    ///
    /// let wanted: PlatformSpec = "linux/arm64/v8".parse()?;
    /// let have = "linux/arm64".parse::<PlatformSpec>()?.to_platform();
    /// assert!(!wanted.matches(&have));
    /// assert!(wanted.fit(&have).is_some());
    /// # Ok::<(), wharf_v1::ParsePlatformError>(())
    /// ```
    #[must_use]
    pub fn fit(&self, have: &Platform) -> Option<Fit> {
        if self.matches(have) {
            return Some(Fit::EXACT);
        }
        let (want, have) = (self.normalized(), Self::from(have).normalized());
        let features_fit =
            want.os_features.is_subset(&have.os_features) && want.features.is_subset(&have.features);
        if want.os != have.os || want.architecture != have.architecture || !features_fit {
            return None;
        }
        // Some names of the architecture say the variant too.
        let any_variant = self.variant.is_empty() && !matches!(self.architecture.as_str(), "armhf" | "armel");
        Some(Fit {
            inexact: true,
            steps: variant_steps(any_variant, &want, &have)?,
            revision: Reverse(revision(&want, &have)?),
        })
    }

    /// How well the child that `descriptor` names [fits](Self::fit). One without a platform counts as
    /// `linux/amd64`; an attestation never fits, unless `unknown` is asked for.
    #[must_use]
    pub fn fit_child(&self, descriptor: &Descriptor) -> Option<Fit> {
        let marked = descriptor
            .annotations()
            .as_ref()
            .is_some_and(|annotations| annotations.contains_key(REFERENCE_TYPE));
        if marked && self.os != "unknown" {
            return None;
        }
        match descriptor.platform() {
            Some(have) => self.fit(have),
            None => self.fit(&Self::default().to_platform()),
        }
    }

    /// The child that [fits](Self::fit_child) best, and of those that fit as well the first.
    #[must_use]
    pub fn choose<'a>(&self, children: impl IntoIterator<Item = &'a Descriptor>) -> Option<&'a Descriptor> {
        let fitting = children
            .into_iter()
            .filter_map(|child| Some((self.fit_child(child)?, child)));
        Some(fitting.min_by_key(|(fit, _)| *fit)?.1)
    }

    /// The same, where one is needed.
    ///
    /// # Errors
    /// [`Error::NoPlatform`] when none fits.
    pub fn find<'a>(&self, children: &'a [Descriptor]) -> Result<&'a Descriptor, Error> {
        let stated = || children.iter().filter_map(|child| child.platform().as_ref());
        self.choose(children).ok_or_else(|| Error::NoPlatform {
            wanted: self.to_string(),
            available: stated()
                .map(|platform| Self::from(platform).to_string())
                .collect(),
        })
    }
}

/// By how many steps the variant is older than the one asked for; `None` when it is newer or another.
fn variant_steps(any: bool, want: &PlatformSpec, have: &PlatformSpec) -> Option<u32> {
    if want.variant == have.variant {
        return Some(0);
    }
    if any {
        return Some(1);
    }
    let first = match want.architecture.as_str() {
        "amd64" => 10,
        "arm64" => 80,
        "arm" => 70,
        _ => return None,
    };
    let (want, have) = (level(&want.variant, first)?, level(&have.variant, first)?);
    want.checked_sub(have)
}

/// A variant like `v8` or `v8.2` as a number of tenths.
fn level(variant: &str, first: u32) -> Option<u32> {
    if variant.is_empty() {
        return Some(first);
    }
    let (major, minor) = variant
        .strip_prefix('v')
        .map(|digits| digits.split_once('.').unwrap_or((digits, "0")))?;
    let digit = |text: &str| (text.len() == 1).then(|| text.parse::<u32>().ok()).flatten();
    Some(digit(major)? * 10 + digit(minor)?)
}

/// What to prefer among versions of the operating system that will do; `None` when this one will not.
fn revision(want: &PlatformSpec, have: &PlatformSpec) -> Option<u64> {
    if want.os_version.is_empty() || want.os_version == have.os_version {
        return Some(0);
    }
    if want.os != "windows" {
        return None;
    }
    let build = |version: &str| -> Option<[u64; 3]> {
        let mut parts = version.split('.').map(|part| part.parse().ok());
        Some([parts.next()??, parts.next()??, parts.next()??])
    };
    if build(&want.os_version)? != build(&have.os_version)? {
        return None;
    }
    let revision = have.os_version.split('.').nth(3);
    Some(revision.and_then(|text| text.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use oci_spec::image::MediaType;

    use super::*;

    fn spec(text: &str) -> PlatformSpec {
        text.parse().expect(text)
    }

    fn child(text: &str) -> Descriptor {
        let mut child = Descriptor::new(MediaType::ImageManifest, 1, crate::sha256(text));
        child.set_platform((!text.is_empty()).then(|| spec(text).to_platform()));
        child
    }

    /// `want` chooses the child at this place.
    #[track_caller]
    fn check(want: &str, children: &[&str], place: Option<usize>) {
        let children: Vec<_> = children.iter().map(|text| child(text)).collect();
        let chosen = spec(want).choose(&children);
        assert_eq!(chosen, place.map(|place| &children[place]), "{want}");
    }

    #[test]
    fn exact_is_best_and_first() {
        check(
            "linux/amd64",
            &["linux/arm64", "linux/amd64:5", "linux/amd64"],
            Some(1),
        );
        check(
            "linux/arm/v7",
            &["linux/arm", "linux/arm/v6", "linux/arm/v7"],
            Some(2),
        );
        check("linux/arm", &["linux/arm/v6", "linux/arm/v7"], Some(0));
        check("linux/amd64", &["linux/x86_64", ""], Some(1));
        check("linux/amd64", &[], None);
    }

    #[test]
    fn names_do_not_matter() {
        check("linux/arm64/v8", &["linux/amd64", "linux/arm64"], Some(1));
        check("linux/arm64", &["linux/amd64", "linux/arm64/v8"], Some(1));
        check("linux/aarch64", &["linux/arm64/v8"], Some(0));
        check("linux/x86_64", &["linux/386", "linux/amd64"], Some(1));
        check("linux/armhf", &["linux/arm/v6", "linux/arm/v7"], Some(1));
        check("linux/armel", &["linux/arm/v7", "linux/arm/v5"], Some(1));
        check("linux/arm/v7", &["linux/arm"], Some(0));
    }

    #[test]
    fn older_variants_will_do() {
        check("linux/arm/v7", &["linux/arm/v5", "linux/arm/v6"], Some(1));
        check("linux/arm/v6", &["linux/arm/v7"], None);
        check("linux/arm/v8", &["linux/arm/v6", "linux/arm/v7"], Some(1));
        check(
            "linux/amd64/v3",
            &["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"],
            Some(1),
        );
        check("linux/amd64/v2", &["linux/amd64/v3", "linux/amd64"], Some(1));
        check("linux/arm64/v9", &["linux/arm64", "linux/arm64/v8.2"], Some(1));
        check("linux/amd64/pios", &["linux/amd64/ubuntu", "linux/amd64"], None);
        check("linux/arm64", &["linux/arm/v7"], None);
        check("linux/amd64", &["linux/386"], None);
    }

    #[test]
    fn versions_of_windows() {
        let have = [
            "windows/amd64:10.0.14393.9",
            "windows/amd64:10.0.17763.1",
            "windows/amd64:10.0.17763.20",
        ];
        check("windows/amd64", &have, Some(0));
        check("windows/amd64:10.0.17763.1", &have, Some(1));
        check("windows/amd64:10.0.17763.5", &have, Some(2));
        check("windows/amd64:10.0.17763", &have, Some(2));
        check("windows/amd64:10.0.20348.1", &have, None);
        check("windows/amd64:what", &have, None);
        check("linux/amd64:5.0", &["linux/amd64:5.0.1", "linux/amd64"], None);
    }

    #[test]
    fn attestations_are_not_chosen() {
        check("linux/amd64", &["unknown/unknown"], None);
        check("unknown/unknown", &["linux/amd64", "unknown/unknown"], Some(1));
        let mut marked = child("linux/amd64");
        let mark = (REFERENCE_TYPE.to_owned(), "attestation-manifest".to_owned());
        marked.set_annotations(Some([mark].into()));
        assert_eq!(spec("linux/amd64").choose([&marked]), None);
    }

    #[test]
    fn features_are_needed() {
        let want = spec("linux/x86_64").with_os_features(["a"]);
        let mut have = spec("linux/amd64");
        assert_eq!(want.fit(&have.to_platform()), None);
        have = have.with_os_features(["a", "b"]);
        assert!(want.fit(&have.to_platform()).is_some());
    }
}
