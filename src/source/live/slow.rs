//! Which paths lie on filesystems that can keep whoever looks at them waiting for ever.

use std::{sync::OnceLock, time::Instant};

use memchr::{memchr, memmem, memrchr};

use super::{file, guard::PATIENCE};
use crate::{
    source::{
        Answer, Refusal,
        path::{encode, unescape},
    },
    text::Pieces,
};

/// Bytes of the mount table.
const TABLE_LIMIT: u32 = 64 * 1024 * 1024;

/// The mount table, which the kernel answers by itself.
pub(super) const TABLE: &str = "/proc/self/mountinfo";

/// The mount table when it was first looked at. On a node it has megabytes, and the kernel makes it anew for each
/// reader; a configuration is looked for by a source of its own, and a probe asks for it, too.
pub(super) fn table() -> &'static Result<Answer, Refusal> {
    static ONCE: OnceLock<Result<Answer, Refusal>> = OnceLock::new();
    ONCE.get_or_init(|| {
        file::read(TABLE, TABLE_LIMIT, Instant::now() + PATIENCE).map(Answer::bytes)
    })
}

/// What can become of a look at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// The kernel answers, or a disk of this machine.
    Never,
    /// It lies on layers, and what is below them cannot be seen.
    Perhaps,
    /// A server answers, or is gone.
    ForServer,
}

/// Mounts of filesystems on which a look can wait.
#[derive(Debug)]
pub(super) struct SlowMounts {
    /// Mount points as paths of questions are, and how long a look may take.
    mounts: Vec<(String, Wait)>,
    /// Those of them in `/proc`, `/sys` and `/dev`.
    in_kernel: Vec<(String, Wait)>,
    /// The worst outside of those, which a link could lead into from anywhere.
    by_link: Wait,
}

impl SlowMounts {
    /// Without a mount table nothing is known to be quick.
    pub(super) fn unknown() -> Self {
        Self::of(vec![("/".to_owned(), Wait::ForServer)])
    }

    pub(super) fn parse(table: &[u8]) -> Self {
        const SEPARATOR: &[u8] = b" - ";
        let mut mounts = Vec::new();
        // Neighbours are alike: what was found of the one before holds.
        let mut last = (&b""[..], Wait::Never);
        for at in memmem::find_iter(table, SEPARATOR) {
            let filesystem = to_line_end(&table[at + SEPARATOR.len()..]);
            if filesystem != last.0 {
                last = (filesystem, wait(filesystem));
            }
            if last.1 > Wait::Never {
                let start = memrchr(b'\n', &table[..at]).map_or(0, |end| end + 1);
                let before = &table[start..at];
                // What looks like a separator in the options is none.
                if memmem::find(before, SEPARATOR).is_none() {
                    let place = Pieces::of(before, b' ').nth(4);
                    mounts.extend(place.map(|place| (encode(&unescape(place)), last.1)));
                }
            }
        }
        Self::of(mounts)
    }

    fn of(mounts: Vec<(String, Wait)>) -> Self {
        let in_kernel: Vec<_> =
            mounts.iter().filter(|(at, _)| is_kernel_path(at)).cloned().collect();
        let outside = mounts.iter().filter(|(at, _)| !is_kernel_path(at));
        let by_link = outside.map(|(_, wait)| *wait).max().unwrap_or(Wait::Never);
        Self { mounts, in_kernel, by_link }
    }

    /// What can become of a look at `path`.
    pub(super) fn wait(&self, path: &str) -> Wait {
        if is_kernel_path(path) {
            let below = self.in_kernel.iter().filter(|(at, _)| is_below(path, at));
            below.map(|(_, wait)| *wait).max().unwrap_or(Wait::Never)
        } else {
            self.by_link
        }
    }

    /// What is given up where a look at `path` never ended: all of the slow mount that it names, or else, since
    /// a link has led there, that path.
    pub(super) fn lost_with<'a>(&'a self, path: &'a str) -> &'a str {
        let below = self.mounts.iter().map(|(at, _)| at.as_str()).filter(|at| is_below(path, at));
        below.max_by_key(|at| at.len()).unwrap_or(path)
    }
}

pub(super) fn to_line_end(rest: &[u8]) -> &[u8] {
    &rest[..memchr(b'\n', rest).unwrap_or(rest.len())]
}

/// What can become of a look at a filesystem: `TYPE SOURCE OPTIONS`.
fn wait(filesystem: &[u8]) -> Wait {
    let mut fields = Pieces::of(filesystem, b' ');
    let (fstype, source) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    std::str::from_utf8(fstype).map_or(Wait::Never, |fstype| of_filesystem(fstype, source))
}

/// Filesystems that a process or another machine serves can wait for it.
///
/// So can a filesystem of layers (overlay, the older aufs, ecryptfs) or in a file (loop), if the layer or file
/// lies on such a one. Where it lies cannot be known: the table has the *paths* that the mount was made with,
/// which may be those of another mount namespace (every container's root), relative to a directory of the
/// engine, or the paths of a mount that was detached since, below which an empty directory is seen. So each of
/// them is taken to be slow, the root of a container too. That costs a process, and some 10 µs for each
/// look at a file, 2 ms of a run; whoever is not given the process looks by itself.
///
/// What is below device-mapper, md, drbd or rbd, nothing tells that can be read by everybody.
fn of_filesystem(fstype: &str, source: &[u8]) -> Wait {
    const SERVED: [&str; 16] = [
        "9p",
        "afs",
        "autofs",
        "ceph",
        "cifs",
        "coda",
        "fuse",
        "fuseblk",
        "glusterfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
        "virtiofs",
    ];
    const LAYERED: [&str; 5] = ["aufs", "ecryptfs", "overlay", "overlayfs", "shiftfs"];
    const IN_A_FILE: [&[u8]; 3] = [b"/dev/loop", b"/dev/nbd", b"/dev/rbd"];
    if SERVED.contains(&fstype) || fstype.starts_with("fuse.") {
        Wait::ForServer
    } else if LAYERED.contains(&fstype) || IN_A_FILE.iter().any(|device| source.starts_with(device))
    {
        Wait::Perhaps
    } else {
        Wait::Never
    }
}

pub(super) fn is_below(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_kernel_path(path: &str) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|root| is_below(path, root))
}

/// Whether a look at this file of `/proc` takes a lock that a process stuck in the kernel can hold for ever, or
/// leaves `/proc`. Reading another process's arguments takes the lock of its memory map (this is how ps
/// hangs), and so do its environment and its maps; to follow its links leads to whatever it has open.
/// What is given up then is the process: `/proc/PID`.
pub(super) fn waits_for_process(path: &str, follows: bool) -> Option<&str> {
    const LOCKED: [&str; 5] = ["cmdline", "environ", "maps", "numa_maps", "smaps"];
    const LINKS: [&str; 4] = ["cwd", "exe", "fd", "root"];
    let (pid, rest) = path.strip_prefix("/proc/")?.split_once('/')?;
    let (name, below) =
        rest.split_once('/').map_or((rest, None), |(name, below)| (name, Some(below)));
    // What the doctor itself has open is its own business, and /proc/cmdline is nobody's.
    let of_process = pid.bytes().all(|byte| byte.is_ascii_digit());
    let leaves = match (name, below) {
        ("fd", None) => false,
        ("fd", Some(number)) => follows || number.contains('/'),
        (_, None) => follows,
        (_, Some(_)) => true,
    };
    let waits = LOCKED.contains(&name) || LINKS.contains(&name) && leaves;
    path.get(.."/proc/".len() + pid.len()).filter(|_| of_process && waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
        20 1 254:0 / / rw - ext4 /dev/vda rw\n\
        21 20 0:5 / /proc rw - proc proc rw\n\
        22 21 0:6 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n\
        23 20 0:7 / /mnt/my\\040share rw shared:1 - nfs4 server:/x rw\n";

    #[test]
    fn below_a_served_mount_and_by_link_everything_outside_the_kernel_can_wait() {
        let slow = SlowMounts::parse(TABLE.as_bytes());
        assert_eq!(slow.wait("/mnt/my share/data"), Wait::ForServer);
        let by_link = slow.wait("/etc/docker/daemon.json");
        assert_eq!(by_link, Wait::ForServer, "it could be a link into the share");
        assert_eq!(slow.wait("/proc/meminfo"), Wait::ForServer);
        assert_eq!(slow.wait("/proc/self/status"), Wait::Never);
        assert_eq!(slow.wait("/sys/fs/cgroup/cgroup.procs"), Wait::Never);
    }

    #[test]
    fn without_served_mounts_nothing_waits() {
        let (quick, _) = TABLE.split_once("22 ").unwrap();
        assert_eq!(SlowMounts::parse(quick.as_bytes()).wait("/mnt/my share/data"), Wait::Never);
    }

    #[test]
    fn what_lies_below_layers_is_not_known() {
        for row in [
            "24 20 0:8 / /var/lib/docker rw - overlay none rw,lowerdir=l/A:l/B,upperdir=u,workdir=w",
            "1 0 0:8 / / rw - overlay overlay rw,lowerdir=/host/a",
            "24 20 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro",
        ] {
            assert_eq!(
                SlowMounts::parse(row.as_bytes()).wait("/var/lib/docker"),
                Wait::Perhaps,
                "{row}"
            );
        }
        let both = [TABLE, "24 20 0:8 / /x rw - overlay none rw"].concat();
        assert_eq!(SlowMounts::parse(both.as_bytes()).wait("/x"), Wait::ForServer);
    }

    #[test]
    fn a_dead_mount_is_lost_whole_and_where_a_link_led_that_path() {
        let slow = SlowMounts::parse(TABLE.as_bytes());
        assert_eq!(slow.lost_with("/mnt/my share/a/b"), "/mnt/my share");
        assert_eq!(slow.lost_with("/etc/docker/daemon.json"), "/etc/docker/daemon.json");
    }

    #[test]
    fn processes_that_are_stuck_keep_who_reads_their_memory_or_follows_their_links() {
        for path in ["/proc/7/cmdline", "/proc/7/environ", "/proc/7/root/etc/passwd"] {
            assert_eq!(waits_for_process(path, false), Some("/proc/7"), "{path}");
        }
        for path in ["/proc/cmdline", "/proc/self/exe", "/proc/7/stat", "/proc/7/exe", "/proc/7/fd"]
        {
            assert_eq!(waits_for_process(path, false), None, "{path}");
        }
        assert_eq!(waits_for_process("/proc/7/exe", true), Some("/proc/7"));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            SlowMounts::parse(&bytes);
            Ok(())
        });
    }
}
