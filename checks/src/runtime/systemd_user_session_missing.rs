use alloc::format;

use crate::{
    facts::{CgroupVersion, Facts},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, quote},
    target::{Severities, Severity, Target},
};

check! {
    /// ## What it looks at
    /// Where systemd is PID 1, of an ordinary user: whether `XDG_RUNTIME_DIR` is set, and on cgroup v2 whether the socket of the
    /// user's D-Bus is in that directory.
    ///
    /// ## Why it matters
    /// Who comes by `su`, `sudo` or from an agent of CI has no session of systemd, and no user manager. Rootless Docker does not
    /// start without `XDG_RUNTIME_DIR`. On cgroup v2 it takes the systemd driver, so runc asks systemd for each container's
    /// cgroup over the user's bus. Without that socket the system's systemd is asked, which wants a password: `Interactive
    /// authentication required`, and no container starts.
    ///
    /// ## When it is fine
    /// Without systemd, and on cgroup v1, where there is nothing to ask for. podman makes its cgroups itself then, with a warning and
    /// without limits. bubblewrap makes none. A rootless engine that runs has found what it needs.
    ///
    /// ## How to fix
    /// `loginctl enable-linger USER` and a login of one's own (ssh, `machinectl shell`), with `dbus-user-session` installed.
    ///
    /// ## References
    /// <https://docs.docker.com/engine/security/rootless/troubleshoot/>; `loginctl(1)`, `pam_systemd(8)`; moby#48134;
    /// docker/docs#14491; podman#12983, #19556; runc `libcontainer/cgroups/systemd/user.go`.
    "systemd-user-session-missing",
    "The user has no systemd session, which rootless engines ask",
    { rootless: Error },
    [
        "Interactive authentication required",
        "XDG_RUNTIME_DIR needs to be set",
        "systemd not detected, dockerd-rootless.sh needs to be started manually",
        "sd-bus call: Interactive authentication required",
        "Failed to connect to bus: No medium found",
        "Failed to connect to user scope bus via local transport",
        "no systemd user session available",
        "/bus: connect: no such file or directory",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let uid = *facts.identity.euid.get()?;
    if uid == 0 {
        return Ok(Outcome::not_applicable(
            "root: the session of the user that starts the engine counts",
        ));
    }
    if facts.leftovers.systemd_directory.told()? != Some(&true) {
        return Ok(Outcome::not_applicable("there is no systemd"));
    }
    if facts.engines.named("rootlesskit").next().is_some() {
        return Ok(Outcome::pass());
    }
    let own = facts.session.runtime_directory.told()?;
    if let Some(None) = own
        && plan.target != Target::Podman
    {
        return Ok(found(
            facts,
            plan,
            "XDG_RUNTIME_DIR",
            "XDG_RUNTIME_DIR is not set: rootless \
            Docker does not start, since there is no session of systemd for this user",
        )
        .evidence("environment", "no XDG_RUNTIME_DIR")
        .remedy(session(facts, uid))
        .into());
    }
    if facts.cgroup.version.get()? != &CgroupVersion::V2 {
        return Ok(Outcome::not_applicable(
            "not cgroup v2: rootless engines ask nobody for cgroups",
        ));
    }
    if facts.session.bus.told()? != Some(&false) {
        return Ok(Outcome::pass());
    }
    let directory = own
        .and_then(Option::as_ref)
        .map_or_else(|| format!("/run/user/{uid}"), |directory| directory.as_str().into());
    let bus = format!("{directory}/bus");
    let summary = format!("{bus} is not there: runc cannot ask the user's systemd for cgroups");
    Ok(found(facts, plan, &bus, &summary)
        .evidence(format!("stat: {bus}"), "does not exist")
        .remedy(Remedy::commands(
            Place::Here,
            "install the user's D-Bus, and start it",
            [
                "sudo apt-get install -y dbus-user-session",
                "systemctl --user enable --now dbus.socket",
            ],
        ))
        .remedy(session(facts, uid))
        .into())
}

/// podman makes its cgroups itself, and says so.
fn found(facts: &Facts, plan: &Plan, subject: &str, summary: &str) -> Finding {
    let only_podman = facts.engines.dockerd.is_known_and(Option::is_none)
        && matches!(facts.engines.program("podman"), Ok::<_, Unknown>(Some(_)));
    let severity = match plan.target {
        Target::Podman => Severity::Info,
        _ if only_podman => Severity::Info,
        _ => Severity::Error,
    };
    Finding::new(subject, Severities::NONE.with(plan.target, Some(severity)), summary)
}

fn session(facts: &Facts, uid: u32) -> Remedy {
    let user = match facts.subids.user.known() {
        Some(Some(name)) => quote(name),
        _ => format!("{uid}"),
    };
    Remedy::commands(
        Place::Here,
        "let systemd keep a manager for this user, and say where it is",
        [
            format!("sudo loginctl enable-linger {user}"),
            format!("export XDG_RUNTIME_DIR=/run/user/{uid}"),
            format!("export DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known, Program, Why},
        testing::{healthy_container, healthy_vm, severity_for},
    };

    fn user(directory: Option<&str>, bus: bool) -> Facts {
        let mut facts = healthy_vm();
        facts.identity.euid = Known(1000);
        facts.session.runtime_directory = Known(directory.map(Into::into));
        facts.session.bus = Known(bus);
        facts
    }

    fn severity(facts: &Facts, target: Target) -> Option<Severity> {
        severity_for(&CHECK, facts, target)
    }

    #[test]
    fn no_runtime_directory_stops_rootless_docker() {
        let facts = user(None, false);
        assert_eq!(severity(&facts, Target::Rootless), Some(Severity::Error));
        assert_eq!(severity(&facts, Target::Podman), Some(Severity::Info));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].subject, "XDG_RUNTIME_DIR");
    }

    #[test]
    fn no_bus_stops_its_containers_on_version_2() {
        let mut facts = user(Some("/run/user/1000"), false);
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].subject, "/run/user/1000/bus");
        facts.cgroup.version = Known(CgroupVersion::V1);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn podman_goes_on_without() {
        let mut facts = user(Some("/run/user/1000"), false);
        facts.engines.dockerd = Known(None);
        facts.engines.programs =
            vec![Program { name: "podman".into(), path: Known(Some("/usr/bin/podman".into())) }];
        assert_eq!(severity(&facts, Target::Rootless), Some(Severity::Info));
    }

    #[test]
    fn a_session_and_an_engine_that_runs_pass() {
        assert_eq!(judged(&user(Some("/run/user/1000"), true)), Ok(Outcome::pass()));
        let mut facts = user(None, false);
        facts.engines.running = Known(vec![EngineProcess {
            name: "rootlesskit".into(),
            pid: 9,
            arguments: Known(vec![]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn root_and_systems_without_systemd_are_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = healthy_container();
        facts.identity.euid = Known(1000);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_an_older_recording_says_nothing() {
        let mut facts = user(Some("/run/user/1000"), false);
        facts.session.bus = Fact::missing("/run/user/1000/bus", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.session.bus = Fact::missing("/run/user/1000/bus", Why::NotRecorded);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.identity.euid = Fact::missing("ids", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
