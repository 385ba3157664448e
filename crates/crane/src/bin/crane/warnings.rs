//! What registries warn of, told once when the command is over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::Response;
use tower::util::MapResultLayer;
use wharf::transport::{AnswerInfo, Body, Error};

use crate::printer;

/// More different warnings are not kept: a registry could send one with every answer.
const MOST: usize = 64;

/// The answer to a request.
type Outcome = Result<Response<Body>, Error>;

/// The warnings of all registries that a command talked to. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Arc<Mutex<BTreeSet<String>>>);

impl Warnings {
    /// A layer of the HTTP stack that collects what answers warn of, those that are errors too.
    pub(crate) fn layer(&self) -> MapResultLayer<impl Fn(Outcome) -> Outcome + Clone + Send + Sync + use<>> {
        let warnings = self.clone();
        MapResultLayer::new(move |outcome: Outcome| {
            match &outcome {
                Ok(response) => {
                    if let Some(info) = response.extensions().get::<AnswerInfo>() {
                        warnings.add(&info.warnings);
                    }
                }
                Err(error) => {
                    if let Some(error) = error.registry_error() {
                        warnings.add(&error.warnings);
                    }
                }
            }
            outcome
        })
    }

    fn add(&self, texts: &[String]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in texts {
            if kept.len() < MOST {
                kept.insert(text.clone());
            }
        }
    }

    /// Prints each once, in order.
    pub(crate) fn print(&self) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in kept.iter() {
            printer::warning(text);
        }
    }
}
