//! The `Range` of downloads and the `Content-Range` of uploads.

use std::ops::Range;

/// What a `Range` header comes to, for content of a certain size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The header says nothing that this server serves in part: all of it.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

/// Judges a `Range` header by [RFC 9110 section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14).
/// Only a single range of bytes is served; of several, and of other units, the header is ignored, as
/// the RFC allows. A range that ends before it begins is refused, where the RFC would let it be
/// ignored: a client that sends it has miscounted, and should not be sent everything.
pub(crate) fn wanted(header: &str, size: u64) -> Wanted {
    let Some((unit, ranges)) = header.split_once('=') else {
        return Wanted::Unsatisfiable;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return Wanted::All;
    }
    let Some((first, last)) = ranges.trim().split_once('-') else {
        return Wanted::Unsatisfiable;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Wanted::Unsatisfiable,
    };
    if range.is_empty() {
        Wanted::Unsatisfiable
    } else {
        Wanted::Part(range)
    }
}

/// Parses the `Content-Range` of a chunk: `first-last`, as the
/// [specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks)
/// has it, or `bytes first-last/size` with an optional size, as in HTTP. Returns offset and length.
pub(crate) fn chunk(header: &str) -> Option<(u64, u64)> {
    let header = header.trim();
    let (range, total) = match header.strip_prefix("bytes ") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "*")),
        None => (header, "*"),
    };
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    let fits = total == "*" || number(total).is_some_and(|total| last < total);
    fits.then_some((first, length))
}

/// A run of digits. Neither a sign nor spaces.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit name a place beyond any content.
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(header: &str, size: u64, want: Wanted) {
        assert_eq!(wanted(header, size), want, "{header:?} of {size}");
    }

    #[test]
    fn ranges() {
        check("bytes=0-2", 3, Wanted::Part(0..3));
        check("bytes=1-2", 3, Wanted::Part(1..3));
        check("BYTES = 1-1", 3, Wanted::Part(1..2));
        check("bytes=1-", 3, Wanted::Part(1..3));
        check("bytes=-2", 3, Wanted::Part(1..3));
        check("bytes=-9", 3, Wanted::Part(0..3));
        check("bytes=1-99", 3, Wanted::Part(1..3));
        check("bytes=2-99999999999999999999999", 3, Wanted::Part(2..3));
        check("bytes=0-18446744073709551615", 3, Wanted::Part(0..3));
    }

    #[test]
    fn ranges_that_cannot_be_satisfied() {
        for header in [
            "bytes=3-3",
            "bytes=2-1",
            "bytes=-0",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes",
            "bytes=0x1-2",
        ] {
            check(header, 3, Wanted::Unsatisfiable);
        }
        check("bytes=0-", 0, Wanted::Unsatisfiable);
        check("bytes=-1", 0, Wanted::Unsatisfiable);
    }

    #[test]
    fn ranges_that_are_ignored() {
        check("nibbles=1-2", 3, Wanted::All);
        check("bytes=0-0,2-2", 3, Wanted::All);
    }

    #[test]
    fn chunks() {
        assert_eq!(chunk("0-2"), Some((0, 3)));
        assert_eq!(chunk("3-3"), Some((3, 1)));
        assert_eq!(chunk("bytes 3-5/*"), Some((3, 3)));
        assert_eq!(chunk("bytes 3-5/6"), Some((3, 3)));
        assert_eq!(chunk("bytes 3-5"), Some((3, 3)));
        for bad in [
            "",
            "-",
            "0-",
            "-1",
            "0-bar",
            "2-1",
            "bytes=0-2",
            "bytes 3-5/5",
            "0-18446744073709551615",
            "0--1",
            "1 - 2",
            "+1-2",
        ] {
            assert_eq!(chunk(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged(header in ".*", size: u64) {
            if let Wanted::Part(range) = wanted(&header, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
            let _ = chunk(&header);
        }

        #[test]
        fn a_closed_range_is_itself(size in 1_u64..1000, first in 0_u64..1000, length in 1_u64..1000) {
            let got = wanted(&format!("bytes={first}-{}", first + length - 1), size);
            let want = if first < size { Wanted::Part(first..(first + length).min(size)) } else { Wanted::Unsatisfiable };
            prop_assert_eq!(got, want);
        }
    }
}
