//! Facts for unit tests: a healthy environment of each kind, to be changed in one place.

mod kernel;
mod resources;
mod trials;
mod verdicts;

use alloc::{vec, vec::Vec};

use self::{kernel::healthy_kernel, resources::healthy_resources};
pub(crate) use self::{
    kernel::module,
    trials::{refused_step, tried},
    verdicts::{judged, said_of, severity_for},
};
use crate::facts::{Fact::Known, *};

/// `mount_point`, filesystem and options, as a mount of its own.
pub(crate) fn mount(mount_point: &str, fstype: &str, options: &[&str]) -> Mount {
    Mount {
        root: "/".into(),
        mount_point: mount_point.into(),
        fstype: fstype.into(),
        source: fstype.into(),
        device: "0:50".into(),
        options: options.iter().map(|o| (*o).into()).collect(),
        ..Mount::default()
    }
}

fn namespace(inode: u64, initial: Tri) -> Fact<Namespace> {
    Known(Namespace { inode, initial })
}

/// A namespace that is not the kernel's initial one.
pub(crate) fn private(inode: u64) -> Fact<Namespace> {
    namespace(inode, Tri::No)
}

/// The kernel's initial namespace.
pub(crate) fn initial(inode: u64) -> Fact<Namespace> {
    namespace(inode, Tri::Yes)
}

/// An init process with this name, role and masks of caught, ignored and blocked signals.
pub(crate) fn init_process(name: &str, role: Role, signals: SignalMasks) -> InitProcess {
    InitProcess {
        pid: 1,
        is_doctor: false,
        comm: Known(name.into()),
        exe: Known(alloc::format!("/usr/bin/{name}").into()),
        arguments: Known(vec![name.into()]),
        role,
        signals: Known(signals),
        wchan: Known("0".into()),
        syscall: Known(None),
        container_variable: Known(None),
    }
}

/// A version 2 cgroup in which nesting is prepared: no processes, controllers enabled.
pub(crate) fn prepared_base() -> CgroupDirectory {
    let controllers: Vec<Text> =
        ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"].into_iter().map(Into::into).collect();
    CgroupDirectory {
        path: "/sys/fs/cgroup".into(),
        kind: Known(CgroupType::Domain),
        controllers: Known(controllers.clone()),
        subtree_control: Known(controllers),
        procs: Known(Procs::default()),
        children: Known(vec![CgroupChild { name: "init".into(), kind: Known(CgroupType::Domain) }]),
        writable: Known(true),
    }
}

fn data_root(owner: DataRootOwner, path: &str) -> DataRoot {
    DataRoot {
        owner,
        path: path.into(),
        configured_by: "default".into(),
        exists: true,
        resolved: Known(path.into()),
        filesystem: Known(Filesystem {
            magic: 0xef53,
            mount: Some(mount(path, "ext4", &["rw", "relatime"])),
            d_type: Some(true),
        }),
        space: Known(resources::plenty()),
        entries: Known(vec![]),
    }
}

/// A privileged Docker container on cgroup v2 with a private cgroup namespace, nesting prepared, tini as
/// PID 1, data roots on volumes, an uplink of 1500: every check passes or does not apply.
#[expect(clippy::too_many_lines, reason = "one whole environment, read top to bottom")]
pub(crate) fn healthy_container() -> Facts {
    let mut facts = Facts::default();
    facts.identity.pid = Known(42);
    facts.identity.euid = Known(0);
    facts.identity.egid = Known(0);
    facts.identity.groups = Known(vec![0]);
    facts.identity.namespaces = Namespaces {
        cgroup: private(4_026_532_500),
        ipc: private(4_026_532_501),
        mnt: namespace(4_026_532_502, Tri::Unknown),
        net: private(4_026_532_503),
        pid: private(4_026_532_504),
        time: initial(4_026_531_834),
        user: initial(4_026_531_837),
        uts: private(4_026_532_505),
    };
    let whole = vec![IdMapping { inside: 0, outside: 0, count: u32::MAX }];
    facts.identity.uid_map = Known(whole.clone());
    facts.identity.gid_map = Known(whole);
    facts.pid1 = init_process("tini", Role::Init, SignalMasks::default());
    facts.processes = Processes {
        rows: Known(vec![
            ProcessRow { pid: 1, ppid: 0, comm: "tini".into(), state: 'S' },
            ProcessRow { pid: 7, ppid: 1, comm: "sleep".into(), state: 'S' },
        ]),
        zombies_of_pid1: Known(vec![]),
        ..Processes::default()
    };
    let all = CapabilitySet::up_to(40);
    facts.capabilities = Capabilities {
        effective: Known(all),
        permitted: Known(all),
        bounding: Known(all),
        last: Known(40),
    };
    facts.security = Security {
        no_new_privs: Known(false),
        seccomp: Known(Seccomp::Disabled),
        filtered: FilteredCalls::default(),
        lsms: Known(vec!["capability".into(), "landlock".into()]),
        apparmor_enabled: Known(false),
        apparmor_visible: Known(false),
        apparmor_policy_writable: Fact::missing("apparmor/.replace", Why::NotFound),
        apparmor_parser: Known(None),
        runtime_profiles: Known(vec![]),
        selinux_enforcing: Fact::missing("/sys/fs/selinux/enforce", Why::NotFound),
        selinux_mounted: Known(false),
        label: Known("unconfined".into()),
        devices: [(Device::Fuse, "10:229"), (Device::Tun, "10:200"), (Device::Kmsg, "1:11")]
            .into_iter()
            .map(|(device, number)| DeviceNode {
                device,
                number: Known(number.into()),
                mode: Known(0o666),
                usable: Known(true),
            })
            .collect(),
    };
    facts.cgroup = Cgroup {
        version: Known(CgroupVersion::V2),
        memberships: Known(vec![Membership {
            hierarchy: Hierarchy::Unified,
            path: "/init".into(),
        }]),
        pid1_memberships: Known(vec![Membership {
            hierarchy: Hierarchy::Unified,
            path: "/init".into(),
        }]),
        controllers: Known(vec![]),
        mounts: Known(vec![CgroupMount {
            hierarchy: Hierarchy::Unified,
            mount_point: "/sys/fs/cgroup".into(),
            root: "/".into(),
            read_only: false,
            super_options: vec!["rw".into(), "nsdelegate".into()],
        }]),
        base: Known(prepared_base()),
        own: Known(CgroupDirectory { path: "/sys/fs/cgroup/init".into(), ..prepared_base() }),
        user_service: Fact::missing("user@0.service", Why::NotFound),
        kubelet_roots: Known(vec![]),
        pod_trees: Known(PodTrees::default()),
    };
    let mut root = mount("/", "overlay", &["rw", "relatime"]);
    root.propagation.shared = Some(1);
    facts.mounts = Known(MountTable {
        rows: vec![
            root,
            mount("/proc", "proc", &["rw", "nosuid"]),
            mount("/sys", "sysfs", &["rw", "nosuid"]),
            mount("/sys/fs/cgroup", "cgroup2", &["rw", "nosuid"]),
            mount("/run", "tmpfs", &["rw", "nosuid"]),
            mount("/var/lib/docker", "ext4", &["rw", "relatime"]),
        ],
        malformed: 0,
    });
    facts.storage = Storage {
        data_roots: vec![
            data_root(DataRootOwner::Docker, "/var/lib/docker"),
            data_root(DataRootOwner::Containerd, "/var/lib/containerd"),
            data_root(DataRootOwner::Buildkit, "/var/lib/buildkit"),
            data_root(DataRootOwner::RootlessDocker, "/root/.local/share/docker"),
            data_root(DataRootOwner::RootlessBuildkit, "/root/.local/share/buildkit"),
            data_root(DataRootOwner::Podman, "/var/lib/containers/storage"),
            data_root(DataRootOwner::Kubelet, "/var/lib/kubelet"),
        ],
        fuse_overlayfs: Known(None),
        zfs: Known(None),
        permit_mounts_in_userns: Known(None),
        source_devices: vec![],
        image_stores: ImageStores { graph: Known(0), snapshots: Known(0) },
        containerd_was_here: Known(false),
    };
    let writable = |path: &str| ScratchDirectory {
        path: path.into(),
        writable: Known(true),
        size: Known(1 << 30),
    };
    facts.scratch = Scratch {
        run: writable("/run"),
        temporary: writable("/tmp"),
        xtables_lock: Known(None),
        docker_pid: Known(None),
        docker_client: Known(Some("/usr/local/bin/docker".into())),
    };
    facts.netfilter = Netfilter {
        legacy_kernel: Tri::Yes,
        legacy_kernel6: Tri::Yes,
        nft_kernel: Tri::Yes,
        legacy_tables: Known(vec![]),
        nft_tables: Known(vec![]),
        extensions: vec![],
        iptables: Known(Some(IptablesTool {
            path: "/usr/sbin/iptables".into(),
            resolved: "/usr/sbin/xtables-nft-multi".into(),
            flavour: Known(ToolFlavour::Nft),
            alternatives: vec![ToolFlavour::Legacy, ToolFlavour::Nft],
        })),
        nft: Known(Some("/usr/sbin/nft".into())),
    };
    facts.network = healthy_network(1500);
    facts.net_sysctls = NetSysctls {
        ip_forward: Known(true),
        ip_forward_at_boot: Known(None),
        ipv6: Known(true),
        ipv6_disabled: Known(false),
        bridge_nf_call_iptables: Known(Some(true)),
        conntrack_max: Known(Some(262_144)),
    };
    facts.resolver = Resolver {
        resolv_conf: Known(ResolvConf {
            servers: vec![NameServer {
                address: core::net::IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 2)),
                zone: None,
            }],
            ..ResolvConf::default()
        }),
        systemd: Fact::missing("/run/systemd/resolve/resolv.conf", Why::NotFound),
    };
    facts.proxies = Proxies { daemons: Known(vec![]) };
    facts.resources = healthy_resources();
    facts.clocks = resources::healthy_clocks();
    facts.kernel = healthy_kernel();
    facts.userns = UserNamespaces {
        max: Known(63_000),
        unprivileged: Known(true),
        apparmor_restricted: Known(false),
        set_user_id_bwrap: Known(false),
        profiles: Known(vec![]),
    };
    facts.subids = SubordinateIds {
        taken: Known(vec![]),
        user: Known(Some("root".into())),
        primary_group: Known(Some(0)),
        other_groups: Fact::missing("/etc/login.defs", Why::NotProbed),
        accounts: Known(vec![]),
        service: None,
        uids: Known(vec![]),
        gids: Known(vec![]),
        newuidmap: Known(None),
        newgidmap: Known(None),
    };
    facts.engines = Engines {
        apis: Vec::new(),
        daemon_json: Known(DaemonConfig {
            path: "/etc/docker/daemon.json".into(),
            content: serde_json::Value::Null,
        }),
        running: Known(vec![]),
        dockerd: Known(Some("/usr/local/bin/dockerd".into())),
        preparing_entrypoints: Known(vec![]),
        ..Engines::default()
    };
    facts.clients = healthy_clients();
    facts.leftovers = Leftovers { pid_files: vec![], systemd_directory: Known(false) };
    facts.runtime = Runtime {
        machine: Machine::Vm,
        container: Tri::Yes,
        engine: Engine::Docker,
        sandbox: Sandbox::None,
        kubernetes: Tri::No,
        launcher: Launcher::Docker,
        launchers: vec![Launcher::Docker],
        name: None,
        evidence: vec![],
        variables: Known(vec![]),
    };
    facts
}

/// Nothing is configured, and no daemon has been started yet.
fn healthy_clients() -> Clients {
    Clients {
        context: Known(None),
        sockets: vec![socket("/var/run/docker.sock")],
        certificates: vec![],
        kubeconfig: Known(None),
        service_account: Known(false),
        docker: Known(None),
        ..Clients::default()
    }
}

/// A path at which there is no socket yet.
pub(crate) fn socket(path: &str) -> EngineSocket {
    let absent = Missing::new(path, Why::NotFound);
    EngineSocket {
        path: path.into(),
        kind: Fact::Missing(absent.clone()),
        permissions: "".into(),
        gid: Fact::Missing(absent.clone()),
        usable: Fact::Missing(absent),
        mount: None,
        is_mount_point: false,
        listening: Known(false),
    }
}

/// A network with one uplink `eth0` of this MTU, and the loopback device.
pub(crate) fn healthy_network(mtu: u32) -> Network {
    let link = |index, name: &str, mtu| Link {
        index,
        name: name.into(),
        kind: None,
        mtu,
        up: true,
        loopback: name == "lo",
        controller: None,
    };
    Network {
        links: Known(vec![link(1, "lo", 65536), link(2, "eth0", mtu)]),
        addresses: Known(vec![]),
        routes: Known(vec![Route {
            table: 254,
            destination: ipnet::IpNet::V4(ipnet::Ipv4Net::default()),
            gateway: None,
            interface: Some(2),
            mtu: None,
            metric: 0,
            unicast: true,
        }]),
        source: "rtnetlink".into(),
        path_mtu_v4: Known(PathMtu {
            destination: core::net::IpAddr::V4(core::net::Ipv4Addr::new(1, 1, 1, 1)),
            mtu,
        }),
        path_mtu_v6: Fact::missing("path MTU to 2606:4700:4700::1111", Why::NotFound),
        tcp_mtu_probing: Known(0),
    }
}

/// A VM with systemd as PID 1 and cgroup v2, not a container: most checks do not apply.
pub(crate) fn healthy_vm() -> Facts {
    let mut facts = healthy_container();
    facts.identity.namespaces = Namespaces {
        cgroup: initial(4_026_531_835),
        ipc: initial(4_026_531_839),
        mnt: namespace(4_026_531_841, Tri::Unknown),
        net: initial(4_026_531_840),
        pid: initial(4_026_531_836),
        time: initial(4_026_531_834),
        user: initial(4_026_531_837),
        uts: initial(4_026_531_838),
    };
    facts.pid1 = init_process("systemd", Role::Systemd, SignalMasks::default());
    facts.leftovers.systemd_directory = Known(true);
    facts.runtime.container = Tri::No;
    facts.runtime.engine = Engine::None;
    facts.runtime.launcher = Launcher::None;
    let path = "/user.slice/user-0.slice/session-1.scope";
    facts.cgroup.memberships =
        Known(vec![Membership { hierarchy: Hierarchy::Unified, path: path.into() }]);
    facts.cgroup.pid1_memberships =
        Known(vec![Membership { hierarchy: Hierarchy::Unified, path: "/init.scope".into() }]);
    facts.cgroup.base = Known(CgroupDirectory { kind: Known(CgroupType::Root), ..prepared_base() });
    facts
}
