//! A toolkit for OCI container registries: every part under one name.
