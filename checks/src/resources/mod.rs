//! Limits: tasks, memory, CPU time, inotify, open files, keys, disk space.

mod cgroup_leak;
mod cpu_quota_hidden;
mod disk_inode_pressure;
mod inotify_exhausted;
mod keyring_quota;
mod limits;
mod memory_cpu_too_small;
mod nofile_limit;
mod overcommit_strict;
mod pids_limit;
mod rlimit_raise_denied;
#[cfg(test)]
mod testing;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &memory_cpu_too_small::CHECK,
    &overcommit_strict::CHECK,
    &disk_inode_pressure::CHECK,
    &inotify_exhausted::CHECK,
    &pids_limit::CHECK,
    &nofile_limit::CHECK,
    &rlimit_raise_denied::CHECK,
    &keyring_quota::CHECK,
    &cpu_quota_hidden::CHECK,
    &cgroup_leak::CHECK,
];

#[cfg(test)]
mod tests {
    use super::CHECKS;
    use crate::{
        outcome::Outcome,
        testing::{healthy_container, healthy_vm},
    };

    #[test]
    fn healthy_environments_have_no_findings() {
        for facts in [healthy_container(), healthy_vm()] {
            for check in CHECKS {
                let verdict = crate::testing::judged(check, &facts);
                assert!(
                    matches!(verdict, Ok(Outcome::Pass(_) | Outcome::NotApplicable(_))),
                    "{}: {verdict:?}",
                    check.id
                );
            }
        }
    }
}
