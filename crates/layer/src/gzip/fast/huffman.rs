//! Prefix codes of bounded length.

/// A code for `N` symbols: for each its bits, in the order in which they are put, and their number,
/// which is 0 for symbols that do not occur.
#[derive(Clone, Debug)]
pub(super) struct Code<const N: usize> {
    pub(super) bits: [u16; N],
    pub(super) lengths: [u8; N],
}

impl<const N: usize> Code<N> {
    /// A short code for symbols that occur so often, none longer than `longest` bits.
    ///
    /// At least two symbols have a code, since not all decoders take less.
    pub(super) fn new(counts: &[u32; N], longest: usize) -> Self {
        let all = || counts.iter().zip(0..);
        let mut used: Vec<(u32, usize)> = Vec::with_capacity(N);
        used.extend(
            all()
                .filter(|(count, _)| **count > 0)
                .map(|(count, symbol)| (*count, symbol)),
        );
        let unused = all().filter(|(count, _)| **count == 0);
        let missing = 2usize.saturating_sub(used.len());
        used.extend(unused.take(missing).map(|(_, symbol)| (1, symbol)));
        used.sort_unstable();
        let per_length = limited(&depths(&used), longest);
        let mut lengths = [0; N];
        let mut rarest_first = used.iter();
        for length in (1..=longest).rev() {
            for (_, symbol) in rarest_first.by_ref().take(per_length[length]) {
                // At most 15.
                lengths[*symbol] = length as u8;
            }
        }
        Self {
            bits: canonical(&lengths, &per_length),
            lengths,
        }
    }

    /// Bits that symbols take which occur so often.
    pub(super) fn cost(&self, counts: &[u32; N]) -> u64 {
        let each = counts.iter().zip(&self.lengths);
        each.map(|(count, length)| u64::from(*count) * u64::from(*length))
            .sum()
    }
}

/// How many codes of each length there are in Huffman's tree for these counts, which are sorted.
///
/// Leaves and inner nodes are merged from two queues; then depths go down from the root.
fn depths(used: &[(u32, usize)]) -> Vec<usize> {
    let leaves = used.len();
    let mut weights: Vec<u32> = used.iter().map(|(count, _)| *count).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut inner) = (0, leaves);
    for node in leaves..2 * leaves - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            let next = if leaf < leaves && (inner >= node || weights[leaf] <= weights[inner]) {
                &mut leaf
            } else {
                &mut inner
            };
            weight += weights[*next];
            parents[*next] = node;
            *next += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0; 2 * leaves - 1];
    for node in (0..2 * leaves - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// How many codes get each length, none more than `longest`: those that are too deep go up, and others
/// go down until there is room for all.
fn limited(depths: &[usize], longest: usize) -> [usize; 16] {
    let mut per_length = [0; 16];
    for depth in depths {
        per_length[(*depth).min(longest)] += 1;
    }
    let taken = |per_length: &[usize; 16]| -> usize {
        (1..=longest)
            .map(|length| per_length[length] << (longest - length))
            .sum()
    };
    while taken(&per_length) > 1 << longest {
        per_length[longest] -= 1;
        let shorter = (1..longest).rev().find(|length| per_length[*length] > 0);
        if let Some(length) = shorter {
            per_length[length] -= 1;
            per_length[length + 1] += 2;
        }
    }
    per_length
}

/// The codes that these lengths stand for, [RFC 1951](https://www.rfc-editor.org/rfc/rfc1951#page-8),
/// with their first bit lowest.
fn canonical<const N: usize>(lengths: &[u8; N], per_length: &[usize; 16]) -> [u16; N] {
    let mut next = [0u16; 16];
    for length in 1..16 {
        // No code is longer than 15 bits.
        next[length] = (next[length - 1] + per_length[length - 1] as u16) << 1;
    }
    let mut bits = [0; N];
    for (bits, length) in bits.iter_mut().zip(lengths).filter(|(_, length)| **length > 0) {
        let next = &mut next[usize::from(*length)];
        *bits = next.reverse_bits() >> (16 - length);
        *next += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn codes_are_complete_prefix_free_and_short(
            counts in prop::collection::vec(prop_oneof![Just(0u32), 1..10u32, 1..5_000_000u32], 30),
            longest in 7..13usize,
        ) {
            let counts: [u32; 30] = counts.try_into().expect("30");
            let code = Code::new(&counts, longest);
            let taken: usize = code.lengths.iter().filter(|length| **length > 0)
                .map(|length| 1usize << (15 - length)).sum();
            prop_assert_eq!(taken, 1 << 15);
            for (symbol, count) in counts.iter().enumerate() {
                prop_assert!(usize::from(code.lengths[symbol]) <= longest);
                prop_assert!(*count == 0 || code.lengths[symbol] > 0);
                for other in 0..30 {
                    let length = code.lengths[symbol].min(code.lengths[other]);
                    let differ = (code.bits[symbol] ^ code.bits[other]) & ((1 << length) - 1) != 0;
                    prop_assert!(symbol == other || length == 0 || differ);
                }
            }
        }
    }
}
