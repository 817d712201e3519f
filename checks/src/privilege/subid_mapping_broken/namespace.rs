//! How many ids the user namespace maps that everything here is in.

use alloc::format;

use super::CHECK;
use crate::{
    facts::{Facts, IdMapping, Tri},
    outcome::{Finding, Unknown},
    remedy::{Place, Remedy},
    target::Severity,
};

/// `tty`, to which every container's `/dev/pts` belongs (`gid=5`, OCI runtime specification).
const TTY: u32 = 5;

/// Ids of the images that are in use: up to `nobody`, 65534, but for a few at the end.
const USUAL: u64 = 65_536 - 1_024;

/// The namespace maps fewer ids than containers need.
///
/// # Errors
/// This is a user namespace, and its maps cannot be read.
pub(super) fn too_small(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    if facts.identity.namespaces.user_is_private() != Tri::Yes {
        return Ok(None);
    }
    let (users, groups) = (facts.identity.uid_map.get()?, facts.identity.gid_map.get()?);
    let count = total(users).min(total(groups));
    let holds = |row: &IdMapping| (row.inside..row.inside.saturating_add(row.count)).contains(&TTY);
    let (severity, consequence) = if !groups.iter().any(holds) {
        (CHECK.worst, "no container starts without group 5, to which its terminals belong")
    } else if count < USUAL {
        (CHECK.worst.at_most(Severity::Warning), "images with higher ids cannot be unpacked")
    } else {
        return Ok(None);
    };
    let ids = if count == 1 { "1 id" } else { &format!("{count} ids") };
    let finding = Finding::new(
        "user namespace",
        severity,
        format!("the user namespace maps {ids}, and containers need 65536: {consequence}"),
    )
    .evidence("/proc/self/uid_map", super::ranges::shown(users))
    .evidence("/proc/self/gid_map", super::ranges::shown(groups))
    .remedy(Remedy::advice(
        Place::Container,
        "have 65536 ids mapped: subordinate ids for whoever starts the container, and a map that holds \
         them (unshare --map-auto, lxc.idmap, systemd-nspawn --private-users=pick)",
    ));
    Ok(Some(finding))
}

fn total(map: &[IdMapping]) -> u64 {
    map.iter().map(|row| u64::from(row.count)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        target::Target,
        testing::{healthy_container, private},
    };

    fn mapping(count: u32) -> Facts {
        let mut facts = healthy_container();
        facts.identity.namespaces.user = private(4_026_532_000);
        let map = alloc::vec![IdMapping { inside: 0, outside: 100_000, count }];
        facts.identity.uid_map = Fact::Known(map.clone());
        facts.identity.gid_map = Fact::Known(map);
        facts
    }

    #[test]
    fn one_id_stops_every_engine() {
        let found = too_small(&mapping(1)).unwrap().unwrap();
        for target in [Target::Dockerd, Target::Kind, Target::Rootless, Target::Buildkit] {
            assert_eq!(found.severity.get(target), Some(Severity::Error));
        }
        assert_eq!(found.severity.get(Target::Sandbox), None, "bubblewrap maps one id itself");
    }

    #[test]
    fn a_few_ids_run_small_images_and_65536_run_all() {
        let found = too_small(&mapping(1_000)).unwrap().unwrap();
        assert_eq!(found.severity.get(Target::Dockerd), Some(Severity::Warning));
        assert_eq!(too_small(&mapping(65_536)), Ok(None));
    }

    #[test]
    fn outside_of_a_namespace_nothing_is_counted_and_a_map_that_cannot_be_read_is_unknown() {
        assert_eq!(too_small(&healthy_container()), Ok(None));
        let mut facts = mapping(65_536);
        facts.identity.gid_map = Fact::missing("/proc/self/gid_map", Why::NotPermitted);
        assert!(too_small(&facts).is_err());
    }
}
