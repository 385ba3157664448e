//! The history of a rebased image.

use oci_spec::image::History;

use crate::Error;
use crate::history::{checked_count, is_empty_layer, padded};

/// What an image tells of itself.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) entries: &'a [History],
    pub(super) layers: usize,
}

/// The entries that an image has on top of those of its base.
///
/// If the image tells of all its layers, its own part begins behind the entry of the base's last layer.
/// If not, the base may be what it is silent about: then its own part begins behind as many entries of
/// layers as the base itself tells of. Entries of steps that made no layer belong to the base as long as
/// its own history has one there too.
pub(super) fn own_part<'a>(image: Told<'a>, base: Told<'_>) -> Result<&'a [History], Error> {
    let told = checked_count(image.entries, image.layers)?;
    let told_by_base = checked_count(base.entries, base.layers)?;
    let own_layers = image.layers - base.layers;
    let of_base = if told < image.layers && told == told_by_base + own_layers {
        told_by_base
    } else {
        base.layers.min(told)
    };
    let mut start = 0;
    let mut seen = 0;
    while seen < of_base {
        seen += usize::from(!is_empty_layer(&image.entries[start]));
        start += 1;
    }
    while start < base.entries.len() && image.entries.get(start).is_some_and(is_empty_layer) {
        start += 1;
    }
    Ok(&image.entries[start..])
}

/// The history of the new base with the image's own part behind it, telling of every layer, unless
/// neither tells of anything.
pub(super) fn joined(base: Told<'_>, own: &[History], own_layers: usize) -> Result<Vec<History>, Error> {
    checked_count(base.entries, base.layers)?;
    if base.entries.is_empty() && own.is_empty() {
        return Ok(Vec::new());
    }
    let mut history = padded(base.entries.to_vec(), base.layers);
    history.extend(padded(own.to_vec(), own_layers));
    Ok(history)
}

#[cfg(test)]
mod tests {
    use oci_spec::image::HistoryBuilder;

    use super::*;

    /// A letter is an entry of a layer in upper case, of a step without one in lower case, `-` a blank
    /// entry of a layer.
    fn entries(letters: &str) -> Vec<History> {
        let entry = |letter: char| {
            let mut entry = HistoryBuilder::default().build().expect("nothing required");
            if letter != '-' {
                entry.set_created_by(Some(letter.to_string()));
            }
            if letter.is_lowercase() {
                entry.set_empty_layer(Some(true));
            }
            entry
        };
        letters.chars().map(entry).collect()
    }

    fn letters(history: &[History]) -> String {
        let letter = |entry: &History| entry.created_by().clone().unwrap_or_else(|| "-".to_owned());
        history.iter().map(letter).collect()
    }

    fn rebased(
        (image, layers): (&str, usize),
        (old, old_layers): (&str, usize),
        (new, new_layers): (&str, usize),
    ) -> Result<String, Error> {
        let (image, old, new) = (entries(image), entries(old), entries(new));
        let told = |entries, layers| Told { entries, layers };
        let own = own_part(told(&image, layers), told(&old, old_layers))?;
        Ok(letters(&joined(
            told(&new, new_layers),
            own,
            layers - old_layers,
        )?))
    }

    #[track_caller]
    fn check(image: (&str, usize), old: (&str, usize), new: (&str, usize), want: &str) {
        assert_eq!(rebased(image, old, new).expect("no contradiction"), want);
    }

    #[test]
    fn complete_histories() {
        check(("ABCdE", 4), ("ABC", 3), ("XY", 2), "XYdE");
        // Steps without layers at the end of the base are the base's, those after are the image's.
        check(("ABcdE", 3), ("ABc", 2), ("Xy", 1), "XydE");
        check(("aBcD", 2), ("aB", 1), ("", 0), "cD");
        check(("AB", 2), ("AB", 2), ("X", 1), "X");
        check(("AB", 2), ("", 0), ("X", 1), "XAB");
    }

    #[test]
    fn missing_histories() {
        // None anywhere.
        check(("", 5), ("", 3), ("", 2), "");
        // The image tells nothing: its layers are there all the same.
        check(("", 5), ("ABC", 3), ("XY", 2), "XY--");
        check(("", 5), ("", 3), ("XY", 2), "XY--");
        // The old base tells nothing, and the image of all or only of its own.
        check(("ABCdE", 4), ("", 3), ("XY", 2), "XYdE");
        check(("dE", 4), ("", 3), ("XY", 2), "XYdE");
        // The new base tells nothing, or not of all.
        check(("ABCdE", 4), ("ABC", 3), ("", 2), "--dE");
        check(("ABCdE", 4), ("ABC", 3), ("X", 3), "X--dE");
        // The image tells of some of its own.
        check(("ABCD", 5), ("ABC", 3), ("X", 1), "XD-");
        check(("A", 5), ("ABC", 3), ("X", 1), "X--");
    }

    #[test]
    fn contradictions() {
        let images = [
            (("ABC", 2), ("A", 1), ("X", 1)),
            (("AB", 2), ("AB", 1), ("X", 1)),
            (("AB", 2), ("A", 1), ("XY", 1)),
        ];
        for (image, old, new) in images {
            let error = rebased(image, old, new).expect_err("more entries than layers");
            assert!(matches!(error, Error::History { .. }), "{error:?}");
        }
    }
}
