//! cgroup versions, namespaces, delegation, stray directories.

mod cgroup2_internal_process;
mod cgroup2_not_delegated;
mod cgroup2_nsdelegate_stripped;
mod cgroup_controller_disabled;
mod cgroup_hybrid_named_systemd;
mod cgroup_v1_controller_drift;
mod cgroup_v1_end_of_life;
mod cgroup_v1_no_namespace;
mod cgroupns_mount_mismatch;
mod engine_too_old_for_cgroup2;
mod host_cgroupns_on_v2;
mod namespace;
mod nesting;
mod stray_kubepods_cgroup;
mod systemd_too_old_for_cgroup2;
#[cfg(test)]
mod testing;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &cgroup_v1_end_of_life::CHECK,
    &engine_too_old_for_cgroup2::CHECK,
    &systemd_too_old_for_cgroup2::CHECK,
    &cgroup_v1_no_namespace::CHECK,
    &host_cgroupns_on_v2::CHECK,
    &cgroupns_mount_mismatch::CHECK,
    &stray_kubepods_cgroup::CHECK,
    &cgroup_hybrid_named_systemd::CHECK,
    &cgroup_v1_controller_drift::CHECK,
    &cgroup_controller_disabled::CHECK,
    &cgroup2_not_delegated::CHECK,
    &cgroup2_internal_process::CHECK,
    &cgroup2_nsdelegate_stripped::CHECK,
];

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{CHECKS, testing};
    use crate::{
        facts::Facts,
        outcome::Outcome,
        testing::{healthy_container, healthy_vm},
    };

    /// The ids of what is found; every verdict is reached, and within the severities that it declares.
    fn found(facts: &Facts) -> Vec<&'static str> {
        let mut ids = Vec::new();
        for check in CHECKS {
            let verdict = crate::testing::judged(check, facts);
            assert!(verdict.is_ok(), "{}: {verdict:?}", check.id);
            if let Ok(Outcome::Found(findings)) = verdict {
                assert!(findings.iter().all(|f| f.severity.within(&check.worst)), "{}", check.id);
                assert!(findings.iter().all(|f| !f.summary.contains('\n')), "{}", check.id);
                ids.push(check.id);
            }
        }
        ids
    }

    #[test]
    fn healthy_environments_have_no_findings() {
        assert!(found(&healthy_container()).is_empty());
        assert!(found(&healthy_vm()).is_empty());
    }

    #[test]
    fn a_hybrid_vm_and_a_namespaced_v1_container_have_only_the_version_against_them() {
        assert_eq!(found(&testing::hybrid_vm()), ["cgroup-v1-end-of-life"]);
        assert_eq!(found(&testing::v1_container()), ["cgroup-v1-end-of-life"]);
    }

    #[test]
    fn pods_have_what_belongs_to_their_version() {
        let legacy = ["cgroup-v1-end-of-life", "cgroup-v1-no-namespace", "stray-kubepods-cgroup"];
        assert_eq!(found(&testing::v1_pod()), legacy);
        assert_eq!(found(&testing::v2_pod()), ["host-cgroupns-on-v2"]);
    }
}
