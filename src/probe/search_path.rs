//! Programs on the PATH that a daemon has.

use dind_doctor_checks::facts::{Engines, Fact, Missing, Program, Text, Why};

use super::Reader;
use crate::source::Access;

/// What Docker's images, systemd and login shells agree on.
const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The PATH of a dockerd that runs here, else the doctor's own, else the usual one. In another mount namespace
/// the same names are other programs; of whose namespace may not be known, the environment may not be read either.
pub(super) fn of_daemon(reader: &Reader, engines: &Engines) -> String {
    let daemons = || engines.here("dockerd").find_map(|daemon| set(reader, Some(daemon.pid)));
    daemons().unwrap_or_else(|| own(reader))
}

/// The doctor's own PATH, else the usual one.
pub(super) fn own(reader: &Reader) -> String {
    set(reader, None).unwrap_or_else(|| DEFAULT.to_owned())
}

fn set(reader: &Reader, pid: Option<u32>) -> Option<String> {
    let path = reader.variables(pid, &["PATH"]).ok()?.remove("PATH");
    path.filter(|path| !path.is_empty())
}

/// The first executable of this name; `None` if there is none. As `execvp(3)`, it goes on behind what may not be
/// looked at, and what it does not find then may be there; whatever else fails ends the search.
pub(super) fn find(reader: &Reader, path: &str, name: &str) -> Fact<Option<Text>> {
    let mut closed = None;
    for directory in path.split(':').filter(|d| d.starts_with('/')) {
        let candidate = format!("{}/{name}", directory.trim_end_matches('/'));
        match reader.stat(&candidate) {
            Ok(stat) if stat.mode & 0o170_000 == 0o100_000 => {
                match reader.access(&candidate, Access::Execute) {
                    Fact::Known(true) => return Fact::Known(Some(candidate.into())),
                    Fact::Known(false) => {}
                    // What people report has the file, and does not say who may execute it.
                    Fact::Missing(Missing { why: Why::NotRecorded, .. })
                        if stat.mode & 0o111 != 0 =>
                    {
                        return Fact::Known(Some(candidate.into()));
                    }
                    Fact::Missing(missing) => return Fact::Missing(missing),
                }
            }
            Ok(_) | Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) if missing.why == Why::NotPermitted => {
                closed.get_or_insert(missing);
            }
            Err(missing) => return Fact::Missing(closed.unwrap_or(missing)),
        }
    }
    closed.map_or(Fact::Known(None), Fact::Missing)
}

/// Where podman looks before the PATH (containers-common, `helper_binaries_dir`).
const OF_PODMAN: [&str; 4] = [
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
];

/// Where dockerd looks before the PATH (`daemon/config`, `LookupInitPath`).
const OF_DOCKER: [&str; 4] = [
    "/usr/local/libexec/docker",
    "/usr/libexec/docker",
    "/usr/local/lib/docker",
    "/usr/lib/docker",
];

/// What engines execute, and where else than on the PATH they look for it.
const PROGRAMS: [(&str, &[&str]); 17] = [
    ("aardvark-dns", &OF_PODMAN),
    ("buildkit-runc", &[]),
    ("buildkitd", &[]),
    ("conmon", &OF_PODMAN),
    ("containerd", &[]),
    ("containerd-shim-runc-v2", &[]),
    ("crun", &[]),
    ("docker-init", &OF_DOCKER),
    ("docker-proxy", &OF_DOCKER),
    ("mkfs.erofs", &[]),
    ("netavark", &OF_PODMAN),
    ("pasta", &OF_PODMAN),
    ("podman", &[]),
    ("rootlesskit", &[]),
    ("runc", &[]),
    ("slirp4netns", &OF_PODMAN),
    ("vpnkit", &[]),
];

/// Where each of the programs is that engines execute.
pub(super) fn programs(reader: &Reader, path: &str) -> Vec<Program> {
    let program = |(name, besides): (&str, &[&str])| {
        let all = besides.iter().copied().chain([path]).collect::<Vec<_>>().join(":");
        Program { name: name.into(), path: recorded(reader, &all, name) }
    };
    PROGRAMS.map(program).into()
}

/// As [`find`]. A recording that is older than this question knows of none; one that knows of some directories, as what
/// people report, is taken by its word.
pub(super) fn recorded(reader: &Reader, path: &str, name: &str) -> Fact<Option<Text>> {
    // Most of these directories are nowhere, and each is asked for once.
    let exists = |directory: &&str| {
        let stat = reader.stat(directory.trim_end_matches('/'));
        stat.err().is_none_or(|missing| missing.why != Why::NotFound)
    };
    let answered = |directory: &&str| {
        let stat = reader.stat(&format!("{}/{name}", directory.trim_end_matches('/')));
        stat.err().is_none_or(|missing| missing.why != Why::NotRecorded)
    };
    let there: Vec<&str> = path.split(':').filter(|d| d.starts_with('/')).filter(exists).collect();
    let known: Vec<&str> = there.iter().copied().filter(answered).collect();
    if !there.is_empty() && known.is_empty() {
        return Fact::missing(name, Why::NotRecorded);
    }
    find(reader, &known.join(":"), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    #[test]
    fn podmans_programs_are_beside_the_path_too() {
        let source = Fixed::new()
            .program("/usr/lib/podman/netavark", "/usr/lib/podman/netavark")
            .program("/usr/bin/runc", "/usr/bin/runc")
            .directory("/usr/lib/podman", &[])
            .directory("/usr/bin", &[]);
        let programs = programs(&Reader::new(&source), "/usr/bin");
        let path = |name: &str| programs.iter().find(|p| p.name == name).unwrap().path.clone();
        assert_eq!(path("netavark"), Fact::Known(Some("/usr/lib/podman/netavark".into())));
        assert_eq!(path("runc"), Fact::Known(Some("/usr/bin/runc".into())));
        assert_eq!(path("crun"), Fact::Known(None));
    }
}
