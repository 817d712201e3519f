//! The entrypoint of an image in which a daemon is to run.

use dind_doctor_checks::{
    remedy::{Task, quote},
    target::Target,
};

use super::{Artefact, commented, daemon};
use crate::fix::{Given, Traced, pseudonym, whys};

/// What it does in any case, and the places of what differs.
const SCRIPT: &str = include_str!("../entrypoint.sh");

/// The script that does these tasks, and looks up an MTU of at most this.
pub(super) fn of(tasks: &[Traced<Task>], mtu: Option<&Traced<u64>>, given: &Given<'_>) -> Artefact {
    let mut why = whys(tasks);
    if let Some(mtu) = mtu {
        why.extend(mtu.why.iter().filter(|id| !why.contains(id)).copied().collect::<Vec<_>>());
    }
    let own: Vec<Traced<Task>> = tasks.iter().filter(|t| !is_done(&t.value)).cloned().collect();
    let failing = " || say 'not done, see the line above'";
    let prescribed = commented(&own, "    ", failing);
    let path = &given.report.environment.surroundings.daemon.path;
    let odd = path.is_empty() || path.chars().any(char::is_control);
    let path = if odd || given.redacted && pseudonym::holds(path) { daemon::PATH } else { path };
    let daemon = [Target::Dockerd, Target::Docker, Target::Kind];
    let wanted = given.report.selected().iter().any(|target| daemon.contains(target));
    let mtu_of = mtu.map_or_else(|| "''".to_owned(), |mtu| mtu.value.to_string());
    let content = filled(&[
        ("@FOR@", &why.join(", ")),
        ("@MTU@", &mtu_of),
        ("@FLAVOUR@", flavour(tasks).unwrap_or("''")),
        ("@DAEMON_JSON@", &quote(path)),
        ("@DAEMON@", if wanted { "yes" } else { "no" }),
        ("@PRESCRIBED@\n", &prescribed),
    ]);
    let mut shown: Vec<String> = own.iter().flat_map(|task| super::commands(&task.value)).collect();
    shown.truncate(8);
    let what = if wanted {
        "prepares the container at each start, starts dockerd, waits for it, and becomes the command"
    } else {
        "prepares the container at each start, and becomes the command"
    };
    let mut artefact = Artefact::shown("entrypoint", what, content);
    artefact.shown = shown;
    artefact.why = why;
    artefact.executable = true;
    artefact.notes = does(tasks, mtu);
    artefact
}

/// The script with its places filled. What was put in is not looked at again: a path may be called like a place.
fn filled(places: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(SCRIPT.len());
    let mut rest = SCRIPT;
    let next = |rest: &str| {
        let found =
            places.iter().filter_map(|(place, value)| Some((rest.find(place)?, *place, *value)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, place, value)) = next(rest) {
        text.push_str(&rest[..at]);
        text.push_str(value);
        rest = &rest[at + place.len()..];
    }
    text + rest
}

/// What the script does by itself, at each start as it finds things.
fn is_done(task: &Task) -> bool {
    match task {
        Task::CgroupLeaf { .. }
        | Task::CgroupParent(_)
        | Task::CgroupNamespace { .. }
        | Task::UnderInit
        | Task::InitInImage
        | Task::Alternative { .. } => true,
        Task::Propagation { target, .. } => target == "/",
        Task::RemoveFile(path) => {
            path.ends_with("/docker.pid") || path.ends_with("/containerd.pid")
        }
        // A tmpfs there is for hierarchies of version 1, which are mounted below it.
        Task::Mount { target, kind, .. } => target == "/sys/fs/cgroup" && kind == "cgroup2",
        Task::Unmount { target, .. } => target == "/sys/fs/cgroup",
        _ => false,
    }
}

/// Which flavour of iptables is asked for.
fn flavour(tasks: &[Traced<Task>]) -> Option<&'static str> {
    tasks.iter().find_map(|task| match &task.value {
        Task::Alternative { program, path } if program == "iptables" => {
            ["legacy", "nft"].into_iter().find(|name| path.ends_with(name))
        }
        _ => None,
    })
}

/// What of it is asked for, in words.
fn does(tasks: &[Traced<Task>], mtu: Option<&Traced<u64>>) -> Vec<String> {
    let has = |wanted: fn(&Task) -> bool| tasks.iter().any(|task| wanted(&task.value));
    let mut all = Vec::new();
    if has(|t| {
        matches!(t, Task::CgroupLeaf { .. } | Task::CgroupNamespace { .. } | Task::Mount { .. })
    }) {
        all.push("it prepares the cgroups for nesting".to_owned());
    }
    if has(|t| matches!(t, Task::CgroupParent(_))) {
        all.push("it computes --cgroup-parent at each start".to_owned());
    }
    if has(|t| matches!(t, Task::Propagation { .. })) {
        all.push("it makes / a shared mount".to_owned());
    }
    if has(|t| matches!(t, Task::InitInImage | Task::UnderInit)) {
        all.push("it starts below an init".to_owned());
    }
    if let Some(flavour) = flavour(tasks) {
        all.push(format!("it lets iptables be the {flavour} flavour"));
    }
    if let Some(mtu) = mtu {
        all.push(format!("it gives dockerd the MTU of the way out, at most {}", mtu.value));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unified_hierarchy_is_mounted_in_any_case() {
        let mount = |kind: &str| Task::Mount {
            kind: kind.into(),
            source: kind.into(),
            options: String::new(),
            target: "/sys/fs/cgroup".into(),
            make: true,
        };
        assert!(is_done(&mount("cgroup2")) && !is_done(&mount("tmpfs")));
    }

    #[test]
    fn what_is_called_like_a_place_is_none() {
        let text = filled(&[
            ("@DAEMON_JSON@", "'/etc/@PRESCRIBED@\n'"),
            ("@PRESCRIBED@\n", "    rm -rf /\n"),
            ("@FOR@", "@MTU@"),
            ("@MTU@", "1400"),
        ]);
        assert!(text.contains("file='/etc/@PRESCRIBED@\n'"), "{text}");
        assert_eq!(text.matches("rm -rf /").count(), 1);
        assert!(text.contains("#   @MTU@\n") && text.contains("mtu_at_most=1400"));
    }
}
