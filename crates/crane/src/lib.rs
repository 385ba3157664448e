//! Whole jobs on container images, and the command line crane.
