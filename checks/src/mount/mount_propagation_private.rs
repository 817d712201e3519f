use alloc::{format, string::ToString, vec, vec::Vec};

use crate::{
    facts::{Capability, DataRootOwner, Facts, Missing, Mount, MountTable, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// The optional fields of the lines for `/`, and for a mount that holds `/var/lib/kubelet`, in
    /// `/proc/self/mountinfo`: a shared mount has `shared:N` there.
    ///
    /// ## Why it matters
    /// Mounts made by kubelet or a CSI driver reach other mount namespaces only through shared mounts.
    /// Engines give containers a private or slave `/`. A kubelet, k3s or rke2 started right in there
    /// fails with `is mounted on "/" but it is not a shared or slave mount`, or pods see empty volumes;
    /// so does `docker run -v /x:/x:rshared` below a nested dockerd.
    ///
    /// ## When it is fine
    /// The entrypoints of docker:dind (`hack/dind`) and of kind's node image make `/` shared before they
    /// start anything; k3d's only with `K3D_FIX_MOUNTS=1`. Ordinary containers and volumes below a nested dockerd do not need
    /// propagation at all, so without a kubelet here it is only worth knowing. A host's `/` is systemd's
    /// business.
    ///
    /// ## How to fix
    /// `mount --make-rshared /` (needs CAP_SYS_ADMIN) in the entrypoint, before the daemon starts.
    ///
    /// ## References
    /// `mount_namespaces(7)`, `proc_pid_mountinfo(5)`, kernel `Documentation/filesystems/sharedsubtree.rst`.
    "mount-propagation-private",
    "The root mount is not shared: mounts do not propagate",
    { dockerd: Info, kind: Warning, podman: Warning },
    [
        "but it is not a shared or slave mount",
        "but it is not a shared mount",
        "is not a shared mount, this could cause issues",
    ]
}

/// Entrypoints that run `mount --make-rshared /`: docker:dind's (through `dind`), `hack/dind`, kind's.
const SHARING_ENTRYPOINTS: [&str; 3] =
    ["/usr/local/bin/dockerd-entrypoint.sh", "/usr/local/bin/dind", "/usr/local/bin/entrypoint"];

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if !facts.in_container()? && plan.is_rootless_podman() {
        return rootless_podman(facts);
    }
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: its init set propagation up"));
    }
    let table = facts.mounts.get()?;
    let closed: Vec<&Mount> = relevant(facts, table)?
        .into_iter()
        .filter(|mount| mount.propagation.shared.is_none())
        .collect();
    if closed.is_empty() {
        return Ok(Outcome::pass());
    }
    let kubelet = running_kubelet(facts);
    // A kubelet that runs on a private mount proves that no entrypoint prepared it.
    if kubelet.is_none() {
        let entrypoints = facts.engines.preparing_entrypoints.get()?;
        if entrypoints.iter().any(|e| SHARING_ENTRYPOINTS.contains(&e.as_str())) {
            return Ok(Outcome::pass());
        }
    }
    // A kubelet that is not seen would make it worse.
    let mut missing: Vec<Missing> = Vec::new();
    for root in facts.storage.of(DataRootOwner::Kubelet) {
        let told = facts.told_of_roots(&root.resolved);
        missing.extend(told.err().into_iter().flat_map(|unknown| unknown.missing));
    }
    missing.extend(facts.engines.running.told().err().into_iter().flat_map(|u| u.missing));
    let here =
        kubelet.is_some() || facts.storage.of(DataRootOwner::Kubelet).any(|root| root.exists);
    let findings = closed.into_iter().map(|mount| finding(facts, mount, here)).collect();
    Outcome::settled(findings, missing, Outcome::pass)
}

/// podman that a user runs says so itself: "/" is not a shared mount. Its containers run; what is mounted later does
/// not reach them.
fn rootless_podman(facts: &Facts) -> Verdict {
    let table = facts.mounts.get()?;
    let root =
        table.at("/").ok_or_else(|| Unknown::new("/proc/self/mountinfo: /", Why::NotFound))?;
    if root.propagation.shared.is_some() {
        return Ok(Outcome::pass());
    }
    let propagation = root.propagation.name();
    let summary =
        format!("/ is a {propagation} mount: what is mounted later does not reach containers");
    let finding = Finding::new("/", severities!(podman: Warning), summary)
        .evidence("/proc/self/mountinfo: /", propagation)
        .remedy(Remedy::tasks(
            Place::Host,
            "make it shared as root, at each start of the system (on WSL: command= below [boot] in wsl.conf)",
            [Task::Propagation { target: "/".into(), bind: false }],
        ));
    Ok(finding.into())
}

/// The mount at `/`, and the one that holds kubelet's directory if that is another.
fn relevant<'a>(facts: &Facts, table: &'a MountTable) -> Result<Vec<&'a Mount>, Unknown> {
    let root =
        table.at("/").ok_or_else(|| Unknown::new("/proc/self/mountinfo: /", Why::NotFound))?;
    let mut mounts = vec![root];
    for data_root in facts.storage.of(DataRootOwner::Kubelet) {
        let path = data_root.resolved.known().unwrap_or(&data_root.path);
        mounts.extend(table.holding(path).filter(|m| m.mount_point != "/"));
    }
    Ok(mounts)
}

fn running_kubelet(facts: &Facts) -> Option<u32> {
    ["kubelet", "k3s", "k3s-server", "rke2"].into_iter().find_map(|name| {
        let mut engines = facts.engines.named(name);
        engines.find(|e| e.same_mount_namespace == Some(true)).map(|e| e.pid)
    })
}

fn finding(facts: &Facts, mount: &Mount, kubelet_here: bool) -> Finding {
    let place = &mount.mount_point;
    let propagation = mount.propagation.name();
    let severity = if kubelet_here {
        severities!(dockerd: Info, kind: Warning)
    } else {
        severities!(dockerd: Info, kind: Info)
    };
    let shared = Task::Propagation { target: place.to_string(), bind: false };
    let mut finding = Finding::new(
        place.as_str(),
        severity,
        format!("{place} is a {propagation} mount: mounts made below it do not propagate"),
    )
    .evidence(format!("/proc/self/mountinfo: {place}"), propagation);
    let allowed = &facts.capabilities.effective;
    if allowed.is_known_and(|set| !set.has(Capability::SYS_ADMIN)) {
        finding = finding.caused_by("privilege-missing");
    } else {
        finding = finding.remedy(Remedy::tasks(
            Place::Here,
            format!("make {place} and what is below it shared, before the daemon starts"),
            [shared.clone()],
        ));
    }
    // ENTRYPOINT would replace the image's own and reset its CMD.
    finding.remedy(Remedy::tasks(
        Place::Image,
        "put it into the image's entrypoint, before the daemon is started; it needs CAP_SYS_ADMIN",
        [shared],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, EngineProcess, Fact, Propagation},
        target::{Severity, Target},
        testing::{healthy_container, healthy_vm, mount},
    };

    /// A container whose `/` is private, without kubelet's directory.
    fn private_root() -> Facts {
        let mut facts = healthy_container();
        set_root(&mut facts, Propagation::default());
        facts.storage.data_roots.retain(|root| root.owner != DataRootOwner::Kubelet);
        facts
    }

    fn set_root(facts: &mut Facts, propagation: Propagation) {
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        table.rows[0].propagation = propagation;
    }

    fn with_kubelet(mut facts: Facts) -> Facts {
        facts.engines.running = Fact::Known(vec![EngineProcess {
            name: "kubelet".into(),
            pid: 30,
            arguments: Fact::Known(vec![]),
            same_mount_namespace: Some(true),
        }]);
        facts
    }

    fn findings(facts: &Facts) -> Vec<Finding> {
        match judged(facts) {
            Ok(Outcome::Found(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn podman_of_a_user_warns_on_a_machine_whose_root_is_private() {
        let mut facts = healthy_vm();
        facts.identity.euid = Fact::Known(1000);
        let said = |facts: &Facts| crate::testing::said_of(&CHECK, facts, Target::Podman);
        assert_eq!(said(&facts), Ok(Outcome::pass()));
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        table.rows.iter_mut().find(|row| row.mount_point == "/").unwrap().propagation =
            Propagation::default();
        let Ok(Outcome::Found(found)) = said(&facts) else { panic!("{:?}", said(&facts)) };
        assert_eq!(found[0].severity, severities!(podman: Warning));
        facts.identity.euid = Fact::Known(0);
        assert!(matches!(said(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_private_root_matters_where_a_kubelet_runs() {
        let found = findings(&with_kubelet(private_root()));
        assert_eq!(found[0].severity, severities!(dockerd: Info, kind: Warning));
        let mut prepared = healthy_container();
        set_root(&mut prepared, Propagation::default());
        assert_eq!(
            findings(&prepared)[0].severity,
            severities!(dockerd: Info, kind: Warning),
            "kubelet's directory exists"
        );
    }

    #[test]
    fn without_a_kubelet_here_it_is_only_worth_knowing() {
        let found = findings(&private_root());
        assert_eq!(found[0].severity.worst(&Target::ALL), Some(Severity::Info));
        assert_eq!(found[0].remedies[0].place, Place::Here);
    }

    #[test]
    fn a_slave_is_not_shared_either() {
        let mut facts = private_root();
        set_root(&mut facts, Propagation { master: Some(4), ..Propagation::default() });
        assert!(findings(&facts)[0].summary.contains("slave"));
        set_root(&mut facts, Propagation { master: Some(4), shared: Some(9), unbindable: false });
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_private_mount_below_kubelet_is_found_though_the_root_is_shared() {
        let mut facts = healthy_container();
        let Fact::Known(table) = &mut facts.mounts else { panic!() };
        table.rows.push(mount("/var/lib/kubelet", "ext4", &["rw"]));
        assert_eq!(findings(&facts)[0].subject, "/var/lib/kubelet");
    }

    #[test]
    fn entrypoints_that_share_it_themselves_pass_until_a_kubelet_runs() {
        let mut facts = private_root();
        facts.engines.preparing_entrypoints = Fact::Known(vec!["/usr/local/bin/dind".into()]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        assert!(!findings(&with_kubelet(facts)).is_empty());
    }

    #[test]
    fn a_shared_root_passes_and_a_vm_is_not_judged() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_cap_sys_admin_the_missing_privilege_is_the_cause() {
        let mut facts = private_root();
        facts.capabilities.effective = Fact::Known(CapabilitySet::default());
        assert_eq!(findings(&facts)[0].caused_by, ["privilege-missing"]);
    }

    #[test]
    fn without_mounts_or_entrypoints_it_is_unknown() {
        let mut facts = private_root();
        facts.engines.preparing_entrypoints = Fact::missing("/usr/local/bin", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
