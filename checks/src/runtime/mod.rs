//! Sandboxes in place of plain Linux, which engine clients reach, what an earlier one left behind, and systemd.

mod apiserver_loopback;
mod asked;
mod containerd_erofs_tools_missing;
mod daemon_json_invalid;
mod docker_api_floor;
mod docker_endpoint_mismatch;
mod dood_semantics;
mod engine_fails_here;
mod engine_helper_missing;
mod engine_too_old_for_kind;
mod outer_k8s_leakage;
mod runc_new_mount_api_under_sysbox;
mod runc_procfs_overmounted;
mod runtime_namespace_features;
pub(crate) mod sandboxed_kernel;
mod snap_docker_confinement;
mod stale_pid_and_socket;
mod sysbox;
mod systemd_cgroup_driver_autodetect;
mod systemd_prerequisites;
mod systemd_user_session_missing;

pub use asked::{EngineAddress, engine_address};

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &sandboxed_kernel::CHECK,
    &engine_fails_here::CHECK,
    &systemd_prerequisites::CHECK,
    &engine_helper_missing::CHECK,
    &daemon_json_invalid::CHECK,
    &engine_too_old_for_kind::CHECK,
    &runc_new_mount_api_under_sysbox::CHECK,
    &runc_procfs_overmounted::CHECK,
    &containerd_erofs_tools_missing::CHECK,
    &systemd_cgroup_driver_autodetect::CHECK,
    &systemd_user_session_missing::CHECK,
    &stale_pid_and_socket::CHECK,
    &runtime_namespace_features::CHECK,
    &snap_docker_confinement::CHECK,
    &dood_semantics::CHECK,
    &docker_endpoint_mismatch::CHECK,
    &docker_api_floor::CHECK,
    &apiserver_loopback::CHECK,
    &outer_k8s_leakage::CHECK,
];

#[cfg(test)]
mod tests {
    use super::CHECKS;
    use crate::{
        facts::Facts,
        outcome::Outcome,
        testing::{healthy_container, healthy_vm},
    };

    fn is_silent(facts: &Facts) {
        for check in CHECKS {
            let verdict = crate::testing::judged(check, facts);
            assert!(
                !matches!(verdict, Ok(Outcome::Found(_)) | Err(_)),
                "{}: {verdict:?}",
                check.id
            );
        }
    }

    #[test]
    fn healthy_environments_have_no_findings() {
        is_silent(&healthy_container());
        is_silent(&healthy_vm());
    }
}
