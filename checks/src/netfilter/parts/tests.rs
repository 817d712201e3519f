use super::*;
use crate::{
    facts::{Fact::Known, Tri},
    testing::{healthy_container, healthy_vm, module},
    version::Version,
};

/// A container that does not see the node's modules.
fn blind() -> Facts {
    let mut facts = healthy_container();
    facts.kernel.modules_directory = Known(false);
    facts
}

fn certain(facts: &Facts, flavour: ToolFlavour, loaded: bool) -> Option<bool> {
    lacking(facts, flavour, loaded).map(|lacking| lacking.certain)
}

#[test]
fn whole_kernels_lack_nothing() {
    for facts in [healthy_container(), healthy_vm(), blind()] {
        assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None);
        assert_eq!(lacking(&facts, ToolFlavour::Legacy, true), None);
    }
}

#[test]
fn what_the_configuration_leaves_out_is_certain() {
    for name in ["nft_compat", "nft_chain_nat"] {
        let mut facts = healthy_vm();
        module(&mut facts, name, ModuleState::LeftOut);
        let found = lacking(&facts, ToolFlavour::Nft, true).unwrap();
        assert_eq!(
            (found.certain, found.why),
            (true, format!("this kernel was built without {name}"))
        );
        assert_eq!(lacking(&facts, ToolFlavour::Legacy, true), None);
    }
}

#[test]
fn a_machine_without_the_modules_of_its_kernel() {
    let mut facts = healthy_vm();
    module(&mut facts, "nft_compat", ModuleState::NotLoaded);
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None, "it comes");
    facts.kernel.modules_directory = Known(false);
    assert_eq!(certain(&facts, ToolFlavour::Nft, true), Some(true));
}

#[test]
fn a_container_whose_program_finds_no_module_to_load() {
    let mut facts = blind();
    module(&mut facts, "ip_tables", ModuleState::NotSeen);
    let found = lacking(&facts, ToolFlavour::Legacy, false).unwrap();
    assert_eq!((found.certain, found.modules), (true, Some(LEGACY_MODULES)));
    facts.kernel.version = Known(Version::new(6, 18, 0));
    assert_eq!(lacking(&facts, ToolFlavour::Legacy, false).unwrap().modules, None, "there is none");
    let dind = Known(["/usr/local/bin/dockerd-entrypoint.sh".into()].into());
    facts.engines.preparing_entrypoints = dind;
    assert_eq!(
        certain(&facts, ToolFlavour::Legacy, false),
        Some(false),
        "its modprobe asks the kernel"
    );
    facts.kernel.modules_directory = Known(true);
    facts.kernel.version = Known(Version::new(6, 12, 0));
    assert_eq!(lacking(&facts, ToolFlavour::Legacy, false), None);
    module(&mut facts, "ip_tables", ModuleState::OnDisk);
    assert!(legacy_comes(&facts));
}

#[test]
fn the_release_says_enough_for_a_warning() {
    for (version, release) in
        [(Version::new(6, 18, 1), "6.18.1-amzn"), (Version::new(6, 12, 0), "6.12.0-55.el10.x86_64")]
    {
        let mut facts = healthy_vm();
        facts.kernel.version = Known(version);
        facts.kernel.release = Known(release.into());
        module(&mut facts, "ip_tables", ModuleState::NotSeen);
        assert_eq!(certain(&facts, ToolFlavour::Legacy, false), Some(false));
        module(&mut facts, "ip_tables", ModuleState::NotLoaded);
        assert_eq!(lacking(&facts, ToolFlavour::Legacy, false), None, "it is configured");
    }
}

#[test]
fn a_node_that_uses_the_other_backend_may_not_have_this_one() {
    let mut facts = blind();
    module(&mut facts, "nft_compat", ModuleState::NotSeen);
    assert_eq!(certain(&facts, ToolFlavour::Nft, true), Some(false));
    module(&mut facts, "iptable_nat", ModuleState::NotSeen);
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None, "nobody has needed it so far");
    module(&mut facts, "nft_compat", ModuleState::Present);
    module(&mut facts, "nft_chain_nat", ModuleState::NotSeen);
    module(&mut facts, "nf_nat", ModuleState::NotSeen);
    assert_eq!(certain(&facts, ToolFlavour::Nft, true), Some(false));
    facts.runtime.container = Tri::No;
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None);
}

#[test]
fn under_selinux_nothing_is_loaded_for_a_container() {
    let mut facts = blind();
    module(&mut facts, "iptable_nat", ModuleState::NotSeen);
    assert_eq!(lacking(&facts, ToolFlavour::Legacy, true), None);
    facts.security.label = Known("system_u:system_r:spc_t:s0".into());
    assert_eq!(certain(&facts, ToolFlavour::Legacy, true), Some(false));
}

#[test]
fn wsl_has_the_translation_from_5_10_on() {
    let mut facts = healthy_vm();
    facts.runtime.sandbox = Sandbox::Wsl2;
    facts.kernel.version = Known(Version::new(5, 4, 72));
    module(&mut facts, "nft_compat", ModuleState::NotSeen);
    assert_eq!(certain(&facts, ToolFlavour::Nft, true), Some(true));
    facts.kernel.version = Known(Version::new(5, 15, 146));
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None);
}

#[test]
fn newer_kernels_of_some_distributions_have_no_legacy_nat() {
    let of = |release: &str, version: Version| {
        let mut facts = blind();
        facts.kernel.release = Known(release.into());
        facts.kernel.version = Known(version);
        module(&mut facts, "iptable_nat", ModuleState::NotSeen);
        facts
    };
    let facts = of("6.18.15-14.217.amzn2023.x86_64", Version::new(6, 18, 15));
    let found = lacking(&facts, ToolFlavour::Legacy, true).unwrap();
    assert_eq!((found.certain, found.modules), (true, None));
    assert_eq!(certain(&facts, ToolFlavour::Legacy, false), Some(true));
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None);
    for release in ["6.18.29+rpt-rpi-v8", "6.18.7.asahi1-1-asahi"] {
        let facts = of(release, Version::new(6, 18, 0));
        assert_eq!(certain(&facts, ToolFlavour::Legacy, false), Some(true), "{release}");
    }
    let older = of("6.12.40-64.114.amzn2023.x86_64", Version::new(6, 12, 40));
    assert_eq!(lacking(&older, ToolFlavour::Legacy, true), None);
    let other = of("6.18.5-arch1-1", Version::new(6, 18, 5));
    assert_eq!(lacking(&other, ToolFlavour::Legacy, true), None, "Arch has kept it");
    let mut there = facts;
    module(&mut there, "iptable_nat", ModuleState::Present);
    assert_eq!(lacking(&there, ToolFlavour::Legacy, true), None);
}

/// As Raspberry Pi OS and Asahi have it since Linux 6.18 and 6.17.
#[test]
fn a_kernel_whose_modules_do_not_have_the_legacy_tables() {
    let mut facts = healthy_vm();
    module(&mut facts, "ip_tables", ModuleState::NotInstalled);
    let found = lacking(&facts, ToolFlavour::Legacy, false).unwrap();
    assert_eq!((found.certain, found.modules, found.source), (true, None, "/lib/modules"));
    assert_eq!(lacking(&facts, ToolFlavour::Nft, true), None);
    let mut facts = healthy_vm();
    module(&mut facts, "nft_compat", ModuleState::NotInstalled);
    assert_eq!(certain(&facts, ToolFlavour::Nft, true), Some(true));
    let mut facts = healthy_vm();
    module(&mut facts, "iptable_nat", ModuleState::NotInstalled);
    assert_eq!(certain(&facts, ToolFlavour::Legacy, true), Some(true));
}
