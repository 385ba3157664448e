//! Shell patterns for one label of a host.

/// Whether `text` is what `pattern` describes: `*` is any text, `?` any character, `[a-z]` one of those and
/// `[^a-z]` one of the others. A pattern that makes no sense describes nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last `*` does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            p += 1;
            retry = Some((p, t));
            continue;
        }
        match (one(&pattern[p..]), text.get(t)) {
            (None, None) if p == pattern.len() => return true,
            (Some((len, fits)), Some(&c)) if fits(c) => {
                p += len;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    (p, t) = (after, from + 1);
                    retry = Some((after, from + 1));
                }
                _ => return false,
            },
        }
    }
}

/// What the beginning of a pattern, which is no `*`, takes: its length and which characters fit.
fn one(pattern: &[char]) -> Option<(usize, impl Fn(char) -> bool)> {
    let (len, class, is_negated) = match *pattern.first()? {
        '?' => (1, &[][..], true),
        '[' => {
            let is_negated = pattern.get(1) == Some(&'^');
            let start = 1 + usize::from(is_negated);
            let end = start + pattern[start..].iter().position(|&c| c == ']')?;
            (end + 1, &pattern[start..end], is_negated)
        }
        _ => (1, &pattern[..1], false),
    };
    // An empty class is no class.
    if len > 1 && class.is_empty() {
        return None;
    }
    let fits = move |c| {
        let mut rest = class;
        while let [first, tail @ ..] = rest {
            let (is_in, after) = match tail {
                ['-', last, after @ ..] if len > 1 => ((*first..=*last).contains(&c), after),
                _ => (*first == c, tail),
            };
            if is_in {
                return !is_negated;
            }
            rest = after;
        }
        is_negated
    };
    Some((len, fits))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[track_caller]
    fn check(pattern: &str, text: &str, want: bool) {
        assert_eq!(matches(pattern, text), want, "{pattern} {text}");
    }

    #[test]
    fn patterns() {
        check("", "", true);
        check("", "a", false);
        check("abc", "abc", true);
        check("abc", "abd", false);
        check("abc", "abcd", false);
        check("*", "", true);
        check("*", "anything", true);
        check("a*", "abc", true);
        check("*c", "abc", true);
        check("*c", "abcd", false);
        check("a*b*c", "aXbYbZc", true);
        check("a*b*c", "aXbYbZ", false);
        check("**", "a", true);
        check("?", "a", true);
        check("?", "", false);
        check("?", "ab", false);
        check("r?g", "reg", true);
        check("[abc]x", "bx", true);
        check("[abc]x", "dx", false);
        check("[a-c]", "b", true);
        check("[a-c]", "d", false);
        check("[a-]", "-", true);
        check("[^a-c]", "d", true);
        check("[^a-c]", "b", false);
        check("x[0-9]*", "x1y", true);
        // No sense.
        check("[", "[", false);
        check("[]", "", false);
        check("[]", "]", false);
        check("[^]", "a", false);
        check("a[b", "ab", false);
        // Not exponential.
        check(&"*a".repeat(60), &"a".repeat(59), false);
    }
}
