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
    Check,
    facts::{Facts, Missing, Why},
    outcome::{Evidence, Finding, Outcome, Unknown, Verdict},
    registry::Area,
    remedy::{Language, Place, Remedy, Snippet, quote},
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
    (Area::Privilege, &check("privilege-missing", "B/B/W/D/B", privilege)),
    (Area::Privilege, &check("dev-nodes-missing", "-/B/B/W/B", device_nodes)),
    (Area::Pid1, &check("pid1-swallows-sigterm", "D/D/D/-/W", pid1)),
    (Area::Cgroup, &check("stray-kubepods-cgroup", "W/B/-/-/-", stray)),
    (Area::Cgroup, &check("cgroup2-not-delegated", "B/B/D/B/W", undelegated)),
    (Area::Mount, &check("sys-or-procsys-readonly", "D/D/W/-/W", read_only)),
    (Area::Mount, &check("proc-masked", "-/-/B/W/B", masked)),
    (Area::Mount, &check("swap-on", "-/W/-/-/-", swap)),
    (Area::Storage, &check("dataroot-on-overlay", "B/B/B/-/B", data_root)),
    (Area::Netfilter, &check("iptables-mixed-backends", "D/D/-/-/D", needs_root)),
    (Area::Netfilter, &check("iptables-backend-unusable", "B/B/B/-/D", needs_root)),
    (Area::Netfilter, &check("netfilter-extension-missing", "B/B/B/-/D", own_remedy)),
    (Area::Netfilter, &check("userns-blocked", "-/-/B/W/B", needs_root)),
    (Area::Network, &check("mtu-bridge-exceeds-path", "D/D/D/-/D", mtu)),
    (Area::Network, &check("subnet-overlap", "D/D/W/-/W", crash)),
    (Area::Network, &check("ip-forward-off", "D/D/-/-/D", |_| Ok(Outcome::pass()))),
    (Area::Network, &check("kind-nft-backend-dns", "-/B/-/-/-", not_applicable)),
    (Area::Network, &check("ipv6-gaps", "W/W/W/-/W", ipv6)),
];

const fn check(id: &'static str, worst: &str, run: fn(&Facts) -> Verdict) -> Check {
    Check {
        id,
        title: "The title of the problem",
        worst: Severities::of(worst),
        logs: &[],
        doc: "",
        run,
    }
}

fn privilege(_: &Facts) -> Verdict {
    let summary = "the container is not privileged: CAP_SYS_ADMIN and CAP_NET_ADMIN are missing, and a \
                   seccomp filter is on";
    Ok(Finding::new("capabilities", Severities::of("B/B/W/D/B"), summary)
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

fn device_nodes(_: &Facts) -> Verdict {
    Ok(Finding::new("/dev/kmsg", Severities::of("-/D/-/-/-"), "/dev/kmsg is missing")
        .caused_by("privilege-missing")
        .into())
}

fn pid1(_: &Facts) -> Verdict {
    Ok(Finding::new("PID 1", Severities::of("D/D/D/-/W"), "PID 1 is bash: it ignores SIGTERM")
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

fn stray(_: &Facts) -> Verdict {
    let path = format!("/kubepods/{HOSTILE}");
    let tree = |n: u32| {
        Finding::new(
            format!("{path}{n}"),
            Severities::of("W/B/-/-/-"),
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

fn undelegated(_: &Facts) -> Verdict {
    let summary = "/sys/fs/cgroup is mounted read-only, so that no engine can make cgroups in it";
    Ok(Finding::new("/sys/fs/cgroup", Severities::of("B/B/D/B/W"), summary)
        .evidence("/proc/self/mountinfo", "/sys/fs/cgroup cgroup2 ro,nosuid")
        .caused_by("privilege-missing")
        .into())
}

fn read_only(_: &Facts) -> Verdict {
    let about = |path: &str| {
        Finding::new(path, Severities::of("D/D/W/-/W"), format!("{path} is mounted read-only"))
            .evidence("/proc/self/mountinfo", format!("{path} ro"))
            .caused_by("privilege-missing")
    };
    Ok(Outcome::Found(vec![about("/proc/sys"), about("/sys")]))
}

fn masked(_: &Facts) -> Verdict {
    Ok(Finding::new("/proc", Severities::of("-/-/B/W/B"), "parts of /proc are masked")
        .caused_by("privilege-missing")
        .into())
}

fn swap(_: &Facts) -> Verdict {
    Ok(Finding::new("/dev/zram0", Severities::of("-/W/-/-/-"), "swap is on").into())
}

fn data_root(_: &Facts) -> Verdict {
    let summary = "the data root /var/lib/docker is on overlay, on which overlay2 cannot work";
    Ok(Finding::new("/var/lib/docker", Severities::of("D/B/B/-/B"), summary)
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

fn needs_root(_: &Facts) -> Verdict {
    Err(Unknown::new("/proc/net/ip_tables_names", Why::NotPermitted))
}

fn own_remedy(_: &Facts) -> Verdict {
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

fn mtu(facts: &Facts) -> Verdict {
    let link = facts.network.links.get()?.first().map(|l| l.name.to_string()).unwrap_or_default();
    Ok(Finding::new(
        "docker0",
        Severities::of("D/D/D/-/D"),
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

fn crash(_: &Facts) -> Verdict {
    panic!("no prefix in {HOSTILE}");
}

fn not_applicable(_: &Facts) -> Verdict {
    Ok(Outcome::not_applicable("docker is older than 29"))
}

fn ipv6(_: &Facts) -> Verdict {
    let mut finding =
        Finding::new("IPv6", Severities::of("W/W/W/-/W"), "there is no IPv6 route to the outside");
    finding.evidence =
        vec![Evidence { source: "rtnetlink".to_owned(), value: "no default route".to_owned() }];
    Ok(finding.into())
}
