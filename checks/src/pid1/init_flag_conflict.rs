use alloc::{format, string::String, vec::Vec};

use serde_json::{Value, json};

use crate::{
    facts::{Facts, Role, Text},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Language, Place, Remedy, Snippet},
    target::{Severities, Severity, Target},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Whether Docker puts tini in front of every container (`"init": true` in daemon.json,
    /// `dockerd --init`), and whether an init such as docker-init is PID 1 here with systemd below it:
    /// the arguments in `/proc/1/cmdline` and the children of PID 1.
    ///
    /// ## Why it matters
    /// systemd works only as PID 1. Started as a child, `/sbin/init` takes itself for `telinit`, finds
    /// none, and the container exits at once. The nodes of kind are such containers; kind up to 0.10
    /// does not ask Docker to leave tini out.
    ///
    /// ## When it is fine
    /// An init as PID 1 with anything but systemd below it is what one wants. kind 0.11 and later pass
    /// `--init=false` themselves. s6-overlay's `/init` is not systemd, though it too insists on PID 1.
    ///
    /// ## How to fix
    /// Remove `"init": true` from daemon.json, or start systemd containers with `--init=false`.
    ///
    /// ## References
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/#docker-init-daemon-config>,
    /// <https://github.com/kubernetes-sigs/kind/pull/2028>,
    /// <https://systemd.io/CONTAINER_INTERFACE/>.
    "init-flag-conflict",
    "An init is put in front of systemd, which must be PID 1",
    { kind: Error, systemd: Error },
    ["Couldn't find an alternative telinit implementation to spawn"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    let mut note = |result: Result<Option<Finding>, Unknown>| match result {
        Ok(finding) => found.extend(finding),
        Err(unknown) => missing.extend(unknown.missing),
    };
    note(systemd_below_init(facts));
    note(daemon_default(facts));
    if found.is_empty() && !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(Outcome::of(found))
}

/// PID 1 is a minimal init, and what it started is systemd.
fn systemd_below_init(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let pid1 = &facts.pid1;
    if pid1.role != Role::Init || pid1.is_doctor {
        return Ok(None);
    }
    let argument = pid1
        .arguments
        .known()
        .and_then(|arguments| arguments.iter().skip(1).find(|argument| is_systemd(argument)));
    let child = facts
        .processes
        .rows
        .known()
        .and_then(|rows| rows.iter().find(|row| row.ppid == 1 && row.comm == "systemd"));
    let evidence = match (argument, child) {
        (Some(_), _) => {
            let arguments = pid1.arguments.get()?.iter().map(Text::as_str);
            ("/proc/1/cmdline".into(), arguments.collect::<Vec<_>>().join(" "))
        }
        (None, Some(child)) => {
            (format!("/proc/{}/stat", child.pid), String::from("systemd, parent PID 1"))
        }
        (None, None) => {
            pid1.arguments.get()?;
            facts.processes.rows.get()?;
            return Ok(None);
        }
    };
    let name = pid1.name();
    let severity = Severities::NONE.with(Target::Systemd, Some(Severity::Error));
    Ok(Some(
        Finding::new(
            "PID 1",
            severity,
            format!("PID 1 is {name} and systemd is its child, where systemd refuses to run"),
        )
        .evidence(evidence.0, evidence.1)
        .remedy(Remedy::container(
            "start the container without an init in front of systemd",
            [ContainerSetting::NoInit],
        )),
    ))
}

/// `/init` is s6-overlay's, so only the places of the system's init count.
fn is_systemd(argument: &str) -> bool {
    matches!(argument, "/sbin/init" | "/usr/sbin/init")
        || argument.rsplit('/').next() == Some("systemd")
}

/// dockerd gives every container an init unless told otherwise.
fn daemon_default(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let flag = facts
        .engines
        .named("dockerd")
        .filter(|engine| engine.same_mount_namespace != Some(false))
        .find(|engine| engine.flag("init").is_some_and(|value| value != "false"));
    let evidence = if let Some(engine) = flag {
        (format!("/proc/{}/cmdline", engine.pid), "--init")
    } else {
        let config = facts.engines.daemon_json.get()?;
        if config.content.get("init").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        (String::from(config.path.as_str()), "\"init\": true")
    };
    let kind = facts.versions.of(Component::Kind);
    let opts_out = kind.version.at_least(0, 11);
    let severity = if opts_out { CHECK.worst.with(Target::Kind, None) } else { CHECK.worst };
    let consequence = if opts_out {
        format!("systemd images cannot start (kind {} opts its nodes out)", kind.version)
    } else {
        format!("systemd images cannot start, nor can the nodes of kind {}", kind.version)
    };
    Ok(Some(
        Finding::new(
            "dockerd",
            severity,
            format!("dockerd makes tini PID 1 of every container: {consequence}"),
        )
        .evidence(evidence.0, evidence.1)
        .rests_on(Component::Kind, &kind)
        .remedy(Remedy::file(
            Place::Runtime,
            "do not start dockerd with an init for every container, and restart it",
            Snippet::Tree(Language::Json, json!({"init": false})),
        ))
        .remedy(Remedy::commands(
            Place::Runtime,
            "leave tini out of the one container that runs systemd",
            ["docker run --init=false IMAGE /sbin/init"],
        )),
    ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{DaemonConfig, EngineProcess, Fact, ProcessRow, Why},
        testing::{healthy_container, healthy_vm},
        version::Version,
    };

    fn configured(init: bool) -> Facts {
        let mut facts = healthy_container();
        facts.engines.daemon_json = Fact::Known(DaemonConfig {
            path: "/etc/docker/daemon.json".into(),
            content: json!({"init": init}),
        });
        facts
    }

    fn only_finding(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn docker_init_in_front_of_systemd_is_found() {
        let mut facts = healthy_container();
        facts.pid1.arguments =
            Fact::Known(vec!["/sbin/docker-init".into(), "--".into(), "/sbin/init".into()]);
        let finding = only_finding(&facts);
        assert_eq!(finding.severity.get(Target::Systemd), Some(Severity::Error));
        assert_eq!(finding.severity.get(Target::Kind), None);
        let mut facts = healthy_container();
        facts.processes.rows =
            Fact::Known(vec![ProcessRow { pid: 9, ppid: 1, comm: "systemd".into(), state: 'S' }]);
        assert_eq!(only_finding(&facts).subject, "PID 1");
    }

    #[test]
    fn the_default_of_dockerd_stops_the_nodes_of_an_old_kind_only() {
        let mut facts = configured(true);
        let new = only_finding(&facts);
        assert_eq!(new.severity.get(Target::Kind), None);
        assert_eq!(new.assumed.len(), 1);
        facts.versions.give(Component::Kind, Version::new(0, 10, 0));
        let old = only_finding(&facts);
        assert_eq!(old.severity, CHECK.worst);
        assert!(old.assumed.is_empty());
    }

    #[test]
    fn the_flag_of_a_running_dockerd_counts() {
        let mut facts = configured(false);
        facts.engines.running = Fact::Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 8,
            arguments: Fact::Known(vec!["dockerd".into(), "--init".into()]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(only_finding(&facts).evidence[0].source, "/proc/8/cmdline");
    }

    #[test]
    fn tini_before_anything_else_and_a_vm_pass() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&configured(false)), Ok(Outcome::pass()));
    }

    #[test]
    fn the_init_of_s6_overlay_is_not_systemd() {
        let mut facts = healthy_container();
        facts.pid1.arguments = Fact::Known(vec!["docker-init".into(), "--".into(), "/init".into()]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_configuration_or_arguments_it_is_unknown() {
        let mut facts = healthy_container();
        facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        let mut facts = healthy_container();
        facts.pid1.arguments = Fact::missing("/proc/1/cmdline", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
