//! The filesystem under each data root.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Fact, Mount, Text};
use crate::version::Version;

/// Whose data root it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataRootOwner {
    /// dockerd, rootful.
    Docker,
    /// A containerd of its own, outside dockerd's data root.
    Containerd,
    /// buildkitd, rootful.
    Buildkit,
    /// podman, as root or rootless.
    Podman,
    /// Rootless dockerd.
    RootlessDocker,
    /// Rootless buildkitd.
    RootlessBuildkit,
    /// kubelet of a node that runs right here.
    Kubelet,
}

impl DataRootOwner {
    /// The program that locks databases in it, as `/proc/PID/comm` has it.
    pub const fn daemon(self) -> Option<&'static str> {
        match self {
            Self::Docker => Some("dockerd"),
            Self::Containerd => Some("containerd"),
            Self::Buildkit => Some("buildkitd"),
            Self::Podman | Self::RootlessDocker | Self::RootlessBuildkit | Self::Kubelet => None,
        }
    }
}

/// The filesystem that holds a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filesystem {
    /// `f_type` of `statfs(2)`.
    pub magic: u64,
    /// The mount that holds the directory; its `fstype` tells FUSE filesystems apart. `None` if the
    /// mount table has no answer.
    pub mount: Option<Mount>,
    /// Whether entries of the directory carry their type (`d_type` of `getdents64(2)`); `None` if the
    /// directory has no entries by which to tell. overlayfs refuses an upper directory without.
    pub d_type: Option<bool>,
}

impl Filesystem {
    /// The filesystem's name: from the mount table, else from the magic number.
    pub fn name(&self) -> &str {
        match &self.mount {
            Some(mount) => &mount.fstype,
            None => magic_name(self.magic),
        }
    }
}

/// Names of `statfs(2)` magic numbers (`include/uapi/linux/magic.h`).
fn magic_name(magic: u64) -> &'static str {
    match magic {
        0x794c_7630 => "overlay",
        0x0102_1994 => "tmpfs",
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x2fc1_2fc1 => "zfs",
        0x6969 => "nfs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        0xf15f => "ecryptfs",
        0x6175_6673 => "aufs",
        0x00c3_6400 => "ceph",
        0xff53_4d42 => "cifs",
        0xfe53_4d42 => "smb2",
        0x8584_58f6 => "ramfs",
        0x4d44 => "vfat",
        _ => "unknown",
    }
}

/// How full a filesystem is (`statfs(2)`). Of a volume this is the disk under it: a quota that is enforced
/// by eviction, as `sizeLimit` of an emptyDir, does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes in all; 0 where the filesystem does not say.
    pub total: u64,
    /// Bytes that are free for unprivileged users.
    pub available: u64,
    /// Inodes; 0 where their number is not fixed.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_free: u64,
}

/// One directory in which an engine keeps images and containers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DataRoot {
    /// Whose it is.
    pub owner: DataRootOwner,
    /// The directory as configured, or the default.
    pub path: Text,
    /// What says so: `default`, `/etc/docker/daemon.json`, `dockerd --data-root`.
    pub configured_by: Text,
    /// Whether the directory exists already.
    pub exists: bool,
    /// The nearest existing ancestor, links resolved.
    pub resolved: Fact<Text>,
    /// The filesystem that holds it.
    pub filesystem: Fact<Filesystem>,
    /// How full that filesystem is.
    pub space: Fact<Space>,
    /// Names in the directory, sorted, up to a bound: `overlay2`, `vfs`, `image`, … Empty if it does not
    /// exist.
    pub entries: Fact<Vec<Text>>,
}

/// A device that the mount below a data root names as its source, `/dev/mapper/luks-1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDevice {
    /// The path, from `/proc/self/mountinfo`.
    pub path: Text,
    /// Whether it exists here (`stat(2)`); a container's `/dev` rarely has the host's disks.
    pub exists: Fact<bool>,
}

/// What each image store of dockerd holds in its data root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageStores {
    /// Images of the graph drivers: names in `image/DRIVER/imagedb/content/sha256`, up to a bound.
    pub graph: Fact<u32>,
    /// Snapshots of the containerd image store: names in `snapshots` of the snapshotters below
    /// `containerd/daemon`, up to a bound.
    pub snapshots: Fact<u32>,
}

/// All data roots that a target could use here, in order of owner.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Storage {
    /// The data roots.
    pub data_roots: Vec<DataRoot>,
    /// The first `fuse-overlayfs` on the PATH; `None` if there is none.
    pub fuse_overlayfs: Fact<Option<Text>>,
    /// OpenZFS of this kernel, from `/sys/module/zfs/version` (`2.2.7-1ubuntu1`); `None` where the
    /// module is not loaded.
    pub zfs: Fact<Option<Version>>,
    /// `/sys/module/overlay/parameters/permit_mounts_in_userns`, a patch of Debian 10 and 11; `None` where
    /// there is no such parameter.
    pub permit_mounts_in_userns: Fact<Option<bool>>,
    /// The devices below `/dev` that the data roots are on, each once, in order of path.
    pub source_devices: Vec<SourceDevice>,
    /// dockerd's image stores.
    pub image_stores: ImageStores,
    /// Whether a containerd that is not dockerd's own has made its directories for snapshots in `/var/lib/containerd`.
    #[serde(default)]
    pub containerd_was_here: Fact<bool>,
}

impl Storage {
    /// The data roots of one owner.
    pub fn of(&self, owner: DataRootOwner) -> impl Iterator<Item = &DataRoot> {
        self.data_roots.iter().filter(move |root| root.owner == owner)
    }
}
