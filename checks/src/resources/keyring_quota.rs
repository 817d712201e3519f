use alloc::{format, vec::Vec};

use crate::{
    facts::{Facts, KeyUser, Why},
    outcome::{Finding, Outcome, Verdict},
    remedy::{Place, Remedy},
    target::Severities,
};

check! {
    /// ## What it looks at
    /// `/proc/key-users`: how many keys, and bytes of them, the doctor's user and root have of their
    /// quota.
    ///
    /// ## Why it matters
    /// runc makes a session keyring for each container. The quota is counted per user of the host: 200 keys
    /// for all users but the real root. In an unprivileged LXC container, root is such a user, and all its
    /// containers share the 200. Past it nothing starts: `create session key: disk quota exceeded`.
    ///
    /// ## When it is fine
    /// While at least 40 keys and 2000 bytes are left. Root of the initial user namespace has a quota of
    /// a million. A kernel without keyrings has no quota.
    ///
    /// ## How to fix
    /// Raise `kernel.keys.maxkeys` and `kernel.keys.maxbytes` on the host, or let the runtime make no
    /// keyrings (runc `--no-new-keyring`).
    ///
    /// ## References
    /// `keyrings(7)`; moby issue 38454; lxd issue 5614.
    "keyring-quota",
    "The quota of kernel keys is nearly used up",
    "D/D/D/-/D",
    ["join session keyring", "session key: disk quota exceeded", "create keyring"]
}

/// Keys that nested containers take soon.
const KEYS: u64 = 40;

/// An empty keyring with its name takes some fifty bytes.
const BYTES: u64 = 2000;

fn run(facts: &Facts) -> Verdict {
    if facts.resources.key_users.why() == Some(Why::NotFound) {
        return Ok(Outcome::not_applicable("this kernel has no keyrings"));
    }
    let users = facts.resources.key_users.get()?;
    let own = facts.identity.euid.known().copied().unwrap_or(0);
    let findings: Vec<Finding> =
        users.iter().filter(|user| [0, own].contains(&user.uid)).filter_map(judge).collect();
    Ok(Outcome::of(findings))
}

fn judge(user: &KeyUser) -> Option<Finding> {
    let keys = user.max_keys.saturating_sub(user.keys);
    let bytes = user.max_bytes.saturating_sub(user.bytes);
    // A quota that is itself tiny is used up by the first containers.
    if keys >= KEYS && bytes >= BYTES {
        return None;
    }
    let severity = if user.uid == 0 { CHECK.worst } else { Severities::of("-/-/D/-/W") };
    // The sysctls of the real root are others, and so large that only they reach it.
    let root = if user.max_keys >= 100_000 { "root_" } else { "" };
    let wanted_keys = user.max_keys.saturating_mul(10).max(2000);
    let wanted_bytes = user.max_bytes.saturating_mul(10).max(200_000);
    Some(
        Finding::new(
            format!("user {}", user.uid),
            severity,
            format!(
                "user {} has {} of {} keys and {} of {} bytes: a container takes a keyring",
                user.uid, user.keys, user.max_keys, user.bytes, user.max_bytes
            ),
        )
        .evidence(
            "/proc/key-users",
            format!(
                "{}/{} keys, {}/{} bytes",
                user.keys, user.max_keys, user.bytes, user.max_bytes
            ),
        )
        .remedy(Remedy::commands(
            Place::Host,
            "raise the quota, and keep it in /etc/sysctl.d",
            [format!(
                "sysctl -w kernel.keys.{root}maxkeys={wanted_keys} \
                 kernel.keys.{root}maxbytes={wanted_bytes}"
            )],
        )),
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::Fact,
        resources::testing::{is_not_applicable, only_finding},
        testing::{healthy_container, healthy_vm},
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
        let finding = only_finding(run(&with(user(0, 190, 900))));
        assert_eq!(finding.severity, CHECK.worst);
        assert!(finding.summary.contains("190 of 200"));
        assert!(only_finding(run(&with(user(0, 20, 19_000)))).summary.contains("19000 of 20000"));
    }

    #[test]
    fn an_ordinary_user_matters_if_it_is_the_doctors() {
        assert_eq!(run(&with(user(1000, 190, 900))), Ok(Outcome::pass()));
        let mut facts = with(user(1000, 190, 900));
        facts.identity.euid = Fact::Known(1000);
        assert_eq!(only_finding(run(&facts)).severity, Severities::of("-/-/D/-/W"));
    }

    #[test]
    fn room_passes_and_no_line_is_no_use() {
        assert_eq!(run(&with(user(0, 100, 900))), Ok(Outcome::pass()));
        assert_eq!(run(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(run(&with(user(7, 200, 900))), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_file_it_is_unknown_and_without_keyrings_not_judged() {
        let mut facts = healthy_vm();
        facts.resources.key_users = Fact::missing("/proc/key-users", Why::NotPermitted);
        assert!(run(&facts).is_err());
        facts.resources.key_users = Fact::missing("/proc/key-users", Why::NotFound);
        assert!(is_not_applicable(&run(&facts)));
    }
}
