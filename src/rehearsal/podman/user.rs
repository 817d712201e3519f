//! podman of an ordinary user, in a user namespace that it makes itself with newuidmap and newgidmap.
//!
//! There is no room: programs that are set-user-ID only work outside of user namespaces of others. What podman writes
//! goes to a place beside the user's storage, by options and variables; what it leaves running, its guardian ends.

use std::{
    ffi::OsStr,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Instant,
};

use dind_doctor_checks::facts::TrialName;
use nix::{sys::signal::Signal, unistd::geteuid};

use super::{Limits, NAME, Rehearsal};
use crate::{
    rehearsal::{image, open, process, room},
    sys::fork,
    trial::{Plan, steps::Steps, trust},
};

/// Programs that only a user's podman executes.
const HELPERS: [&str; 5] = ["newuidmap", "newgidmap", "slirp4netns", "pasta", "fuse-overlayfs"];

/// podman takes no place for what runs whose path is longer than 50 characters.
const SHORT: &str = "/tmp";

/// As what slirp4netns shows the loopback address of the machine, if it is told to.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

pub(super) fn plan(program: PathBuf, storage: PathBuf, deadline: Instant) -> Plan {
    if let Err(why) = crate::rehearsal::helpers_are_trusted(&HELPERS) {
        return Plan::skipped(TrialName::Rehearse, NAME, why);
    }
    let run = move |steps: &mut Steps, places: &[Option<PathBuf>]| {
        let _ = rehearse(steps, &program, places, deadline);
    };
    let lock = Lock::before();
    let plan = Plan::new(TrialName::Rehearse, NAME, vec![storage, SHORT.into()], run);
    plan.adopting().afterwards(move || lock.remove())
}

fn rehearse(
    steps: &mut Steps,
    path: &Path,
    places: &[Option<PathBuf>],
    deadline: Instant,
) -> Option<()> {
    let [place, short] = places else { return None };
    let place = room::found_again(place.as_deref()?).ok()?;
    let short = room::found_again(short.as_deref()?).ok()?;
    let (directory, short) = (place.to_str()?, short.to_str()?);
    let (program, doctor) = (open(path, NAME).ok()?, image::program().ok()?);
    let beside = place.parent().unwrap_or(&place).display();
    let replaced = vec![
        format!("storage: a directory in {beside}").into(),
        "XDG_RUNTIME_DIR: a directory of its own".into(),
        "cgroup manager: cgroupfs, and no limits".into(),
    ];
    let mut rehearsal = Rehearsal::new(path, program, deadline, replaced);
    let home = std::env::var_os("HOME").unwrap_or_default();
    let own = |name: &str| format!("{directory}/{name}");
    let (data, cache, temporary) = (own("data"), own("cache"), own("tmp"));
    let run = format!("{short}/run");
    fs::create_dir(&run).ok()?;
    rehearsal.environment = process::environment(&[
        ("HOME", &home),
        ("XDG_DATA_HOME", OsStr::new(&data)),
        ("XDG_CACHE_HOME", OsStr::new(&cache)),
        ("XDG_RUNTIME_DIR", OsStr::new(&run)),
        ("TMPDIR", OsStr::new(&temporary)),
    ]);
    rehearsal.ask_version();
    rehearsal.in_directory(directory, short, &format!("{short}/libpod"));
    rehearsal.with_option("--network-config-dir", own("networks"));
    let listener = if has_slirp(&rehearsal.learned.version) { listener() } else { None };
    let options: &[&str] = if listener.is_some() {
        &["--network=slirp4netns:allow_host_loopback=true"]
    } else {
        rehearsal.learned.replaced.push("a connection out of the container: none".into());
        &[]
    };
    rehearsal.run(steps, &doctor, options, listener, Limits::None)
}

/// Up to podman 4, slirp4netns is what connects containers of a user.
fn has_slirp(version: &str) -> bool {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let mut directories = process::directories().into_iter();
    major.is_some_and(|major| major < 5)
        && directories.any(|directory| Path::new(directory).join("slirp4netns").is_file())
}

/// Listens on loopback, in a process that ends with this one; by which address a container reaches it.
fn listener() -> Option<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let port = listener.local_addr().ok()?.port();
    let accepts = || {
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
        while let Ok((stream, _)) = listener.accept() {
            drop(stream);
        }
    };
    fork::spawn(accepts).ok()?;
    Some((GATEWAY, port).into())
}

/// The locks of all containers of this user, which podman makes when it runs for the first time.
struct Lock {
    path: PathBuf,
    is_new: bool,
}

impl Lock {
    fn before() -> Self {
        let path = PathBuf::from(format!("/dev/shm/libpod_rootless_lock_{}", geteuid()));
        let is_new = !path.exists();
        Self { path, is_new }
    }

    /// Removes what this podman has made, if no other uses it meanwhile.
    fn remove(self) {
        let Ok(made) = fs::symlink_metadata(&self.path) else { return };
        if !self.is_new || !made.is_file() || !trust::is_trusted(made.uid()) {
            return;
        }
        let path = self.path.to_string_lossy();
        let uses = |maps: String| maps.lines().any(|line| line.ends_with(&*path));
        let mut processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let is_used = processes
            .any(|process| fs::read_to_string(process.path().join("maps")).is_ok_and(uses));
        if !is_used {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasta_has_taken_over_from_version_5_on() {
        assert!(!has_slirp("5.4.2") && !has_slirp("") && !has_slirp("dev"));
    }
}
