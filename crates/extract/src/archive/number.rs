//! Numbers in the fields of a header.

/// A number as text of octal digits, or in the binary form that GNU uses for large and negative ones.
/// `None` when it is neither, or too large for anything.
pub(crate) fn parse(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<i64> {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let mut digits = field.iter().skip_while(|byte| blank(byte)).peekable();
    let mut value = 0i64;
    while let Some(digit) = digits.next_if(|byte| !blank(byte)) {
        if !(b'0'..=b'7').contains(digit) {
            return None;
        }
        value = value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(value)
}

/// Two's complement, most significant byte first; the topmost bit only tells the form.
fn binary(field: &[u8]) -> Option<i64> {
    let negative = field.first()? & 0x40 != 0;
    let mut value = if negative { -1i64 } else { 0 };
    for (n, byte) in field.iter().enumerate() {
        let byte = match (n, negative) {
            (0, false) => byte & 0x3f,
            (0, true) => byte | 0x80,
            _ => *byte,
        };
        value = value.checked_mul(256)? | i64::from(byte);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &[u8], want: Option<i64>) {
        assert_eq!(parse(field), want, "{field:?}");
    }

    #[test]
    fn numbers() {
        check(b"", Some(0));
        check(b"\0\0\0", Some(0));
        check(b"0000644\0", Some(0o644));
        check(b"   644 \0", Some(0o644));
        check(b"644", Some(0o644));
        check(b"77777777777\0", Some(0o77_777_777_777));
        check(b"0000648\0", None);
        check(b"-1", None);
        check(b"777777777777777777777777", None);
        check(b"\x80\0\0\0\0\0\0\x01\0\0\0\0", Some(1 << 32));
        check(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2));
        check(b"\x80\x01\0\0\0\0\0\0\0\0\0\0", None);
    }
}
