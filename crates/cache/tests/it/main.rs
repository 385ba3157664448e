//! The cache against content that counts how often it is opened.

mod conformance;
mod counted;
mod entries;
mod through;
