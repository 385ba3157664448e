//! Lists that come page by page.

use serde_json::{Map, Value};

use crate::context::Context;
use crate::failure::Failure;

/// Text that is held for a document of JSON, in bytes; a registry may have pages without end.
const LIMIT: usize = 64 << 20;

/// A list: printed line by line as it comes, or held for a document of JSON.
#[derive(Debug)]
pub(super) struct Listing {
    held: Option<Vec<Value>>,
    bytes: usize,
}

impl Listing {
    pub(super) fn new(json: bool) -> Self {
        Self {
            held: json.then(Vec::new),
            bytes: 0,
        }
    }

    /// One entry.
    pub(super) async fn add(&mut self, text: String, context: &mut Context) -> Result<(), Failure> {
        let Some(held) = &mut self.held else {
            return context.out.queue(text).await;
        };
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > LIMIT {
            return Err(Failure::usage("the list is too long for JSON"));
        }
        held.push(text.into());
        Ok(())
    }

    /// What was listed until now is to be seen.
    pub(super) async fn page(&self, context: &mut Context) -> Result<(), Failure> {
        context.out.flush().await
    }

    /// The end of the list: of what, and what its entries are.
    pub(super) async fn end(self, name: String, kind: &str, context: &mut Context) -> Result<(), Failure> {
        let Some(held) = self.held else {
            return context.out.flush().await;
        };
        let mut document = Map::new();
        document.insert("name".to_owned(), name.into());
        document.insert(kind.to_owned(), held.into());
        context.out.json(&document).await
    }
}
