//! Arrays, tuples and maps as ClickHouse writes them into a field: `['a','b']`, `(1,'x')`, `{'k':'v'}`.
//! <https://clickhouse.com/docs/interfaces/formats/TabSeparated>.

/// Deepest nesting that is taken apart.
const DEPTH: usize = 64;

enum Frame {
    /// An array; where its parent's path ends.
    List(usize),
    /// A tuple, and which of its members comes.
    Tuple(usize, usize),
    /// A map, and whether a name comes.
    Map(usize, bool),
}

/// Shows `cell` every scalar of a literal, with its path below `root`: `[]` for an array, `.1` for a member of a tuple, the
/// name for one of a map. Nulls are left out. Whether it was one; cells may have been shown all the same.
pub(super) fn flatten(
    literal: &[u8],
    root: &str,
    path: &mut String,
    cell: &mut dyn FnMut(&str, &[u8]),
) -> bool {
    path.clear();
    path.push_str(root);
    let mut frames: Vec<Frame> = Vec::new();
    let mut room = Vec::new();
    let mut rest = literal;
    loop {
        let Some((first, tail)) = rest.split_first() else { return frames.is_empty() };
        match (*first, frames.last_mut()) {
            (b'[' | b'(' | b'{', _) => {
                if frames.len() >= DEPTH {
                    return false;
                }
                open(*first, path, &mut frames);
                rest = tail;
            }
            (b']' | b')' | b'}', Some(_)) => {
                if let Some(Frame::List(end) | Frame::Tuple(end, _) | Frame::Map(end, _)) = frames.pop() {
                    path.truncate(end);
                }
                rest = tail;
            }
            (b',' | b':', Some(frame)) => {
                step(*first, frame, path);
                rest = tail;
            }
            (b' ', Some(_)) => rest = tail,
            (_, frame) => {
                let Some((token, quoted, tail)) = token(rest, &mut room) else { return false };
                rest = tail;
                match frame {
                    Some(Frame::Map(_, true)) => {
                        path.push('.');
                        path.push_str(&String::from_utf8_lossy(token));
                    }
                    _ if !quoted && token == b"NULL" => {}
                    _ => cell(path, token),
                }
            }
        }
    }
}

fn open(first: u8, path: &mut String, frames: &mut Vec<Frame>) {
    let end = path.len();
    frames.push(match first {
        b'[' => {
            path.push_str("[]");
            Frame::List(end)
        }
        b'(' => {
            path.push_str(".1");
            Frame::Tuple(end, 1)
        }
        _ => Frame::Map(end, true),
    });
}

/// Behind a comma the next member comes, behind a colon the value of a name.
fn step(mark: u8, frame: &mut Frame, path: &mut String) {
    match frame {
        Frame::List(_) => {}
        Frame::Tuple(end, member) => {
            *member += 1;
            path.truncate(*end);
            path.push_str(&format!(".{member}"));
        }
        Frame::Map(end, name) => {
            *name = mark == b',';
            if *name {
                path.truncate(*end);
            }
        }
    }
}

/// The scalar at the start, without quotes and escapes; whether it had quotes; what follows it.
fn token<'t: 'r, 'r>(bytes: &'t [u8], room: &'r mut Vec<u8>) -> Option<(&'r [u8], bool, &'t [u8])> {
    let Some(quoted) = bytes.strip_prefix(b"'") else {
        let end = bytes.iter().position(|byte| b",:])}".contains(byte)).unwrap_or(bytes.len());
        let (token, rest) = bytes.split_at_checked(end).filter(|_| end > 0)?;
        return Some((token, false, rest));
    };
    let mut end = 0;
    loop {
        match quoted.get(end)? {
            b'\'' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    let (token, rest) = quoted.split_at_checked(end)?;
    Some((crate::store::tsv::unescape(token, room), true, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(literal: &str) -> Option<Vec<(String, String)>> {
        let mut cells = Vec::new();
        let whole = flatten(literal.as_bytes(), "c", &mut String::new(), &mut |path, text| {
            cells.push((path.to_owned(), String::from_utf8_lossy(text).into_owned()));
        });
        whole.then_some(cells)
    }

    fn pairs(right: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(right.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn every_scalar_has_a_path() {
        assert_eq!(
            cells("['a\\'b','x,y]',NULL,'NULL']"),
            pairs(&[("c[]", "a'b"), ("c[]", "x,y]"), ("c[]", "NULL")])
        );
        assert_eq!(
            cells("[(1,'x'),(2,'y')]"),
            pairs(&[("c[].1", "1"), ("c[].2", "x"), ("c[].1", "2"), ("c[].2", "y")])
        );
        assert_eq!(cells("{'k':['v'],'l':[]}"), pairs(&[("c.k[]", "v")]));
        assert_eq!(cells("[[1,-2.5],[]]"), pairs(&[("c[][]", "1"), ("c[][]", "-2.5")]));
        assert_eq!(cells("[]"), pairs(&[]));
    }

    #[test]
    fn what_is_broken_or_too_deep_is_no_literal() {
        for broken in ["['a", "[1", "'", "[,", &"[".repeat(1000)] {
            assert_eq!(cells(broken), None, "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_apart_without_panic(bytes: Vec<u8>, literal in "[\\[\\](){},:' \\\\a1]{0,80}") {
            let mut path = String::new();
            flatten(&bytes, "c", &mut path, &mut |_, _| {});
            flatten(literal.as_bytes(), "c", &mut path, &mut |_, _| {});
        }
    }
}
