//! What Docker's init script sets before it starts the daemon, and whether it may.

use alloc::format;

use super::{higher, number};
use crate::{
    facts::{Capability, Facts, Rlimit},
    outcome::Finding,
    remedy::{Place, Remedy},
};

/// `service docker start` ends at its `ulimit`. Who starts dockerd itself does not need the script: a warning, and none where
/// an entrypoint is there that does. What an older recording does not have says nothing.
pub(super) fn stops(facts: &Facts, limit: Rlimit) -> Option<Finding> {
    let script = facts.resources.init_script.known()?.as_ref()?;
    if facts.engines.preparing_entrypoints.known().is_none_or(|found| !found.is_empty()) {
        return None;
    }
    let (soft, hard) = (limit.soft.unwrap_or(u64::MAX), limit.hard.unwrap_or(u64::MAX));
    let powerful =
        facts.capabilities.effective.is_known_and(|set| set.has(Capability::SYS_RESOURCE));
    let files = script.files;
    let (flag, why) = if script.hard_only && files < soft {
        ("-Hn", format!("a hard limit may not be below the soft one, {}", number(limit.soft)))
    } else if files > hard && !powerful {
        (
            if script.hard_only { "-Hn" } else { "-n" },
            format!("the hard limit is {} and CAP_SYS_RESOURCE is missing", number(limit.hard)),
        )
    } else {
        return None;
    };
    let wanted = files.min(soft).min(hard);
    Some(
        Finding::new(
            "/etc/init.d/docker",
            severities!(dockerd: Warning),
            format!("`service docker start` ends at its `ulimit {flag} {files}`: {why}"),
        )
        .evidence("/etc/init.d/docker", format!("ulimit {flag} {files}"))
        .evidence(
            "/proc/self/limits: Max open files",
            format!("soft {}, hard {}", number(limit.soft), number(limit.hard)),
        )
        .remedy(Remedy::commands(
            Place::Here,
            "lower the soft limit first, in the same shell",
            [format!("ulimit -Sn {wanted} && service docker start")],
        ))
        .remedy(Remedy::advice(Place::Image, "start dockerd itself, in place of the script"))
        .remedy(higher("start this container with limits that the script can set")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Fact, Fact::Known, ScriptLimit, Why},
        testing::healthy_container,
    };

    fn with(files: u64, hard_only: bool) -> Facts {
        let mut facts = healthy_container();
        facts.resources.init_script = Known(Some(ScriptLimit { files, hard_only }));
        facts
    }

    fn limit(soft: u64, hard: u64) -> Rlimit {
        Rlimit { soft: Some(soft), hard: Some(hard) }
    }

    #[test]
    fn a_hard_limit_below_the_soft_one_cannot_be_set() {
        let found = stops(&with(524_288, true), limit(1 << 20, 1 << 20)).unwrap();
        assert!(found.summary.contains("ulimit -Hn 524288"), "{}", found.summary);
        assert_eq!(stops(&with(524_288, true), limit(1024, 1 << 20)), None);
        assert_eq!(stops(&with(524_288, true), limit(524_288, 524_288)), None);
    }

    #[test]
    fn raising_needs_a_capability() {
        let mut facts = with(1 << 20, false);
        assert_eq!(stops(&facts, limit(1024, 524_288)), None);
        facts.capabilities.effective = Known(CapabilitySet(0));
        assert!(stops(&facts, limit(1024, 524_288)).is_some());
        assert_eq!(stops(&facts, limit(1024, 1 << 20)), None);
    }

    #[test]
    fn without_a_script_or_where_an_entrypoint_starts_dockerd_nothing_is_said() {
        let low = limit(1 << 20, 1 << 20);
        assert_eq!(stops(&healthy_container(), low), None);
        let mut dind = with(524_288, true);
        dind.engines.preparing_entrypoints =
            Known(alloc::vec!["/usr/local/bin/dockerd-entrypoint.sh".into()]);
        assert_eq!(stops(&dind, low), None);
        let mut old = with(524_288, true);
        old.resources.init_script = Fact::missing("/etc/init.d/docker", Why::NotRecorded);
        assert_eq!(stops(&old, low), None);
    }
}
