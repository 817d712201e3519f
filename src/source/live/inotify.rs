//! Open inotify instances. The kernel exports no count: they are links of descriptors.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path, time::Instant};

use dind_doctor_checks::facts::{InotifyUse, InotifyUser};

use crate::source::Refusal;

/// What `/proc/PID/fd/N` points to (`fs/notify/inotify/inotify_user.c`, `anon_inode_getfd()`).
const TARGET: &str = "anon_inode:inotify";

/// Descriptors that are looked at; a busy node has some ten thousand.
const DESCRIPTORS: u32 = 100_000;

pub(super) fn instances(deadline: Instant) -> Result<InotifyUse, Refusal> {
    let refusal = |e: &std::io::Error| Refusal::Errno(e.raw_os_error().unwrap_or(libc::EIO));
    let mut users: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = InotifyUse::default();
    let mut left = DESCRIPTORS;
    for process in fs::read_dir("/proc").map_err(|e| refusal(&e))?.flatten() {
        if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        if left == 0 || Instant::now() >= deadline {
            found.truncated = true;
            break;
        }
        match count(&process.path(), &mut left) {
            Ok((_, 0)) => {}
            Ok((uid, instances)) => *users.entry(uid).or_default() += instances,
            // A process that is gone by now has nothing open.
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
            Err(_) => found.unreadable += 1,
        }
    }
    found.users =
        users.into_iter().map(|(uid, instances)| InotifyUser { uid, instances }).collect();
    Ok(found)
}

/// The owner of a process, and how many of its descriptors are instances.
fn count(process: &Path, left: &mut u32) -> std::io::Result<(u32, u32)> {
    let uid = fs::metadata(process)?.uid();
    let mut instances = 0;
    for descriptor in fs::read_dir(process.join("fd"))?.flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let target = fs::read_link(descriptor.path());
        instances += u32::from(target.is_ok_and(|target| target.as_os_str() == TARGET));
    }
    Ok((uid, instances))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_own_process_is_counted_for_its_user() {
        let before = instances(Instant::now() + Duration::from_secs(5)).unwrap();
        assert!(before.users.is_sorted_by_key(|user| user.uid));
        assert!(!before.truncated);
    }

    #[test]
    fn a_deadline_that_is_over_truncates() {
        assert!(instances(Instant::now()).unwrap().truncated);
    }
}
