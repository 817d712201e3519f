//! One report in which everything occurs, for the tests of every format: an error with consequences, a
//! warning, an info, a finding for other targets only, unknown checks, a crash, an ignored finding, and
//! hostile characters wherever text comes from the machine.

#![expect(clippy::panic, reason = "one check has to crash")]
#![expect(clippy::unnecessary_wraps, reason = "the type that a check has")]

mod facts;

use std::time::Duration;

use dind_doctor::{
    probe::{Collected, Crash},
    report::{Options, Origin, Report, Selector, diagnose_with},
};
use dind_doctor_checks::{
    Check, Layer,
    facts::{Facts, Missing, Why},
    outcome::{Evidence, Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    registry::Area,
    remedy::{Language, Place, Remedy, Snippet, quote},
    severities,
    target::{Severities, Target},
    version::{Component, KnownVersion, Origin as VersionOrigin},
};
use serde_json::json;

/// What a directory, a link or a variable can be named by whoever may make one.
pub(crate) const HOSTILE: &str =
    "a\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\nerror  forged\t$(reboot)'\"|`<b>";

/// The report. The crash's line number is taken out, so that this file may change.
pub(crate) fn report() -> Report {
    let options = Options {
        ignore: vec![Selector::Check("swap-on".to_owned()).into()],
        targets: vec![Target::Dockerd, Target::Kind],
        ..Options::default()
    };
    let took = [("mounts", 1240), ("storage", 3_000_010), ("netfilter", 2500)];
    let collected = Collected {
        facts: facts::facts(),
        timed_out: vec!["storage".to_owned()],
        crashed: vec![Crash {
            probe: "processes".to_owned(),
            message: "index out of bounds (process.rs:7)".to_owned(),
        }],
        took: took.map(|(probe, time)| (probe, Duration::from_micros(time))).to_vec(),
    };
    let mut report = diagnose_with(CHECKS.iter().copied(), collected, Origin::Live, &options);
    report.version = "0.0.0";
    report.commit = None;
    for check in &mut report.checks {
        if let Some((message, _)) = check.reason.as_deref().and_then(|r| r.split_once(" (tests/")) {
            check.reason = Some(format!("{message} (tests/canonical)"));
        }
    }
    report
}

const CHECKS: &[(Area, &Check)] = &[
    (
        Area::Privilege,
        &check(
            "privilege-missing",
            severities!(dockerd: Error, kind: Error, rootless: Info, systemd: Warning, buildkit: Error),
            privilege,
        ),
    ),
    (
        Area::Privilege,
        &check(
            "dev-nodes-missing",
            severities!(kind: Error, rootless: Error, systemd: Info, buildkit: Error),
            device_nodes,
        ),
    ),
    (
        Area::Pid1,
        &check(
            "pid1-swallows-sigterm",
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Info),
            pid1,
        ),
    ),
    (Area::Cgroup, &check("stray-kubepods-cgroup", severities!(dockerd: Info, kind: Error), stray)),
    (
        Area::Cgroup,
        &check(
            "cgroup2-not-delegated",
            severities!(dockerd: Error, kind: Error, rootless: Warning, systemd: Error, buildkit: Info),
            undelegated,
        ),
    ),
    (
        Area::Mount,
        &check(
            "sys-or-procsys-readonly",
            severities!(dockerd: Warning, kind: Warning, rootless: Info, buildkit: Info),
            read_only,
        ),
    ),
    (
        Area::Mount,
        &check("proc-masked", severities!(rootless: Error, systemd: Info, buildkit: Error), masked),
    ),
    (Area::Mount, &check("swap-on", severities!(kind: Info), swap)),
    (
        Area::Storage,
        &check(
            "dataroot-on-overlay",
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Error),
            data_root,
        ),
    ),
    (
        Area::Netfilter,
        &check(
            "iptables-mixed-backends",
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            needs_root,
        ),
    ),
    (
        Area::Netfilter,
        &check(
            "iptables-backend-unusable",
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Warning),
            needs_root,
        ),
    ),
    (
        Area::Netfilter,
        &check(
            "netfilter-extension-missing",
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Warning),
            own_remedy,
        ),
    ),
    (
        Area::Netfilter,
        &check(
            "userns-blocked",
            severities!(rootless: Error, systemd: Info, buildkit: Error),
            needs_root,
        ),
    ),
    (
        Area::Network,
        &check(
            "mtu-bridge-exceeds-path",
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
            mtu,
        ),
    ),
    (
        Area::Network,
        &check(
            "subnet-overlap",
            severities!(dockerd: Warning, kind: Warning, rootless: Info, buildkit: Info),
            crash,
        ),
    ),
    (
        Area::Network,
        &check(
            "ip-forward-off",
            severities!(dockerd: Warning, kind: Warning, buildkit: Warning),
            |_, _| Ok(Outcome::pass()),
        ),
    ),
    (Area::Network, &check("kind-nft-backend-dns", severities!(kind: Error), not_applicable)),
    (
        Area::Network,
        &check(
            "ipv6-gaps",
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
            ipv6,
        ),
    ),
];

const fn check(id: &'static str, worst: Severities, run: fn(&Facts, &Plan) -> Verdict) -> Check {
    Check {
        id,
        title: "The title of the problem",
        worst,
        layer: Layer::Engine,
        trials: &[],
        logs: &[],
        doc: "",
        run,
    }
}

fn privilege(_: &Facts, _: &Plan) -> Verdict {
    let summary = "the container is not privileged: CAP_SYS_ADMIN and CAP_NET_ADMIN are missing, and a \
                   seccomp filter is on";
    Ok(Finding::new(
        "capabilities",
        severities!(dockerd: Error, kind: Error, rootless: Info, systemd: Warning, buildkit: Error),
        summary,
    )
    .evidence("/proc/self/status", "CapEff 00000000a80425fb")
    .evidence("/proc/self/status", "Seccomp 2")
    .remedy(Remedy::file(
        Place::Container,
        "make the container privileged",
        Snippet::Tree(
            Language::Yaml,
            json!({"spec": {"containers": [{"securityContext": {"privileged": true}}]}}),
        ),
    ))
    .remedy(Remedy::advice(
        Place::Runtime,
        "run the pod under Sysbox, which needs no privilege for this",
    ))
    .into())
}

fn device_nodes(_: &Facts, _: &Plan) -> Verdict {
    Ok(Finding::new("/dev/kmsg", severities!(kind: Warning), "/dev/kmsg is missing")
        .caused_by("privilege-missing")
        .into())
}

fn pid1(_: &Facts, _: &Plan) -> Verdict {
    Ok(Finding::new(
        "PID 1",
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Info),
        "PID 1 is bash: it ignores SIGTERM",
    )
    .evidence("/proc/1/status", "SigIgn 0000000000004000")
    .remedy(Remedy::file(
        Place::Image,
        "build an init in",
        Snippet::Lines(
            Language::Dockerfile,
            "RUN apk add --no-cache tini\nENTRYPOINT [\"tini\", \"--\"]".into(),
        ),
    ))
    .into())
}

fn stray(_: &Facts, _: &Plan) -> Verdict {
    let path = format!("/kubepods/{HOSTILE}");
    let tree = |n: u32| {
        Finding::new(
            format!("{path}{n}"),
            severities!(dockerd: Info, kind: Error),
            format!("a kubelet in here would kill the pod below {path} ({n})"),
        )
        .evidence(format!("/sys/fs/cgroup{path}"), format!("{n} processes"))
        .rests_on(
            Component::Kubernetes,
            &KnownVersion {
                version: Component::Kubernetes.newest_known(),
                origin: VersionOrigin::Assumed,
            },
        )
        .remedy(Remedy::commands(
            Place::Here,
            "remove the directories of pods that are gone, the deepest first",
            [format!("rmdir {}", quote(&path))],
        ))
        .remedy(Remedy::kind_config(
            "give the kubelet a cgroup root of its own",
            json!({"kubeadmConfigPatches": ["kind: KubeletConfiguration\ncgroupRoot: /kubelet\n"]}),
        ))
    };
    Ok(Outcome::of((1..=5).map(tree).collect()))
}

fn undelegated(_: &Facts, _: &Plan) -> Verdict {
    let summary = "/sys/fs/cgroup is mounted read-only, so that no engine can make cgroups in it";
    Ok(Finding::new(
        "/sys/fs/cgroup",
        severities!(dockerd: Error, kind: Error, rootless: Warning, systemd: Error, buildkit: Info),
        summary,
    )
    .evidence("/proc/self/mountinfo", "/sys/fs/cgroup cgroup2 ro,nosuid")
    .caused_by("privilege-missing")
    .into())
}

fn read_only(_: &Facts, _: &Plan) -> Verdict {
    let about = |path: &str| {
        Finding::new(
            path,
            severities!(dockerd: Warning, kind: Warning, rootless: Info, buildkit: Info),
            format!("{path} is mounted read-only"),
        )
        .evidence("/proc/self/mountinfo", format!("{path} ro"))
        .caused_by("privilege-missing")
    };
    Ok(Outcome::Found(vec![about("/proc/sys"), about("/sys")]))
}

fn masked(_: &Facts, _: &Plan) -> Verdict {
    Ok(Finding::new(
        "/proc",
        severities!(rootless: Error, systemd: Info, buildkit: Error),
        "parts of /proc are masked",
    )
    .caused_by("privilege-missing")
    .into())
}

fn swap(_: &Facts, _: &Plan) -> Verdict {
    Ok(Finding::new("/dev/zram0", severities!(kind: Info), "swap is on").into())
}

fn data_root(_: &Facts, _: &Plan) -> Verdict {
    let summary = "the data root /var/lib/docker is on overlay, on which overlay2 cannot work";
    Ok(Finding::new(
        "/var/lib/docker",
        severities!(dockerd: Warning, kind: Error, rootless: Error, buildkit: Error),
        summary,
    )
    .evidence("statfs: /var/lib/docker", "overlay")
    .remedy(Remedy::file(
        Place::Container,
        "put the data root on a volume",
        Snippet::Tree(
            Language::Toml,
            json!({"runners": {"kubernetes": {"volumes": {"empty_dir": [
                    {"name": "dind", "mount_path": "/var/lib/docker", "medium": null}]}}}}),
        ),
    ))
    .into())
}

fn needs_root(_: &Facts, _: &Plan) -> Verdict {
    Err(Unknown::new("/proc/net/ip_tables_names", Why::NotPermitted))
}

fn own_remedy(_: &Facts, _: &Plan) -> Verdict {
    let unknown = Unknown {
        missing: vec![
            Missing::new("nfnetlink", Why::NotProbed),
            Missing::new(format!("/lib/modules/{HOSTILE}"), Why::Io(5)),
        ],
        remedy: None,
    };
    Err(unknown.with_remedy(Remedy::commands(
        Place::Host,
        "load the module on the host, and run the doctor again",
        ["modprobe nf_tables"],
    )))
}

fn mtu(facts: &Facts, _: &Plan) -> Verdict {
    let link = facts.network.links.get()?.first().map(|l| l.name.to_string()).unwrap_or_default();
    Ok(Finding::new(
        "docker0",
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
        format!("docker0 will have MTU 1500, the path through {link} only 1430"),
    )
    .evidence("daemon.json", "no mtu: 1500")
    .evidence("route to 1.1.1.1", "mtu 1430")
    .remedy(Remedy::file(
        Place::Runtime,
        "tell the daemon, and restart it",
        Snippet::Tree(
            Language::Json,
            json!({"mtu": 1430, "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1430"}}}),
        ),
    ))
    .remedy(Remedy::commands(Place::Here, "or as arguments", ["dockerd --mtu=1430"]))
    .into())
}

fn crash(_: &Facts, _: &Plan) -> Verdict {
    panic!("no prefix in {HOSTILE}");
}

fn not_applicable(_: &Facts, _: &Plan) -> Verdict {
    Ok(Outcome::not_applicable("docker is older than 29"))
}

fn ipv6(_: &Facts, _: &Plan) -> Verdict {
    let mut finding = Finding::new(
        "IPv6",
        severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
        "there is no IPv6 route to the outside",
    );
    finding.evidence = vec![Evidence::new("rtnetlink", "no default route")];
    Ok(finding.into())
}
