//! Writing headers: ustar where the values fit, else with an extended header of PAX.
//!
//! The result is byte for byte what Go's `archive/tar` writes for the same values, so that a filesystem
//! has the same digest whichever tool merged it.

use std::collections::BTreeMap;

use super::header::{Header, Kind, Time};
use super::{BLOCK, padding};

const NAME: usize = 100;
const PREFIX: usize = 155;

/// Keys of what the header itself holds. Records that contradict it are left out.
const BASIC: [&[u8]; 11] = [
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"uname",
    b"gname",
    b"mtime",
    b"atime",
    b"ctime",
    b"GNU.sparse.map",
];

/// Appends the blocks that begin an entry to `out`.
pub(crate) fn encode(header: &Header, out: &mut Vec<u8>) {
    let mut plan = Plan {
        header,
        records: BTreeMap::new(),
        extended: !header.records.is_empty(),
    };
    plan.text("path", &header.name, NAME);
    plan.text("linkpath", &header.link, NAME);
    plan.text("uname", &header.user, 32);
    plan.text("gname", &header.group, 32);
    plan.number("uid", header.uid, 8);
    plan.number("gid", header.gid, 8);
    plan.number("size", header.size, 12);
    plan.mtime();
    plan.time("atime", header.atime);
    plan.time("ctime", header.ctime);
    if !plan.extended {
        let (prefix, name) = split(&header.name).unwrap_or((b"", &header.name));
        block(header, prefix, name, out);
        return;
    }
    plan.others();
    if !plan.records.is_empty() {
        let mut data = Vec::new();
        for (key, value) in &plan.records {
            record(&mut data, key, value);
        }
        let size = data.len() as u64;
        let described = Header {
            name: companion(&header.name),
            kind: Kind::Other(b'x'),
            size,
            ..Header::default()
        };
        block(&described, b"", &described.name, out);
        out.extend(&data);
        out.resize(out.len() + padding(size), 0);
    }
    block(header, b"", &header.name, out);
}

/// Which records an entry needs, and whether ustar alone will not do.
struct Plan<'a> {
    header: &'a Header,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    extended: bool,
}

impl Plan<'_> {
    fn text(&mut self, key: &str, value: &[u8], room: usize) {
        if !value.is_ascii() || value.len() > room {
            if key != "path" || split(value).is_none() {
                self.extended = true;
            }
            self.records.insert(key.into(), value.to_vec());
        }
        self.echo(key, value);
    }

    fn number(&mut self, key: &str, value: u64, field: usize) {
        let text = value.to_string().into_bytes();
        if !fits(value, field) {
            self.extended = true;
            self.records.insert(key.into(), text.clone());
        }
        self.echo(key, &text);
    }

    fn mtime(&mut self) {
        let time = self.header.mtime;
        let text = time.to_text().into_bytes();
        let fits = u64::try_from(time.seconds).is_ok_and(|seconds| fits(seconds, 12));
        if !fits || time.nanos != 0 {
            self.extended = true;
            self.records.insert("mtime".into(), text.clone());
        }
        self.echo("mtime", &text);
    }

    fn time(&mut self, key: &str, time: Option<Time>) {
        if let Some(time) = time {
            self.extended = true;
            self.records.insert(key.into(), time.to_text().into_bytes());
        }
    }

    /// A record that says what the header says stays where there was one.
    fn echo(&mut self, key: &str, value: &[u8]) {
        if self
            .header
            .records
            .get(key.as_bytes())
            .is_some_and(|record| record == value)
        {
            self.records.insert(key.into(), value.to_vec());
        }
    }

    fn others(&mut self) {
        for (key, value) in &self.header.records {
            if !BASIC.contains(&&key[..]) {
                self.records.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether a number fits a field of octal digits and a zero.
fn fits(value: u64, field: usize) -> bool {
    value < 1 << (3 * (field - 1))
}

/// Prefix and name for the two fields of a ustar header, for a name that is too long for one.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME || !name.is_ascii() {
        return None;
    }
    let mut head = &name[..name.len().min(PREFIX + 1)];
    if head.len() == name.len() {
        head = head.strip_suffix(b"/").unwrap_or(head);
    }
    let slash = head.iter().rposition(|byte| *byte == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME).then_some((prefix, rest))
}

/// The name of the extended header of an entry.
fn companion(name: &[u8]) -> Vec<u8> {
    let slash = name.iter().rposition(|byte| *byte == b'/');
    let (directory, base) = match slash {
        Some(slash) => (&name[..slash], &name[slash + 1..]),
        None => (&b""[..], name),
    };
    let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
    let mut name = [directory, separator, b"PaxHeaders.0/", base].concat();
    name.retain(|byte| byte.is_ascii() && *byte != 0);
    name.truncate(NAME);
    let end = name
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |last| last + 1);
    name.truncate(end);
    name
}

/// `"LENGTH KEY=VALUE\n"`, where the length counts itself.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let digits = |n: usize| n.checked_ilog10().map_or(1, |log| log as usize + 1);
    let mut length = rest;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    out.extend(format!("{length} ").as_bytes());
    out.extend(key);
    out.push(b'=');
    out.extend(value);
    out.push(b'\n');
}

fn block(header: &Header, prefix: &[u8], name: &[u8], out: &mut Vec<u8>) {
    let mut block = [0; BLOCK];
    text(&mut block[..NAME], name);
    octal(&mut block[100..108], u64::from(header.mode));
    octal(&mut block[108..116], header.uid);
    octal(&mut block[116..124], header.gid);
    octal(&mut block[124..136], header.size);
    octal(
        &mut block[136..148],
        u64::try_from(header.mtime.seconds).unwrap_or(0),
    );
    block[156] = header.kind.flag();
    text(&mut block[157..257], &header.link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    text(&mut block[265..297], &header.user);
    text(&mut block[297..329], &header.group);
    // Go leaves these empty in an extended header.
    if header.kind != Kind::Other(b'x') {
        octal(&mut block[329..337], u64::from(header.major));
        octal(&mut block[337..345], u64::from(header.minor));
    }
    text(&mut block[345..500], prefix);
    // The checksum is that of the header with spaces in its place.
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    octal(&mut block[148..155], u64::from(sum));
    out.extend(block);
}

/// As much of a text as fits, of its ASCII; a record has it whole.
fn text(field: &mut [u8], value: &[u8]) {
    let ascii: Vec<u8>;
    let value = if value.is_ascii() {
        value
    } else {
        ascii = value
            .iter()
            .copied()
            .filter(|byte| byte.is_ascii() && *byte != 0)
            .collect();
        &ascii
    };
    let taken = value.len().min(field.len());
    field[..taken].copy_from_slice(&value[..taken]);
    // A slash at the end would make some readers take a file for a directory.
    if value.len() > field.len() && field.ends_with(b"/") {
        let kept = value[..field.len() - 1].iter().rposition(|byte| *byte != b'/');
        field[kept.map_or(0, |last| last + 1)] = 0;
    }
}

/// Octal digits and a zero; 0 for what does not fit, which a record has.
fn octal(field: &mut [u8], value: u64) {
    let value = if fits(value, field.len()) { value } else { 0 };
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
    field[digits] = 0;
}
