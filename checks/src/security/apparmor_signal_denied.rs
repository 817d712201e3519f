use alloc::vec::Vec;

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severity,
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// On machines with AppArmor: whether a profile named `runc` is loaded (or lies in `/etc/apparmor.d`, where that cannot be
    /// read), whether the runc on the PATH is the one that it attaches to, and the version of Docker.
    ///
    /// ## Why it matters
    /// AppArmor 4 brings that profile for `/usr/sbin/runc`. Older versions of Docker give containers a profile,
    /// `docker-default`, that takes signals only from what is unconfined. So runc's are denied: `docker stop` waits ten
    /// seconds and kills, `docker kill -s HUP` does nothing, and nothing is shut down cleanly.
    ///
    /// ## When it is fine
    /// With Docker 27, 26.1.3, 25.0.6 and 23.0.11, whose profile knows that peer, and with Ubuntu's 24.0.7-0ubuntu4.1. With a runc elsewhere, such as `/usr/bin/runc`
    /// of Docker's own packages. Containers without a profile get every signal: privileged ones, and so kind's nodes.
    ///
    /// ## How to fix
    /// A newer Docker; until then disable the profile, which confines nothing by itself.
    ///
    /// ## References
    /// moby pull requests 47749, 47829, 47830, 47831; moby#47720; containerd#10123; AppArmor 4.0's `profiles/apparmor.d/runc`.
    "apparmor-signal-denied",
    "AppArmor denies the signals by which containers are stopped",
    Docker,
    { dockerd: Warning },
    [
        "operation=\"signal\" class=\"signal\" profile=\"docker-default\"",
        "requested_mask=\"receive\" denied_mask=\"receive\" signal=",
        "unable to signal init: permission denied",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !*facts.security.apparmor_enabled.get()? {
        return Ok(Outcome::not_applicable("no AppArmor"));
    }
    let profiles = facts.security.runtime_profiles.told()?.map(Vec::as_slice).unwrap_or_default();
    if !profiles.iter().any(|profile| profile == "runc") {
        return Ok(Outcome::pass());
    }
    let runc = facts.engines.program("runc")?;
    if runc.is_some_and(|path| !matches!(path.as_str(), "/usr/sbin/runc" | "/sbin/runc")) {
        return Ok(Outcome::pass());
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if knows_the_peer(docker.version) {
        return Ok(Outcome::pass());
    }
    let version = docker.version;
    // Ubuntu 24.04 mended its own in an update, which the version does not tell.
    let ubuntu = facts.kernel.ubuntu_signature.is_known_and(Option::is_some);
    let severity = if ubuntu && version == Version::new(24, 0, 7) {
        CHECK.worst.at_most(Severity::Info)
    } else {
        CHECK.worst
    };
    Ok(Finding::new(
        "docker-default",
        severity,
        alloc::format!(
            "runc has an AppArmor profile, from which Docker {version}'s containers take no signal: docker stop \
             waits, then kills"
        ),
    )
    .evidence("/sys/kernel/security/apparmor/profiles, /etc/apparmor.d", "runc")
    .rests_on(Component::Docker, &docker)
    .remedy(Remedy::commands(
        Place::Host,
        "disable the profile of runc, which confines nothing",
        [
            "ln -s /etc/apparmor.d/runc /etc/apparmor.d/disable/runc",
            "apparmor_parser -R /etc/apparmor.d/runc",
        ],
    ))
    .remedy(Remedy::advice(
        Place::Host,
        "update Docker to 27 or later, or to 26.1.3 or 25.0.6",
    ))
    .into())
}

/// Whether its docker-default has `signal (receive) peer=runc`.
fn knows_the_peer(version: Version) -> bool {
    match (version.major, version.minor) {
        (23, 0) => version.patch >= 11,
        (25, 0) => version.patch >= 6,
        (26, 1) => version.patch >= 3,
        (major, _) => major >= 27,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Program, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn with(docker: Version) -> Facts {
        let mut facts = healthy_vm();
        facts.security.apparmor_enabled = Known(true);
        facts.security.runtime_profiles = Known(vec!["crun".into(), "runc".into()]);
        facts.versions.give(Component::Docker, docker);
        facts
    }

    #[test]
    fn an_older_docker_does_not_know_the_peer() {
        for version in [(24, 0, 9), (26, 1, 2), (25, 0, 5), (20, 10, 24)] {
            let facts = with(Version::new(version.0, version.1, version.2));
            assert!(matches!(judged(&facts), Ok(Outcome::Found(_))), "{version:?}");
        }
    }

    #[test]
    fn those_that_were_mended_pass() {
        for version in [(23, 0, 11), (25, 0, 6), (26, 1, 3), (27, 0, 0), (29, 0, 0)] {
            let facts = with(Version::new(version.0, version.1, version.2));
            assert_eq!(judged(&facts), Ok(Outcome::pass()), "{version:?}");
        }
    }

    #[test]
    fn what_ubuntu_may_have_mended_is_a_word_only() {
        let mut facts = with(Version::new(24, 0, 7));
        facts.kernel.ubuntu_signature = Known(Some("Ubuntu 6.8.0-31.31-generic 6.8.1".into()));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity, severities!(dockerd: Info));
    }

    #[test]
    fn another_runc_is_not_confined() {
        let mut facts = with(Version::new(24, 0, 0));
        let program = |path: &str| Program { name: "runc".into(), path: Known(Some(path.into())) };
        facts.engines.programs = vec![program("/usr/bin/runc")];
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.engines.programs = vec![program("/usr/sbin/runc")];
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn without_the_profile_or_apparmor_nothing_is_denied() {
        let mut facts = with(Version::new(24, 0, 0));
        facts.security.runtime_profiles = Known(vec!["crun".into()]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_facts_it_is_unknown() {
        let mut facts = with(Version::new(24, 0, 0));
        facts.security.runtime_profiles = Fact::missing("/etc/apparmor.d", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.security.apparmor_enabled = Fact::missing("/sys/module/apparmor", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
