use alloc::{
    format,
    string::{String, ToString},
};

use super::{
    data_roots::{self, Defect},
    driver,
    tried::{self, mounted},
};
use crate::{
    facts::{Action, DataRoot, DataRootOwner, Facts, IN_USER_NAMESPACE, Sandbox, TrialName, Why},
    outcome::{Outcome, Proof, Source, Unknown, Verdict},
    plan::Plan,
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// In a user namespace, or as a user other than root: the release of the kernel,
    /// `/sys/module/overlay/parameters/permit_mounts_in_userns`, whether it is Ubuntu's kernel
    /// (`/proc/version_signature`), and whether SELinux is on. With `--active` overlays are mounted and used in
    /// a user namespace.
    ///
    /// ## Why it matters
    /// overlayfs keeps its marks in `trusted.*` attributes, which a user namespace may not write. Linux
    /// 5.11 brought `userxattr`, which keeps them in `user.*`; before, overlays there are refused (EPERM).
    /// Debian 10 and 11 have a parameter that lets the mount succeed all the same, and then `rm -rf`,
    /// `mkdir` and renames of directories from lower layers fail with `Input/output error`. With SELinux it
    /// works from 5.13 on.
    ///
    /// ## When it is fine
    /// As root of the machine. From Linux 5.13 on: Docker, containerd, podman and BuildKit add `userxattr`
    /// themselves. On Ubuntu's kernels, which permit the `trusted.*` attributes of overlays. Where an engine
    /// uses fuse-overlayfs. That a mount succeeds proves nothing.
    ///
    /// ## How to fix
    /// A kernel of 5.13 or later; until then fuse-overlayfs with `/dev/fuse`, and Debian's parameter off.
    ///
    /// ## References
    /// Kernel `Documentation/filesystems/overlayfs.rst` (userxattr);
    /// <https://rootlesscontaine.rs/how-it-works/overlayfs/>; kind's `entrypoint`.
    "userns-overlay-without-userxattr",
    "Overlays do not work in user namespaces on this kernel",
    { kind: Warning, rootless: Error, buildkit: Error },
    ["failed to mount overlay: operation not permitted"],
    trials: [Overlay]
}

/// What overlayfs does in a user namespace here.
#[derive(Clone, Copy)]
enum Overlay {
    Works,
    /// The mount is refused.
    Refused,
    /// The mount succeeds, and then operations fail.
    Broken,
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if facts.is_root()? && !facts.in_private_users()? {
        return Ok(Outcome::not_applicable("root outside of any user namespace"));
    }
    // Its 4.4.0 is a name: measured, overlays in its user namespaces mount, and whiteouts work.
    if facts.sandbox()? == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor has overlays of its own"));
    }
    let tried = tried(facts);
    let (overlay, reason) = match &tried {
        Some(tried) => (tried.overlay, tried.reason.clone()),
        None => overlay(facts)?,
    };
    if matches!(overlay, Overlay::Works) {
        return Ok(Outcome::Pass(if tried.is_some() { Proof::Trial } else { Proof::Static }));
    }
    let (groups, missing) =
        data_roots::affected(facts, plan, |root, _| defect(facts, root, overlay, &reason))?;
    let findings = groups.iter().map(|group| {
        let fuse = driver::fuse_overlayfs(facts);
        let mut finding = group.finding("in a user namespace");
        // Another volume would be on the same kernel.
        finding.remedies.clear();
        if let Some(Tried { evidence: Some((source, value)), .. }) = &tried {
            finding = finding.evidence(source.clone(), value.as_str());
        }
        if let Some(release) = facts.kernel.release.known() {
            finding = finding.evidence("uname", release.as_str());
        }
        if let Some(permitted) = facts.storage.permit_mounts_in_userns.known().copied().flatten() {
            finding = finding.evidence(PARAMETER, if permitted { "Y" } else { "N" });
        }
        remedies::all(matches!(overlay, Overlay::Broken), fuse)
            .into_iter()
            .fold(driver::finish(facts, group, fuse, finding), crate::outcome::Finding::remedy)
    });
    Outcome::settled(findings.collect(), missing, Outcome::pass)
}

const EPERM: i32 = 1;

const PARAMETER: &str = "/sys/module/overlay/parameters/permit_mounts_in_userns";

/// What the trial of overlays in a user namespace says.
struct Tried {
    overlay: Overlay,
    reason: String,
    /// The step that failed, and how.
    evidence: Option<(Source, String)>,
}

/// The first trial that tells: where the file system carries no overlay, none does.
fn tried(facts: &Facts) -> Option<Tried> {
    facts.trials.runs.iter().filter(|trial| trial.name == TrialName::Overlay).find_map(|trial| {
        let (trial, step) = match mounted(trial, IN_USER_NAMESPACE)? {
            tried::Tried::Works => {
                return Some(Tried {
                    overlay: Overlay::Works,
                    reason: String::new(),
                    evidence: None,
                });
            }
            tried::Tried::Fails(trial, step) => (trial, step),
        };
        let (overlay, reason) = match (step.action, step.errno()) {
            (Action::MountOverlay, Some(EPERM)) => {
                (Overlay::Refused, "this kernel refuses overlays in user namespaces".into())
            }
            (Action::MountOverlay, _) => return None,
            (action, _) => (
                Overlay::Broken,
                format!("overlays can be mounted, and then fails: {}", action.words()),
            ),
        };
        Some(Tried { overlay, reason, evidence: Some((trial.source(step), step.to_string())) })
    })
}

/// From the oldest kernel to the newest; `reason` is for the summary.
fn overlay(facts: &Facts) -> Result<(Overlay, String), Unknown> {
    let version = *facts.kernel.version.get()?;
    if version.at_least(5, 13) {
        return Ok((Overlay::Works, String::new()));
    }
    if version.at_least(5, 11) {
        let selinux = *facts.security.selinux_mounted.get()?;
        let overlay = if selinux { Overlay::Refused } else { Overlay::Works };
        return Ok((overlay, format!("Linux {version} with SELinux refuses overlays")));
    }
    if facts.kernel.ubuntu_signature.get()?.is_some() {
        return Ok((Overlay::Works, String::new()));
    }
    let release = facts.kernel.release.known().map_or("", |release| release.as_str());
    if release.contains(".el8") {
        // Red Hat brought it into 4.18 in the course of RHEL 8.
        return Err(Unknown::new("overlay in a user namespace on RHEL 8", Why::NotProbed));
    }
    Ok(match facts.storage.permit_mounts_in_userns.get()? {
        Some(true) => (
            Overlay::Broken,
            format!("Linux {version} mounts overlays without userxattr, and rm -rf fails in them"),
        ),
        Some(false) | None => (Overlay::Refused, format!("Linux {version} refuses overlays")),
    })
}

fn defect(
    facts: &Facts,
    root: &DataRoot,
    overlay: Overlay,
    reason: &str,
) -> Result<Option<Defect>, Unknown> {
    let target = match root.owner {
        DataRootOwner::Podman | DataRootOwner::RootlessDocker => Target::Rootless,
        DataRootOwner::Buildkit | DataRootOwner::RootlessBuildkit => Target::Buildkit,
        // A rootful daemon in a user namespace probes its drivers itself; the containerd of kind's nodes does not.
        DataRootOwner::Docker if facts.identity.namespaces.user_is_private().is_yes() => {
            let severity = severities!(kind: Warning);
            return Ok(Some(Defect { severity, consequence: reason.into() }));
        }
        _ => return Ok(None),
    };
    if matches!(overlay, Overlay::Broken) {
        let severity = Severities::NONE.with(target, Some(Severity::Error));
        return Ok(Some(Defect { severity, consequence: reason.into() }));
    }
    let without = driver::without_overlayfs(facts, root, driver::fuse_overlayfs(facts))?;
    Ok(Some(Defect { consequence: format!("{reason}; {}", without.consequence), ..without }))
}

mod remedies {
    use alloc::{vec, vec::Vec};

    use crate::{
        facts::Tri,
        remedy::{ContainerSetting, Place, Remedy, Task},
    };

    pub(super) fn all(broken: bool, fuse: Tri) -> Vec<Remedy> {
        let mut all = vec![Remedy::advice(
            Place::Host,
            "boot a kernel of 5.13 or later, where engines mount with userxattr by themselves",
        )];
        if fuse != Tri::Yes {
            all.push(Remedy::container(
                "install fuse-overlayfs in the image, and give the container its device",
                [ContainerSetting::Device("/dev/fuse".into())],
            ));
        }
        if broken {
            all.push(Remedy::tasks(
                Place::Host,
                "let such mounts fail, so that engines choose fuse-overlayfs",
                [Task::Write {
                    path: "/sys/module/overlay/parameters/permit_mounts_in_userns".into(),
                    value: "N".into(),
                }],
            ));
        }
        all
    }
}

#[cfg(test)]
mod tests;
