use alloc::{format, string::String};

use serde_json::json;

use crate::{
    facts::{Capability, Fact, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    privilege::confinement,
    remedy::{ContainerSetting, Language, Place, Remedy, SecurityOption, Snippet},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// The SELinux type of the doctor's own process (`/proc/self/attr/current`), and `/sys/fs/selinux/enforce`
    /// where it is visible.
    ///
    /// ## Why it matters
    /// `container_t`, which every ordinary container gets, may neither mount nor write cgroups, whatever
    /// the capabilities: engines, kubelet and rootless podman inside fail with "Permission denied", and the
    /// denial is in the host's audit log only.
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
    /// container-selinux `container_selinux(8)`; kind#2296;
    /// <https://www.redhat.com/en/blog/podman-inside-container>.
    "selinux-denials",
    "SELinux confines this container",
    { dockerd: Error, kind: Warning, rootless: Error, systemd: Warning, buildkit: Error },
    ["avc: denied {"]
}

const ENFORCE: &str = "/sys/fs/selinux/enforce";

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
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
    let mut severity = CHECK.worst;
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
        assert_eq!(only(&labelled("container_t")).severity, CHECK.worst);
        assert_eq!(only(&labelled("container_init_t")).severity.get(Target::Systemd), None);
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
