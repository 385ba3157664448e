//! Content that a descriptor brings along
//! ([image-spec](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#embedded-content)).

use bytes::Bytes;
use oci_spec::image::Descriptor;
use wharf_v1::DescriptorExt as _;

/// The embedded content, if there is some and it is what the descriptor promises. Bad content is as good as none: the
/// registry has the right one.
pub(crate) fn data(descriptor: &Descriptor) -> Option<Bytes> {
    descriptor.inlined().ok().flatten()
}

#[cfg(test)]
mod tests {
    use oci_spec::image::MediaType;

    use super::*;

    #[track_caller]
    fn check(encoded: Option<&str>, size: u64, content: &str, want: Option<&str>) {
        let mut descriptor = Descriptor::new(MediaType::ImageConfig, size, wharf_v1::sha256(content));
        descriptor.set_data(encoded.map(str::to_owned));
        assert_eq!(data(&descriptor).as_deref(), want.map(str::as_bytes));
    }

    #[test]
    fn only_what_was_promised_counts() {
        check(Some("e30="), 2, "{}", Some("{}"));
        check(None, 2, "{}", None);
        check(Some("e30="), 3, "{}", None);
        check(Some("e30="), 2, "[]", None);
        check(Some("!"), 2, "{}", None);
        check(Some(""), 0, "", Some(""));
    }
}
