//! In which order the children of an index are edited: what another refers to comes first.

use std::collections::HashMap;
use std::hash::Hash;

/// Places in an order in which each comes after the one that it refers to. `items` are their names and
/// what they refer to, which may be nothing, or something else.
pub(super) fn referrers_last<T: Eq + Hash>(items: &[(T, Option<T>)]) -> Vec<usize> {
    let places: HashMap<&T, usize> = items.iter().enumerate().map(|(i, (name, _))| (name, i)).collect();
    let mut order = Vec::with_capacity(items.len());
    let mut is_done = vec![false; items.len()];
    for start in 0..items.len() {
        // Those that must come before, the nearest first. Content cannot refer in circles, since it does
        // so by hashes, but an index that lies about it can: then the walk ends where it meets itself.
        let mut path = Vec::new();
        let mut next = Some(start);
        while let Some(place) = next.filter(|place| !is_done[*place]) {
            is_done[place] = true;
            path.push(place);
            next = items[place]
                .1
                .as_ref()
                .and_then(|subject| places.get(subject).copied());
        }
        order.extend(path.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(items: &[(&str, Option<&str>)], want: &[usize]) {
        assert_eq!(referrers_last(items), want);
    }

    #[test]
    fn orders() {
        check(&[], &[]);
        check(&[("a", None), ("b", None)], &[0, 1]);
        check(&[("a", Some("b")), ("b", None)], &[1, 0]);
        check(&[("a", Some("b")), ("b", Some("c")), ("c", None)], &[2, 1, 0]);
        check(
            &[("a", Some("c")), ("b", Some("c")), ("c", None), ("d", Some("x"))],
            &[2, 0, 1, 3],
        );
        // Impossible, but nothing to hang on.
        check(&[("a", Some("a"))], &[0]);
        check(&[("a", Some("b")), ("b", Some("a"))], &[1, 0]);
    }
}
