use alloc::{format, string::String};

use serde_json::json;

use crate::{
    derived::endpoint,
    facts::{Capability, Fact, Facts, SocketKind, Trial, TrialName},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    privilege::confinement,
    remedy::{ContainerSetting, Language, Place, Remedy, SecurityOption, Snippet},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// The SELinux type of the doctor's own process (`/proc/self/attr/current`), and `/sys/fs/selinux/enforce`
    /// where it is visible. Where the daemon is outside and its socket is mounted here, whether this user may connect to it.
    ///
    /// ## Why it matters
    /// `container_t`, which every ordinary container gets, may neither mount nor write cgroups, whatever
    /// the capabilities: engines, kubelet and rootless podman inside fail with "Permission denied", and the
    /// denial is in the host's audit log only. Nor may it use a socket of the host that is mounted in, root or not:
    /// clients of that daemon (Testcontainers' ryuk, Traefik, Portainer, runners) say "permission denied". A file that was
    /// relabelled for containers (`:z`) may be opened then, and the connection is refused all the same: a warning.
    ///
    /// ## When it is fine
    /// `spc_t` (what `--privileged` gives), `container_engine_t` (made for podman in a container) and the
    /// types of hosts confine no engine. `container_init_t` lets systemd run. In permissive mode denials are
    /// only logged. selinuxfs is mostly hidden from containers: whether the mode is enforcing is then not
    /// known, and the finding is a warning.
    ///
    /// ## How to fix
    /// `--security-opt label=disable`, in a pod `seLinuxOptions: {type: spc_t}`, or for podman inside
    /// `--security-opt label=type:container_engine_t`.
    ///
    /// ## References
    /// container-selinux `container_selinux(8)`; kind#2296; testcontainers-dotnet#1312;
    /// <https://www.redhat.com/en/blog/podman-inside-container>.
    "selinux-denials",
    "SELinux confines this container",
    Both,
    { dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error },
    ["avc: denied {"]
}

const ENFORCE: &str = "/sys/fs/selinux/enforce";

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if let Some(daemon) = plan.elsewhere() {
        let judged_there = format!("the daemon at {} is elsewhere: judged there", daemon.url);
        let found = denied_socket(facts).or_else(|| doubtful_socket(facts)).map(Outcome::from);
        return Ok(found.unwrap_or_else(|| Outcome::not_applicable(judged_there)));
    }
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: engines get types of their own"));
    }
    let security = &facts.security;
    let selinux = security.label.known().is_some_and(|label| label.split(':').count() >= 4);
    if !selinux {
        security.label.get()?;
        return Ok(Outcome::not_applicable("the label is not one of SELinux"));
    }
    let bottlerocket = is_of_bottlerocket(facts);
    let kind = confinement(security).or_else(|| bottlerocket.then(|| "control_t".into()));
    let Some(kind) = kind else { return Ok(Outcome::pass()) };
    if security.selinux_enforcing == Fact::Known(false) {
        return Ok(Outcome::pass());
    }
    let label = security.label.known().map_or("", |label| label.as_str());
    let mut severity = CHECK.worst.at_most_for(&[Target::Kind], Severity::Warning);
    // Bottlerocket cannot be made permissive.
    let enforcing = security.selinux_enforcing == Fact::Known(true) || bottlerocket;
    if !enforcing {
        severity = severity.at_most(Severity::Warning);
    }
    if kind == "container_init_t" {
        severity = severity.with(Target::Systemd, None);
    }
    let mode = if enforcing { "enforcing" } else { "mode not visible" };
    let mut finding = Finding::new(
        kind.as_str(),
        severity,
        format!("SELinux confines the container as {kind} ({mode}): mounts and cgroups are denied"),
    )
    .evidence("/proc/self/attr/current", label);
    finding = match security.selinux_enforcing.known() {
        None if bottlerocket => finding,
        Some(_) => finding.evidence(ENFORCE, "1"),
        None => finding.evidence(ENFORCE, String::from("not visible")),
    };
    if facts.capabilities.bounding.is_known_and(|set| !set.has(Capability::SYS_ADMIN)) {
        finding = finding.caused_by("privilege-missing");
    }
    if bottlerocket {
        return Ok(finding.remedy(super_label()).into());
    }
    Ok(finding
        .remedy(Remedy::container(
            "start the container without SELinux confinement",
            [ContainerSetting::SecurityOption(SecurityOption::LabelDisable)],
        ))
        .into())
}

/// The socket of a daemon outside that the file's own permissions open to this user, and that is refused nevertheless.
pub(crate) fn denied_socket(facts: &Facts) -> Option<Finding> {
    let label = facts.security.label.known().filter(|label| label.split(':').count() >= 4)?;
    let kind = confinement(&facts.security)?;
    if facts.security.selinux_enforcing == Fact::Known(false) || facts.runtime.container.is_no() {
        return None;
    }
    let endpoint = endpoint::effective(facts).ok()?;
    let socket = endpoint::socket(facts, &endpoint)?;
    let permitted = facts.identity.euid.is_known_and(|uid| *uid == 0)
        || socket.gid.known().is_some_and(|gid| {
            facts.identity.egid.known() == Some(gid)
                || facts.identity.groups.is_known_and(|groups| groups.contains(gid))
        });
    let refused = socket.usable.is_known_and(|usable| !usable)
        && socket.kind.is_known_and(|kind| *kind == SocketKind::Socket);
    if !refused || !permitted {
        return None;
    }
    let path = socket.path.as_str();
    Some(
        Finding::new(
            path,
            severities!(dockerd: Error, kind: Error),
            format!("SELinux confines the container as {kind}, which may not connect to {path} of the host"),
        )
        .evidence("/proc/self/attr/current", label.as_str())
        .evidence(format!("faccessat2: {path}"), format!("refused, though it is {}", socket.permissions))
        .remedy(Remedy::container(
            "start the container without SELinux confinement",
            [ContainerSetting::SecurityOption(SecurityOption::LabelDisable)],
        )),
    )
}

/// The file may be written, as after a relabelling (`:z`), and the policy still refuses ordinary containers a connection to
/// what runs outside (`connectto`), which nothing but a try shows.
fn doubtful_socket(facts: &Facts) -> Option<Finding> {
    let label = facts.security.label.known().filter(|label| label.split(':').count() >= 4)?;
    let kind = confinement(&facts.security).filter(|kind| *kind == "container_t")?;
    if facts.security.selinux_enforcing == Fact::Known(false) || facts.runtime.container.is_no() {
        return None;
    }
    let answers = |trial: &Trial| trial.steps.iter().all(|step| step.refused.is_none());
    if facts.trials.complete(TrialName::Api).is_some_and(answers) {
        return None;
    }
    let endpoint = endpoint::effective(facts).ok()?;
    let socket = endpoint::socket(facts, &endpoint)?;
    if !socket.usable.is_known_and(|usable| *usable) {
        return None;
    }
    let path = socket.path.as_str();
    Some(
        Finding::new(
            path,
            severities!(dockerd: Warning, kind: Warning),
            format!("SELinux confines the container as {kind}: its usual policy refuses connections to {path} of the host"),
        )
        .evidence("/proc/self/attr/current", label.as_str())
        .remedy(Remedy::container(
            "if it is refused, start the container without SELinux confinement",
            [ContainerSetting::SecurityOption(SecurityOption::LabelDisable)],
        )),
    )
}

/// Bottlerocket's type for privileged containers, which may not relabel files (its `sepolicy/subject.cil`).
fn is_of_bottlerocket(facts: &Facts) -> bool {
    let label = facts.security.label.known();
    label.and_then(|label| label.split(':').nth(2)).is_some_and(|kind| kind == "control_t")
}

/// containerd drops the label that a pod asks for, if the pod is privileged.
fn super_label() -> Remedy {
    let context = json!({"spec": {"containers": [{"name": "dind", "securityContext": {
        "seLinuxOptions": {"user": "system_u", "role": "system_r", "type": "super_t", "level": "s0"},
        "capabilities": {"add": ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_RESOURCE", "MKNOD"]},
    }}]}});
    Remedy::file(
        Place::Container,
        "ask for Bottlerocket's label super_t, and for capabilities one by one in place of privileged, with which \
         the label is dropped",
        Snippet::Tree(Language::Yaml, context),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn labelled(kind: &str) -> Facts {
        let mut facts = healthy_container();
        facts.security.label = Known(format!("system_u:system_r:{kind}:s0:c1,c2").into());
        facts.security.selinux_enforcing = Known(true);
        facts
    }

    fn only(facts: &Facts) -> Finding {
        let Ok(Outcome::Found(mut found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
        assert!(found[0].severity.within(&CHECK.worst));
        found.remove(0)
    }

    #[test]
    fn an_ordinary_container_is_confined() {
        let found = only(&labelled("container_t"));
        assert_eq!(found.severity, CHECK.worst.kind(Severity::Warning));
        assert_eq!(only(&labelled("container_init_t")).severity.get(Target::Systemd), None);
    }

    /// With the socket of a daemon outside.
    fn with_socket(mut facts: Facts, usable: bool) -> Facts {
        facts.clients.sockets[0] = crate::facts::EngineSocket {
            kind: Known(SocketKind::Socket),
            permissions: "srw-rw---- 0:980".into(),
            gid: Known(980),
            usable: Known(usable),
            is_mount_point: true,
            ..crate::testing::socket("/var/run/docker.sock")
        };
        facts
    }

    #[test]
    fn a_socket_of_the_host_is_out_of_reach() {
        use crate::testing::{said_of, severity_for};
        let facts = with_socket(labelled("container_t"), false);
        for target in [Target::Kind, Target::Docker] {
            let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, target) else { panic!() };
            assert!(found[0].summary.contains("/var/run/docker.sock"));
        }
        assert_eq!(severity_for(&CHECK, &facts, Target::Kind), Some(Severity::Error));
        let judged_there = |facts: &Facts| {
            matches!(said_of(&CHECK, facts, Target::Docker), Ok(Outcome::NotApplicable(_)))
        };
        let usable = with_socket(labelled("container_t"), true);
        assert_eq!(severity_for(&CHECK, &usable, Target::Kind), Some(Severity::Warning));
        let mut answered = usable;
        crate::testing::tried(&mut answered, TrialName::Api, "unix:///var/run/docker.sock", &[]);
        assert!(judged_there(&answered));
        assert!(judged_there(&with_socket(labelled("spc_t"), false)));
        assert!(judged_there(&with_socket(healthy_container(), false)));
        let mut permissive = facts.clone();
        permissive.security.selinux_enforcing = Known(false);
        assert!(judged_there(&permissive));
        // Who is not in its group is refused by the file's own permissions.
        let mut user = facts.clone();
        user.identity.euid = Known(1000);
        assert!(judged_there(&user));
        user.identity.groups = Known(alloc::vec![980]);
        assert!(!judged_there(&user));
        let mut unread = facts;
        unread.security.label = Fact::missing("/proc/self/attr/current", Why::NotPermitted);
        assert!(judged_there(&unread));
    }

    #[test]
    fn a_mode_that_is_not_visible_makes_a_warning_and_permissive_none() {
        let mut facts = labelled("container_t");
        facts.security.selinux_enforcing = Fact::missing(ENFORCE, Why::NotFound);
        assert_eq!(only(&facts).severity.get(Target::Dockerd), Some(Severity::Warning));
        facts.security.selinux_enforcing = Known(false);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn bottlerocket_confines_privileged_containers_too() {
        let found = only(&labelled("control_t"));
        assert_eq!(found.severity.get(Target::Dockerd), Some(Severity::Error));
        assert!(format!("{:?}", found.remedies).contains("seLinuxOptions"));
        assert_eq!(judged(&labelled("super_t")), Ok(Outcome::pass()));
    }

    #[test]
    fn types_for_engines_pass() {
        for kind in ["spc_t", "container_engine_t", "unconfined_t"] {
            assert_eq!(judged(&labelled(kind)), Ok(Outcome::pass()), "{kind}");
        }
    }

    #[test]
    fn hosts_and_other_labels_are_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_a_label_it_is_unknown() {
        let mut facts = healthy_container();
        facts.security.label = Fact::missing("/proc/self/attr/current", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
