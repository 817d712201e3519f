use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Capability, Facts, IdMapping, MappingProgram, SubordinateIds, SubordinateRange, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    remedy::{Place, Remedy, quote},
    target::Severities,
};

check! {
    /// ## What it looks at
    /// The ranges of the doctor's user in `/etc/subuid` and `/etc/subgid`, whether they lie within what
    /// this user namespace maps (`/proc/self/uid_map`), and `newuidmap` and `newgidmap`: the set-user-id bit
    /// or the file capabilities, `nosuid` on their mount, `no_new_privs`, the bounding set.
    ///
    /// ## Why it matters
    /// A rootless engine maps 65536 ids, so that images can have files of many users. An ordinary user may
    /// map but its own; the rest is done by two privileged programs, from ranges that an administrator
    /// gave. A copied or squashed image loses their bits, `allowPrivilegeEscalation: false` disables them,
    /// and in a nested user namespace that maps 65536 ids the usual range from 100000 on is outside.
    ///
    /// ## When it is fine
    /// Root needs no ranges: nothing is judged then. Ranges of several users may overlap, and entries by
    /// number are as good as by name. A range smaller than 65536 works for images whose ids fit. Where
    /// `/etc/nsswitch.conf` names a service for `subid`, the files do not count.
    ///
    /// ## How to fix
    /// `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`, or a range inside of the
    /// namespace; `chmod u+s /usr/bin/newuidmap`; no `allowPrivilegeEscalation: false`.
    ///
    /// ## References
    /// `subuid(5)`, `newuidmap(1)`; containers/buildah#4049, containers/podman#19906, moby/buildkit#1671.
    "subid-mapping-broken",
    "Subordinate ids cannot be mapped by this user",
    "-/-/B/-/B",
    [
        "newuidmap: write to uid_map failed",
        "newgidmap: write to gid_map failed",
        "potentially insufficient UIDs or GIDs available in user namespace",
        "exec: \"newuidmap\": executable file not found in $PATH",
        "failed to setup UID/GID map",
        "No subuid ranges found for user",
        "newuidmap: uid range [",
        "newgidmap: gid range [",
        "rootless single mapping into the namespace",
    ]
}

/// What engines ask for, and images commonly need.
const USUAL: u64 = 65_536;

fn run(facts: &Facts) -> Verdict {
    if *facts.identity.euid.get()? == 0 {
        return Ok(Outcome::not_applicable(
            "root: the ranges of the user that starts the engine count",
        ));
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing: Option<Unknown> = None;
    for kind in [Kind::User, Kind::Group] {
        for judged in [ranges(facts, kind), program(facts, kind)] {
            match judged {
                Ok(finding) => findings.extend(finding),
                Err(unknown) => missing = missing.or(Some(unknown)),
            }
        }
    }
    match missing {
        Some(unknown) if findings.is_empty() => Err(unknown),
        _ => Ok(Outcome::of(findings)),
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

    const fn flag(self) -> &'static str {
        if matches!(self, Self::User) { "--add-subuids" } else { "--add-subgids" }
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

fn ranges(facts: &Facts, kind: Kind) -> Result<Option<Finding>, Unknown> {
    let SubordinateIds { service, uids, gids, .. } = &facts.subids;
    if let Some(service) = service {
        return Err(Unknown::new(format!("subid ranges from {service}"), Why::NotProbed));
    }
    let (ranges, map) = match kind {
        Kind::User => (uids.get()?, &facts.identity.uid_map),
        Kind::Group => (gids.get()?, &facts.identity.gid_map),
    };
    let user = user(facts);
    if ranges.is_empty() {
        // A line by name cannot be told from another user's without the name.
        facts.subids.user.get()?;
        return Ok(Some(
            Finding::new(
                kind.file(),
                CHECK.worst,
                format!(
                    "{} has no range for {user}: a rootless engine cannot map ids",
                    kind.file()
                ),
            )
            .evidence(kind.file(), format!("no line for {user}"))
            .remedy(add(facts, kind, map.known().map(Vec::as_slice))),
        ));
    }
    let map = map.get()?;
    if let Some(range) = ranges.iter().find(|range| !is_inside(**range, map)) {
        let SubordinateRange { start, count } = range;
        let last = u64::from(*start) + u64::from(*count).saturating_sub(1);
        return Ok(Some(
            Finding::new(
                kind.file(),
                CHECK.worst,
                format!(
                    "{}: {start}-{last} of {user} is not mapped in this user namespace, so {} fails",
                    kind.file(),
                    kind.program()
                ),
            )
            .evidence(kind.file(), format!("{user}:{start}:{count}"))
            .evidence(kind.map(), shown(map))
            .remedy(add(facts, kind, Some(map))),
        ));
    }
    let total: u64 = ranges.iter().map(|range| u64::from(range.count)).sum();
    Ok((total < USUAL - 1_024).then(|| {
        Finding::new(
            kind.file(),
            Severities::of("-/-/D/-/D"),
            format!(
                "{} gives {user} {total} ids: images with higher ids cannot be unpacked",
                kind.file()
            ),
        )
        .evidence(kind.file(), format!("{total} ids for {user}"))
        .remedy(add(facts, kind, Some(map)))
    }))
}

/// Whether every id of the range is in some extent of the map.
fn is_inside(range: SubordinateRange, map: &[IdMapping]) -> bool {
    let mut next = u64::from(range.start);
    let end = next + u64::from(range.count);
    while next < end {
        let holding = map
            .iter()
            .map(|m| (u64::from(m.inside), u64::from(m.inside) + u64::from(m.count)))
            .find(|(first, after)| (*first..*after).contains(&next));
        match holding {
            Some((_, after)) => next = after,
            None => return false,
        }
    }
    true
}

fn shown(map: &[IdMapping]) -> String {
    let rows: Vec<String> =
        map.iter().map(|m| format!("{} {} {}", m.inside, m.outside, m.count)).collect();
    rows.join("; ")
}

/// A range in the usual place, or one in what this namespace maps: the ids after the user's own.
fn add(facts: &Facts, kind: Kind, map: Option<&[IdMapping]>) -> Remedy {
    let user = quote(&user(facts));
    let whole = SubordinateRange { start: 100_000, count: 65_536 };
    if map.is_none_or(|map| is_inside(whole, map)) {
        return Remedy::commands(
            Place::Here,
            "give the user 65536 ids",
            [format!("usermod {} 100000-165535 {user}", kind.flag())],
        );
    }
    let own = u64::from(facts.identity.euid.known().copied().unwrap_or_default());
    let extents = map.into_iter().flatten();
    let end = extents.map(|m| u64::from(m.inside) + u64::from(m.count)).max().unwrap_or_default();
    if end <= own + 2 {
        return Remedy::advice(
            Place::Container,
            "start the container with more ids mapped into its user namespace",
        );
    }
    Remedy::commands(
        Place::Here,
        format!("give the user a range within what is mapped here, up to id {}", end - 1),
        [format!("echo {user}:{}:{} > {}", own + 1, end - own - 1, kind.file())],
    )
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
                .remedy(Remedy::commands(
                    Place::Image,
                    "install it (Alpine: shadow-uidmap, Fedora: shadow-utils)",
                    ["apt-get install -y uidmap"],
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
            Remedy::commands(
                Place::Image,
                "give it back what a copy lost",
                [format!("chown root:root {0} && chmod u+s {0}", quote(path))],
            ),
        )));
    }
    let capability = kind.capability();
    if facts.capabilities.bounding.get()?.has(capability) {
        return Ok(None);
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
