//! Kernels that have the target MARK for IPv4 alone, by a slip in one change (repaired by "fix typo causing some targets not to
//! load on IPv6").

use alloc::format;

use crate::{
    facts::Facts,
    outcome::Finding,
    remedy::{Place, Remedy},
    version::Version,
};

/// Of kernel.org, and of those who keep its numbers: the first with the slip, and the first without again.
const STABLE: [(Version, Version); 3] = [
    (Version::new(5, 15, 168), Version::new(5, 15, 169)),
    (Version::new(6, 6, 57), Version::new(6, 6, 59)),
    (Version::new(6, 11, 4), Version::new(6, 11, 6)),
];

/// Ubuntu's, by release and number; those for clouds are numbered otherwise.
const UBUNTU: [&str; 2] = ["5.15.0-127-generic", "6.8.0-57-generic"];

/// What kube-proxy misses for IPv6, which it sets up on every node whose kernel has that.
pub(super) fn unregistered(facts: &Facts) -> Option<Finding> {
    let release = facts.kernel.release.known()?.as_str();
    let version = facts.kernel.version.known()?;
    let stable = STABLE.iter().any(|(first, mended)| version >= first && version < mended);
    let has_ipv6 = facts.net_sysctls.ipv6.is_known_and(|has| *has);
    if !has_ipv6 || !(stable || UBUNTU.contains(&release)) {
        return None;
    }
    let summary = format!(
        "kernel {release} is known to have no target MARK for IPv6: kube-proxy's rules for it fail at --xor-mark"
    );
    Some(
        Finding::new("ip6tables: target MARK", severities!(kind: Warning), summary)
            .evidence("uname", release)
            .remedy(Remedy::advice(
                Place::Host,
                "boot the kernel before, or a later one with the repair (5.15.169, 6.6.59, 6.11.6)",
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::healthy_vm,
    };

    fn on(release: &str, version: Version) -> Facts {
        let mut facts = healthy_vm();
        facts.kernel.release = Known(release.into());
        facts.kernel.version = Known(version);
        facts
    }

    #[test]
    fn the_releases_with_the_slip_are_found_and_their_neighbours_are_not() {
        let found = |release, version| unregistered(&on(release, version)).is_some();
        assert!(found("5.15.0-127-generic", Version::new(5, 15, 0)));
        assert!(!found("5.15.0-126-generic", Version::new(5, 15, 0)));
        assert!(found("6.6.58-1-lts", Version::new(6, 6, 58)));
        assert!(!found("6.6.56-1-lts", Version::new(6, 6, 56)));
        assert!(!found("6.6.59-1-lts", Version::new(6, 6, 59)));
        assert!(found("6.11.4-201.fc40.x86_64", Version::new(6, 11, 4)));
        assert!(!found("6.11.6-arch1-1", Version::new(6, 11, 6)));
    }

    #[test]
    fn a_kernel_without_ipv6_needs_none_and_an_unread_one_tells_nothing() {
        let mut facts = on("5.15.0-127-generic", Version::new(5, 15, 0));
        facts.net_sysctls.ipv6 = Known(false);
        assert_eq!(unregistered(&facts), None);
        facts.net_sysctls.ipv6 = Fact::missing("/proc/net/if_inet6", Why::NotPermitted);
        assert_eq!(unregistered(&facts), None);
    }
}
