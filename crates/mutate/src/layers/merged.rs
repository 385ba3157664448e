//! Layers made of merged ones.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use wharf_extract::{ExtractOptions, Replaced};
use wharf_v1::Layer;

/// Builds a layer that has each path once. A layer of one that has some twice is not known for that before it is
/// read, and read a second time only then.
pub(crate) async fn with_each_path_once<T, E, R>(
    layers: &[Arc<dyn Layer>],
    options: ExtractOptions,
    build: impl Fn(ExtractOptions) -> R,
) -> Result<T, E>
where
    E: StdError + 'static,
    R: Future<Output = Result<T, E>>,
{
    let may_begin_anew = layers.iter().all(|layer| layer.is_reopenable());
    if options.replaced != Replaced::Passed || !may_begin_anew {
        return build(options).await;
    }
    match build(options.with_replaced(Replaced::Refused)).await {
        Err(error) if is_replaced(&error) => build(options.with_replaced(Replaced::LeftOut)).await,
        built => built,
    }
}

/// Whether this is because a layer has a path twice.
fn is_replaced(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let content = inner.and_then(|inner| inner.downcast_ref::<wharf_v1::Error>());
        let own = content.and_then(|content| content.source_ref::<wharf_extract::Error>());
        if matches!(own, Some(wharf_extract::Error::Replaced { .. })) {
            return true;
        }
        next = error.source();
    }
    false
}
