mod account;
mod homed;
mod namespace;
mod ranges;
mod tried;

use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Capability, Facts, MappingProgram},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::{Plan, User},
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// The ranges of the doctor's user in `/etc/subuid` and `/etc/subgid`, whether they lie within what
    /// this user namespace maps (`/proc/self/uid_map`), and `newuidmap` and `newgidmap`: the set-user-id bit
    /// or the file capabilities, `nosuid` on their mount, `no_new_privs`, the bounding set. With `--active`,
    /// both programs are executed for a user namespace, and its maps are read back. For root of a user namespace,
    /// how many ids that one maps. Whether the user has a line in `/etc/passwd`, and whether the group of the process is
    /// the one in it. Whether the rootless engine's data are on a mount with an id mapping of its own, as systemd-homed
    /// makes it.
    ///
    /// ## Why it matters
    /// A rootless engine maps 65536 ids, so that images can have files of many users. An ordinary user may
    /// map but its own; the rest is done by two privileged programs, from ranges that an administrator
    /// gave. A copied or squashed image loses their bits, `allowPrivilegeEscalation: false` disables them,
    /// and in a nested user namespace that maps 65536 ids the usual range from 100000 on is outside. Both programs look up
    /// their user and refuse a process whose group is not that of its account ("Target process is owned by a different
    /// user"), as `runAsGroup`, `newgrp` and `docker run --user 1000:2000` make it. A home of systemd-homed carries ids
    /// from 524288 on, and owners from another range cannot be written there ("value too large for defined data type"). In a namespace
    /// that maps only root, as `unshare -r` makes it, dockerd starts, and every container fails at `/dev/pts`, which
    /// belongs to group 5.
    ///
    /// ## When it is fine
    /// Root needs no ranges, and bubblewrap maps one id only. Ranges of several users may overlap, and entries by
    /// number are as good as by name. A range smaller than 65536 works for images whose ids fit; below 42 none of a distribution does, whose group shadow
    /// that is. Where
    /// `/etc/nsswitch.conf` names a service for `subid`, the files do not count, and where it names one for `passwd`, an
    /// account may be there. `GRANT_AUX_GROUP_SUBIDS yes` in `/etc/login.defs` lets groups be.
    ///
    /// ## How to fix
    /// `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`, or a range inside of the
    /// namespace; `chmod u+s /usr/bin/newuidmap`; no `allowPrivilegeEscalation: false`.
    ///
    /// ## References
    /// `subuid(5)`, `newuidmap(1)`; containers/buildah#4049, containers/podman#19906, moby/buildkit#1671;
    /// actions/actions-runner-controller#4234; containerd/nerdctl#2064; <https://systemd.io/UIDS-GIDS>.
    "subid-mapping-broken",
    "User and group ids cannot be mapped as containers need them",
    { dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error },
    [
        "newuidmap: write to uid_map failed",
        "newuidmap: open of uid_map failed",
        "newgidmap: write to gid_map failed",
        "potentially insufficient UIDs or GIDs available in user namespace",
        "exec: \"newuidmap\": executable file not found in $PATH",
        "failed to setup UID/GID map",
        "No subuid ranges found for user",
        "newuidmap: uid range [",
        "newgidmap: gid range [",
        "rootless single mapping into the namespace",
        "is owned by a different user",
        "Cannot determine your user name",
    ],
    trials: [Subids]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if let Some(finding) = namespace::too_small(facts)? {
        return Ok(finding.into());
    }
    if plan.user == User::Root || *facts.identity.euid.get()? == 0 {
        return Ok(Outcome::not_applicable(
            "root: the ranges of the user that starts the engine count",
        ));
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing: Option<Unknown> = None;
    for kind in [Kind::User, Kind::Group] {
        if tried::works(facts, kind) {
            findings.extend(ranges::small(facts, kind));
            continue;
        }
        let mut found = Vec::new();
        for judged in [ranges::judge(facts, kind), program(facts, kind)] {
            match judged {
                Ok(finding) => found.extend(finding),
                Err(unknown) => missing = missing.or(Some(unknown)),
            }
        }
        findings.extend(tried::confirmed(facts, kind, found));
    }
    let both = tried::works(facts, Kind::User) && tried::works(facts, Kind::Group);
    if !both {
        match account::judge(facts) {
            Ok(finding) => findings.extend(finding),
            Err(unknown) => missing = missing.or(Some(unknown)),
        }
    }
    findings.extend(homed::judge(facts));
    match missing {
        Some(unknown) if findings.is_empty() => Err(unknown),
        _ => Ok(Outcome::of_or(findings, || tried::pass(facts))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
}

impl Kind {
    const fn file(self) -> &'static str {
        if matches!(self, Self::User) { "/etc/subuid" } else { "/etc/subgid" }
    }

    const fn map(self) -> &'static str {
        if matches!(self, Self::User) { "/proc/self/uid_map" } else { "/proc/self/gid_map" }
    }

    const fn program(self) -> &'static str {
        if matches!(self, Self::User) { "newuidmap" } else { "newgidmap" }
    }

    const fn capability(self) -> Capability {
        if matches!(self, Self::User) { Capability::SETUID } else { Capability::SETGID }
    }
}

fn user(facts: &Facts) -> String {
    let uid = facts.identity.euid.known().copied().unwrap_or_default();
    match facts.subids.user.known() {
        Some(Some(name)) => name.as_str().into(),
        _ => format!("{uid}"),
    }
}

fn program(facts: &Facts, kind: Kind) -> Result<Option<Finding>, Unknown> {
    let name = kind.program();
    let program = match kind {
        Kind::User => facts.subids.newuidmap.get()?,
        Kind::Group => facts.subids.newgidmap.get()?,
    };
    let Some(program) = program else {
        return Ok(Some(
            Finding::new(name, CHECK.worst, format!("{name} is not on the PATH"))
                .evidence("PATH", format!("no {name}"))
                .remedy(Remedy::tasks(
                    Place::Image,
                    "install it (Alpine: shadow-uidmap, Fedora: shadow-utils)",
                    [Task::Packages {
                        debian: ["uidmap".into()].into(),
                        alpine: ["shadow-uidmap".into()].into(),
                        fedora: ["shadow-utils".into()].into(),
                    }],
                )),
        ));
    };
    let path = program.path.as_str();
    if facts.security.no_new_privs.is_known_and(|set| *set) {
        return Ok(Some(powerless(
            path,
            format!("no_new_privs is set, so {name} gets no privilege from its file"),
            ("/proc/self/status", "NoNewPrivs 1".into()),
            Remedy::advice(
                Place::Container,
                "start the container without allowPrivilegeEscalation: false, or without \
                 --security-opt no-new-privileges",
            ),
        )));
    }
    if program.nosuid == Some(true) {
        return Ok(Some(powerless(
            path,
            format!("{path} is on a nosuid mount, so it gets no privilege from its file"),
            ("/proc/self/mountinfo", format!("nosuid for {path}")),
            Remedy::advice(Place::Container, "have the programs on a mount without nosuid"),
        )));
    }
    if !has_privilege(program)? {
        return Ok(Some(powerless(
            path,
            format!("{path} has neither the set-user-id bit nor file capabilities"),
            (path, "not set-user-id".into()),
            Remedy::tasks(
                Place::Image,
                "give it back what a copy lost",
                // One without the other maps nothing.
                [&facts.subids.newuidmap, &facts.subids.newgidmap]
                    .into_iter()
                    .filter_map(|program| program.known()?.as_ref())
                    .filter(|program| has_privilege(program) == Ok(false))
                    .map(|program| Task::SetUserId { path: program.path.as_str().into() }),
            ),
        )));
    }
    let capability = kind.capability();
    let bounding = facts.capabilities.bounding.get()?;
    if bounding.has(capability) {
        return Ok(powerless_as_root(facts, kind, program));
    }
    let mask = facts.capabilities.bounding.known().map_or(0, |set| set.0);
    Ok(Some(powerless(
        path,
        format!("{capability} is not in the bounding set, so {name} cannot have it"),
        ("/proc/self/status", format!("CapBnd {mask:016x}")),
        Remedy::container(
            "leave the container this capability",
            [crate::remedy::ContainerSetting::CapAdd(capability)],
        ),
    )))
}

/// Executed with the set-user-id bit it is root, who does not own the new namespace, and so must have CAP_SYS_ADMIN over
/// its parent (kernel `map_write()`). One that was built with libcap becomes its caller again first, and can do without,
/// as the image moby/buildkit:rootless has it; Debian's was not.
fn powerless_as_root(facts: &Facts, kind: Kind, program: &MappingProgram) -> Option<Finding> {
    let by_file = program.file_capabilities.is_known_and(|has| *has);
    let admin = facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_ADMIN));
    if by_file || admin || !program.set_user_id {
        return None;
    }
    let path = program.path.as_str();
    let capability = kind.capability().short_name().to_ascii_lowercase();
    let summary = format!(
        "{path} has the set-user-id bit, and CAP_SYS_ADMIN is not in the bounding set: Debian's fails then \
         with \"write to {} failed\"",
        kind.map().trim_start_matches("/proc/self/")
    );
    let remedy = Remedy::tasks(
        Place::Image,
        "give it its capability by the file instead, which works without",
        [Task::FileCapability { path: path.into(), capability: format!("cap_{capability}=ep") }],
    );
    let severity = severities!(rootless: Warning, buildkit: Warning);
    Some(
        Finding::new(path, severity, summary)
            .evidence(path, "set-user-id, no file capabilities")
            .evidence("/proc/self/status: CapBnd", "no CAP_SYS_ADMIN")
            .remedy(remedy),
    )
}

fn has_privilege(program: &MappingProgram) -> Result<bool, Unknown> {
    if program.set_user_id {
        return Ok(true);
    }
    program.file_capabilities.get().copied()
}

fn powerless(
    path: &str,
    summary: String,
    (source, value): (&str, String),
    remedy: Remedy,
) -> Finding {
    Finding::new(path, CHECK.worst, summary).evidence(source, value).remedy(remedy)
}

#[cfg(test)]
mod tests;
