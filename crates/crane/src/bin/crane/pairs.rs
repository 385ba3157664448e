//! Values of flags that are lists.

/// Keys with their values.
pub(crate) type Pairs = Vec<(String, String)>;

/// `key=value`, or where there is more than one `=` several of them separated by commas.
pub(crate) fn pairs(text: &str) -> Result<Pairs, String> {
    let texts = match text.matches('=').count() {
        0 | 1 => vec![text.to_owned()],
        _ => list(text)?,
    };
    texts.iter().map(|text| pair(text)).collect()
}

fn pair(text: &str) -> Result<(String, String), String> {
    let split = text.split_once('=');
    let (key, value) = split.ok_or_else(|| format!("{text} must be formatted as key=value"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// `NAME=VALUE`, whatever the value holds.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match pair(text)? {
        (name, _) if name.is_empty() => Err(format!("{text} has no name")),
        variable => Ok(variable),
    }
}

/// Words separated by commas. A word may be in double quotes, and then have commas, and quotes that are doubled.
pub(crate) fn list(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    if text.is_empty() {
        return Ok(words);
    }
    let mut rest = text;
    loop {
        let Some(mut quoted) = rest.strip_prefix('"') else {
            let (word, after) = rest.split_once(',').unzip();
            let word = word.unwrap_or(rest);
            if word.contains('"') {
                return Err(format!("a quote in {word:?}, which is not in quotes"));
            }
            words.push(word.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(words),
            }
            continue;
        };
        let mut word = String::new();
        loop {
            let (before, after) = quoted.split_once('"').ok_or("a quote that does not end")?;
            word.push_str(before);
            quoted = after;
            match quoted.strip_prefix('"') {
                Some(after) => {
                    word.push('"');
                    quoted = after;
                }
                None => break,
            }
        }
        words.push(word);
        if quoted.is_empty() {
            return Ok(words);
        }
        rest = quoted
            .strip_prefix(',')
            .ok_or("something behind a quote that is no comma")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_equals_sign_takes_all() {
        let check = |text: &str, want: &[(&str, &str)]| {
            let got = pairs(text).expect("valid");
            let got: Vec<_> = got
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            assert_eq!(got, want, "{text}");
        };
        check("a=b", &[("a", "b")]);
        check("a=b,c", &[("a", "b,c")]);
        check("a=b,c=d", &[("a", "b"), ("c", "d")]);
        check("a=", &[("a", "")]);
        check(r#""a=x,y",c=d"#, &[("a", "x,y"), ("c", "d")]);
        assert_eq!(pairs("a"), Err("a must be formatted as key=value".to_owned()));
        assert_eq!(pairs("a=b=c"), Ok(vec![("a".to_owned(), "b=c".to_owned())]));
    }

    #[test]
    fn lists_are_those_of_csv() {
        let check = |text: &str, want: Result<&[&str], &str>| {
            let got = list(text);
            let got = got
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(got.map_err(String::as_str), want.map(<[&str]>::to_vec), "{text}");
        };
        check("", Ok(&[]));
        check("/bin/sh,-c,echo", Ok(&["/bin/sh", "-c", "echo"]));
        check("a,", Ok(&["a", ""]));
        check(r#""a,b",c"#, Ok(&["a,b", "c"]));
        check(r#""say ""hi""""#, Ok(&[r#"say "hi""#]));
        check(r#""a"#, Err("a quote that does not end"));
        check(r#""a"b"#, Err("something behind a quote that is no comma"));
        check(r#"a"b"#, Err(r#"a quote in "a\"b", which is not in quotes"#));
    }
}
