//! Archives in the format of docker save.
