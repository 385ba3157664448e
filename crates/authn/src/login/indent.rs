//! JSON as docker writes it: one member a line, tabs in front.

/// The deepest indentation. What is deeper is nobody's configuration, and must not grow with its square.
const MAX_DEPTH: usize = 32;

/// Hands the pieces of `json`, which is valid, to `emit`. Strings and numbers stay as they are.
pub(super) fn indent(json: &str, emit: &mut dyn FnMut(&str)) {
    let mut depth = 0_usize;
    let mut rest = json.trim_ascii_start();
    while let Some(first) = rest.bytes().next() {
        let len = match first {
            b'"' => string(rest),
            b'{' | b'[' | b'}' | b']' | b',' | b':' => 1,
            _ => scalar(rest),
        };
        let (piece, after) = rest.split_at(len);
        rest = after.trim_ascii_start();
        match first {
            b'{' | b'[' if rest.starts_with(['}', ']']) => {
                emit(piece);
                emit(&rest[..1]);
                rest = rest[1..].trim_ascii_start();
            }
            b'{' | b'[' => {
                depth += 1;
                emit(piece);
                line(depth, emit);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(depth, emit);
                emit(piece);
            }
            b',' => {
                emit(piece);
                line(depth, emit);
            }
            b':' => emit(": "),
            _ => emit(piece),
        }
    }
}

fn line(depth: usize, emit: &mut dyn FnMut(&str)) {
    emit("\n");
    for _ in 0..depth.min(MAX_DEPTH) {
        emit("\t");
    }
}

/// The length of the string that `text` begins with.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|c| {
        let is_end = c == b'"' && !is_escaped;
        is_escaped = c == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of the number or word that `text` begins with.
fn scalar(text: &str) -> usize {
    let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ':' | '}' | ']' | '{' | '[' | '"');
    text.find(is_end).unwrap_or(text.len())
}
