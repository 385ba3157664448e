//! Fields of a config that are more than one value.

/// Environment variables, as `NAME=value`.
pub(super) struct Env(pub(super) Option<Vec<String>>);

impl Env {
    /// The variables with this one set or removed. Where the name is there more than once, a runtime
    /// takes the last, so that is the one that stays.
    pub(super) fn with(self, name: &str, value: Option<&str>) -> Option<Vec<String>> {
        let is_it = |variable: &str| variable.split('=').next() == Some(name);
        let Some(value) = value else {
            return self.0.map(|mut variables| {
                variables.retain(|variable| !is_it(variable));
                variables
            });
        };
        let variable = format!("{name}={value}");
        let mut variables = self.0.unwrap_or_default();
        let last = variables.iter().rposition(|variable| is_it(variable));
        match last {
            Some(last) if variables[last] == variable => {}
            Some(last) => {
                variables[last] = variable;
                let mut place = 0;
                variables.retain(|variable| {
                    place += 1;
                    place > last || !is_it(variable)
                });
            }
            None => variables.push(variable),
        }
        Some(variables)
    }
}

/// The set with this member. Sets are sorted, as [`view`](wharf_v1::Document::view) gives them.
pub(super) fn set_member(set: Option<Vec<String>>, member: &str) -> Option<Vec<String>> {
    let mut set = set.unwrap_or_default();
    if !set.iter().any(|other| other == member) {
        set.push(member.to_owned());
        set.sort_unstable();
    }
    Some(set)
}

/// The set without this member.
pub(super) fn unset_member(set: Option<Vec<String>>, member: &str) -> Option<Vec<String>> {
    set.map(|mut set| {
        set.retain(|other| other != member);
        set
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &[&str], name: &str, value: Option<&str>, want: &[&str]) {
        let env = Env(Some(before.iter().map(|text| (*text).to_owned()).collect()));
        assert_eq!(env.with(name, value).expect("there"), want);
    }

    #[test]
    fn variables() {
        check(&[], "A", Some("1"), &["A=1"]);
        check(&["A=1", "B=2"], "A", Some("3"), &["A=3", "B=2"]);
        check(&["A=1", "B=2"], "A", Some("1"), &["A=1", "B=2"]);
        check(&["A=1", "B=2", "A=3"], "A", Some("4"), &["B=2", "A=4"]);
        check(&["A=1", "B=2", "A=3"], "A", Some("3"), &["A=1", "B=2", "A=3"]);
        check(&["AB=1", "A"], "A", None, &["AB=1"]);
        check(&["A=b=c"], "A", Some("x=y"), &["A=x=y"]);
        check(&["a=1"], "A", None, &["a=1"]);
    }

    #[test]
    fn nothing_is_made_by_removing() {
        assert_eq!(Env(None).with("A", None), None);
        assert_eq!(unset_member(None, "80/tcp"), None);
    }

    #[test]
    fn sets_stay_sorted() {
        let set = set_member(set_member(None, "b"), "a");
        assert_eq!(set.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(set_member(set.clone(), "a"), set);
        assert_eq!(unset_member(set, "a"), Some(vec!["b".to_owned()]));
    }
}
