//! References to registries, repositories, tags and digests.
