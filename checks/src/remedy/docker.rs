//! `docker run`, Compose and daemon.json.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Map, Value, json};

use super::{
    ContainerSetting, DaemonOption, Language, SecurityOption, Snippet, argument,
    launcher::{Form, daemon_json, escape_dollar, storage},
};

/// A `docker run` line, and the service for Compose.
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let options = options(settings);
    let mut notes = Vec::new();
    if settings.contains(&ContainerSetting::OwnPidNamespace) {
        notes.push("start it without --pid=host or --pid=container:…".into());
    }
    if options.is_empty() {
        return Form { notes, ..Form::default() };
    }
    let words: Vec<String> = options.iter().map(|word| argument(word)).collect();
    Form {
        commands: vec![format!("docker run {} IMAGE", words.join(" "))],
        snippet: Some(Snippet::Tree(Language::Yaml, compose(settings))),
        notes,
    }
}

/// A `dockerd` line, and daemon.json.
pub(super) fn daemon(options: &[DaemonOption]) -> Form {
    let arguments: Vec<String> = options.iter().map(|option| argument(&option.argument)).collect();
    Form {
        commands: vec![format!("dockerd {}", arguments.join(" "))],
        snippet: Some(Snippet::Tree(Language::Json, daemon_json(options))),
        // dockerd refuses to start with a directive in both places.
        notes: vec!["on the command line or in /etc/docker/daemon.json, never in both".into()],
    }
}

/// What `--security-opt` takes.
pub(super) const fn security_option(option: SecurityOption) -> &'static str {
    match option {
        SecurityOption::SeccompUnconfined => "seccomp=unconfined",
        SecurityOption::AppArmorUnconfined => "apparmor=unconfined",
        SecurityOption::LabelDisable => "label=disable",
        SecurityOption::SystemPathsUnconfined => "systempaths=unconfined",
        SecurityOption::WritableCgroups => "writable-cgroups=true",
    }
}

/// The words of a `docker run` line for `settings`, not yet quoted.
pub(super) fn options(settings: &[ContainerSetting]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut two = |option: &str, value: String| words.extend([option.into(), value]);
    let mut volumes = storage(settings).into_iter();
    for setting in settings {
        match setting {
            ContainerSetting::CapAdd(capability) => two("--cap-add", capability.short_name()),
            ContainerSetting::SecurityOption(option) => {
                two("--security-opt", security_option(*option).into());
            }
            ContainerSetting::Volume(path) => {
                let name = volumes.next().map(|s| s.name).unwrap_or_default();
                if path.contains(':') {
                    two("--mount", mount("volume", Some(&name), path));
                } else {
                    two("-v", format!("{name}:{path}"));
                }
            }
            ContainerSetting::Tmpfs(path) => {
                volumes.next();
                if path.contains(':') {
                    two("--mount", mount("tmpfs", None, path));
                } else {
                    two("--tmpfs", path.clone());
                }
            }
            ContainerSetting::Device(path) => two("--device", path.clone()),
            ContainerSetting::Variable(name, value) => two("-e", format!("{name}={value}")),
            ContainerSetting::Privileged
            | ContainerSetting::PrivateCgroupNamespace
            | ContainerSetting::Init
            | ContainerSetting::NoInit
            | ContainerSetting::OwnPidNamespace => {}
        }
    }
    let flags = settings.iter().filter_map(|setting| match setting {
        ContainerSetting::Privileged => Some("--privileged"),
        ContainerSetting::PrivateCgroupNamespace => Some("--cgroupns=private"),
        ContainerSetting::Init => Some("--init"),
        ContainerSetting::NoInit => Some("--init=false"),
        _ => None,
    });
    flags.map(String::from).chain(words).collect()
}

/// The value of `--mount`, a line of comma-separated values, for paths that `-v` would split.
pub(super) fn mount(kind: &str, source: Option<&str>, target: &str) -> String {
    let target = format!("target={target}");
    let target = if target.contains([',', '"', '\n']) {
        format!("\"{}\"", target.replace('"', "\"\""))
    } else {
        target
    };
    let source = source.map(|name| format!("source={name},")).unwrap_or_default();
    format!("type={kind},{source}{target}")
}

/// A Compose file with the one service.
fn compose(settings: &[ContainerSetting]) -> Value {
    let mut service = Map::new();
    let mut add = |key: &str, value: Value| push(&mut service, key, value);
    for setting in settings {
        match setting {
            ContainerSetting::CapAdd(capability) => add("cap_add", capability.short_name().into()),
            ContainerSetting::SecurityOption(option) => {
                add("security_opt", security_option(*option).into());
            }
            ContainerSetting::Device(path) => add("devices", escape_dollar(path).into()),
            ContainerSetting::Variable(name, value) => {
                add("environment", escape_dollar(&format!("{name}={value}")).into());
            }
            _ => {}
        }
    }
    let mut volumes = Map::new();
    for place in storage(settings) {
        let target = escape_dollar(place.path);
        if place.tmpfs {
            add("volumes", json!({"type": "tmpfs", "target": target}));
        } else {
            add("volumes", json!({"type": "volume", "source": place.name, "target": target}));
            volumes.insert(place.name, json!({}));
        }
    }
    for setting in settings {
        let (key, value) = match setting {
            ContainerSetting::Privileged => ("privileged", json!(true)),
            ContainerSetting::PrivateCgroupNamespace => ("cgroup", json!("private")),
            ContainerSetting::Init => ("init", json!(true)),
            ContainerSetting::NoInit => ("init", json!(false)),
            _ => continue,
        };
        service.insert(key.into(), value);
    }
    let mut file = json!({"services": {"dind": service}});
    if !volumes.is_empty() {
        file["volumes"] = volumes.into();
    }
    file
}

/// Appends `value` to the list at `key`.
pub(super) fn push(map: &mut Map<String, Value>, key: &str, value: Value) {
    let list = map.entry(key).or_insert_with(|| json!([]));
    if let Value::Array(list) = list {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Capability;

    #[test]
    fn docker_run_and_compose_carry_every_setting() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::Volume("/var/lib/docker".into()),
            ContainerSetting::Tmpfs("/run".into()),
            ContainerSetting::CapAdd(Capability::SYS_ADMIN),
            ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined),
            ContainerSetting::Variable("DOCKER_IPTABLES_LEGACY".into(), String::new()),
        ]);
        assert_eq!(
            form.commands,
            ["docker run --privileged -v dind:/var/lib/docker --tmpfs /run --cap-add SYS_ADMIN \
              --security-opt systempaths=unconfined -e DOCKER_IPTABLES_LEGACY= IMAGE"]
        );
        assert_eq!(
            form.snippet,
            Some(Snippet::Tree(
                Language::Yaml,
                json!({
                    "services": {"dind": {
                        "privileged": true,
                        "volumes": [
                            {"type": "volume", "source": "dind", "target": "/var/lib/docker"},
                            {"type": "tmpfs", "target": "/run"},
                        ],
                        "cap_add": ["SYS_ADMIN"],
                        "security_opt": ["systempaths=unconfined"],
                        "environment": ["DOCKER_IPTABLES_LEGACY="],
                    }},
                    "volumes": {"dind": {}},
                })
            ))
        );
    }

    #[test]
    fn a_hostile_path_stays_one_word() {
        let form = container(&[ContainerSetting::Volume("/d; rm -rf $HOME".into())]);
        assert_eq!(form.commands, ["docker run -v 'dind-d-rm-rf-home:/d; rm -rf $HOME' IMAGE"]);
        let form = container(&[ContainerSetting::Volume("/a:/etc,ro".into())]);
        assert_eq!(
            form.commands,
            ["docker run --mount type='volume,source=dind-a-etc-ro,\"target=/a:/etc,ro\"' IMAGE"]
        );
    }

    #[test]
    fn daemon_options_are_flags_and_keys() {
        let form = daemon(&[DaemonOption::mtu(1400), DaemonOption::cgroup_parent("/a b")]);
        assert_eq!(form.commands, ["dockerd --mtu=1400 --cgroup-parent='/a b'"]);
        assert_eq!(
            form.snippet,
            Some(Snippet::Tree(Language::Json, json!({"mtu": 1400, "cgroup-parent": "/a b"})))
        );
    }

    #[test]
    fn what_docker_has_no_option_for_is_said_in_words() {
        let form = container(&[ContainerSetting::OwnPidNamespace]);
        assert!(form.commands.is_empty() && form.snippet.is_none() && form.notes.len() == 1);
    }
}
