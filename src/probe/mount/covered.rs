//! Which mounts no path leads to any more, because another one lies over them.

use std::collections::HashSet;

use dind_doctor_checks::facts::Mount;

/// Marks the mounts that are covered, by a mount on their own root or on a directory above them.
///
/// A mount below another one has that for a parent. So one whose sibling is at a directory above it was there
/// first and is hidden, with everything that was mounted on it (`Documentation/filesystems/sharedsubtree.rst`;
/// `mount(2)`).
pub(super) fn mark(rows: &mut [Mount]) {
    let covered = covered(rows);
    for (row, covered) in rows.iter_mut().zip(covered) {
        row.covered = covered;
    }
}

fn covered(rows: &[Mount]) -> Vec<bool> {
    let children = Children::of(rows);
    let buried = buried(rows, &hidden(rows, &children));
    let is_covered = |(row, buried): (&Mount, bool)| {
        buried || children.has_any(row.id) && children.has(row.id, &row.mount_point)
    };
    rows.iter().zip(buried).map(is_covered).collect()
}

/// What is mounted on what.
struct Children<'a> {
    places: HashSet<(i32, &'a str)>,
    /// Ids of all that something is mounted on, sorted: most have nothing, and need no hash.
    parents: Vec<i32>,
}

impl<'a> Children<'a> {
    fn of(rows: &'a [Mount]) -> Self {
        let mut places = HashSet::with_capacity(rows.len());
        let mut parents = Vec::new();
        // The root of an initial RAM disk is its own parent.
        for row in rows.iter().filter(|row| row.id != row.parent) {
            places.insert((row.parent, row.mount_point.as_str()));
            if parents.last() != Some(&row.parent) {
                parents.push(row.parent);
            }
        }
        parents.sort_unstable();
        parents.dedup();
        Self { places, parents }
    }

    fn has_any(&self, parent: i32) -> bool {
        self.parents.binary_search(&parent).is_ok()
    }

    fn has(&self, parent: i32, place: &str) -> bool {
        self.places.contains(&(parent, place))
    }
}

/// Of each row, whether a sibling is at a directory above it.
fn hidden(rows: &[Mount], children: &Children) -> Vec<bool> {
    // Neighbours in the table are so in the tree: of the directories that a row shares with one that is not hidden,
    // it is known that no sibling is there.
    let mut open: Option<&Mount> = None;
    let hidden = rows.iter().map(|row| {
        if row.id == row.parent {
            return false;
        }
        // The root is a slash, and not below one.
        let neighbour = open.filter(|open| open.parent == row.parent && open.mount_point != "/");
        let known = neighbour.map_or(0, |open| common(&open.mount_point, &row.mount_point));
        let mut directories = above(&row.mount_point, known);
        let hidden = directories.any(|directory| children.has(row.parent, directory));
        open = if hidden { None } else { Some(row) };
        hidden
    });
    hidden.collect()
}

/// Of each row, whether it is hidden, or what it is mounted on is.
fn buried(rows: &[Mount], hidden: &[bool]) -> Vec<bool> {
    let parents = parents(rows);
    let mut known: Vec<Option<bool>> = vec![None; rows.len()];
    let mut path = Vec::new();
    for row in 0..rows.len() {
        let mut at = row;
        let buried = loop {
            if let Some(buried) = known[at] {
                break buried;
            }
            // Who comes back to where it was goes in a circle, as a made-up table may have it.
            known[at] = Some(hidden[at]);
            path.push(at);
            match parents[at].filter(|_| !hidden[at]) {
                Some(parent) => at = parent,
                None => break hidden[at],
            }
        };
        for at in path.drain(..) {
            known[at] = Some(buried);
        }
    }
    known.into_iter().map(|buried| buried == Some(true)).collect()
}

/// Of each row, which one it is mounted on.
fn parents(rows: &[Mount]) -> Vec<Option<usize>> {
    let mut by_id: Vec<(i32, usize)> = rows.iter().map(|row| row.id).zip(0..).collect();
    by_id.sort_unstable();
    // Of rows with one id, the last speaks for it.
    let find = |id: i32| {
        let after = by_id.partition_point(|(other, _)| *other <= id);
        let (found, row) = *by_id.get(after.checked_sub(1)?)?;
        (found == id).then_some(row)
    };
    let mut last = None;
    let parent = |row: &Mount| match last {
        Some((id, found)) if id == row.parent => found,
        _ => {
            let found = find(row.parent);
            last = Some((row.parent, found));
            found
        }
    };
    rows.iter().map(parent).collect()
}

/// Bytes that two paths begin with.
fn common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// The directories strictly above a path that end at its byte `from` or after.
fn above(path: &str, from: usize) -> impl Iterator<Item = &str> {
    let slashes = path.bytes().enumerate().skip(from).filter(|(_, byte)| *byte == b'/');
    let directories = slashes.map(|(at, _)| if at == 0 { "/" } else { &path[..at] });
    directories.filter(move |directory| *directory != path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(rows: &[(i32, i32, &str)]) -> Vec<i32> {
        let mount = |(id, parent, at): &(i32, i32, &str)| Mount {
            id: *id,
            parent: *parent,
            mount_point: (*at).into(),
            ..Mount::default()
        };
        let mut rows: Vec<Mount> = rows.iter().map(mount).collect();
        mark(&mut rows);
        rows.iter().filter(|row| row.covered).map(|row| row.id).collect()
    }

    #[test]
    fn what_is_side_by_side_or_below_is_open() {
        let rows =
            [(20, 1, "/"), (21, 20, "/sys"), (22, 21, "/sys/fs/cgroup"), (23, 20, "/sysroot")];
        assert_eq!(covered(&rows), [0; 0]);
    }

    #[test]
    fn a_mount_over_the_same_directory_covers_the_earlier_one_and_what_is_in_it() {
        let rows = [
            (20, 1, "/"),
            (21, 20, "/sys/fs/cgroup"),
            (22, 21, "/sys/fs/cgroup/memory"),
            (23, 21, "/sys/fs/cgroup"),
            (24, 23, "/sys/fs/cgroup/memory"),
        ];
        assert_eq!(covered(&rows), [21, 22]);
    }

    #[test]
    fn a_mount_over_a_directory_above_covers_all_that_was_below() {
        let rows = [
            (20, 1, "/"),
            (21, 20, "/sys"),
            (22, 21, "/sys/fs/cgroup"),
            (23, 22, "/sys/fs/cgroup/memory"),
            (24, 21, "/sys"),
            (25, 24, "/sys/fs/cgroup"),
            (26, 20, "/var/lib"),
            (27, 20, "/var"),
        ];
        assert_eq!(covered(&rows), [21, 22, 23, 26]);
    }

    #[test]
    fn circles_and_roots_that_are_their_own_parents_end() {
        assert_eq!(covered(&[(1, 1, "/"), (2, 1, "/a")]), [0; 0]);
        assert_eq!(covered(&[(1, 2, "/a"), (2, 1, "/b")]), [0; 0]);
    }

    /// What [`mark`] is to find, word for word.
    fn plainly(rows: &[(i32, i32, &str)]) -> Vec<i32> {
        let on = |parent: i32, place: &str| {
            rows.iter().any(|row| row.1 == parent && row.0 != row.1 && row.2 == place)
        };
        let is_hidden = |row: &(i32, i32, &str)| {
            row.0 != row.1 && above(row.2, 0).any(|directory| on(row.1, directory))
        };
        let is_covered = |row: &&(i32, i32, &str)| {
            let parent = |row: &&(i32, i32, &str)| rows.iter().find(|other| other.0 == row.1);
            let mut lineage = std::iter::successors(Some(*row), parent).take(rows.len() + 1);
            on(row.0, row.2) || lineage.any(is_hidden)
        };
        rows.iter().filter(is_covered).map(|row| row.0).collect()
    }

    #[test]
    fn whatever_the_table_says_the_rule_holds() {
        const PLACES: [&str; 8] = ["/", "/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/b", "/b/c"];
        arbtest::arbtest(|u| {
            let number = u.int_in_range(0..=12)?;
            let mut rows = Vec::new();
            for id in 1..=number {
                rows.push((id, u.int_in_range(0..=number)?, *u.choose(&PLACES)?));
            }
            assert_eq!(covered(&rows), plainly(&rows), "{rows:?}");
            Ok(())
        });
    }
}
