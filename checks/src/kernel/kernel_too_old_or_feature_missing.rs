use alloc::{format, string::String, vec::Vec};

use super::{is_unknown, overlay_in_userns, overlay_tried};
use crate::{
    facts::{
        CgroupVersion, Device, Fact, Facts, IN_USER_NAMESPACE, Missing, Namespace, Sandbox, Tri,
        Why,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Target,
    version::Component,
};

check! {
    /// ## What it looks at
    /// Which namespaces the kernel has (`/proc/self/ns`), whether it has overlayfs or can load it
    /// (`/proc/filesystems`), and the release, where only the release tells. With `--active` the overlays
    /// that are mounted beside the data roots tell whether the kernel has them, and whether users may.
    ///
    /// ## Why it matters
    /// A container is namespaces and an overlay: a kernel that was built without one of them runs none.
    /// cgroup v2 is usable from 5.2 on, when the freezer came, and good from 5.8 on. Ordinary users may
    /// mount overlays from 5.11 on; before, rootless engines need fuse-overlayfs or copy whole layers.
    ///
    /// ## When it is fine
    /// Distributions backport: RHEL 8's 4.18 has overlays in user namespaces, and so has every Ubuntu. A
    /// release number is context, so that nothing but information rests on it where the feature itself can
    /// be seen. gVisor's release number means nothing.
    ///
    /// ## How to fix
    /// A newer kernel, or one with the options `CONFIG_OVERLAY_FS`, `CONFIG_PID_NS`, `CONFIG_NET_NS`, …
    /// (moby's `check-config.sh` lists them).
    ///
    /// ## References
    /// <https://github.com/moby/moby/blob/master/contrib/check-config.sh>, kernel
    /// `Documentation/filesystems/overlayfs.rst`, `cgroups(7)`, `namespaces(7)`.
    "kernel-too-old-or-feature-missing",
    "The kernel is too old or lacks a feature",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    [
        "modprobe: FATAL: Module overlay not found",
        "overlay: No such device",
        "unknown filesystem type 'overlay'",
    ],
    trials: [Overlay]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if facts.sandbox()? == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor is its own kernel: see sandboxed-kernel"));
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    findings.extend(namespaces(facts));
    for judged in [overlay(facts), freezer(facts), overlay_for_users(facts)] {
        match judged {
            Ok(found) => findings.extend(found),
            Err(unknown) => missing.extend(unknown.missing),
        }
    }
    let own = &facts.identity.namespaces;
    let others = [&own.mnt, &own.ipc, &own.net, &own.pid, &own.uts];
    missing.extend(
        others.iter().filter_map(|namespace| namespace.told().err()).flat_map(|u| u.missing),
    );
    if findings.is_empty() && missing.is_empty() {
        facts.identity.namespaces.pid.get()?;
        if overlay_tried(facts, None).is_some_and(|(_, step)| step.refused.is_none()) {
            return Ok(Outcome::proved());
        }
        facts.kernel.version.get()?;
        if *facts.kernel.modules_loadable.get()? {
            return Ok(Outcome::pass());
        }
        facts.kernel.filesystems.get()?;
    }
    Outcome::settled(findings, missing, Outcome::pass)
}

fn newer(text: &str) -> Remedy {
    Remedy::advice(Place::Host, text)
}

/// Namespaces that every container has. The user namespace is for `userns-blocked`, the cgroup namespace
/// for the checks of cgroups.
fn namespaces(facts: &Facts) -> Option<Finding> {
    let own = &facts.identity.namespaces;
    own.mnt.known()?;
    let all: [(&str, &Fact<Namespace>); 4] =
        [("ipc", &own.ipc), ("net", &own.net), ("pid", &own.pid), ("uts", &own.uts)];
    let lacking: Vec<&str> = all
        .into_iter()
        .filter(|(_, namespace)| namespace.why() == Some(Why::NotFound))
        .map(|(name, _)| name)
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let names = lacking.join(", ");
    Some(
        Finding::new(
            "namespaces",
            CHECK.worst,
            format!("the kernel was built without namespaces: {names}; no container starts"),
        )
        .evidence("/proc/self/ns", format!("no {names}"))
        .remedy(newer("use a kernel with CONFIG_NAMESPACES and CONFIG_{IPC,NET,PID,UTS}_NS")),
    )
}

/// Certain only where nothing can be loaded, or where it was tried.
fn overlay(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    match overlay_tried(facts, None) {
        Some((_, step)) if step.refused.is_none() => return Ok(None),
        // It would have been loaded, if it were anywhere.
        Some((trial, step)) if is_unknown(step) => {
            let summary = "the kernel has no overlayfs, and did not load it when it was asked for";
            return Ok(Some(no_overlay(facts, summary.into())?.tried(trial, step)));
        }
        _ => {}
    }
    let Some(known) = facts.kernel.filesystems.told()? else { return Ok(None) };
    let absent = !known.is_empty() && !known.iter().any(|name| name == "overlay");
    if !absent || facts.kernel.modules_loadable.told()? != Some(&false) {
        return Ok(None);
    }
    let fuse = known.iter().any(|name| name == "fuse");
    let but = if fuse { "" } else { ", nor fuse" };
    let summary = format!("the kernel has no overlayfs{but}, and loads no modules");
    Ok(Some(
        no_overlay(facts, summary)?
            .evidence("/proc/filesystems", "no overlay")
            .evidence("/proc/modules", "no module can be loaded"),
    ))
}

/// Rootless engines have fuse-overlayfs, BuildKit copies.
fn no_overlay(facts: &Facts, summary: String) -> Result<Finding, Unknown> {
    let docker = facts.versions.sure(Component::Docker)?;
    // The containerd image store, the default from 29 on, has no fall-back.
    let severity = if docker.version.at_least(29, 0) {
        severities!(dockerd: Error, kind: Error, rootless: Warning, buildkit: Warning)
    } else {
        severities!(dockerd: Warning, kind: Error, rootless: Warning, buildkit: Warning)
    };
    Ok(Finding::new("overlayfs", severity, summary)
        .rests_on(Component::Docker, &docker)
        .remedy(newer("use a kernel with CONFIG_OVERLAY_FS")))
}

fn freezer(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let Some(version) = facts.kernel.version.told()? else { return Ok(None) };
    if version.at_least(5, 8) || facts.cgroup.version.told()? != Some(&CgroupVersion::V2) {
        return Ok(None);
    }
    let release = release(facts);
    // RHEL 8 brought the freezer to 4.18.
    let backported = facts.kernel.release.is_known_and(|release| release.contains(".el8"));
    let (severity, summary) = if version.at_least(5, 2) || backported {
        (
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
            format!("cgroup v2 on kernel {release}: 5.8 or later is recommended for it"),
        )
    } else {
        (
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
            format!("cgroup v2 on kernel {release} has no freezer: pause and some kills fail"),
        )
    };
    Ok(Some(
        Finding::new("cgroup v2", severity, summary)
            .evidence("uname", release)
            .remedy(newer("use a kernel from 5.8 on")),
    ))
}

fn overlay_for_users(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let tried = overlay_tried(facts, Some(IN_USER_NAMESPACE));
    let works = tried.is_some_and(|(_, step)| step.refused.is_none());
    if works {
        return Ok(None);
    }
    let kernel = &facts.kernel;
    if kernel.version.told()?.is_some_and(|version| !version.at_least(5, 11)) {
        kernel.build.told()?;
        facts.storage.permit_mounts_in_userns.told()?;
    }
    if !overlay_in_userns(facts).is_no() {
        return Ok(None);
    }
    let release = release(facts);
    let fuse = crate::storage::fuse_overlayfs(facts);
    if fuse == Tri::Unknown {
        facts.storage.fuse_overlayfs.told()?;
        facts.security.device(Device::Fuse).map_or(Ok(None), |node| node.usable.told())?;
    }
    let with_fuse = fuse.is_yes();
    facts.identity.euid.told()?;
    let (severity, consequence) = if with_fuse {
        (severities!(rootless: Info, buildkit: Info), "they use fuse-overlayfs")
    } else {
        (
            severities!(rootless: Warning, buildkit: Warning),
            "without fuse-overlayfs they copy whole layers",
        )
    };
    let mut severity = severity;
    if facts.identity.euid.is_known_and(|uid| *uid == 0) {
        severity = severity.with(Target::Buildkit, None);
    }
    let finding = Finding::new(
        "overlayfs",
        severity,
        format!("kernel {release} has no overlays for rootless engines (5.11): {consequence}"),
    )
    .evidence("uname", release)
    .remedy(newer("use a kernel from 5.13 on, or install fuse-overlayfs and give /dev/fuse"));
    Ok(Some(match tried {
        Some((trial, step)) => finding.tried(trial, step),
        None => finding,
    }))
}

fn release(facts: &Facts) -> String {
    facts.kernel.release.known().map_or_else(String::new, |release| release.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Action, Fact::Known, TrialName},
        target::Severity,
        testing::{healthy_container, healthy_vm, refused_step, tried},
        version::Version,
    };

    fn only(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => {
                assert!(found[0].severity.within(&CHECK.worst));
                found.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    fn on(major: u32, minor: u32, release: &str) -> Facts {
        let mut facts = healthy_container();
        facts.kernel.version = Known(Version::new(major, minor, 0));
        facts.kernel.release = Known(release.into());
        facts
    }

    #[test]
    fn todays_kernels_pass_modular_or_not() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        let mut built_in = healthy_vm();
        built_in.kernel.modules_loadable = Known(false);
        assert_eq!(judged(&built_in), Ok(Outcome::pass()));
    }

    #[test]
    fn a_namespace_that_the_kernel_lacks_is_found() {
        let mut facts = healthy_vm();
        facts.identity.namespaces.pid = Fact::missing("/proc/self/ns/pid", Why::NotFound);
        assert_eq!(only(&facts).severity, CHECK.worst);
    }

    #[test]
    fn overlay_is_missed_only_where_it_cannot_be_loaded() {
        let mut facts = healthy_vm();
        facts.kernel.filesystems = Known(["ext4", "tmpfs"].map(Into::into).into());
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.kernel.modules_loadable = Known(false);
        assert_eq!(only(&facts).severity.get(Target::Kind), Some(Severity::Error));
    }

    #[test]
    fn old_kernels_degrade_what_rests_on_them() {
        assert_eq!(
            judged(&on(5, 10, "5.10.0-30-amd64")).map(|o| matches!(o, Outcome::Found(_))),
            Ok(true)
        );
        let Ok(Outcome::Found(found)) = judged(&on(4, 19, "4.19.0")) else { panic!() };
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Warning));
        assert_eq!(found[1].severity.get(Target::Rootless), Some(Severity::Warning));
    }

    #[test]
    fn backports_count() {
        let rhel = only(&on(4, 18, "4.18.0-513.el8.x86_64"));
        assert_eq!(rhel.severity.get(Target::Dockerd), Some(Severity::Info));
        let mut ubuntu = on(5, 8, "5.8.0-63-generic");
        ubuntu.kernel.build = Known("#71-Ubuntu SMP".into());
        assert_eq!(judged(&ubuntu), Ok(Outcome::pass()));
    }

    #[test]
    fn gvisor_is_not_judged_and_a_missing_release_is_unknown() {
        let mut facts = on(4, 4, "4.4.0");
        facts.runtime.sandbox = Sandbox::Gvisor;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        let mut facts = healthy_container();
        facts.kernel.version = Fact::missing("uname", Why::Malformed);
        assert!(judged(&facts).is_err());
    }

    /// With an overlay that was mounted as root and as a user, or failed so.
    fn mounted(mut facts: Facts, refused: Option<(i32, &str)>) -> Facts {
        let steps = ["", IN_USER_NAMESPACE].map(|scene| (Action::MountOverlay, scene, None));
        tried(&mut facts, TrialName::Overlay, "/var/lib", &steps);
        if let Some((errno, what)) = refused {
            refused_step(&mut facts, TrialName::Overlay, Action::MountOverlay, errno, what);
        }
        facts
    }

    #[test]
    fn a_mounted_overlay_is_proof_whatever_is_read() {
        assert_eq!(judged(&mounted(healthy_vm(), None)), Ok(Outcome::proved()));
        let mut facts = healthy_vm();
        facts.kernel.filesystems = Known(["ext4", "tmpfs"].map(Into::into).into());
        facts.kernel.modules_loadable = Known(false);
        assert_eq!(judged(&mounted(facts, None)), Ok(Outcome::proved()));
        let mut backported = healthy_vm();
        backported.kernel.version = Known(Version::new(5, 8, 0));
        assert_eq!(judged(&mounted(backported, None)), Ok(Outcome::proved()));
    }

    #[test]
    fn an_overlay_that_the_kernel_does_not_know_is_found() {
        let finding = only(&mounted(healthy_vm(), Some((19, "ENODEV"))));
        assert_eq!(
            finding.severity,
            severities!(dockerd: Error, kind: Error, rootless: Warning, buildkit: Warning)
        );
        assert_eq!(finding.evidence[0].source, "trial: mount overlay (/var/lib)");
        let old = only(&mounted(on(5, 8, "5.8.0"), Some((1, "EPERM"))));
        assert_eq!(old.proof(), crate::outcome::Proof::Trial);
    }

    #[test]
    fn without_a_mount_it_is_judged_as_before() {
        assert_eq!(judged(&mounted(healthy_vm(), Some((22, "EINVAL")))), Ok(Outcome::pass()));
        let mut facts = mounted(healthy_vm(), None);
        facts.trials.runs[0].steps.clear();
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }
}
