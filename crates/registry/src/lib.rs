//! An embeddable registry server and its stores.
