//! The platform that an index gives an image, after the image's config changed.

use oci_spec::image::{ImageConfiguration, Platform};

/// What an index should say of an image whose config was `before` and is `after`. It may say more than
/// the config does, so it is only changed where the config is.
pub(crate) fn following(
    listed: Option<&Platform>,
    before: &ImageConfiguration,
    after: &ImageConfiguration,
) -> Option<Platform> {
    let mut platform = listed?.clone();
    if before.os() != after.os() {
        platform.set_os(after.os().clone());
    }
    if before.architecture() != after.architecture() {
        platform.set_architecture(after.architecture().clone());
    }
    if before.variant() != after.variant() {
        platform.set_variant(after.variant().clone());
    }
    if before.os_version() != after.os_version() {
        platform.set_os_version(after.os_version().clone());
    }
    if before.os_features() != after.os_features() {
        platform.set_os_features(after.os_features().clone());
    }
    Some(platform)
}
