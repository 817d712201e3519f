//! Homes of systemd-homed, which are mounts with an id mapping of their own.

use alloc::{format, vec::Vec};

use super::{CHECK, Kind, user};
use crate::{
    facts::{DataRootOwner, Facts, SubordinateRange},
    outcome::Finding,
    remedy::{Place, Remedy, SubordinateGrant, Task},
};

/// Ids of containers that such a home carries (systemd `docs/UIDS-GIDS.md`: 524288 to 1879048191).
const FIRST: u32 = 524_288;
const LAST: u32 = 1_879_048_191;

/// How many ids are given.
const COUNT: u32 = 65_536;

/// Layers are unpacked with owners that the home does not carry. Volumes of containers may be mapped as well, each in its
/// own way: only homes of a machine are judged.
pub(super) fn judge(facts: &Facts) -> Option<Finding> {
    if !facts.runtime.container.is_no() {
        return None;
    }
    let outside = |range: &&SubordinateRange| {
        range.start < FIRST || u64::from(range.start) + u64::from(range.count) > u64::from(LAST) + 1
    };
    let of = |kind: Kind| {
        let ranges = if kind == Kind::User { &facts.subids.uids } else { &facts.subids.gids };
        ranges.known().into_iter().flatten().filter(outside).copied().collect::<Vec<_>>()
    };
    let (users, groups) = (of(Kind::User), of(Kind::Group));
    let first = users.first().or_else(|| groups.first())?;
    let table = facts.mounts.known()?;
    let owners =
        [DataRootOwner::RootlessDocker, DataRootOwner::Podman, DataRootOwner::RootlessBuildkit];
    let home =
        facts.storage.data_roots.iter().filter(|root| owners.contains(&root.owner)).find_map(
            |root| {
                let path = root.resolved.known().map_or(root.path.as_str(), |path| path.as_str());
                table.holding(path).filter(|mount| mount.has_option("idmapped"))
            },
        )?;
    let name = user(facts);
    let gone = |ranges: &[SubordinateRange]| {
        let ends = |range: &SubordinateRange| {
            (range.start, u64::from(range.start) + u64::from(range.count) - 1)
        };
        ranges.iter().map(ends).collect::<Vec<_>>()
    };
    let last = u64::from(first.start) + u64::from(first.count) - 1;
    let finding = Finding::new(
        home.mount_point.as_str(),
        CHECK.worst,
        format!(
            "{} maps ids as systemd-homed does, {FIRST} and up, and {name} has {}-{last}: layers cannot be unpacked",
            home.mount_point, first.start
        ),
    )
    .evidence("/proc/self/mountinfo", format!("{}: idmapped", home.mount_point))
    .evidence(Kind::User.file(), format!("{name}:{}:{}", first.start, first.count));
    let grant = SubordinateGrant {
        user: name,
        start: free(facts),
        count: COUNT,
        users: !users.is_empty(),
        groups: !groups.is_empty(),
        account: None,
        remove_users: gone(&users),
        remove_groups: gone(&groups),
    };
    Some(finding.remedy(Remedy::tasks(
        Place::Here,
        format!("as root, give the user ids from {FIRST} on, which the home carries (podman: then podman system migrate)"),
        [Task::SubordinateIds(grant)],
    )))
}

/// The first range from there on that nobody has.
fn free(facts: &Facts) -> u32 {
    let mut taken: Vec<&SubordinateRange> =
        facts.subids.taken.known().into_iter().flatten().collect();
    taken.sort_unstable();
    taken.iter().fold(FIRST, |start, range| {
        let after = range.start.saturating_add(range.count);
        let overlaps = range.start < start.saturating_add(COUNT) && start < after;
        if overlaps { after } else { start }
    })
}
