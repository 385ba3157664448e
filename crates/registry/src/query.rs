//! The query of a request.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Names and values of a query, decoded, in order.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the query of an API request. A plus sign is itself: media types have them, and a client
    /// that forgets to encode one means no space.
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        Self::pairs(raw.unwrap_or_default(), |text| Cow::Borrowed(text))
    }

    /// Parses a form, or the query of a token request, where a plus sign is a space.
    pub(crate) fn parse_form(raw: &str) -> Self {
        Self::pairs(raw, |text| Cow::Owned(text.replace('+', " ")))
    }

    fn pairs(raw: &str, plus: fn(&str) -> Cow<'_, str>) -> Self {
        let decode = |text: &str| percent_decode_str(&plus(text)).decode_utf8_lossy().into_owned();
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_once() {
        let query = Query::parse(Some("a=1&b=x%2By+z&a=2&c&&d=%2525"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.get("b"), Some("x+y+z"));
        assert_eq!(query.get("c"), Some(""));
        assert_eq!(query.get("d"), Some("%25"));
        assert_eq!(query.get("e"), None);
        assert_eq!(Query::parse_form("scope=a+b%2Bc").get("scope"), Some("a b+c"));
    }
}
