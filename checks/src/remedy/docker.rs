//! `docker run`, Compose and daemon.json.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Map, Value, json};

use super::{
    ContainerSetting, DaemonFile, DaemonOption, Language, SecurityOption, Snippet, argument,
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

/// A `dockerd` line, or daemon.json with what it holds already. dockerd refuses to start with a directive in both
/// places: where the file has the key, only the file is offered, and where the command line has it, only that.
pub(super) fn daemon(options: &[DaemonOption], file: &DaemonFile) -> Form {
    let path = if file.path.is_empty() { "/etc/docker/daemon.json" } else { &file.path };
    let json = Some(Snippet::Tree(Language::Json, daemon_json(options, file)));
    if file.sets(options) {
        let note = format!(
            "{path} sets it already: change it there, keep its other keys, and restart dockerd"
        );
        return Form { commands: vec![], snippet: json, notes: vec![note] };
    }
    let arguments: Vec<String> = options.iter().map(|option| argument(&option.argument)).collect();
    let commands = vec![format!("dockerd {}", arguments.join(" "))];
    let given = file.given(options);
    if !given.is_empty() {
        let note = format!("on dockerd's command line, in place of {}", given.join(" "));
        return Form { commands, snippet: None, notes: vec![note] };
    }
    let held =
        file.content.as_ref().and_then(Value::as_object).is_some_and(|keys| !keys.is_empty());
    let note = if held {
        format!("on the command line, or in {path} beside its other keys, never in both")
    } else {
        format!("on the command line or in {path}, never in both")
    };
    Form { commands, snippet: json, notes: vec![note] }
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
    for setting in settings {
        match setting {
            ContainerSetting::CapAdd(capability) => two("--cap-add", capability.short_name()),
            ContainerSetting::SecurityOption(option) => {
                two("--security-opt", security_option(*option).into());
            }
            // Without a name: each container gets a volume of its own, and two never share one.
            ContainerSetting::Volume(path) if path.contains(':') => {
                two("--mount", mount("volume", path));
            }
            ContainerSetting::Volume(path) => two("-v", path.clone()),
            ContainerSetting::Tmpfs(path) if path.contains(':') => {
                two("--mount", mount("tmpfs", path));
            }
            ContainerSetting::Tmpfs(path) => two("--tmpfs", path.clone()),
            ContainerSetting::Device(path) => two("--device", path.clone()),
            ContainerSetting::Variable(name, value) => two("-e", format!("{name}={value}")),
            ContainerSetting::Ulimit { name, soft, hard } => {
                two("--ulimit", format!("{name}={soft}:{hard}"));
            }
            ContainerSetting::Sysctl(name, value) => two("--sysctl", format!("{name}={value}")),
            ContainerSetting::StopSignal(signal) => two("--stop-signal", signal.clone()),
            ContainerSetting::Group(gid) => two("--group-add", format!("{gid}")),
            ContainerSetting::Privileged
            | ContainerSetting::PrivateCgroupNamespace
            | ContainerSetting::Init
            | ContainerSetting::NoInit
            | ContainerSetting::UnlimitedPids
            | ContainerSetting::Memory(_)
            | ContainerSetting::Cpus(_)
            | ContainerSetting::OwnPidNamespace => {}
        }
    }
    let flags = settings.iter().filter_map(|setting| {
        Some(match setting {
            ContainerSetting::Privileged => "--privileged".into(),
            ContainerSetting::PrivateCgroupNamespace => "--cgroupns=private".into(),
            ContainerSetting::Init => "--init".into(),
            ContainerSetting::NoInit => "--init=false".into(),
            ContainerSetting::UnlimitedPids => "--pids-limit=-1".into(),
            ContainerSetting::Memory(gib) => format!("--memory={gib}g"),
            ContainerSetting::Cpus(cpus) => format!("--cpus={cpus}"),
            _ => return None,
        })
    });
    flags.chain(words).collect()
}

/// The value of `--mount`, a line of comma-separated values, for paths that `-v` would split.
pub(super) fn mount(kind: &str, target: &str) -> String {
    let target = format!("target={target}");
    let target = if target.contains([',', '"', '\n']) {
        format!("\"{}\"", target.replace('"', "\"\""))
    } else {
        target
    };
    format!("type={kind},{target}")
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
            ContainerSetting::Sysctl(name, value) => {
                add("sysctls", escape_dollar(&format!("{name}={value}")).into());
            }
            ContainerSetting::Group(gid) => add("group_add", format!("{gid}").into()),
            _ => {}
        }
    }
    for place in storage(settings) {
        let target = escape_dollar(place.path);
        if place.tmpfs {
            add("volumes", json!({"type": "tmpfs", "target": target}));
        } else {
            add("volumes", json!({"type": "volume", "target": target}));
        }
    }
    for setting in settings {
        let (key, value) = match setting {
            ContainerSetting::Privileged => ("privileged", json!(true)),
            ContainerSetting::PrivateCgroupNamespace => ("cgroup", json!("private")),
            ContainerSetting::Init => ("init", json!(true)),
            ContainerSetting::NoInit => ("init", json!(false)),
            ContainerSetting::UnlimitedPids => ("pids_limit", json!(-1)),
            ContainerSetting::Memory(gib) => ("mem_limit", json!(format!("{gib}g"))),
            ContainerSetting::Cpus(cpus) => ("cpus", json!(cpus)),
            ContainerSetting::StopSignal(signal) => ("stop_signal", json!(signal)),
            ContainerSetting::Ulimit { name, soft, hard } => {
                let ulimits = service.entry("ulimits").or_insert_with(|| json!({}));
                ulimits[name.as_str()] = json!({"soft": soft, "hard": hard});
                continue;
            }
            _ => continue,
        };
        service.insert(key.into(), value);
    }
    json!({"services": {"dind": service}})
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
            ["docker run --privileged -v /var/lib/docker --tmpfs /run --cap-add SYS_ADMIN \
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
                            {"type": "volume", "target": "/var/lib/docker"},
                            {"type": "tmpfs", "target": "/run"},
                        ],
                        "cap_add": ["SYS_ADMIN"],
                        "security_opt": ["systempaths=unconfined"],
                        "environment": ["DOCKER_IPTABLES_LEGACY="],
                    }},
                })
            ))
        );
    }

    #[test]
    fn a_hostile_path_stays_one_word() {
        let form = container(&[ContainerSetting::Volume("/d; rm -rf $HOME".into())]);
        assert_eq!(form.commands, ["docker run -v '/d; rm -rf $HOME' IMAGE"]);
        let form = container(&[ContainerSetting::Volume("/a:/etc,ro".into())]);
        assert_eq!(form.commands, ["docker run --mount type='volume,\"target=/a:/etc,ro\"' IMAGE"]);
    }

    #[test]
    fn daemon_options_are_flags_and_keys() {
        let options = [DaemonOption::mtu(1400), DaemonOption::cgroup_parent("/a b")];
        let form = daemon(&options, &DaemonFile::default());
        assert_eq!(form.commands, ["dockerd --mtu=1400 --cgroup-parent='/a b'"]);
        assert_eq!(
            form.snippet,
            Some(Snippet::Tree(Language::Json, json!({"mtu": 1400, "cgroup-parent": "/a b"})))
        );
    }

    #[test]
    fn an_option_is_never_offered_in_a_second_place() {
        let option = [DaemonOption::mtu(1400)];
        let content = Some(json!({"mtu": 1500, "bip": "10.1.0.1/24"}));
        let form = daemon(&option, &DaemonFile { content, ..DaemonFile::default() });
        assert!(form.commands.is_empty(), "dockerd refuses a flag beside the key");
        let merged = json!({"mtu": 1400, "bip": "10.1.0.1/24"});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Json, merged)));
        let arguments = vec!["dockerd".into(), "--mtu=1500".into()];
        let form = daemon(&option, &DaemonFile { arguments, ..DaemonFile::default() });
        assert_eq!((form.commands.len(), form.snippet), (1, None));
        assert!(form.notes[0].ends_with("in place of --mtu=1500"));
    }

    #[test]
    fn limits_are_settings_like_others() {
        let form = container(&[
            ContainerSetting::UnlimitedPids,
            ContainerSetting::Memory(4),
            ContainerSetting::Ulimit { name: "nofile".into(), soft: 1, hard: 2 },
        ]);
        assert_eq!(
            form.commands,
            ["docker run --pids-limit=-1 --memory=4g --ulimit nofile=1:2 IMAGE"]
        );
        let service = json!({"pids_limit": -1, "mem_limit": "4g", "ulimits": {"nofile": {"soft": 1, "hard": 2}}});
        let want = json!({"services": {"dind": service}});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Yaml, want)));
    }

    #[test]
    fn what_docker_has_no_option_for_is_said_in_words() {
        let form = container(&[ContainerSetting::OwnPidNamespace]);
        assert!(form.commands.is_empty() && form.snippet.is_none() && form.notes.len() == 1);
    }
}
