//! Foreign text on a line of ours.

use std::fmt::{self, Write as _};

/// Text from outside, on one line and without what a terminal would obey.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() || reorders(c) {
                write!(f, "{}", c.escape_debug())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Line separators, and marks that change the direction of text.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(OneLine(text).to_string(), want);
    }

    #[test]
    fn what_is_escaped() {
        check("plain \"text\" 'ä' \\", "plain \"text\" 'ä' \\");
        check("a\nb\u{1b}[31m", r"a\nb\u{1b}[31m");
        check("\u{202e}exe", r"\u{202e}exe");
    }
}
