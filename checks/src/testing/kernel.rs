//! A kernel that has all that engines need.

use alloc::vec;

use crate::facts::{Fact::Known, *};

/// Modules that engines need.
const NEEDED: [&str; 9] = [
    "overlay",
    "veth",
    "bridge",
    "nf_tables",
    "nft_compat",
    "nft_chain_nat",
    "nf_nat",
    "ip_tables",
    "iptable_nat",
];

/// With this module in another place.
pub(crate) fn module(facts: &mut Facts, name: &str, state: ModuleState) {
    facts.kernel.needed.retain(|module| module.name != *name);
    facts.kernel.needed.push(Module { name: name.into(), state });
}

/// Debian's, with every module loaded.
pub(super) fn healthy_kernel() -> Kernel {
    Kernel {
        release: Known("6.12.0".into()),
        version: Known(crate::version::Version::new(6, 12, 0)),
        ubuntu_signature: Known(None),
        modules_loadable: Known(true),
        modules_directory: Known(true),
        overlay: Known(true),
        build: Known("#1 SMP PREEMPT_DYNAMIC Debian 6.12.0-1".into()),
        filesystems: Known(["sysfs", "tmpfs", "ext4", "overlay"].map(Into::into).into()),
        bpf: Known(true),
        network_modules: Known(["bridge", "nf_nat", "overlay", "veth"].map(Into::into).into()),
        emulators: Known(Some(vec!["qemu-aarch64".into()])),
        cpu_level: Known(Some(3)),
        kubelet_settings: vec![],
        needed: NEEDED.map(|name| Module { name: name.into(), state: ModuleState::Present }).into(),
        modular: Known(true),
        other_modules: Known(true),
    }
}
