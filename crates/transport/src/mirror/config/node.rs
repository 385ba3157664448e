use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::check_size;
use super::{ConfigError, ConfigProblem, ErrorAt};

/// A TOML file.
pub(in super::super) struct Document<'i> {
    file: &'i Path,
    text: &'i str,
    root: Spanned<DeTable<'i>>,
}

impl<'i> Document<'i> {
    /// `file` is for errors.
    pub(in super::super) fn parse(text: &'i str, file: &'i Path) -> Result<Self, ConfigError> {
        check_size(file, text)?;
        // What the library shows of the text may be a secret, so only its message is kept.
        let root = DeTable::parse(text).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: error.span().map(|span| line(text, &span)),
            key: String::new(),
            problem: Box::new(ConfigProblem::Syntax(error.message().to_owned())),
        })?;
        Ok(Self { file, text, root })
    }

    pub(in super::super) fn root(&self) -> Table<'_> {
        Table {
            place: Place {
                file: self.file,
                text: self.text,
                span: self.root.span(),
                key: String::new(),
            },
            table: self.root.get_ref(),
        }
    }
}

#[derive(Clone)]
struct Place<'d> {
    file: &'d Path,
    text: &'d str,
    span: Range<usize>,
    key: String,
}

impl Place<'_> {
    fn below(&self, key: &str, span: Range<usize>) -> Self {
        let key = if self.key.is_empty() || key.starts_with('[') {
            format!("{}{key}", self.key)
        } else {
            format!("{}.{key}", self.key)
        };
        Self {
            span,
            key,
            ..self.clone()
        }
    }
}

impl ErrorAt for Place<'_> {
    fn error(&self, problem: ConfigProblem) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            line: Some(line(self.text, &self.span)),
            key: self.key.clone(),
            problem: Box::new(problem),
        }
    }
}

/// A table in a file.
pub(in super::super) struct Table<'d> {
    place: Place<'d>,
    table: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    pub(in super::super) fn get(&self, key: &str) -> Option<Node<'d>> {
        let value = self.table.get(key)?;
        Some(Node {
            place: self.place.below(key, value.span()),
            value: value.get_ref(),
        })
    }

    /// `false` where it is missing.
    pub(in super::super) fn flag(&self, key: &str) -> Result<bool, ConfigError> {
        self.get(key).map_or(Ok(false), |node| node.flag())
    }

    /// None where it is missing.
    pub(in super::super) fn items(&self, key: &str) -> Result<Vec<Node<'d>>, ConfigError> {
        self.get(key).map_or(Ok(Vec::new()), |node| node.items())
    }

    /// All there is, in the order in which it is written.
    pub(in super::super) fn entries(&self) -> Vec<(&'d str, Node<'d>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                let node = Node {
                    place: self.place.below(&shown(key.get_ref()), key.span()),
                    value: value.get_ref(),
                };
                (key.get_ref().as_ref(), node)
            })
            .collect()
    }
}

impl ErrorAt for Table<'_> {
    fn error(&self, problem: ConfigProblem) -> ConfigError {
        self.place.error(problem)
    }
}

/// A value in a file.
#[derive(Clone)]
pub(in super::super) struct Node<'d> {
    place: Place<'d>,
    value: &'d DeValue<'d>,
}

impl<'d> Node<'d> {
    pub(in super::super) fn text(&self) -> Result<&'d str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    pub(in super::super) fn flag(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub(in super::super) fn table(&self) -> Result<Table<'d>, ConfigError> {
        let table = self.value.as_table().ok_or_else(|| self.wrong("a table"))?;
        Ok(Table {
            place: self.place.clone(),
            table,
        })
    }

    pub(in super::super) fn items(&self) -> Result<Vec<Self>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("an array"))?;
        let item = |(at, value): (usize, &'d Spanned<DeValue<'d>>)| Self {
            place: self.place.below(&format!("[{at}]"), value.span()),
            value: value.get_ref(),
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// What may be one value or an array of such.
    pub(in super::super) fn one_or_more(&self) -> Vec<Self> {
        self.items().unwrap_or_else(|_| vec![self.clone()])
    }

    pub(in super::super) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    fn wrong(&self, want: &'static str) -> ConfigError {
        let got = self.value.type_str();
        self.error(ConfigProblem::Type { want, got })
    }
}

impl ErrorAt for Node<'_> {
    fn error(&self, problem: ConfigProblem) -> ConfigError {
        self.place.error(problem)
    }
}

/// A key that may be a URL, as it may be shown: without a password or a query.
fn shown(key: &str) -> String {
    let Some((scheme, rest)) = key.split_once("://") else {
        return format!("{key:?}");
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{:?}", format!("{scheme}://****@{place}")),
        None => format!("{:?}", format!("{scheme}://{rest}")),
    }
}

/// In which line something begins.
fn line(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
