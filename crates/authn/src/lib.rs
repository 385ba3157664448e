//! Credentials for registries: keychains, docker and podman files, helpers.
