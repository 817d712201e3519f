//! What lies in `/run`: PID files of engines, and the directory by which systemd is recognised.

use dind_doctor_checks::facts::{Fact, Leftovers, Missing, PidFile, PidFileOwner, Text, Why};

use super::Reader;
use crate::source::path::encode;

pub(super) fn probe(reader: &Reader) -> Leftovers {
    Leftovers { pid_files: pid_files(reader), systemd_directory: systemd(reader) }
}

fn pid_files(reader: &Reader) -> Vec<PidFile> {
    let variables = reader.variables(None, &["XDG_RUNTIME_DIR"]).unwrap_or_default();
    let runtime = variables.get("XDG_RUNTIME_DIR").filter(|d| d.starts_with('/'));
    let candidates = [
        (PidFileOwner::Docker, Some("/var/run/docker.pid".to_owned())),
        (PidFileOwner::Containerd, Some("/var/run/docker/containerd/containerd.pid".to_owned())),
        (
            PidFileOwner::RootlessDocker,
            runtime.map(|d| encode(format!("{}/docker.pid", d.trim_end_matches('/')).as_bytes())),
        ),
    ];
    let mut files = Vec::new();
    for (owner, path) in candidates {
        let Some(path) = path else { continue };
        let pid: Fact<u32> = match reader.text(&path) {
            Err(Missing { why: Why::NotFound, .. }) => continue,
            Err(missing) => Fact::Missing(missing),
            Ok(text) => match text.parse() {
                Ok(pid) if pid > 0 => Fact::Known(pid),
                _ => Fact::missing(path.clone(), Why::Malformed),
            },
        };
        let process = pid.clone().and_then(|pid| process(reader, pid));
        files.push(PidFile { owner, path: path.into(), pid, process });
    }
    files
}

/// As moby asks (`pkg/process`, `Alive`): whether `/proc/PID` exists, which threads have too.
fn process(reader: &Reader, pid: u32) -> Fact<Option<Text>> {
    match reader.text(&format!("/proc/{pid}/comm")) {
        Ok(comm) => Fact::Known(Some(comm)),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        Err(missing) => Fact::Missing(missing),
    }
}

fn systemd(reader: &Reader) -> Fact<bool> {
    match reader.stat("/run/systemd/system") {
        Ok(stat) => Fact::Known(stat.mode & 0o170_000 == 0o040_000),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    #[test]
    fn a_pid_file_names_the_process_that_has_the_pid_now() {
        let source = Fixed::new()
            .file("/var/run/docker.pid", "12\n")
            .file("/proc/12/comm", "sleep\n")
            .file("/var/run/docker/containerd/containerd.pid", "77");
        let files = pid_files(&Reader::new(&source));
        assert_eq!(files[0].pid, Fact::Known(12));
        assert_eq!(files[0].process, Fact::Known(Some("sleep".into())));
        assert_eq!(files[1].owner, PidFileOwner::Containerd);
        assert_eq!(files[1].process, Fact::Known(None));
    }

    #[test]
    fn what_is_no_number_is_malformed_and_what_is_absent_is_no_file() {
        let source = Fixed::new().file("/var/run/docker.pid", "\u{1b}[2J");
        let files = pid_files(&Reader::new(&source));
        assert_eq!(files[0].pid.why(), Some(Why::Malformed));
        assert_eq!(files[0].process.why(), Some(Why::Malformed));
        assert!(pid_files(&Reader::new(&Fixed::new())).is_empty());
    }

    #[test]
    fn a_directory_stands_for_systemd() {
        let source = Fixed::new().directory("/run/systemd/system", &[]);
        assert_eq!(systemd(&Reader::new(&source)), Fact::Known(true));
        assert_eq!(systemd(&Reader::new(&Fixed::new())), Fact::Known(false));
    }
}
