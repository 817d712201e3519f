//! What a successful rehearsal says against rules: the real thing is right.

use dind_doctor_checks::{
    facts::{Facts, Rehearsed},
    outcome::{Evidence, Origin, Outcome, Proof, Source, Verdict},
    plan::{Place, Plan, Plans},
    target::{Severity, Target},
};

use super::CheckReport;

/// Checks whose errors say that an engine does not start or that no container runs in it. The others are about what a
/// rehearsal does not have: the network namespace, what is in the data root, what runs for longer than seconds.
const REFUTED: &[&str] = &[
    "sandboxed-kernel",
    "kernel-too-old-or-feature-missing",
    "kernel-modules-unloadable",
    "bpf-device-filter",
    "privilege-missing",
    "unexpected-capabilities",
    "dev-nodes-missing",
    "subid-mapping-broken",
    "seccomp-filter-blocks",
    "apparmor-profile-load",
    "runc-apparmor-sysctl",
    "selinux-denials",
    "userns-blocked",
    "cgroup-hybrid-named-systemd",
    "cgroup-v1-end-of-life",
    "cgroup-v1-no-namespace",
    "cgroup2-internal-process",
    "cgroup2-not-delegated",
    "cgroupns-mount-mismatch",
    "engine-too-old-for-cgroup2",
    "host-cgroupns-on-v2",
    "proc-masked",
    "root-on-initramfs",
    "sys-or-procsys-readonly",
    "run-tmp-hygiene",
    "dataroot-on-overlay",
    "storage-fs-unsupported",
    "userns-overlay-without-userxattr",
    "image-store-nested-snapshotter",
    "iptables-backend-unusable",
    "iptables-mixed-backends",
    "netfilter-extension-missing",
    "overcommit-strict",
    "containerd-erofs-tools-missing",
    "runc-new-mount-api-under-sysbox",
    "runc-procfs-overmounted",
    "runtime-namespace-features",
    "keyring-quota",
    "rlimit-raise-denied",
];

/// What such evidence says.
const REFUTED_BY: &str = "refuted by";

/// Ids of the checks whose findings the rehearsal of this engine refutes.
pub(super) fn refuted_by(checks: &[CheckReport], engine: &str) -> Vec<&'static str> {
    let source = Source::rehearsal(REFUTED_BY);
    let is_it = |e: &Evidence| {
        e.origin == Origin::Rehearsal && e.source == *source && e.value.starts_with(engine)
    };
    let refuted =
        |check: &&CheckReport| check.findings.iter().any(|f| f.evidence.iter().any(is_it));
    checks.iter().filter(refuted).map(|check| check.id).collect()
}

/// The rehearsal that proves this plan's engine. A node of kind is more than a container of its engine, and an engine
/// that runs already, or elsewhere, was not rehearsed.
fn proof_of<'a>(facts: &'a Facts, plan: &Plan) -> Option<&'a Rehearsed> {
    let is_it = plan.provider.is_none() && matches!(plan.place, Place::Here { running: None });
    facts.trials.rehearsed(plan.engine()).filter(|_| is_it)
}

/// The verdict as it counts: what a container that ran refutes is only worth knowing, and what could not be judged is
/// known.
pub(super) fn refuted(id: &str, facts: &Facts, plan: &Plan, verdict: Verdict) -> Verdict {
    let Some(rehearsed) = proof_of(facts, plan).filter(|_| REFUTED.contains(&id)) else {
        return verdict;
    };
    match verdict {
        Ok(Outcome::Found(mut findings)) => {
            for finding in &mut findings {
                // A remedy of before is of no use, but the reason is.
                if plan.severity(&finding.severity) == Some(Severity::Error) {
                    finding.severity = finding.severity.with(plan.target, Some(Severity::Info));
                    *finding = finding
                        .clone()
                        .evidence(Source::rehearsal(REFUTED_BY), words(plan.engine(), rehearsed));
                }
                finding.missing.clear();
            }
            Ok(Outcome::Found(findings))
        }
        Ok(Outcome::Pass(_)) | Err(_) => Ok(Outcome::Pass(Proof::Rehearsal)),
        Ok(other) => Ok(other),
    }
}

/// `dockerd 20.10.24 ran a container, 4.1 s`, for the targets that a rehearsal proves.
pub(super) fn told(facts: &Facts, plans: &Plans, target: Target) -> Option<String> {
    let plan = plans.get(target)?;
    Some(words(plan.engine(), proof_of(facts, plan)?))
}

fn words(engine: &str, rehearsed: &Rehearsed) -> String {
    // An engine can say anything.
    let plain = |c: &char| c.is_ascii_alphanumeric() || ".+~-".contains(*c);
    let version: String = rehearsed.version.chars().filter(plain).take(40).collect();
    let gap = if version.is_empty() { "" } else { " " };
    let tenths = rehearsed.milliseconds.div_ceil(100);
    format!("{engine}{gap}{version} ran a container, {}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::{
        Layer,
        facts::{Ending, Learned, SeenInside, Trial, TrialName, Why},
        outcome::{Finding, Unknown},
        registry, severities,
    };

    use super::*;

    fn facts() -> Facts {
        let rehearsed = Rehearsed {
            version: "20.10.24".into(),
            milliseconds: 4_040,
            inside: Some(SeenInside::default()),
            ..Rehearsed::default()
        };
        let mut facts = Facts::default();
        facts.trials.runs.push(Trial {
            name: TrialName::Rehearse,
            subject: "dockerd".into(),
            steps: Vec::new(),
            ending: Ending::Complete,
            left_behind: Vec::new(),
            learned: Some(Learned::Rehearsal(rehearsed.into())),
        });
        facts
    }

    fn counted(id: &str, target: Target, verdict: Verdict) -> Verdict {
        let facts = facts();
        refuted(id, &facts, Plans::of(&facts).get(target).unwrap(), verdict)
    }

    #[test]
    fn ids_are_of_checks() {
        for id in REFUTED {
            let check = registry::find(id).map(|(_, check)| check);
            // What clients have is not rehearsed.
            assert!(check.is_some_and(|check| check.layer != Layer::Client), "{id}");
        }
    }

    #[test]
    fn what_a_container_refutes_is_worth_knowing_for_its_target_only() {
        let found = || Ok(Finding::new("s", severities!(dockerd: Error, kind: Error), "s").into());
        let Ok(Outcome::Found(now)) = counted("proc-masked", Target::Dockerd, found()) else {
            panic!()
        };
        assert_eq!(now[0].severity, severities!(dockerd: Info, kind: Error));
        let why = now[0].evidence.last().unwrap();
        assert_eq!(why.value, "dockerd 20.10.24 ran a container, 4.1 s");
        assert_eq!(now[0].proof(), Proof::Rehearsal);
        assert_eq!(counted("proc-masked", Target::Kind, found()), found(), "a node is more");
        assert_eq!(counted("subnet-overlap", Target::Dockerd, found()), found());
        let warning: Verdict = Ok(Finding::new("s", severities!(dockerd: Warning), "s").into());
        assert_eq!(counted("proc-masked", Target::Dockerd, warning.clone()), warning);
    }

    #[test]
    fn what_could_not_be_judged_is_known_then() {
        let unknown = || Err(Unknown::new("/proc/x", Why::NotPermitted));
        let known = Ok(Outcome::Pass(Proof::Rehearsal));
        assert_eq!(counted("proc-masked", Target::Dockerd, unknown()), known);
        assert!(counted("subnet-overlap", Target::Dockerd, unknown()).is_err());
        assert!(counted("proc-masked", Target::Podman, unknown()).is_err());
    }
}
