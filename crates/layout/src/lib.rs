//! OCI image layouts: read and write, atomically.
