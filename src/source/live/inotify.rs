//! Open inotify instances. The kernel exports no count: they are links of descriptors.

use std::{
    collections::BTreeMap, ffi::CStr, fs, io, os::unix::fs::MetadataExt, path::Path, time::Instant,
};

use dind_doctor_checks::facts::{InotifyUse, InotifyUser};
use rustix::fs::{Mode, OFlags, RawDir};

use crate::source::Refusal;

/// What `/proc/PID/fd/N` points to (`fs/notify/inotify/inotify_user.c`, `anon_inode_getfd()`).
const TARGET: &CStr = c"anon_inode:inotify";

/// Descriptors that are looked at; a busy node has some ten thousand.
const DESCRIPTORS: u32 = 100_000;

/// Bytes of names that one call returns.
const NAMES: usize = 4096;

/// Those of root, and of the user that the doctor runs as: nobody else's are judged, and each costs a call per
/// descriptor.
pub(in crate::source) fn instances(deadline: Instant) -> Result<InotifyUse, Refusal> {
    let refusal = |e: &io::Error| Refusal::Errno(e.raw_os_error().unwrap_or(libc::EIO));
    let judged = [0, nix::unistd::geteuid().as_raw()];
    // Since Linux 6.2 the size of the directory is how many descriptors there are: a kernel thread, like all else
    // that has none, need not be listed.
    let sizes = fs::metadata("/proc/self/fd").is_ok_and(|meta| meta.size() > 0);
    let mut users: BTreeMap<u32, u32> = BTreeMap::new();
    let mut found = InotifyUse::default();
    let mut left = DESCRIPTORS;
    for process in fs::read_dir("/proc").map_err(|e| refusal(&e))? {
        let process = process.map_err(|e| refusal(&e))?;
        if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        if left == 0 || Instant::now() >= deadline {
            found.truncated = true;
            break;
        }
        let mut instances = 0;
        let uid = count(&process.path(), &judged, sizes, &mut left, &mut instances);
        match uid {
            Ok(uid) if instances > 0 => *users.entry(uid).or_default() += instances,
            Ok(_) => {}
            // A process that is gone by now has nothing open.
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
            Err(_) => found.unreadable += 1,
        }
    }
    found.truncated |= left == 0;
    found.users =
        users.into_iter().map(|(uid, instances)| InotifyUser { uid, instances }).collect();
    Ok(found)
}

/// The owner of a process; adds how many of its descriptors are instances.
fn count(
    process: &Path,
    judged: &[u32],
    sizes: bool,
    left: &mut u32,
    instances: &mut u32,
) -> io::Result<u32> {
    let uid = fs::metadata(process)?.uid();
    if !judged.contains(&uid) {
        return Ok(uid);
    }
    let descriptors = process.join("fd");
    if !sizes || fs::metadata(&descriptors)?.size() > 0 {
        *instances = links(&descriptors, left)?;
    }
    Ok(uid)
}

fn links(descriptors: &Path, left: &mut u32) -> io::Result<u32> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(descriptors, flags, Mode::empty())?;
    let mut buffer = Vec::with_capacity(NAMES);
    let mut names = RawDir::new(&directory, buffer.spare_capacity_mut());
    let (mut instances, mut target) = (0, Vec::with_capacity(256));
    while let Some(name) = names.next() {
        let name = name?;
        if matches!(name.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        if *left == 0 {
            break;
        }
        *left -= 1;
        // One that was closed by now is none. One that may not be read could be any.
        match rustix::fs::readlinkat(&directory, name.file_name(), target) {
            Ok(read) => {
                instances += u32::from(read.as_c_str() == TARGET);
                target = read.into_bytes();
            }
            Err(rustix::io::Errno::NOENT) => target = Vec::new(),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::inotify::{InitFlags, Inotify};

    use super::*;

    #[test]
    fn the_own_process_is_counted_for_its_user() {
        let of_own = || {
            let found = instances(Instant::now() + Duration::from_secs(5)).unwrap();
            assert!(found.users.is_sorted_by_key(|user| user.uid) && !found.truncated);
            found.of(nix::unistd::geteuid().as_raw())
        };
        // Others come and go meanwhile.
        let many: Vec<Inotify> =
            (0..20).map(|_| Inotify::init(InitFlags::empty()).unwrap()).collect();
        let with = of_own();
        drop(many);
        assert!(with >= 20, "{with}");
    }

    #[test]
    fn a_deadline_that_is_over_truncates() {
        assert!(instances(Instant::now()).unwrap().truncated);
    }
}
