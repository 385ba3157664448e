//! The HTTP client for registries, as a stack of tower layers.
