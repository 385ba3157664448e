//! Checks of platforms.

use std::collections::BTreeSet;

use oci_spec::image::{ImageConfiguration, Platform};

use super::report::{Check, Notes};
use crate::PlatformSpec;

/// What an index says of an image's platform is what the image's config says.
pub(super) fn agree(listed: &Platform, config: &ImageConfiguration, notes: &mut Notes) {
    let listed = PlatformSpec::from(listed).normalized();
    let Some(own) = PlatformSpec::of_config(config) else {
        return notes.mismatch(Check::Platform, listed, "a config that states none");
    };
    let own = own.normalized();
    let mut compare = |what: &str, want: &str, got: &str| {
        if want != got {
            notes.mismatch(
                Check::Platform,
                format_args!("{what} {want:?}"),
                format_args!("{got:?}"),
            );
        }
    };
    compare("os", listed.os(), own.os());
    for (what, want, got) in [
        ("architecture", listed.architecture(), own.architecture()),
        ("variant", listed.variant(), own.variant()),
        ("os.version", listed.os_version(), own.os_version()),
    ] {
        compare(what, want.unwrap_or_default(), got.unwrap_or_default());
    }
    let list =
        |features: &BTreeSet<String>| features.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    compare(
        "os.features",
        &list(listed.os_features()),
        &list(own.os_features()),
    );
}
