//! What is said on dockerd's command line, too.

use alloc::{format, string::String, vec::Vec};

use serde_json::{Map, Value};

use super::{finding, keys};
use crate::{
    facts::{Facts, Text},
    outcome::{Finding, Unknown},
    remedy::{Place, Remedy, Task},
    target::Severity,
};

/// Options whose keys are called otherwise. `runtimes` may be in both places.
const NAMES: [(&str, &str); 21] = [
    ("D", "debug"),
    ("G", "group"),
    ("H", "hosts"),
    ("authorization-plugin", "authorization-plugins"),
    ("b", "bridge"),
    ("cdi-spec-dir", "cdi-spec-dirs"),
    ("default-address-pool", "default-address-pools"),
    ("default-network-opt", "default-network-opts"),
    ("default-ulimit", "default-ulimits"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("host", "hosts"),
    ("insecure-registry", "insecure-registries"),
    ("l", "log-level"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("node-generic-resource", "node-generic-resources"),
    ("p", "pidfile"),
    ("registry-mirror", "registry-mirrors"),
    ("s", "storage-driver"),
    ("storage-opt", "storage-opts"),
];

/// The key that an argument sets.
fn key(argument: &str) -> Option<&str> {
    let option = match argument.strip_prefix("--") {
        Some(long) => long.split('=').next().filter(|name| !name.is_empty())?,
        // -H fd://, -Hfd://, -H=fd://
        None => argument.strip_prefix('-')?.get(..1)?,
    };
    Some(NAMES.iter().find(|(name, _)| *name == option).map_or(option, |(_, key)| key))
}

/// Keys that the file and the command line both set.
pub(super) fn twice(
    facts: &Facts,
    path: &str,
    file: &Map<String, Value>,
) -> Result<Vec<Finding>, Unknown> {
    let set: Vec<&str> = keys::flat(file).map(|(key, _)| key).collect();
    let both = |arguments: &[Text]| -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for key in arguments.iter().skip(1).filter_map(|argument| key(argument)) {
            if set.contains(&key) && !found.iter().any(|other| other == key) {
                found.push(key.into());
            }
        }
        found
    };
    let mut findings = Vec::new();
    for daemon in facts.engines.here("dockerd") {
        let arguments = daemon.arguments.get()?;
        for key in both(arguments) {
            findings.push(
                said_twice(facts, path, &key, "its command line")
                    .evidence(format!("arguments of process {}", daemon.pid), format!("--{key}"))
                    .remedy(take_out(path, &key)),
            );
        }
    }
    if findings.is_empty()
        && let Some(unit) = &facts.engines.unit
    {
        let arguments = unit.get()?;
        for key in both(arguments) {
            let rest: Vec<&str> = without(arguments, &key);
            let drop_in = Task::File {
                path: "/etc/systemd/system/docker.service.d/once.conf".into(),
                lines: [
                    "[Service]".into(),
                    "ExecStart=".into(),
                    format!("ExecStart={}", rest.join(" ")),
                ]
                .into(),
            };
            findings.push(
                said_twice(facts, path, &key, "systemd's docker.service")
                    .evidence(
                        "docker.service: ExecStart",
                        arguments.iter().map(Text::as_str).collect::<Vec<_>>().join(" "),
                    )
                    .remedy(Remedy::tasks(
                        Place::Host,
                        format!("let the unit say nothing of {key:?}"),
                        [drop_in],
                    ))
                    .remedy(take_out(path, &key)),
            );
        }
    }
    // Only where the command is left to it.
    if findings.is_empty() && set.contains(&"hosts") && facts.engines.is_dind() {
        let mut found = said_twice(facts, path, "hosts", "the entrypoint of docker:dind")
            .evidence("dockerd-entrypoint.sh", "dockerd --host=…")
            .remedy(take_out(path, "hosts"));
        found.severity = found.severity.at_most(Severity::Warning);
        findings.push(found);
    }
    Ok(findings)
}

fn said_twice(facts: &Facts, path: &str, key: &str, by: &str) -> Finding {
    let summary = format!("{key:?} is set by {path} and by {by}: dockerd does not start");
    finding(facts, key, summary)
}

fn take_out(path: &str, key: &str) -> Remedy {
    Remedy::advice(Place::Here, format!("take {key:?} out of {path}"))
}

/// The command line without what sets this key.
fn without<'a>(arguments: &'a [Text], unwanted: &str) -> Vec<&'a str> {
    let mut rest = Vec::new();
    let mut skips = false;
    for argument in arguments {
        let is_value = core::mem::take(&mut skips) && !argument.starts_with('-');
        if key(argument) == Some(unwanted) {
            let inline =
                argument.contains('=') || !argument.starts_with("--") && argument.len() > 2;
            skips = !inline;
        } else if !is_value {
            rest.push(argument.as_str());
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_set_the_keys_that_they_are_called_by() {
        let all =
            ["-H", "-Hfd://", "--host=fd://", "--host", "-D", "--mtu=1400", "fd://", "--", "-"];
        let keys: Vec<_> = all.iter().map(|argument| key(argument)).collect();
        let hosts = Some("hosts");
        assert_eq!(
            keys,
            [hosts, hosts, hosts, hosts, Some("debug"), Some("mtu"), None, None, None]
        );
    }

    #[test]
    fn what_sets_a_key_goes_with_its_value() {
        let line = |text: &str| text.split(' ').map(Text::from).collect::<Vec<_>>();
        for (before, after) in [
            ("dockerd -H fd:// --containerd=/x", "dockerd --containerd=/x"),
            ("dockerd -H=fd:// -D", "dockerd -D"),
            ("dockerd --host fd:// --host=tcp://x -D", "dockerd -D"),
        ] {
            assert_eq!(without(&line(before), "hosts").join(" "), after);
        }
        assert_eq!(without(&line("dockerd --debug -D x"), "debug").join(" "), "dockerd");
    }
}
