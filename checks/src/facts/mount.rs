//! The mount table.

use alloc::{string::String, sync::Arc, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Text;

/// Optional fields of a mountinfo line (`proc_pid_mountinfo(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Propagation {
    /// Peer group of a shared mount.
    pub shared: Option<u32>,
    /// Peer group that this mount is a slave of.
    pub master: Option<u32>,
    /// Whether it is unbindable.
    pub unbindable: bool,
}

impl Propagation {
    /// `shared`, `slave`, `shared+slave`, `unbindable` or `private`, as findmnt says.
    pub const fn name(self) -> &'static str {
        match (self.shared.is_some(), self.master.is_some(), self.unbindable) {
            (true, true, _) => "shared+slave",
            (true, false, _) => "shared",
            (false, true, _) => "slave",
            (false, false, true) => "unbindable",
            (false, false, false) => "private",
        }
    }
}

/// One line of `/proc/self/mountinfo`, unescaped. What many lines say is shared among them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mount {
    /// Mount id.
    pub id: i32,
    /// Parent's mount id.
    pub parent: i32,
    /// `major:minor` of the superblock.
    pub device: Text,
    /// The directory of the filesystem that is mounted.
    pub root: Text,
    /// Where it is mounted.
    pub mount_point: Text,
    /// Options of this mount, sorted: `ro`, `nosuid`, …
    pub options: Arc<[String]>,
    /// Propagation.
    pub propagation: Propagation,
    /// Filesystem type, with subtype: `ext4`, `fuse.fuse-overlayfs`.
    pub fstype: Text,
    /// What is mounted.
    pub source: Text,
    /// Options of the superblock, sorted, `name` or `name=value`.
    pub super_options: Arc<[String]>,
    /// Whether another mount lies over it, on its root or on a directory above: no path leads to it.
    pub covered: bool,
}

impl Mount {
    /// Whether writing through this mount is refused: mount or superblock is read-only.
    pub fn read_only(&self) -> bool {
        self.has_option("ro") || self.super_options.iter().any(|o| o == "ro")
    }

    /// Whether this mount has the option.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }

    /// The value of a superblock option `name=value`, or `""` for one without a value.
    pub fn super_option(&self, name: &str) -> Option<&str> {
        self.super_options.iter().find_map(|o| {
            let (key, value) = o.split_once('=').unwrap_or((o, ""));
            (key == name).then_some(value)
        })
    }
}

/// All mounts of a mount namespace, in the kernel's order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MountTable {
    /// The lines that could be read.
    pub rows: Vec<Mount>,
    /// How many lines could not.
    pub malformed: u32,
}

impl MountTable {
    /// The mounts that no other one covers, in the kernel's order.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Mount> {
        self.rows.iter().filter(|m| !m.covered)
    }

    /// The topmost mount at exactly this place; a later line covers an earlier one.
    pub fn at(&self, mount_point: &str) -> Option<&Mount> {
        // One iterator, here and below: those in iterators are not inlined where size counts, and a node has ten thousand
        // rows, which every check that asks goes through. Lengths are at hand, characters are not.
        self.rows.iter().rev().find(|row| {
            row.mount_point.len() == mount_point.len()
                && !row.covered
                && row.mount_point == mount_point
        })
    }

    /// The mount that holds `path` (absolute, without links): the longest mount point that is a prefix
    /// on a component boundary; among equals the last line.
    pub fn holding(&self, path: &str) -> Option<&Mount> {
        let mut longest: Option<&Mount> = None;
        let least = |longest: Option<&Mount>| longest.map_or(0, |row| row.mount_point.len());
        for row in &self.rows {
            let length = row.mount_point.len();
            if length <= path.len()
                && !row.covered
                && length >= least(longest)
                && is_below_or_at(path, &row.mount_point)
            {
                longest = Some(row);
            }
        }
        longest
    }

    /// The mounts strictly below `directory`.
    pub fn below<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a Mount> {
        self.open().filter(move |m| {
            is_below_or_at(&m.mount_point, directory) && m.mount_point != directory
        })
    }
}

/// Whether `path` is `directory` or below it, on a component boundary.
fn is_below_or_at(path: &str, directory: &str) -> bool {
    let directory = match directory.as_bytes().last() {
        Some(b'/') => directory.trim_end_matches('/'),
        _ => directory,
    };
    let rest = path.as_bytes().strip_prefix(directory.as_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn mount(mount_point: &str, fstype: &str) -> Mount {
        Mount { mount_point: mount_point.into(), fstype: fstype.into(), ..Mount::default() }
    }

    #[test]
    fn the_longest_prefix_on_a_boundary_holds_a_path_and_the_last_line_wins() {
        let table = MountTable {
            rows: vec![
                mount("/", "overlay"),
                mount("/var/lib/docker", "ext4"),
                mount("/var/lib/docker", "tmpfs"),
                mount("/var/lib/dock", "xfs"),
            ],
            malformed: 0,
        };
        let fstype = |path| table.holding(path).map(|m| m.fstype.as_str());
        assert_eq!(fstype("/var/lib/docker/overlay2"), Some("tmpfs"));
        assert_eq!(fstype("/var/lib/docker"), Some("tmpfs"));
        assert_eq!(fstype("/var/lib/docker2"), Some("overlay"));
        assert_eq!(fstype("/"), Some("overlay"));
    }
}
