mod keys;
mod told;

#[cfg(test)]
mod tests;

use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use self::keys::Fault;
use crate::{
    facts::{Fact, Facts, Missing, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, Provider},
    remedy::{Place, Remedy, quote},
    target::Severity,
    version::Component,
};

check! {
    /// ## What it looks at
    /// `/etc/docker/daemon.json`, or the file of a running dockerd's `--config-file`: whether it is JSON, which keys it has and
    /// of which types, and which of them dockerd is told on its command line too: by the arguments of one that runs, by
    /// systemd's `docker.service` with its drop-ins, and by the entrypoint of docker:dind.
    ///
    /// ## Why it matters
    /// dockerd does not start with a file that it cannot read, with one key that it does not know, with a number in
    /// quotes, or where file and command line both set something, even to the same value. Best known is `hosts`, beside the
    /// `-H fd://` of the packages' unit. One that runs goes on until somebody restarts it.
    ///
    /// ## When it is fine
    /// There is no file, or an empty one. `runtimes` may be in both places. What is inside `log-opts`, `features`, `builder` and
    /// the like is the plugin's affair; other objects are looked through as if their keys stood outside. Keys differ by
    /// release: what this release of Docker does not have yet, or no more, is named.
    ///
    /// ## How to fix
    /// `dockerd --validate --config-file=/etc/docker/daemon.json` (Docker 23 and later) says what is wrong. Set each option
    /// in one place.
    ///
    /// ## References
    /// moby `daemon/config/config.go` (`getConflictFreeConfiguration`, `findConfigurationConflicts`), `daemon/command/config.go`;
    /// docker/for-linux#1110; moby#22339.
    "daemon-json-invalid",
    "dockerd cannot use its configuration file",
    Docker,
    { dockerd: Error, kind: Error },
    [
        "unable to configure the Docker daemon with file",
        "the following directives don't match any configuration option",
        "the following directives are specified both as a flag and in the configuration file",
        "unable to parse ….json: ",
    ]
}

/// What is newer may have keys that are not known here.
const NEWEST: u32 = 29;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.provider.is_some_and(|provider| provider != Provider::Docker) {
        return Ok(Outcome::not_applicable("kind's nodes are not made by dockerd"));
    }
    let file = match &facts.engines.daemon_json {
        Fact::Missing(Missing { why: Why::Malformed, source }) => {
            let found =
                finding(facts, source, format!("{source} is no JSON: dockerd does not start"));
            return Ok(found.remedy(validate(facts, source)).into());
        }
        file => file.get()?,
    };
    let path = file.path.as_str();
    let keys = match &file.content {
        Value::Null => return Ok(Outcome::pass()),
        Value::Object(keys) => keys,
        _ => {
            let found =
                finding(facts, path, format!("{path} holds no object: dockerd does not start"));
            return Ok(found.remedy(validate(facts, path)).into());
        }
    };
    let docker = facts.versions.of(Component::Docker);
    if facts.engines.daemon_json_goes_on {
        let early = !docker.is_assumed() && !docker.version.at_least(23, 0);
        let found = if early {
            let summary = format!("dockerd reads only the first object of {path}");
            Finding::new(path, CHECK.worst.at_most(Severity::Warning), summary)
        } else {
            let summary = format!("{path} goes on after its first object: dockerd does not start");
            finding(facts, path, summary)
        };
        let step = format!("make one object of what is in {path}");
        let found = found.rests_on(Component::Docker, &docker);
        return Ok(found.remedy(Remedy::advice(Place::Here, step)).into());
    }
    let version = (!docker.is_assumed()).then_some(docker.version);
    let faults = keys::flat(keys)
        .filter_map(|(key, value)| Some((key, value, keys::fault(key, value, version)?)));
    let faults = faults.map(|(key, value, fault)| {
        let newest = version.is_none_or(|version| version.major > NEWEST);
        let summary = format!("{path} sets {key:?}, {}", fault.words());
        let mut found = finding(facts, key, summary).evidence(path, shown(key, value));
        if matches!(fault, Fault::Since(_) | Fault::Until(_)) {
            found = found.rests_on(Component::Docker, &docker);
        }
        if newest && fault == Fault::Unknown && keys::meant(key).is_none() {
            found.severity = found.severity.at_most(Severity::Warning);
        }
        let step = match (&fault, keys::meant(key)) {
            (Fault::Type(wanted), _) => format!("make {key:?} {wanted}, in {path}"),
            (_, Some(meant)) => format!("write {meant:?} for {key:?}, in {path}"),
            (_, None) => format!("take {key:?} out of {path}"),
        };
        found.remedy(Remedy::advice(Place::Here, step))
    });
    let mut findings: Vec<Finding> = faults.collect();
    match told::twice(facts, path, keys) {
        Ok(found) => findings.extend(found),
        Err(unknown) if findings.is_empty() => return Err(unknown),
        Err(_) => {}
    }
    Ok(Outcome::of(findings))
}

/// Only numbers and switches are shown: names and credentials may be in all else.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) | Value::Null => format!("{key:?}: {value}"),
        Value::String(_) => format!("{key:?}: a string"),
        Value::Array(_) => format!("{key:?}: a list"),
        Value::Object(_) => format!("{key:?}: an object"),
    }
}

/// A daemon that runs goes on, and does not start again.
fn finding(facts: &Facts, subject: &str, summary: String) -> Finding {
    if facts.engines.here("dockerd").next().is_some() {
        let summary = format!("{summary} again");
        return Finding::new(subject, CHECK.worst.at_most(Severity::Warning), summary);
    }
    Finding::new(subject, CHECK.worst, summary)
}

/// What is wrong with a file that could not be read.
fn validate(facts: &Facts, path: &str) -> Remedy {
    let docker = facts.versions.of(Component::Docker);
    let command = if docker.version.at_least(23, 0) {
        format!("dockerd --validate --config-file={}", quote(path))
    } else {
        format!("python3 -m json.tool {}", quote(path))
    };
    Remedy::commands(Place::Here, "see where it breaks, and mend it", [command])
}
