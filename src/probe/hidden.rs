//! Whether what is not in `/proc` or `/sys` does not exist, or is only not seen.
//!
//! A kernel without a feature has no file for it. Neither has a tmpfs that lies over `/proc/sys`, a container
//! without `/proc`, or a procfs that shows processes only.

use std::cell::OnceCell;

use dind_doctor_checks::facts::Why;

use crate::source::{Refusal, Source, ask};

/// `PROC_SUPER_MAGIC` and `SYSFS_MAGIC`.
const PROCFS: u64 = 0x9fa0;
const SYSFS: u64 = 0x6265_6572;

/// In every procfs, unless it is mounted with `subset=pid`.
const ALWAYS: &str = "/proc/version";

/// What lies at the kernel's own places, each looked at once, when something is not found there.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    processes: OnceCell<Why>,
    proc: OnceCell<Why>,
    sysctls: OnceCell<Why>,
    sys: OnceCell<Why>,
}

impl Hidden {
    /// Why `path`, which was not found, is missing.
    pub(super) fn absent(&self, source: &dyn Source, path: &str) -> Why {
        if path.starts_with("/proc/sys/") {
            return *self.sysctls.get_or_init(|| lies_at(source, "/proc/sys", PROCFS));
        }
        if let Some(name) = path.strip_prefix("/proc/") {
            let processes = || *self.processes.get_or_init(|| lies_at(source, "/proc", PROCFS));
            let is_process = name.starts_with(|c: char| c.is_ascii_digit())
                || ["self", "thread-self"].iter().any(|own| name.starts_with(own));
            return if is_process {
                processes()
            } else {
                *self.proc.get_or_init(|| match processes() {
                    Why::NotFound => lies_at(source, ALWAYS, PROCFS),
                    why => why,
                })
            };
        }
        // cgroups are a filesystem of their own, and no container need have them.
        if path.starts_with("/sys/") && !path.starts_with("/sys/fs/cgroup") {
            return *self.sys.get_or_init(|| lies_at(source, "/sys", SYSFS));
        }
        Why::NotFound
    }
}

/// Not found, if the filesystem at `place` is the kernel's; recordings that cannot say are believed.
fn lies_at(source: &dyn Source, place: &str, magic: u64) -> Why {
    match ask(source, ask::StatFs { path: place.to_owned() }) {
        Ok(fs) if fs.magic == magic => Why::NotFound,
        Err(Refusal::NotRecorded | Refusal::Redacted) => Why::NotFound,
        Ok(_) => Why::Hidden,
        Err(refusal) => why(refusal),
    }
}

fn why(refusal: Refusal) -> Why {
    match refusal.why() {
        Why::NotFound => Why::Hidden,
        why => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::{Fixed, filesystem};

    const TMPFS: u64 = 0x0102_1994;

    fn statfs(place: &str) -> ask::StatFs {
        ask::StatFs { path: place.to_owned() }
    }

    fn absent(source: &Fixed, path: &str) -> Why {
        Hidden::default().absent(source, path)
    }

    #[test]
    fn on_the_kernels_own_filesystem_it_does_not_exist() {
        for path in ["/proc/sys/fs/x", "/proc/key-users", "/proc/self/ns/time", "/sys/module/zfs"] {
            assert_eq!(absent(&Fixed::new(), path), Why::NotFound, "{path}");
        }
    }

    #[test]
    fn under_a_tmpfs_or_without_procfs_nobody_knows() {
        let covered = Fixed::new().answer(statfs("/proc/sys"), filesystem(TMPFS));
        assert_eq!(absent(&covered, "/proc/sys/fs/x"), Why::Hidden);
        assert_eq!(absent(&covered, "/proc/key-users"), Why::NotFound);
        let bare = ["/proc", "/proc/sys", "/sys"].into_iter().fold(Fixed::new(), |fixed, place| {
            fixed.refuse(statfs(place), Refusal::Errno(libc::ENOENT))
        });
        for path in ["/proc/sys/fs/x", "/proc/key-users", "/proc/self/status", "/sys/module/zfs"] {
            assert_eq!(absent(&bare, path), Why::Hidden, "{path}");
        }
        // Elsewhere, and of cgroups, what is not there is not there.
        for path in ["/etc/passwd", "/sys/fs/cgroup/cpu", "/procession"] {
            assert_eq!(absent(&bare, path), Why::NotFound, "{path}");
        }
    }

    #[test]
    fn a_procfs_of_processes_only_shows_nothing_else() {
        let subset = Fixed::new().refuse(statfs(ALWAYS), Refusal::Errno(libc::ENOENT));
        assert_eq!(absent(&subset, "/proc/modules"), Why::Hidden);
        assert_eq!(absent(&subset, "/proc/self/ns/time"), Why::NotFound);
    }

    #[test]
    fn what_cannot_be_asked_is_no_absence_and_old_recordings_are_believed() {
        let refused = |refusal| Fixed::new().refuse(statfs("/proc/sys"), refusal);
        let denied = refused(Refusal::Errno(libc::EACCES));
        assert_eq!(absent(&denied, "/proc/sys/fs/x"), Why::NotPermitted);
        assert_eq!(absent(&refused(Refusal::NotRecorded), "/proc/sys/fs/x"), Why::NotFound);
    }
}
