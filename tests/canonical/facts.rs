//! The environment of the canonical report: an unprivileged container in a pod, with hostile names.

use dind_doctor_checks::facts::{
    CapabilitySet, CgroupVersion, Engine,
    Fact::{self, Known},
    Facts, Hierarchy, IptablesTool, Launcher, Link, Machine, Membership, Namespace, Namespaces,
    Network, PathMtu, Role, Route, Sandbox, Seccomp, ToolFlavour, Tri, Why,
};
use dind_doctor_checks::version::{Component, Version};

use super::HOSTILE;

pub(super) fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.identity.euid = Known(1000);
    facts.identity.namespaces = Namespaces {
        cgroup: Known(Namespace { inode: 4_026_532_500, initial: Tri::No }),
        user: Known(Namespace { inode: 4_026_531_837, initial: Tri::Yes }),
        ..Namespaces::default()
    };
    facts.pid1.pid = 1;
    facts.pid1.comm = Known("bash".into());
    facts.pid1.exe = Known("/usr/bin/bash".into());
    facts.pid1.role = Role::Shell;
    facts.capabilities.effective = Known(CapabilitySet(0xa804_25fb));
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    facts.capabilities.last = Known(40);
    facts.security.seccomp = Known(Seccomp::Filter);
    facts.security.label = Known("cri-containerd.apparmor.d (enforce)".into());
    facts.cgroup.version = Known(CgroupVersion::V2);
    facts.cgroup.memberships = Known(vec![Membership {
        hierarchy: Hierarchy::Unified,
        path: format!("/{HOSTILE}").into(),
    }]);
    facts.netfilter.legacy_kernel = Tri::Unknown;
    facts.netfilter.nft_kernel = Tri::Yes;
    facts.netfilter.iptables = Known(Some(IptablesTool {
        path: "/usr/sbin/iptables".into(),
        resolved: "/usr/sbin/xtables-nft-multi".into(),
        flavour: Known(ToolFlavour::Nft),
        alternatives: vec![],
    }));
    facts.network = network();
    facts.kernel.release = Known("6.1.0-18-amd64".into());
    facts.runtime.machine = Machine::Vm;
    facts.runtime.container = Tri::Yes;
    facts.runtime.engine = Engine::Containerd;
    facts.runtime.sandbox = Sandbox::None;
    facts.runtime.kubernetes = Tri::Yes;
    facts.runtime.launcher = Launcher::Kubernetes;
    facts.versions.read(Component::Docker, Version::new(28, 3, 1), "dpkg");
    facts
}

fn network() -> Network {
    let outside = std::net::IpAddr::from([1, 1, 1, 1]);
    Network {
        links: Known(vec![Link {
            index: 2,
            name: "eth0\u{1b}[5m".into(),
            kind: Some("veth".into()),
            mtu: 1450,
            up: true,
            loopback: false,
            controller: None,
        }]),
        routes: Known(vec![Route {
            table: 254,
            destination: ipnet::IpNet::V4(ipnet::Ipv4Net::default()),
            gateway: None,
            interface: Some(2),
            mtu: None,
            metric: 0,
            unicast: true,
        }]),
        path_mtu_v4: Known(PathMtu { destination: outside, mtu: 1430 }),
        path_mtu_v6: Fact::missing("path MTU to 2606:4700:4700::1111", Why::NotFound),
        ..Network::default()
    }
}
