//! Whom a cgroup's limit holds, and sizes as people write them.

use alloc::{format, string::String};

use crate::{
    facts::{Facts, Role},
    target::{Severities, Target},
};

/// On a host, the limits of a login session hold for what is started from it: rootless engines. dockerd,
/// and with it the nodes of kind, is in a slice of its own. `init.scope` is that of systemd alone: whoever enters
/// its container with `docker exec` is put beside it, and engines are not.
pub(super) fn held_by(facts: &Facts, path: &str, severity: Severities) -> Severities {
    if facts.pid1.role == Role::Systemd && path.ends_with("/init.scope") {
        return Severities::NONE;
    }
    if facts.runtime.container.is_no() && path.contains("/user.slice") {
        return Severities::NONE.with(Target::Rootless, severity.get(Target::Rootless));
    }
    severity
}

/// Bytes in the largest unit that leaves a whole part, with one digit after the point.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| bytes >> shift > 0) {
        None => format!("{bytes} B"),
        Some((unit, shift)) => {
            let (whole, rest) = (bytes >> shift, bytes & ((1 << shift) - 1));
            format!("{whole}.{} {unit}", (rest * 10) >> shift)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy_container, healthy_vm};

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1536 << 20), "1.5 GiB");
        assert_eq!(size((1 << 20) - 1), "1023.9 KiB");
        assert_eq!(size(u64::MAX), "17179869183.9 GiB");
    }

    #[test]
    fn nothing_but_systemd_is_held_by_its_scope() {
        let all = severities!(dockerd: Warning, kind: Error, rootless: Warning, systemd: Info, buildkit: Warning);
        let mut facts = healthy_container();
        let scope = "/sys/fs/cgroup/init.scope";
        assert_eq!(held_by(&facts, scope, all), all, "another program's directory");
        facts.pid1.role = Role::Systemd;
        assert_eq!(held_by(&facts, scope, all), Severities::NONE);
        assert_eq!(held_by(&facts, "/sys/fs/cgroup", all), all);
    }

    #[test]
    fn a_session_of_a_host_holds_rootless_engines_only() {
        let all = severities!(dockerd: Warning, kind: Error, rootless: Warning, systemd: Info, buildkit: Warning);
        let session = "/sys/fs/cgroup/user.slice/user-0.slice";
        assert_eq!(held_by(&healthy_vm(), session, all), severities!(rootless: Warning));
        assert_eq!(held_by(&healthy_vm(), "/sys/fs/cgroup/system.slice", all), all);
        assert_eq!(held_by(&healthy_container(), session, all), all);
    }
}
