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

/// The platform that a config states, if it states one.
pub(crate) fn stated(config: &ImageConfiguration) -> Option<Platform> {
    let (os, architecture) = (config.os().to_string(), config.architecture().to_string());
    if os.is_empty() || architecture.is_empty() {
        return None;
    }
    // `Platform::default` is that of the machine this runs on: every field is set.
    let mut platform = Platform::default();
    platform
        .set_os(config.os().clone())
        .set_architecture(config.architecture().clone())
        .set_variant(config.variant().clone())
        .set_os_version(config.os_version().clone())
        .set_os_features(config.os_features().clone())
        .set_features(None);
    Some(platform)
}
