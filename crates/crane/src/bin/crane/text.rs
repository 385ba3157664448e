//! Pages for people: names and values, tables, sizes.

use std::fmt::Write as _;

use crate::failure::printable;

/// Bytes in units of a thousand, with three digits at most: `999 B`, `1.23 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000 is 1 of the next.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 9.995 {
        2
    } else {
        usize::from(value < 99.95)
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A page of text that is built line by line. Whatever is put in comes out printable.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// A line of its own, with an indent of so many blanks.
    pub(crate) fn line(&mut self, indent: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:indent$}{}", "", printable(text));
    }

    /// `Name:   value`.
    pub(crate) fn field(&mut self, indent: usize, name: &str, value: &str) {
        const WIDTH: usize = 14;
        let name = format!("{name}:");
        let width = WIDTH.saturating_sub(indent);
        let _ = writeln!(self.0, "{:indent$}{name:<width$} {}", "", printable(value));
    }

    /// Rows whose columns stand below each other. The last column is not padded.
    pub(crate) fn table(&mut self, indent: usize, rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| printable(cell)).collect())
            .collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &rows {
            let mut line = " ".repeat(indent);
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(line, "{cell:<width$}  ");
            }
            self.0.push_str(line.trim_end());
            self.0.push('\n');
        }
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.0.push('\n');
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (12_345, "12.3 kB"),
            (123_456, "123 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (9_994_999, "9.99 MB"),
            (9_995_001, "10.0 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), want, "{bytes}");
        }
    }

    #[test]
    fn pages_are_printable_and_aligned() {
        let mut page = Page::default();
        page.field(0, "Name", "a\u{1b}[31m");
        page.table(
            2,
            &[
                vec!["a".to_owned(), "b".to_owned()],
                vec!["long".to_owned(), "c\nd".to_owned()],
            ],
        );
        assert_eq!(
            page.into_text(),
            "Name:          a\\u{1b}[31m\n  a     b\n  long  c d\n"
        );
    }
}
