//! Keychains and what they answer.

mod combining;
