//! The ranges of `/etc/subuid` and `/etc/subgid`, and what this user namespace maps of them.

use alloc::{format, string::String, vec::Vec};

use super::{CHECK, Kind, user};
use crate::{
    facts::{Fact, Facts, IdMapping, SubordinateIds, SubordinateRange, Why},
    outcome::{Finding, Unknown},
    remedy::{Place, Remedy, SubordinateGrant, Task},
};

/// What engines ask for, and images commonly need.
const USUAL: u64 = 65_536;

/// The group of `/etc/shadow` in images of Debian, Ubuntu and Alpine.
const SHADOW: u64 = 42;

pub(super) fn judge(facts: &Facts, kind: Kind) -> Result<Option<Finding>, Unknown> {
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
    Ok(small(facts, kind))
}

/// Fewer ids than images commonly need.
pub(super) fn small(facts: &Facts, kind: Kind) -> Option<Finding> {
    let (ranges, map) = match kind {
        Kind::User => (facts.subids.uids.known()?, &facts.identity.uid_map),
        Kind::Group => (facts.subids.gids.known()?, &facts.identity.gid_map),
    };
    let user = user(facts);
    let total: u64 = ranges.iter().map(|range| u64::from(range.count)).sum();
    // Id 0 is the user's own; the next ones are those of the ranges.
    let (severity, which) = if total < SHADOW {
        (
            severities!(rootless: Error, buildkit: Error),
            "no image of a distribution, whose group shadow is 42,",
        )
    } else {
        (severities!(rootless: Warning, buildkit: Warning), "no image with higher ids")
    };
    (total < USUAL - 1_024).then(|| {
        Finding::new(
            kind.file(),
            severity,
            format!("{} gives {user} {total} ids: {which} can be unpacked", kind.file()),
        )
        .evidence(kind.file(), format!("{total} ids for {user}"))
        .remedy(add(facts, kind, map.known().map(Vec::as_slice)))
    })
}

/// Whether every id of the range is in some extent of the map.
pub(super) fn is_inside(range: SubordinateRange, map: &[IdMapping]) -> bool {
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

pub(super) fn shown(map: &[IdMapping]) -> String {
    let rows: Vec<String> =
        map.iter().map(|m| format!("{} {} {}", m.inside, m.outside, m.count)).collect();
    rows.join("; ")
}

/// A range that nobody has, in both files: appended, since other users have theirs there.
fn add(facts: &Facts, kind: Kind, map: Option<&[IdMapping]>) -> Remedy {
    let name = user(facts);
    let own = facts.identity.euid.known().copied().unwrap_or_default();
    let Some(range) = free(facts, own, map) else {
        return Remedy::advice(
            Place::Container,
            "start the container with more ids mapped into its user namespace",
        );
    };
    let SubordinateRange { start, count } = range;
    // newuidmap asks for the name of its user (shadow `src/newuidmap.c`).
    let account = facts.subids.user.is_known_and(Option::is_none).then(|| {
        let group = facts.identity.egid.known().copied().unwrap_or(own);
        format!("u{own}:x:{own}:{group}::/home/u{own}:/bin/sh")
    });
    // With ids for users only, or for groups only, the same image fails.
    let lacks = |ranges: &Fact<Vec<SubordinateRange>>| {
        ranges.is_known_and(|all| {
            all.iter().map(|range| u64::from(range.count)).sum::<u64>() < USUAL - 1_024
        })
    };
    let ids = &facts.subids;
    let both = lacks(&ids.uids) && lacks(&ids.gids);
    // What is not mapped here makes newuidmap fail, whatever else the user has.
    let unmapped = |of: Kind, ranges: &Fact<Vec<SubordinateRange>>| -> Vec<(u32, u64)> {
        let all = ranges.known().into_iter().flatten().filter(|_| of == kind);
        all.filter(|old| map.is_some_and(|map| !is_inside(**old, map)))
            .map(|old| (old.start, u64::from(old.start) + u64::from(old.count) - 1))
            .collect()
    };
    let grant = SubordinateGrant {
        user: name,
        start,
        count,
        users: both || kind == Kind::User,
        groups: both || kind == Kind::Group,
        account,
        remove_users: unmapped(Kind::User, &ids.uids),
        remove_groups: unmapped(Kind::Group, &ids.gids),
    };
    let text = format!(
        "as root, give the user {count} ids that nobody has (podman: then podman system migrate)"
    );
    Remedy::tasks(Place::Here, text, [Task::SubordinateIds(grant)])
}

/// The first ids from 100000 on that nobody has; in a user namespace the first that are mapped.
fn free(facts: &Facts, own: u32, map: Option<&[IdMapping]>) -> Option<SubordinateRange> {
    let usual = SubordinateRange { start: 100_000, count: 65_536 };
    let taken = facts.subids.taken.known().map(Vec::as_slice).unwrap_or_default();
    let ends = |first: u64| {
        let after = |range: &SubordinateRange| u64::from(range.start) + u64::from(range.count);
        let mut starts: Vec<u64> = taken.iter().map(after).filter(|end| *end > first).collect();
        starts.insert(0, first);
        starts.sort_unstable();
        starts
    };
    let is_free = |start: u64, count: u64| {
        taken.iter().all(|range| {
            let (first, after) =
                (u64::from(range.start), u64::from(range.start) + u64::from(range.count));
            start + count <= first || after <= start
        })
    };
    let range = |start: u64, count: u64| {
        Some(SubordinateRange {
            start: u32::try_from(start).ok()?,
            count: u32::try_from(count).ok()?,
        })
    };
    let whole = u64::from(usual.count);
    let found = ends(usual.start.into())
        .into_iter()
        .filter(|start| is_free(*start, whole))
        .find_map(|start| range(start, whole));
    let Some(map) = map else { return found };
    if let Some(found) = found.filter(|found| is_inside(*found, map)) {
        return Some(found);
    }
    let end = map.iter().map(|m| u64::from(m.inside) + u64::from(m.count)).max()?;
    ends(u64::from(own) + 1).into_iter().find_map(|start| {
        let next = taken.iter().map(|range| u64::from(range.start)).filter(|next| *next > start);
        let count = next.chain([end]).min()?.checked_sub(start)?.min(whole);
        let found = range(start, count)?;
        (count > 1 && is_free(start, count) && is_inside(found, map)).then_some(found)
    })
}
