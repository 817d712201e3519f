//! The ranges of `/etc/subuid` and `/etc/subgid`, and what this user namespace maps of them.

use alloc::{format, string::String, vec::Vec};

use super::{CHECK, Kind, quote, user};
use crate::{
    facts::{Facts, IdMapping, SubordinateIds, SubordinateRange, Why},
    outcome::{Finding, Unknown},
    remedy::{Place, Remedy},
};

/// What engines ask for, and images commonly need.
const USUAL: u64 = 65_536;

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
    (total < USUAL - 1_024).then(|| {
        Finding::new(
            kind.file(),
            severities!(rootless: Warning, buildkit: Warning),
            format!(
                "{} gives {user} {total} ids: images with higher ids cannot be unpacked",
                kind.file()
            ),
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
