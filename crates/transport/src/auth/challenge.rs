//! What a registry says about how to authenticate.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// More of a header than this is not read.
const MAX_HEADER: usize = 16 << 10;
/// More challenges in one response, and more parameters in one challenge, are not kept.
const MAX_ITEMS: usize = 32;

/// One challenge of a `WWW-Authenticate` header
/// ([RFC 9110, section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
///
/// ```
/// use wharf_transport::auth::Challenge;
///
/// let header = r#"Basic realm="old", Bearer realm="https://auth.example/token",service="registry.example""#;
/// let challenges = Challenge::parse(header);
/// assert_eq!(challenges.len(), 2);
/// assert_eq!(challenges[1].scheme(), "bearer");
/// assert_eq!(challenges[1].param("service"), Some("registry.example"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Challenge {
    /// The challenges in the text of one header.
    ///
    /// There may be several in one header, separated by commas like their parameters. What cannot be understood is
    /// skipped, and reading goes on behind it: forgiven are spaces around `=`, missing commas, `;` for `,`, values
    /// without quotes that need them, and garbage. A parameter whose quotes do not end is dropped.
    #[must_use]
    pub fn parse(header: &str) -> Vec<Self> {
        let end = header.floor_char_boundary(MAX_HEADER);
        Parser {
            rest: &header[..end],
            challenges: Vec::new(),
        }
        .run()
    }

    /// The challenges of a response, in all its headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Vec<Self> {
        let lines = headers.get_all(WWW_AUTHENTICATE).iter().take(MAX_ITEMS);
        let mut challenges: Vec<Self> = lines
            .flat_map(|line| Self::parse(&String::from_utf8_lossy(line.as_bytes())))
            .collect();
        challenges.truncate(MAX_ITEMS);
        challenges
    }

    /// The scheme in lower case, as `bearer`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// A parameter by its name in lower case. Of several with one name the last counts.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All parameters, names in lower case.
    pub(crate) fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What the registry says is wrong: `error` and `error_description`
    /// ([RFC 6750, section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
    #[must_use]
    pub fn error(&self) -> Option<String> {
        match (self.param("error"), self.param("error_description")) {
            (Some(error), Some(description)) => Some(format!("{error}: {description}")),
            (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
            (None, None) => None,
        }
    }

    /// The challenge to answer out of several: a Bearer that names its token server, else Basic, else a Bearer
    /// without, else none.
    #[must_use]
    pub fn choose(challenges: &[Self]) -> Option<&Self> {
        let rank = |challenge: &&Self| match challenge.scheme() {
            "bearer" if challenge.param("realm").is_some_and(|realm| !realm.is_empty()) => Some(0),
            "basic" => Some(1),
            "bearer" => Some(2),
            _ => None,
        };
        challenges
            .iter()
            .filter(|challenge| rank(challenge).is_some())
            .min_by_key(rank)
    }
}

struct Parser<'a> {
    rest: &'a str,
    challenges: Vec<Challenge>,
}

impl Parser<'_> {
    fn run(mut self) -> Vec<Challenge> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',', ';']);
            let Some(first) = self.rest.chars().next() else {
                return self.challenges;
            };
            let token = self.take_while(is_token);
            if token.is_empty() {
                // Garbage. A quoted string is skipped whole, so that its inside is not taken for parameters.
                if first != '"' || self.quoted().is_none() {
                    self.rest = &self.rest[first.len_utf8()..];
                }
                continue;
            }
            let behind = self.rest.trim_start_matches([' ', '\t']);
            match behind.strip_prefix('=') {
                Some(value) => {
                    self.rest = value.trim_start_matches([' ', '\t']);
                    self.parameter(&token);
                }
                // A scheme is a word of its own.
                None if !(self.rest.is_empty() || self.rest.starts_with([' ', '\t', ',', ';'])) => {
                    self.take_while(|c| !matches!(c, ' ' | '\t' | ',' | ';'));
                }
                None => {
                    self.rest = behind;
                    if self.challenges.len() < MAX_ITEMS {
                        self.challenges.push(Challenge {
                            scheme: token.to_ascii_lowercase(),
                            params: Vec::new(),
                        });
                    }
                    self.skip_token68();
                }
            }
        }
    }

    /// Reads the value of a parameter that belongs to the last challenge.
    fn parameter(&mut self, name: &str) {
        let value = if self.rest.starts_with('"') {
            match self.quoted() {
                Some(value) => value,
                None => {
                    self.rest = "";
                    return;
                }
            }
        } else {
            self.take_while(|c| !matches!(c, ' ' | '\t' | ',' | ';'))
        };
        if let Some(challenge) = self.challenges.last_mut()
            && challenge.params.len() < MAX_ITEMS
        {
            challenge.params.push((name.to_ascii_lowercase(), value));
        }
    }

    /// Reads a quoted string; `None`, and nothing read, if it does not end.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(value);
                }
                _ => value.push(c),
            }
        }
        None
    }

    /// Skips the token68 that some schemes have in place of parameters.
    fn skip_token68(&mut self) {
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/');
        let behind = self.rest.trim_start_matches(is_base64);
        if behind.len() == self.rest.len() {
            return;
        }
        let padded = behind.trim_start_matches('=');
        let ends = padded.trim_start_matches([' ', '\t']);
        // One word without padding is rather the next scheme.
        if (ends.is_empty() || ends.starts_with(',')) && padded.len() < behind.len() {
            self.rest = padded;
        }
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '.' | '^' | '_' | '`' | '|' | '~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, want: &[(&str, &[(&str, &str)])]) {
        let got = Challenge::parse(header);
        let got: Vec<(&str, Vec<(&str, &str)>)> = got
            .iter()
            .map(|challenge| {
                let params = challenge
                    .params
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str()));
                (challenge.scheme.as_str(), params.collect())
            })
            .collect();
        let want: Vec<(&str, Vec<(&str, &str)>)> = want
            .iter()
            .map(|(scheme, params)| (*scheme, params.to_vec()))
            .collect();
        assert_eq!(got, want, "{header}");
    }

    #[test]
    fn challenges_as_they_should_be() {
        check(
            r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",other=fun,slashed="he\"\l\lo""#,
            &[(
                "bearer",
                &[
                    ("realm", "https://auth.example.com/token"),
                    ("service", "registry.example.com"),
                    ("other", "fun"),
                    ("slashed", r#"he"llo"#),
                ],
            )],
        );
        check("BASIC", &[("basic", &[])]);
        check(
            r#"Basic Realm="a, b; c=d""#,
            &[("basic", &[("realm", "a, b; c=d")])],
        );
        check(
            r#"Basic realm="x", Bearer realm="https://a/t",scope="repository:a:pull,push repository:b:pull""#,
            &[
                ("basic", &[("realm", "x")]),
                (
                    "bearer",
                    &[
                        ("realm", "https://a/t"),
                        ("scope", "repository:a:pull,push repository:b:pull"),
                    ],
                ),
            ],
        );
        check(
            "Negotiate, Basic realm=x",
            &[("negotiate", &[]), ("basic", &[("realm", "x")])],
        );
        check(
            "Negotiate YII/ab+c==, Basic realm=x",
            &[("negotiate", &[]), ("basic", &[("realm", "x")])],
        );
        check("", &[]);
        check(" , ,", &[]);
    }

    #[test]
    fn challenges_as_they_should_not_be() {
        check(
            r#"Bearer realm="https://a/t",service="",scope="s""#,
            &[(
                "bearer",
                &[("realm", "https://a/t"), ("service", ""), ("scope", "s")],
            )],
        );
        check(
            "Bearer realm=https://a/b?c=d,service=x",
            &[("bearer", &[("realm", "https://a/b?c=d"), ("service", "x")])],
        );
        check(
            r#"Bearer realm = "https://a/b" , service = x"#,
            &[("bearer", &[("realm", "https://a/b"), ("service", "x")])],
        );
        check(
            r#"Bearer realm="https://a/b"; service="x""#,
            &[("bearer", &[("realm", "https://a/b"), ("service", "x")])],
        );
        check(
            r#"Bearer realm="https://a/b" service="x""#,
            &[("bearer", &[("realm", "https://a/b"), ("service", "x")])],
        );
        check(
            r#"Bearer service="x",realm="https://a"#,
            &[("bearer", &[("service", "x")])],
        );
        check(r#"Bearer realm="a"#, &[("bearer", &[])]);
        check("scope=foo", &[]);
        check(
            r#"Bearer "junk, Basic realm=x" realm="y""#,
            &[("bearer", &[("realm", "y")])],
        );
        check(r#"Bearer @@ realm="y""#, &[("bearer", &[("realm", "y")])]);
        check("Bearer rëalm=x,service=y", &[("bearer", &[("service", "y")])]);
    }

    #[test]
    fn the_last_of_equal_parameters_counts() {
        let challenges = Challenge::parse(r#"Bearer realm="a",realm="b""#);
        assert_eq!(challenges[0].param("realm"), Some("b"));
    }

    #[track_caller]
    fn check_choice(header: &str, want: Option<&str>) {
        let challenges = Challenge::parse(header);
        assert_eq!(
            Challenge::choose(&challenges).map(Challenge::scheme),
            want,
            "{header}"
        );
    }

    #[test]
    fn bearer_is_preferred_where_it_can_be_answered() {
        check_choice(r#"Basic realm="x", Bearer realm="https://a/t""#, Some("bearer"));
        check_choice(r#"Bearer service="x", Basic realm="x""#, Some("basic"));
        check_choice(r#"Bearer service="x""#, Some("bearer"));
        check_choice("Negotiate, Digest realm=x, Basic", Some("basic"));
        check_choice("Negotiate, Digest realm=x", None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(header in "\\PC{0,200}") {
            let _ = Challenge::parse(&header);
        }

        #[test]
        fn nearly_right_headers_do_not_panic(header in r#"(Bearer|Basic|[a-z=,;" \\]){0,40}"#) {
            let challenges = Challenge::parse(&header);
            proptest::prop_assert!(challenges.len() <= MAX_ITEMS);
        }

        #[test]
        fn what_is_written_is_read(
            scheme in "[A-Za-z]{1,10}",
            params in proptest::collection::vec(("[a-z_]{1,8}", "[ -~]{0,20}"), 1..6),
        ) {
            let quoted: Vec<String> = params
                .iter()
                .map(|(key, value)| format!("{key}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let challenges = Challenge::parse(&format!("{scheme} {}", quoted.join(",")));
            proptest::prop_assert_eq!(challenges.len(), 1);
            proptest::prop_assert_eq!(&challenges[0].scheme, &scheme.to_ascii_lowercase());
            proptest::prop_assert_eq!(&challenges[0].params, &params);
        }
    }
}
