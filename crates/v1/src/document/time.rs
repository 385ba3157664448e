//! Times as Go writes them.

/// `text`, an RFC 3339 time, as Go's encoder writes it: without trailing zeros in its fraction, and
/// with `Z` for an offset of zero. The instant and the offset stay as they are. A text of any other form
/// stays as it is.
pub(super) fn canonical(text: &str) -> String {
    canonical_of(text).unwrap_or_else(|| text.to_owned())
}

fn canonical_of(text: &str) -> Option<String> {
    // "2006-01-02T15:04:05" is all ASCII and 19 long.
    let (seconds, rest) = text.split_at_checked(19)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    // Go keeps nanoseconds only; who wrote more should not lose it.
    let is_offset = offset == "Z" || (offset.len() == 6 && offset.starts_with(['+', '-']));
    if !is_offset || fraction.len() > 9 {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let offset = if matches!(offset, "+00:00" | "-00:00") {
        "Z"
    } else {
        offset
    };
    Some(format!("{seconds}{dot}{fraction}{offset}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(canonical(text), want);
    }

    #[test]
    fn times() {
        check("2024-03-05T06:07:08.600Z", "2024-03-05T06:07:08.6Z");
        check("2024-03-05T06:07:08.000000000Z", "2024-03-05T06:07:08Z");
        check("2024-03-05T06:07:08.123456789Z", "2024-03-05T06:07:08.123456789Z");
        check("2024-03-05T06:07:08Z", "2024-03-05T06:07:08Z");
        check("2024-03-05T06:07:08.50+01:00", "2024-03-05T06:07:08.5+01:00");
        check("2024-03-05T06:07:08+00:00", "2024-03-05T06:07:08Z");
        check(
            "2024-03-05T06:07:08.1234567890Z",
            "2024-03-05T06:07:08.1234567890Z",
        );
        check("2024-03-05T06:07:08.", "2024-03-05T06:07:08.");
        check("2024-03-05T06:07:08.10", "2024-03-05T06:07:08.10");
        check("yesterday", "yesterday");
        check("", "");
    }

    proptest! {
        #[test]
        fn anything_goes_and_twice_is_once(text in "([0-9T:-]{19})?[.0-9Z+:-]{0,14}|.{0,30}") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }
    }
}
