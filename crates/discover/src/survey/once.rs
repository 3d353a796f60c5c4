//! A file with columns is read twice: as rows, for people, and as text, for secrets with a line. What both readings see is
//! told once.

use std::collections::BTreeMap;

use super::secrets::{Leak, Spot};

/// Up to so many places of one kind in a file are told by their lines; more are told as the column that they are.
const BY_LINE: usize = 3;

/// A location, and all that it may be a part of: `a.zip`, `a.zip!b.csv`, `a.zip!b.csv.column`.
fn beginnings(location: &str) -> impl Iterator<Item = &str> {
    let ends = location.match_indices(['.', '!', '#']).map(|(at, _)| at);
    ends.chain([location.len()]).filter_map(|end| location.get(..end))
}

/// Drops the secrets of a column that are told by their lines, or the other way round where these are many.
pub(super) fn once(leaks: &mut BTreeMap<Spot, Leak>) {
    let mut lines: BTreeMap<(String, u16), usize> = BTreeMap::new();
    for spot in leaks.keys().filter(|spot| spot.line > 0) {
        *lines.entry((spot.file.clone(), spot.kind)).or_default() += 1;
    }
    let columns: Vec<Spot> = leaks.keys().filter(|spot| spot.group == 0).cloned().collect();
    for column in columns {
        let file = beginnings(&column.file).find_map(|file| {
            let key = (file.to_owned(), column.kind);
            lines.get(&key).map(|count| (key, *count))
        });
        let Some(((file, kind), count)) = file else { continue };
        if count <= BY_LINE {
            leaks.remove(&column);
            continue;
        }
        let of_file = |spot: &Spot| spot.file == file && spot.kind == kind && spot.line > 0;
        let first = leaks.iter().find(|(spot, _)| of_file(spot)).and_then(|(_, leak)| leak.position.clone());
        leaks.retain(|spot, _| !of_file(spot));
        if let Some(leak) = leaks.get_mut(&column) {
            leak.position = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_a_part_of_its_file() {
        let of: Vec<&str> = beginnings("all.zip!b.sql!persons").collect();
        assert_eq!(of, ["all", "all.zip", "all.zip!b", "all.zip!b.sql", "all.zip!b.sql!persons"]);
    }
}
