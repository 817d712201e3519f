use alloc::{format, vec::Vec};

use crate::{
    facts::{Action, Fact, Facts, KeyUser, Refused, Step, Trial, TrialName, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, Provider},
    remedy::{Place, Remedy, Task},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// `/proc/key-users`: how many keys, and bytes of them, the doctor's user and root have of their
    /// quota. With `--active` 40 keyrings are made, as a runtime would for as many containers.
    ///
    /// ## Why it matters
    /// runc makes a session keyring for each container. The quota is counted per user of the host: 200 keys
    /// for all users but the real root. In an unprivileged LXC container, root is such a user, and all its
    /// containers share the 200. Past it nothing starts: `create session key: disk quota exceeded`.
    ///
    /// ## When it is fine
    /// While at least 40 keys and 2000 bytes are left. Root of the initial user namespace has a quota of
    /// a million, and dockerd sets it to that when it starts, where it may write the sysctl (tried: forty containers
    /// ran with four keys left); podman, runc alone and a dockerd that runs already do not. A kernel without keyrings
    /// has no quota.
    ///
    /// ## How to fix
    /// Raise `kernel.keys.maxkeys` and `kernel.keys.maxbytes` on the host, or let the runtime make no
    /// keyrings (runc `--no-new-keyring`).
    ///
    /// ## References
    /// `keyrings(7)`; moby `daemon/keys.go`; moby issue 38454; lxd issue 5614.
    "keyring-quota",
    "The quota of kernel keys is nearly used up",
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    ["join session keyring", "session key: disk quota exceeded", "create keyring"],
    trials: [Keyring]
}

/// Keys that nested containers take soon.
const KEYS: u64 = 40;

/// An empty keyring with its name takes some fifty bytes.
const BYTES: u64 = 2000;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let own = facts.identity.euid.known().copied().unwrap_or(0);
    let tried = tried(facts);
    let users = match (&facts.resources.key_users, tried) {
        (users, None) if users.why() == Some(Why::NotFound) => {
            return Ok(Outcome::not_applicable("this kernel has no keyrings"));
        }
        // Of others nothing is known then, and their engines are not the doctor's concern.
        (Fact::Missing(_), Some(_)) => &[][..],
        (users, _) => users.get()?,
    };
    let mut findings: Vec<Finding> = Vec::new();
    for user in users.iter().filter(|user| [0, own].contains(&user.uid)) {
        // What there is room for was seen, whatever the numbers say.
        if user.uid != own || tried.is_none() {
            findings.extend(judge(facts, plan, user));
        }
    }
    match tried {
        Some((trial, step)) if step.refused.is_some() => {
            let user = users.iter().find(|user| user.uid == own);
            findings.insert(0, refused(facts, plan, own, user, trial, step));
            Ok(Outcome::of(findings))
        }
        Some(_) => Ok(Outcome::of_or(findings, Outcome::proved)),
        None => Ok(Outcome::of(findings)),
    }
}

/// The keyrings that were made, or not; nothing where something else than the quota was in the way.
fn tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Keyring)?;
    let joined = trial.steps(Action::JoinKeyring).find(|step| step.refused.is_some());
    let step = joined.or_else(|| trial.steps(Action::MakeKeyrings).next())?;
    let quota = |refused: &Refused| refused.what.starts_with("EDQUOT");
    step.refused.as_ref().is_none_or(quota).then_some((trial, step))
}

fn refused(
    facts: &Facts,
    plan: &Plan,
    own: u32,
    user: Option<&KeyUser>,
    trial: &Trial,
    step: &Step,
) -> Finding {
    let summary = format!(
        "the quota of user {own} has no room for 40 containers, each with a keyring: {step}"
    );
    let mut finding =
        Finding::new(format!("user {own}"), severity(facts, plan, own), summary).tried(trial, step);
    if let Some(user) = user {
        finding = used(finding, user);
    }
    // Where the user is not shown, it is another one on the host.
    let unseen = KeyUser { uid: own, keys: 0, max_keys: 200, bytes: 0, max_bytes: 20_000 };
    finding.remedy(raise(user.unwrap_or(&unseen), in_initial_users(facts)))
}

/// Root of another user namespace is an ordinary user to the kernel, and is held to the quota of one.
fn in_initial_users(facts: &Facts) -> bool {
    !facts.identity.namespaces.user_is_private().is_yes()
}

/// The nodes of kind take keys of the user whose podman runs them.
fn severity(facts: &Facts, plan: &Plan, uid: u32) -> Severities {
    if uid != 0 {
        let nodes = (plan.provider == Some(Provider::Podman)).then_some(Severity::Warning);
        severities!(rootless: Warning, buildkit: Info).with(Target::Kind, nodes)
    } else if is_raised_by_dockerd(facts) {
        severities!(rootless: Warning, buildkit: Warning)
    } else {
        CHECK.worst
    }
}

/// dockerd sets the quota of the real root to a million keys when it starts, if it may.
fn is_raised_by_dockerd(facts: &Facts) -> bool {
    const QUOTA: &str = "/proc/sys/kernel/keys/root_maxkeys";
    let mount = facts.mounts.known().and_then(|table| table.holding(QUOTA));
    facts.identity.euid.is_known_and(|euid| *euid == 0)
        && facts.identity.namespaces.user_is_private().is_no()
        && mount.is_some_and(|mount| !mount.read_only())
        && facts.engines.named("dockerd").next().is_none()
}

fn used(finding: Finding, user: &KeyUser) -> Finding {
    finding.evidence(
        "/proc/key-users",
        format!("{}/{} keys, {}/{} bytes", user.keys, user.max_keys, user.bytes, user.max_bytes),
    )
}

fn raise(user: &KeyUser, initial: bool) -> Remedy {
    // User 0 of the initial user namespace has sysctls of its own (`security/keys/key.c`, key_user_lookup).
    let root = if user.uid == 0 && initial { "root_" } else { "" };
    let wanted_keys = user.max_keys.saturating_mul(10).max(2000);
    let wanted_bytes = user.max_bytes.saturating_mul(10).max(200_000);
    Remedy::tasks(
        Place::Host,
        "raise the quota, and keep it",
        [Task::Sysctl {
            values: alloc::vec![
                (format!("kernel.keys.{root}maxkeys"), format!("{wanted_keys}")),
                (format!("kernel.keys.{root}maxbytes"), format!("{wanted_bytes}")),
            ],
            file: Some("99-keys.conf".into()),
        }],
    )
}

fn judge(facts: &Facts, plan: &Plan, user: &KeyUser) -> Option<Finding> {
    let keys = user.max_keys.saturating_sub(user.keys);
    let bytes = user.max_bytes.saturating_sub(user.bytes);
    // A quota that is itself tiny is used up by the first containers.
    if keys >= KEYS && bytes >= BYTES {
        return None;
    }
    let summary = format!(
        "user {} has {} of {} keys and {} of {} bytes: a container takes a keyring",
        user.uid, user.keys, user.max_keys, user.bytes, user.max_bytes
    );
    let finding =
        Finding::new(format!("user {}", user.uid), severity(facts, plan, user.uid), summary);
    Some(used(finding, user).remedy(raise(user, in_initial_users(facts))))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        resources::testing::{is_not_applicable, only_finding},
        testing::{healthy_container, healthy_vm, mount, private, said_of},
    };

    fn with(user: KeyUser) -> Facts {
        let mut facts = healthy_container();
        facts.resources.key_users = Fact::Known(vec![user]);
        facts
    }

    fn user(uid: u32, keys: u64, bytes: u64) -> KeyUser {
        KeyUser { uid, keys, max_keys: 200, bytes, max_bytes: 20_000 }
    }

    #[test]
    fn few_keys_and_few_bytes_are_found() {
        let finding = only_finding(judged(&with(user(0, 190, 900))));
        assert_eq!(
            finding.severity,
            severities!(rootless: Warning, buildkit: Warning),
            "dockerd would raise it"
        );
        assert!(finding.summary.contains("190 of 200"));
        assert!(
            only_finding(judged(&with(user(0, 20, 19_000)))).summary.contains("19000 of 20000")
        );
    }

    #[test]
    fn dockerd_raises_the_quota_of_the_real_root_where_it_may() {
        let severity = |change: &dyn Fn(&mut Facts)| {
            let mut facts = with(user(0, 190, 900));
            change(&mut facts);
            only_finding(judged(&facts)).severity
        };
        let read_only = |facts: &mut Facts| {
            let Fact::Known(table) = &mut facts.mounts else { panic!("no mounts") };
            table.rows.push(mount("/proc/sys", "proc", &["ro"]));
        };
        assert_eq!(severity(&read_only), CHECK.worst);
        let nested = |facts: &mut Facts| {
            facts.identity.namespaces.user = private(4_026_532_600);
        };
        assert_eq!(severity(&nested), CHECK.worst);
        let unknown = |facts: &mut Facts| facts.mounts = Fact::missing("mountinfo", Why::NotFound);
        assert_eq!(severity(&unknown), CHECK.worst);
    }

    #[test]
    fn an_ordinary_user_matters_if_it_is_the_doctors() {
        assert_eq!(judged(&with(user(1000, 190, 900))), Ok(Outcome::pass()));
        let mut facts = with(user(1000, 190, 900));
        facts.identity.euid = Fact::Known(1000);
        assert_eq!(
            only_finding(judged(&facts)).severity,
            severities!(rootless: Warning, buildkit: Info)
        );
    }

    #[test]
    fn room_passes_and_no_line_is_no_use() {
        assert_eq!(judged(&with(user(0, 100, 900))), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&with(user(7, 200, 900))), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_file_it_is_unknown_and_without_keyrings_not_judged() {
        let mut facts = healthy_vm();
        facts.resources.key_users = Fact::missing("/proc/key-users", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.resources.key_users = Fact::missing("/proc/key-users", Why::NotFound);
        assert!(is_not_applicable(&judged(&facts)));
    }

    fn trial(facts: &mut Facts, join: Option<&str>, made: Option<&str>) {
        let steps = [(Action::JoinKeyring, "", join), (Action::MakeKeyrings, "40 keyrings", made)];
        crate::testing::tried(facts, TrialName::Keyring, "uid 0", &steps);
    }

    #[test]
    fn keyrings_that_were_made_are_proof() {
        let mut facts = with(user(0, 190, 900));
        trial(&mut facts, None, None);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
        facts.resources.key_users = Fact::missing("/proc/key-users", Why::NotPermitted);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
        // Somebody else's quota was not tried.
        facts.resources.key_users = Fact::Known(vec![user(0, 190, 900)]);
        facts.identity.euid = Fact::Known(1000);
        assert_eq!(only_finding(judged(&facts)).subject, "user 0");
    }

    #[test]
    fn keyrings_that_were_refused_are_found_once() {
        let mut facts = with(user(0, 10, 900));
        trial(&mut facts, None, Some("EDQUOT after 27"));
        let finding = only_finding(judged(&facts));
        assert_eq!(finding.severity, severities!(rootless: Warning, buildkit: Warning));
        assert!(finding.summary.ends_with("EDQUOT after 27"));
        assert_eq!(finding.evidence[0].source, "trial: make keyrings (40 keyrings; uid 0)");
        assert_eq!(finding.evidence.len(), 2);
        facts.resources.key_users = Fact::Known(vec![user(0, 190, 900)]);
        only_finding(judged(&facts));
    }

    #[test]
    fn a_filter_or_a_kernel_without_keyrings_says_nothing_about_the_quota() {
        for what in ["EPERM", "ENOSYS", "EACCES"] {
            let mut facts = with(user(0, 190, 900));
            trial(&mut facts, Some(what), None);
            facts.trials.runs[0].steps.truncate(1);
            assert!(
                only_finding(judged(&facts)).evidence.iter().all(|e| !e.source.contains("trial"))
            );
        }
    }

    #[test]
    fn the_nodes_of_a_users_podman_take_the_users_keys() {
        let mut facts = with(user(1000, 199, 4378));
        facts.identity.euid = Fact::Known(1000);
        let of_kind = |facts: &Facts| said_of(&CHECK, facts, Target::Kind);
        assert_eq!(
            only_finding(of_kind(&facts)).severity.get(Target::Kind),
            None,
            "Docker's are root's"
        );
        facts.runtime.variables =
            Fact::Known(vec![("KIND_EXPERIMENTAL_PROVIDER".into(), "podman".into())]);
        let found = only_finding(of_kind(&facts));
        assert_eq!(found.severity.get(Target::Kind), Some(Severity::Warning));
    }
}
