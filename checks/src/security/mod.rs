//! seccomp, AppArmor, SELinux, user namespaces.

mod apparmor_profile_load;
mod runc_apparmor_sysctl;
mod seccomp_filter_blocks;
mod selinux_denials;
mod userns_blocked;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &seccomp_filter_blocks::CHECK,
    &userns_blocked::CHECK,
    &selinux_denials::CHECK,
    &apparmor_profile_load::CHECK,
    &runc_apparmor_sysctl::CHECK,
];
