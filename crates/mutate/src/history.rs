//! Which entry of a history is of which layer.

use oci_spec::image::{History, HistoryBuilder};

use crate::Error;

/// An entry that says nothing.
pub(crate) fn blank() -> History {
    HistoryBuilder::default().build().expect("nothing is required")
}

/// Whether an entry is of a step that made no layer.
pub(crate) fn is_empty_layer(entry: &History) -> bool {
    entry.empty_layer().unwrap_or(false)
}

/// How many of these entries are of layers.
pub(crate) fn count(history: &[History]) -> usize {
    history.iter().filter(|entry| !is_empty_layer(entry)).count()
}

/// How many entries are of layers, when that are no more than there are layers.
pub(crate) fn checked_count(history: &[History], layers: usize) -> Result<usize, Error> {
    let entries = count(history);
    if entries > layers {
        return Err(Error::History { entries, layers });
    }
    Ok(entries)
}

/// The history without the entries of the layers at these places. A history that tells of fewer layers
/// than there are is taken to tell of the first.
pub(crate) fn without_layers(
    history: Vec<History>,
    layers: usize,
    is_removed: impl Fn(usize) -> bool,
) -> Result<Vec<History>, Error> {
    checked_count(&history, layers)?;
    let mut layer = 0;
    let kept = history.into_iter().filter(|entry| {
        if is_empty_layer(entry) {
            return true;
        }
        layer += 1;
        !is_removed(layer - 1)
    });
    Ok(kept.collect())
}

/// The history with blank entries at its end for the layers that it does not tell of.
pub(crate) fn padded(mut history: Vec<History>, layers: usize) -> Vec<History> {
    let entries = count(&history);
    history.extend((entries..layers).map(|_| blank()));
    history
}
