//! Finding what came before.

/// How far back deflate can refer.
const DISTANCE_MAX: usize = 32 * 1024;
/// As far, and one more.
const TOO_FAR: usize = DISTANCE_MAX + 1;
/// The longest piece that deflate can repeat at once.
pub(super) const LENGTH_MAX: usize = 258;
/// The shortest piece that is looked for.
const LENGTH_MIN: usize = 4;
const TABLE_BITS: u32 = 15;
/// Literals after which the search goes on by one more byte at a time: there may be nothing to find.
const PATIENCE: u32 = 6;

/// Some bytes as they are, then a piece that came before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    pub(super) literals: u32,
    /// 0 at the end, where nothing is repeated.
    pub(super) length: u16,
    /// How far back the piece begins, from 1 to 32768.
    pub(super) distance: u16,
}

/// Where pieces were seen last, by a hash of their first bytes.
#[derive(Debug)]
pub(super) struct Matcher {
    table: Box<[u32; 1 << TABLE_BITS]>,
}

impl Matcher {
    pub(super) fn new() -> Self {
        Self {
            table: Box::new([0; 1 << TABLE_BITS]),
        }
    }

    /// Forgets everything, and then knows what precedes `start`.
    pub(super) fn begin(&mut self, bytes: &[u8], start: usize) {
        self.table.fill(0);
        for at in (0..start).step_by(2) {
            self.insert(word(bytes, at), at);
        }
    }

    #[inline]
    fn insert(&mut self, word: u64, at: usize) -> usize {
        let slot = &mut self.table[slot(word)];
        // Places count from one that is too far back for all of them, so that 0 is none. Blocks are far
        // smaller than 4 GiB.
        std::mem::replace(slot, (at + TOO_FAR) as u32) as usize
    }

    /// Takes `bytes` from `start` apart, until the end or until there are enough sequences. Returns
    /// where it stopped.
    pub(super) fn find(
        &mut self,
        bytes: &[u8],
        start: usize,
        most: usize,
        found: &mut Vec<Sequence>,
    ) -> usize {
        found.clear();
        // Words are read whole.
        let end = bytes.len().saturating_sub(8);
        let (mut anchor, mut at) = (start, start);
        while at < end && found.len() < most {
            let here = word(bytes, at);
            let before = self.insert(here, at);
            let distance = at + TOO_FAR - before;
            if distance > DISTANCE_MAX || word(bytes, at - distance) as u32 != here as u32 {
                at += 1 + ((at - anchor) >> PATIENCE);
                continue;
            }
            let mut from = at - distance;
            let mut length = LENGTH_MIN + same(bytes, from + LENGTH_MIN, at + LENGTH_MIN);
            while at > anchor && from > 0 && length < LENGTH_MAX && bytes[from - 1] == bytes[at - 1] {
                (from, at, length) = (from - 1, at - 1, length + 1);
            }
            found.push(Sequence {
                literals: (at - anchor) as u32,
                length: length as u16,
                distance: distance as u16,
            });
            at += length;
            anchor = at;
            if at < end {
                self.insert(word(bytes, at - 2), at - 2);
            }
        }
        if found.len() < most {
            found.push(Sequence {
                literals: (bytes.len() - anchor) as u32,
                length: 0,
                distance: 0,
            });
            return bytes.len();
        }
        anchor
    }
}

/// How many bytes from two places on are the same, within what a match of at least [`LENGTH_MIN`] may have.
#[inline]
fn same(bytes: &[u8], from: usize, at: usize) -> usize {
    let most = (LENGTH_MAX - LENGTH_MIN).min(bytes.len() - at);
    let mut length = 0;
    while length + 8 <= most {
        let differ = word(bytes, from + length) ^ word(bytes, at + length);
        if differ != 0 {
            return length + (differ.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    while length < most && bytes[from + length] == bytes[at + length] {
        length += 1;
    }
    length
}

/// The eight bytes from `at` on.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|bytes| bytes.first_chunk())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The place for pieces that begin with the lowest four bytes.
#[inline]
fn slot(word: u64) -> usize {
    ((word << 32).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - TABLE_BITS)) as usize
}
