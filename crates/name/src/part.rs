//! A piece of the input that knows where it stands, so that errors can point at it.

use std::borrow::Cow;
use std::ops::Range;

use crate::ParseErrorKind;

/// A slice of the input and its byte offset in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    pub(crate) fn whole(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// The bytes `range` of this part.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        Self {
            start: self.start + range.start,
            text: &self.text[range],
        }
    }

    pub(crate) fn split_once(self, delimiter: char) -> Option<(Self, Self)> {
        self.split_at_delimiter(self.text.find(delimiter)?, delimiter)
    }

    pub(crate) fn rsplit_once(self, delimiter: char) -> Option<(Self, Self)> {
        self.split_at_delimiter(self.text.rfind(delimiter)?, delimiter)
    }

    fn split_at_delimiter(self, at: usize, delimiter: char) -> Option<(Self, Self)> {
        Some((
            self.slice(0..at),
            self.slice(at + delimiter.len_utf8()..self.text.len()),
        ))
    }

    /// The first character that `allowed` refuses, as a part of its own.
    pub(crate) fn first_not(self, allowed: impl Fn(char) -> bool) -> Option<Self> {
        let (at, found) = self.text.char_indices().find(|(_, c)| !allowed(*c))?;
        Some(self.slice(at..at + found.len_utf8()))
    }

    /// This part is wrong as a whole.
    pub(crate) fn fault(self, kind: ParseErrorKind) -> Fault {
        self.fault_at(kind, self)
    }

    /// This part is wrong because of `culprit`, a part of it.
    pub(crate) fn fault_at(self, kind: ParseErrorKind, culprit: Part<'_>) -> Fault {
        Fault {
            kind,
            subject: self.range(),
            span: culprit.range(),
            hint: None,
        }
    }
}

/// A [`ParseError`](crate::ParseError) in the making: all but the input, which the entry point adds.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ParseErrorKind,
    /// The value that the message shows.
    pub(crate) subject: Range<usize>,
    /// The bytes that are wrong.
    pub(crate) span: Range<usize>,
    pub(crate) hint: Option<Cow<'static, str>>,
}

impl Fault {
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
