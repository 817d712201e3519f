use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Capability, DefaultUlimit, Fact, Facts, Rlimit, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// `CAP_SYS_RESOURCE`, the user namespace, the hard limits of the doctor's process, and what podman will
    /// ask for: `default_ulimits` of `containers.conf`, and without it 1048576 open files
    /// where podman before 5.4 takes itself to be root (before 5.0 only where `kernel.pid_max` processes are not more
    /// than the hard limit of them; tried with podman 4.3). With `--active` these limits are set.
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
    { rootless: Error, podman: Error },
    ["error setting rlimit type", "setrlimit `RLIMIT_"],
    trials: [Rlimit]
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

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
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
    let all = &wanted;
    for wanted in all {
        let tried = trial.and_then(|trial| Some((trial, wanted.step(trial)?)));
        all_tried &= tried.is_some();
        findings.extend(match tried {
            Some((_, step)) if step.refused.is_none() => None,
            Some((trial, step)) => Some(refused(facts, all, wanted, trial, step)),
            None if may_raise(facts)? => None,
            None => judge(facts, all, wanted, *wanted.limit(facts).get()?),
        });
    }
    Ok(Outcome::of_or(findings, || if all_tried { Outcome::proved() } else { Outcome::pass() }))
}

/// Whether every limit may be raised here.
pub(super) fn may_raise(facts: &Facts) -> Result<bool, Unknown> {
    let resource = facts.capabilities.effective.get()?.has(Capability::SYS_RESOURCE);
    Ok(resource && !facts.in_private_users()?)
}

fn wanted(facts: &Facts) -> Result<Vec<Wanted>, Unknown> {
    // Where podman is not known to be, and the file cannot be read, nothing asks.
    let podman = facts.versions.sure(Component::Podman)?;
    let configured = match facts.resources.podman_ulimits.get() {
        Ok(configured) => configured.as_slice(),
        Err(_) if podman.is_assumed() && facts.resources.podman_ulimits.told().is_ok() => &[],
        Err(unknown) => return Err(unknown),
    };
    let of = |name: &'static str| {
        let ulimit = configured.iter().find(|ulimit| ulimit.name == name)?;
        let source = format!("default_ulimits in {}", ulimit.source);
        Some(Wanted { name, hard: ulimit.hard, source })
    };
    let asks = asked_by_itself(facts, podman.version, configured)?;
    let implicit = |name: &'static str| {
        asks.contains(&name).then(|| Wanted {
            name,
            hard: Some(PODMAN_DEFAULT),
            source: format!("default of podman {} as root", podman.version),
        })
    };
    let either = |name| of(name).or_else(|| implicit(name));
    Ok(["nofile", "nproc"].into_iter().filter_map(either).collect())
}

/// What podman asks for without being told. Later releases keep the limits that they have (podman pull
/// request 24696). Before 5.0 it asks only if there is any default limit, which is one of processes, as many as
/// there are PIDs, and only if podman may set that for itself (containers/common `getDefaultProcessLimits`).
fn asked_by_itself(
    facts: &Facts,
    podman: Version,
    configured: &[DefaultUlimit],
) -> Result<&'static [&'static str], Unknown> {
    let nothing = podman.at_least(5, 4) || !takes_itself_for_root(facts)?;
    Ok(if nothing {
        &[]
    } else if podman.at_least(5, 0) || !configured.is_empty() {
        &["nofile", "nproc"]
    } else if may_limit_processes(facts)? {
        &["nofile"]
    } else {
        &[]
    })
}

fn may_limit_processes(facts: &Facts) -> Result<bool, Unknown> {
    let resources = &facts.resources;
    let Some(hard) = resources.processes.get()?.hard else { return Ok(true) };
    Ok(hard >= PODMAN_DEFAULT || hard >= *resources.pid_max.get()? || may_raise(facts)?)
}

/// podman counts as rootless without CAP_SYS_ADMIN, and then keeps its limits.
fn takes_itself_for_root(facts: &Facts) -> Result<bool, Unknown> {
    Ok(facts.is_root()? && facts.capabilities.effective.get()?.has(Capability::SYS_ADMIN))
}

fn judge(facts: &Facts, all: &[Wanted], wanted: &Wanted, limit: Rlimit) -> Option<Finding> {
    let hard = limit.hard?;
    if wanted.hard.is_some_and(|wanted| wanted <= hard) {
        return None;
    }
    let asks = DefaultUlimit::text(wanted.name, wanted.hard);
    let summary =
        format!("podman asks for {asks}, the hard limit here is {hard} and cannot be raised");
    Some(finding(facts, all, wanted, Some(hard), summary))
}

/// Whatever the reason: beyond `fs.nr_open` nobody may have open files.
fn refused(facts: &Facts, all: &[Wanted], wanted: &Wanted, trial: &Trial, step: &Step) -> Finding {
    let hard = wanted.limit(facts).known().copied();
    let found = hard.and_then(|hard| judge(facts, all, wanted, hard)).unwrap_or_else(|| {
        let hard = hard.and_then(|hard| hard.hard);
        let asks = DefaultUlimit::text(wanted.name, wanted.hard);
        finding(
            facts,
            all,
            wanted,
            hard,
            format!("podman asks for {asks}, and cannot set it: {step}"),
        )
    });
    found.tried(trial, step)
}

fn finding(
    facts: &Facts,
    all: &[Wanted],
    wanted: &Wanted,
    hard: Option<u64>,
    summary: String,
) -> Finding {
    let name = wanted.name;
    let severity = CHECK.worst;
    let mut finding = Finding::new(name, severity, summary)
        .evidence(&*wanted.source, DefaultUlimit::text(name, wanted.hard));
    if let Some(hard) = hard {
        finding = finding.evidence("/proc/self/limits", format!("hard {name} {hard}"));
        finding = finding.remedy(ask_for_less(facts, all, name, hard));
    }
    let limit = wanted.hard.map_or(-1, to_i64);
    finding = finding.remedy(Remedy::container(
        "start the outer container with the limit that is asked for, if the engine outside may set it",
        [ContainerSetting::Ulimit { name: name.into(), soft: limit, hard: limit }],
    ));
    if may_raise(facts) == Ok(true) {
        return finding;
    }
    finding.remedy(Remedy::container(
        "let it raise its limits; not in a user namespace",
        [ContainerSetting::CapAdd(Capability::SYS_RESOURCE)],
    ))
}

/// The list is one key: whoever sets one limit in it has to say the others that are too large as well.
fn ask_for_less(facts: &Facts, all: &[Wanted], name: &str, hard: u64) -> Remedy {
    let too_large = |other: &&Wanted| {
        let limit = other.limit(facts).known().and_then(|limit| limit.hard);
        other.name != name && limit.is_some_and(|limit| other.hard.is_none_or(|hard| hard > limit))
    };
    let others = all.iter().filter(too_large).filter_map(|other| {
        let hard = other.limit(facts).known()?.hard?;
        Some(format!("{}={hard}:{hard}", other.name))
    });
    let mut ulimits: Vec<String> =
        core::iter::once(format!("{name}={hard}:{hard}")).chain(others).collect();
    ulimits.sort();
    Remedy::containers_conf(
        format!("ask for no more than there is, in {}", facts.containers_conf()),
        serde_json::json!({"containers": {"default_ulimits": ulimits}}),
    )
}

fn to_i64(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(-1)
}

#[cfg(test)]
mod tests;
