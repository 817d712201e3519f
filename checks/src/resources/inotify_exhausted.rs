use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Facts, InotifyUse, Missing, Tri, TrialName, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// `/proc/sys/fs/inotify/max_user_instances` and `max_user_watches`, the limits of the doctor's
    /// user namespace (`/proc/sys/user/max_inotify_*`; the least along all namespaces counts), and how many
    /// instances root has open in the processes that are visible here.
    ///
    /// ## Why it matters
    /// systemd, containerd, kubelet and many pods of a kind node each take instances, thirty to fifty per
    /// node, of the one number that all containers of the host share per user: 128 by default. Past it
    /// they fail with `too many open files`, which has nothing to do with `ulimit -n`; too few watches fail
    /// with `No space left on device`, which has nothing to do with the disk. The second node or cluster
    /// usually meets it.
    ///
    /// ## When it is fine
    /// With at least 512 instances and 12288 watches (kind recommends 524288). On a host or VM where all
    /// processes can be seen, 128 is enough for a first node as long as few are open. In a container the use
    /// of the rest of the host does not show, so a low limit is a warning there.
    ///
    /// ## How to fix
    /// Raise both on the host. They are not namespaced: setting them inside a privileged container changes
    /// the host, and a pod's `sysctls:` cannot set them.
    ///
    /// ## References
    /// `inotify(7)`, `namespaces(7)` on `/proc/sys/user`;
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files>;
    /// kind issue 717.
    "inotify-exhausted",
    "inotify limits are too low for the nodes of a cluster",
    { dockerd: Info, kind: Error, rootless: Info, systemd: Warning },
    [
        "failed to create fsnotify watcher: too many open files",
        "inotify_init: too many open files",
        "Failed to create control group inotify object: Too many open files",
        "Failed to create inotify watch: No space left on device",
        "too many open files",
        "Failed to allocate directory watch",
        "no space left on device",
        "could not find a log line that matches",
    ],
    trials: [Inotify]
}

/// What kind recommends.
const INSTANCES: u64 = 512;
const WATCHES: u64 = 524_288;

/// What one kind node takes, about: systemd, containerd, kubelet and the pods of the control plane (28 were counted on
/// version 1). On version 2 each container's shim watches its memory.events besides (44 for seven pods, two of kind's own
/// not counted).
fn node(facts: &Facts) -> u64 {
    let v1 = facts.cgroup.version.is_known_and(|version| version.is_v1());
    if v1 { 30 } else { 48 }
}

/// What systemd takes in a container before any service does.
const SYSTEMD: u64 = 8;

/// From this on a node or two do not run out of watches; kernels since 5.11 scale the default by memory,
/// and give a machine of 4 GiB thirty thousand, one of 2 GiB half of them.
const ENOUGH_WATCHES: u64 = 12_288;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let inotify = &facts.resources.inotify;
    if inotify.instances.why() == Some(Why::NotFound) {
        return Ok(Outcome::not_applicable("this kernel has no limits of inotify"));
    }
    let host = *inotify.instances.get()?;
    let instances = least(host, inotify.namespace_instances.known());
    let mut missing: Vec<Missing> = Vec::new();
    for number in [&inotify.namespace_instances, &inotify.watches, &inotify.namespace_watches] {
        missing.extend(number.told().err().into_iter().flat_map(|unknown| unknown.missing));
    }
    let watches = inotify.watches.known().map(|w| least(*w, inotify.namespace_watches.known()));
    let seen = inotify.in_use.known();
    let open = u64::from(seen.map_or(0, |in_use| in_use.of(0)));
    let tried = facts.trials.complete(TrialName::Inotify);
    let tried = tried.and_then(|trial| Some((trial, trial.steps(Action::MakeInotify).next()?)));
    let refused = tried.filter(|(_, step)| step.refused.is_some());
    // Processes elsewhere count too, and are not seen.
    let node = node(facts);
    let left = if refused.is_some() { 0 } else { instances.value.saturating_sub(open) };
    let mut findings = Vec::new();
    if instances.value < INSTANCES || left < node {
        if refused.is_none() && left >= node {
            // How bad it is depends on who else has some.
            inotify.in_use.told()?;
            facts.identity.namespaces.pid.told()?;
            facts.identity.namespaces.user.told()?;
            facts.identity.uid_map.told()?;
        }
        let severity = severity(facts, node, left, seen);
        let summary = format!(
            "{} allows {} inotify instances per user, and root has at least {open} open: a kind node \
             takes about {node}",
            instances.sysctl("instances"),
            instances.value
        );
        let found = finding("instances", severity, summary, &instances, INSTANCES)
            .evidence("links to anon_inode:inotify in /proc/PID/fd", in_use(seen));
        findings.push(match refused {
            Some((trial, step)) => found.tried(trial, step),
            None => found,
        });
    }
    if let Some(watches) = watches.filter(|watches| watches.value < WATCHES) {
        let low = watches.value < ENOUGH_WATCHES;
        let severity =
            if low { severities!(kind: Warning, systemd: Info) } else { severities!(kind: Info) };
        let summary = format!(
            "{} allows {} inotify watches per user, where kind recommends {WATCHES}",
            watches.sysctl("watches"),
            watches.value
        );
        // With room for a node or two, this is worth a word only beside the other.
        if low || !findings.is_empty() {
            findings.push(finding("watches", severity, summary, &watches, WATCHES));
        }
    }
    Outcome::settled(findings, missing, || {
        if tried.is_some() { Outcome::proved() } else { Outcome::pass() }
    })
}

struct Limit {
    value: u64,
    /// Whether the user namespace's own limit is the least.
    of_namespace: bool,
}

impl Limit {
    fn sysctl(&self, what: &str) -> String {
        if self.of_namespace {
            format!("user.max_inotify_{what}")
        } else {
            format!("fs.inotify.max_user_{what}")
        }
    }
}

fn least(host: u64, namespace: Option<&u64>) -> Limit {
    match namespace {
        Some(own) if *own < host => Limit { value: *own, of_namespace: true },
        _ => Limit { value: host, of_namespace: false },
    }
}

/// The whole use is visible to root in the initial PID and user namespaces only.
fn sees_all(facts: &Facts, seen: Option<&InotifyUse>) -> bool {
    let namespaces = &facts.identity.namespaces;
    seen.is_some_and(|in_use| in_use.unreadable == 0 && !in_use.truncated)
        && namespaces.pid.known().is_some_and(|pid| pid.initial == Tri::Yes)
        && namespaces.user_is_private().is_no()
}

fn severity(facts: &Facts, node: u64, left: u64, seen: Option<&InotifyUse>) -> Severities {
    let all = sees_all(facts, seen);
    let kind = match left {
        // What is open is a lower bound, so that this is certain.
        left if left < node => Severity::Error,
        left if all && left >= 2 * node => Severity::Info,
        _ => Severity::Warning,
    };
    let systemd = if left < SYSTEMD { Severity::Warning } else { Severity::Info };
    let others = if all { Severities::NONE } else { severities!(dockerd: Info, rootless: Info) };
    others
        .with(Target::Kind, Some(kind))
        .with(Target::Systemd, (!all || left < node).then_some(systemd))
}

fn in_use(seen: Option<&InotifyUse>) -> String {
    seen.map_or_else(
        || "not known".into(),
        |in_use| {
            let bound = if in_use.truncated { "; not all were looked at" } else { "" };
            format!(
                "{} of root; {} processes could not be read{bound}",
                in_use.of(0),
                in_use.unreadable
            )
        },
    )
}

fn finding(
    what: &str,
    severity: Severities,
    summary: String,
    limit: &Limit,
    wanted: u64,
) -> Finding {
    let sysctl = limit.sysctl(what);
    let wanted = wanted.max(limit.value.saturating_mul(2).min(8192));
    let file = format!("/proc/sys/{}", sysctl.replace('.', "/"));
    let place = if limit.of_namespace { Place::Here } else { Place::Host };
    Finding::new(sysctl.clone(), severity, summary)
        .evidence(file, format!("{}", limit.value))
        .remedy(Remedy::tasks(
            place,
            "raise the limit, and keep it over a reboot",
            [Task::sysctl(sysctl, format!("{wanted}"), &format!("90-inotify-{what}.conf"))],
        ))
}

#[cfg(test)]
mod tests;
