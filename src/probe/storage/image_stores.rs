//! How much each image store of dockerd holds.

use dind_doctor_checks::facts::{Fact, ImageStores, Missing, Why};

use crate::probe::Reader;

/// Names in one directory that are counted.
const NAMES: usize = 256;

/// Graph drivers of moby.
const GRAPH_DRIVERS: [&str; 5] = ["overlay2", "fuse-overlayfs", "btrfs", "zfs", "vfs"];

/// Snapshotters that dockerd's own containerd has.
const SNAPSHOTTERS: [&str; 4] = ["overlayfs", "native", "btrfs", "zfs"];

pub(super) fn probe(reader: &Reader, root: &str) -> ImageStores {
    let images = GRAPH_DRIVERS.map(|d| format!("{root}/image/{d}/imagedb/content/sha256"));
    let snapshots = SNAPSHOTTERS.map(|name| {
        format!("{root}/containerd/daemon/io.containerd.snapshotter.v1.{name}/snapshots")
    });
    ImageStores { graph: count(reader, &images), snapshots: count(reader, &snapshots) }
}

/// The names in all of these directories; one that does not exist has none.
fn count(reader: &Reader, directories: &[String]) -> Fact<u32> {
    let mut sum = 0;
    for directory in directories {
        match reader.list(directory, NAMES) {
            Ok(listing) => sum += u32::try_from(listing.entries.len()).unwrap_or(u32::MAX),
            Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) => return Fact::Missing(missing),
        }
    }
    Fact::Known(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{EntryKind, Refusal, ask, fixed::Fixed};

    const IMAGES: &str = "/r/image/overlay2/imagedb/content/sha256";

    #[test]
    fn images_and_snapshots_are_counted_apart() {
        let snapshots = "/r/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots";
        let source = Fixed::new()
            .directory(IMAGES, &[("aa", EntryKind::File)])
            .directory(snapshots, &[("1", EntryKind::Directory), ("2", EntryKind::Directory)]);
        let stores = probe(&Reader::new(&source), "/r");
        assert_eq!(stores, ImageStores { graph: Fact::Known(1), snapshots: Fact::Known(2) });
    }

    #[test]
    fn nothing_there_is_none_and_forbidden_is_unknown() {
        let stores = probe(&Reader::new(&Fixed::new()), "/r");
        assert_eq!(stores, ImageStores { graph: Fact::Known(0), snapshots: Fact::Known(0) });
        let question = ask::List { path: IMAGES.into() };
        let source = Fixed::new().refuse(question, Refusal::Errno(libc::EACCES));
        let stores = probe(&Reader::new(&source), "/r");
        assert_eq!(stores.graph.why(), Some(Why::NotPermitted));
    }
}
