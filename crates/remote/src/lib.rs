//! Read, write, list and delete images in a registry.
