use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Capability, DefaultUlimit, Fact, Facts, Rlimit, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Unknown, Verdict},
    remedy::{ContainerSetting, Language, Place, Remedy, Snippet},
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// `CAP_SYS_RESOURCE`, the user namespace, the hard limits of the doctor's process, and what podman will
    /// ask for: `default_ulimits` of `containers.conf`, and without it 1048576 open files and processes
    /// where podman before 5.4 takes itself to be root. With `--active` these limits are set.
    ///
    /// ## Why it matters
    /// Only `CAP_SYS_RESOURCE` in the initial user namespace raises a hard limit; in a namespace of its own
    /// the capability does not count. A runtime that is told to set a higher one fails to start every
    /// container with `error setting rlimit type 7: operation not permitted` (7 is nofile, 6 nproc).
    ///
    /// ## When it is fine
    /// With the capability, as in a privileged container. Where nothing asks for more: rootless podman
    /// keeps the limits that it has, and from 5.4 on podman as root without the capability too.
    ///
    /// ## How to fix
    /// Ask for no more than there is (`default_ulimits` in `containers.conf`), start the outer container
    /// with higher limits, give it `CAP_SYS_RESOURCE`, or use podman 5.4.
    ///
    /// ## References
    /// `setrlimit(2)`, `containers.conf(5)`; podman issues 6668, 17358, 24508 and 24692,
    /// pull request 24696.
    "rlimit-raise-denied",
    "podman asks for limits that may not be raised here",
    "-/-/B/-/-",
    ["error setting rlimit type", "setrlimit `RLIMIT_"]
}

/// What podman as root asks for (`pkg/specgen/generate/oci_linux.go`, `RLimitDefaultValue`).
const PODMAN_DEFAULT: u64 = 1 << 20;

/// A limit that is wanted.
struct Wanted {
    name: &'static str,
    hard: Option<u64>,
    source: String,
}

impl Wanted {
    fn limit<'a>(&self, facts: &'a Facts) -> &'a Fact<Rlimit> {
        match self.name {
            "nproc" => &facts.resources.processes,
            _ => &facts.resources.open_files,
        }
    }

    /// The step that set it, or could not.
    fn step<'a>(&self, trial: &'a Trial) -> Option<&'a Step> {
        trial.step(Action::RaiseLimit, &DefaultUlimit::text(self.name, self.hard))
    }
}

fn run(facts: &Facts) -> Verdict {
    let trial = facts.trials.complete(TrialName::Rlimit);
    if trial.is_none() && may_raise(facts)? {
        return Ok(Outcome::pass());
    }
    let wanted = wanted(facts)?;
    if wanted.is_empty() {
        return Ok(Outcome::not_applicable("nothing is known to ask for higher limits"));
    }
    let mut findings = Vec::new();
    let mut all_tried = true;
    for wanted in &wanted {
        let tried = trial.and_then(|trial| Some((trial, wanted.step(trial)?)));
        all_tried &= tried.is_some();
        findings.extend(match tried {
            Some((_, step)) if step.refused.is_none() => None,
            Some((trial, step)) => Some(refused(facts, wanted, trial, step)),
            None if may_raise(facts)? => None,
            None => judge(facts, wanted, *wanted.limit(facts).get()?),
        });
    }
    Ok(Outcome::of_or(findings, || if all_tried { Outcome::proved() } else { Outcome::pass() }))
}

/// Whether every limit may be raised here.
fn may_raise(facts: &Facts) -> Result<bool, Unknown> {
    let namespaces = &facts.identity.namespaces;
    let resource = facts.capabilities.effective.get()?.has(Capability::SYS_RESOURCE);
    if resource && !namespaces.user_is_private().is_yes() {
        namespaces.user.get()?;
    }
    Ok(resource && namespaces.user_is_private().is_no())
}

fn wanted(facts: &Facts) -> Result<Vec<Wanted>, Unknown> {
    // Where podman is not known to be, and the file cannot be read, nothing asks.
    let podman = facts.versions.of(Component::Podman);
    let configured = match facts.resources.podman_ulimits.get() {
        Ok(configured) => configured.as_slice(),
        Err(_) if podman.is_assumed() => &[],
        Err(unknown) => return Err(unknown),
    };
    let of = |name: &'static str| {
        let ulimit = configured.iter().find(|ulimit| ulimit.name == name)?;
        let source = format!("default_ulimits in {}", ulimit.source);
        Some(Wanted { name, hard: ulimit.hard, source })
    };
    // Later releases keep the limits that they have (podman pull request 24696).
    let asks = !podman.version.at_least(5, 4) && takes_itself_for_root(facts);
    let implicit = |name: &'static str| {
        asks.then(|| Wanted {
            name,
            hard: Some(PODMAN_DEFAULT),
            source: format!("default of podman {} as root", podman.version),
        })
    };
    let either = |name| of(name).or_else(|| implicit(name));
    Ok(["nofile", "nproc"].into_iter().filter_map(either).collect())
}

/// podman counts as rootless without CAP_SYS_ADMIN, and then keeps its limits.
fn takes_itself_for_root(facts: &Facts) -> bool {
    facts.identity.euid.is_known_and(|euid| *euid == 0)
        && facts.capabilities.effective.is_known_and(|c| c.has(Capability::SYS_ADMIN))
}

fn judge(facts: &Facts, wanted: &Wanted, limit: Rlimit) -> Option<Finding> {
    let hard = limit.hard?;
    if wanted.hard.is_some_and(|wanted| wanted <= hard) {
        return None;
    }
    let asks = DefaultUlimit::text(wanted.name, wanted.hard);
    let summary =
        format!("podman asks for {asks}, the hard limit here is {hard} and cannot be raised");
    Some(finding(facts, wanted, Some(hard), summary))
}

/// Whatever the reason: beyond `fs.nr_open` nobody may have open files.
fn refused(facts: &Facts, wanted: &Wanted, trial: &Trial, step: &Step) -> Finding {
    let hard = wanted.limit(facts).known().copied();
    let found = hard.and_then(|hard| judge(facts, wanted, hard)).unwrap_or_else(|| {
        let hard = hard.and_then(|hard| hard.hard);
        let asks = DefaultUlimit::text(wanted.name, wanted.hard);
        finding(facts, wanted, hard, format!("podman asks for {asks}, and cannot set it: {step}"))
    });
    found.tried(trial, step)
}

fn finding(facts: &Facts, wanted: &Wanted, hard: Option<u64>, summary: String) -> Finding {
    let name = wanted.name;
    let severity = Severities::NONE.with(Target::Rootless, Some(Severity::Error));
    let mut finding = Finding::new(name, severity, summary)
        .evidence(&*wanted.source, DefaultUlimit::text(name, wanted.hard));
    if let Some(hard) = hard {
        finding = finding.evidence("/proc/self/limits", format!("hard {name} {hard}"));
        finding = finding.remedy(ask_for_less(facts, name, hard));
    }
    finding = finding.remedy(Remedy::commands(
        Place::Container,
        "or start the outer container with the limit that is asked for",
        [format!("docker run --ulimit {name}={} IMAGE", wanted.hard.map_or(-1, to_i64))],
    ));
    if may_raise(facts) == Ok(true) {
        return finding;
    }
    finding.remedy(Remedy::container(
        "or let it raise its limits; not in a user namespace",
        [ContainerSetting::CapAdd(Capability::SYS_RESOURCE)],
    ))
}

fn ask_for_less(facts: &Facts, name: &str, hard: u64) -> Remedy {
    let conf = format!("[containers]\ndefault_ulimits = [\"{name}={hard}:{hard}\"]\n");
    let user = if facts.identity.euid.is_known_and(|euid| *euid == 0) {
        "/etc/containers/containers.conf"
    } else {
        "~/.config/containers/containers.conf"
    };
    Remedy::file(
        Place::Here,
        format!("ask for no more than there is, in {user}"),
        Snippet::Lines(Language::Toml, conf),
    )
}

fn to_i64(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{CapabilitySet, Ending, Why},
        resources::testing::{is_not_applicable, only_finding},
        testing::{healthy_container, healthy_vm, private, tried},
        version::Version,
    };

    /// Root with CAP_SYS_ADMIN, without CAP_SYS_RESOURCE.
    fn confined(hard: u64) -> Facts {
        let mut facts = healthy_container();
        let without = CapabilitySet(1 << Capability::SYS_RESOURCE.0);
        let all = CapabilitySet::up_to(40);
        facts.capabilities.effective = Fact::Known(all.without(without));
        facts.resources.open_files = Fact::Known(Rlimit { soft: Some(1024), hard: Some(hard) });
        facts
    }

    fn asking(mut facts: Facts, hard: Option<u64>) -> Facts {
        facts.resources.podman_ulimits = Fact::Known(vec![DefaultUlimit {
            name: "nofile".into(),
            hard,
            source: "/etc/containers/containers.conf".into(),
        }]);
        facts
    }

    #[test]
    fn more_than_the_hard_limit_is_found() {
        let finding = only_finding(run(&asking(confined(4096), Some(65_536))));
        assert_eq!(finding.severity, CHECK.worst);
        assert!(finding.summary.contains("nofile=65536") && finding.summary.contains("4096"));
        assert!(only_finding(run(&asking(confined(4096), None))).summary.contains("unlimited"));
    }

    #[test]
    fn podman_as_root_asked_by_itself_before_5_4() {
        let mut facts = confined(524_288);
        assert!(is_not_applicable(&run(&facts)));
        facts.versions.read(Component::Podman, Version::new(4, 3, 1), "dpkg");
        assert!(only_finding(run(&facts)).summary.contains("1048576"));
        let mut later = confined(524_288);
        later.versions.read(Component::Podman, Version::new(5, 4, 0), "dpkg");
        assert!(is_not_applicable(&run(&later)));
        facts.capabilities.effective = Fact::Known(CapabilitySet(0xa804_25fb));
        assert!(is_not_applicable(&run(&facts)));
    }

    #[test]
    fn enough_passes_and_so_does_the_capability() {
        assert_eq!(run(&asking(confined(65_536), Some(65_536))), Ok(Outcome::pass()));
        assert_eq!(run(&asking(healthy_vm(), Some(1 << 30))), Ok(Outcome::pass()));
        let mut facts = asking(healthy_container(), Some(1 << 30));
        facts.identity.namespaces.user = private(4_026_532_600);
        assert_eq!(only_finding(run(&facts)).severity, CHECK.worst);
    }

    #[test]
    fn without_the_limits_it_is_unknown() {
        let mut facts = asking(confined(4096), Some(65_536));
        facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotPermitted);
        assert!(run(&facts).is_err());
        facts.capabilities.effective = Fact::missing("CapEff", Why::NotFound);
        assert!(run(&facts).is_err());
    }

    /// With a trial in which setting this many files failed so, or worked.
    fn tried_with(mut facts: Facts, hard: u64, what: Option<&str>) -> Facts {
        let object = format!("nofile={hard}");
        tried(&mut facts, TrialName::Rlimit, "", &[(Action::RaiseLimit, &object, what)]);
        facts
    }

    #[test]
    fn a_limit_that_was_refused_is_proof() {
        let facts = asking(confined(4096), Some(65_536));
        let finding = only_finding(run(&tried_with(facts, 65_536, Some("EPERM"))));
        let last = finding.evidence.last().unwrap();
        assert_eq!((&*last.source, &*last.value), ("trial: set a limit (nofile=65536)", "EPERM"));
        assert!(finding.summary.contains("4096"));
        // More than fs.nr_open.
        let mut facts = asking(healthy_vm(), Some(1 << 30));
        facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotPermitted);
        let finding = only_finding(run(&tried_with(facts, 1 << 30, Some("EPERM"))));
        assert!(finding.summary.ends_with("cannot set it: EPERM"), "{}", finding.summary);
    }

    #[test]
    fn a_limit_that_was_set_is_no_alarm() {
        let facts = asking(confined(4096), Some(65_536));
        assert_eq!(run(&tried_with(facts.clone(), 65_536, None)), Ok(Outcome::proved()));
        let other = tried_with(facts, 1 << 20, None);
        assert_eq!(only_finding(run(&other)).severity, CHECK.worst, "another one was tried");
    }

    #[test]
    fn without_a_trial_it_is_judged_as_before() {
        let mut facts = tried_with(asking(confined(4096), Some(65_536)), 65_536, None);
        facts.trials.runs[0].ending = Ending::Skipped("no process can be forked".into());
        assert_eq!(only_finding(run(&facts)).severity, CHECK.worst);
    }
}
