//! Which mounts no path leads to any more, because another one lies over them.

use std::collections::{HashMap, HashSet};

use dind_doctor_checks::facts::Mount;

/// Marks the mounts that are covered, by a mount on their own root or on a directory above them.
///
/// A mount below another one has that for a parent. So one whose sibling is at a directory above it was there
/// first and is hidden, with everything that was mounted on it (`Documentation/filesystems/sharedsubtree.rst`;
/// `mount(2)`).
pub(super) fn mark(rows: &mut [Mount]) {
    let mut children: HashMap<i32, HashSet<&str>> = HashMap::new();
    // The root of an initial RAM disk is its own parent.
    for row in rows.iter().filter(|row| row.id != row.parent) {
        children.entry(row.parent).or_default().insert(row.mount_point.as_str());
    }
    let below_sibling = |row: &Mount| {
        let siblings = children.get(&row.parent).filter(|_| row.id != row.parent);
        siblings.is_some_and(|siblings| {
            above(row.mount_point.as_str()).any(|directory| siblings.contains(directory))
        })
    };
    let hidden: HashMap<i32, bool> = rows.iter().map(|row| (row.id, below_sibling(row))).collect();
    let parents: HashMap<i32, i32> = rows.iter().map(|row| (row.id, row.parent)).collect();
    let covered: Vec<bool> = rows
        .iter()
        .map(|row| {
            children.get(&row.id).is_some_and(|set| set.contains(row.mount_point.as_str()))
                || lineage(row.id, &parents).any(|id| hidden.get(&id) == Some(&true))
        })
        .collect();
    for (row, covered) in rows.iter_mut().zip(covered) {
        row.covered = covered;
    }
}

/// The directories strictly above a path.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.match_indices('/').map(|(at, _)| if at == 0 { "/" } else { &path[..at] });
    parts.filter(move |directory| *directory != path)
}

/// A mount's id and those of its parents; a made-up table may have a circle.
fn lineage(id: i32, parents: &HashMap<i32, i32>) -> impl Iterator<Item = i32> {
    const DEPTH: usize = 256;
    std::iter::successors(Some(id), |id| parents.get(id).copied()).take(DEPTH)
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
}
