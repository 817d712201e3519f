//! GitLab: the runner's config.toml for containers, .gitlab-ci.yml for the daemon.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::{Map, Value, json};

use super::{
    ContainerSetting, DaemonOption, Language, SecurityOption, Snippet,
    docker::{push, security_option},
    launcher::{Form, escape_dollar, storage},
};

/// One entry of `[[runners]]` for each executor that starts containers.
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let mut notes = Vec::new();
    let docker = docker_executor(settings, &mut notes);
    let kubernetes = kubernetes_executor(settings, &mut notes);
    let runners: Vec<Value> = [
        ("docker", docker, "FF_USE_INIT_WITH_DOCKER_EXECUTOR"),
        ("kubernetes", kubernetes, "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR"),
    ]
    .into_iter()
    .filter_map(|(executor, section, init)| runner(settings, executor, section, init))
    .collect();
    if runners.is_empty() {
        return Form { notes, ..Form::default() };
    }
    notes.insert(0, "in the runner's config.toml, in the entry of your executor".into());
    let snippet = Snippet::Tree(Language::Toml, json!({ "runners": runners }));
    Form { snippet: Some(snippet), notes, commands: vec![] }
}

/// The service that starts dockerd.
pub(super) fn daemon(options: &[DaemonOption]) -> Form {
    let command: Vec<String> = options.iter().map(|option| option.argument.clone()).collect();
    let tree = json!({"services": [{"name": "docker:dind", "command": command}]});
    Form {
        snippet: Some(Snippet::Tree(Language::Yaml, tree)),
        notes: vec!["in .gitlab-ci.yml".into()],
        commands: vec![],
    }
}

fn runner(
    settings: &[ContainerSetting],
    executor: &str,
    section: Map<String, Value>,
    init_flag: &str,
) -> Option<Value> {
    let mut runner = Map::new();
    for setting in settings {
        match setting {
            ContainerSetting::Variable(name, value) => {
                push(&mut runner, "environment", escape_dollar(&format!("{name}={value}")).into());
            }
            ContainerSetting::Init | ContainerSetting::NoInit => {
                let init = *setting == ContainerSetting::Init;
                runner.insert("feature_flags".into(), json!({ init_flag: init }));
            }
            _ => {}
        }
    }
    if !section.is_empty() {
        runner.insert(executor.into(), section.into());
    }
    if runner.is_empty() {
        return None;
    }
    runner.insert("executor".into(), executor.into());
    Some(runner.into())
}

/// `[runners.docker]`. What the job's container gets, its services get by keys of their own where they
/// have one: the daemon usually is a service.
fn docker_executor(settings: &[ContainerSetting], notes: &mut Vec<String>) -> Map<String, Value> {
    let mut docker = Map::new();
    for setting in settings {
        match setting {
            ContainerSetting::Privileged => {
                docker.insert("privileged".into(), true.into());
            }
            ContainerSetting::CapAdd(capability) => {
                push(&mut docker, "cap_add", capability.short_name().into());
            }
            ContainerSetting::SecurityOption(option) => {
                for key in ["security_opt", "services_security_opt"] {
                    push(&mut docker, key, security_option(*option).into());
                }
            }
            ContainerSetting::Device(path) => push(&mut docker, "devices", path.as_str().into()),
            ContainerSetting::Memory(gib) => {
                docker.insert("memory".into(), format!("{gib}g").into());
            }
            ContainerSetting::Cpus(cpus) => {
                docker.insert("cpus".into(), format!("{cpus}").into());
            }
            ContainerSetting::Ulimit { name, soft, hard } => {
                let table = docker.entry("ulimit").or_insert_with(|| json!({}));
                table[name.as_str()] = format!("{soft}:{hard}").into();
            }
            ContainerSetting::Sysctl(name, value) => {
                let table = docker.entry("sysctls").or_insert_with(|| json!({}));
                table[name.as_str()] = value.as_str().into();
            }
            ContainerSetting::Group(gid) => push(&mut docker, "group_add", format!("{gid}").into()),
            ContainerSetting::UnlimitedPids => notes.push(
                "GitLab Runner has no setting for the number of processes: the limit is that of the \
                 runner's host or pod"
                    .into(),
            ),
            ContainerSetting::StopSignal(signal) => {
                notes.push(format!("put STOPSIGNAL {signal} into the image"));
            }
            ContainerSetting::PrivateCgroupNamespace => notes.push(
                "GitLab Runner has no setting for the cgroup namespace: set \
                 \"default-cgroupns-mode\": \"private\" in daemon.json on the runner's host"
                    .into(),
            ),
            _ => {}
        }
    }
    for place in storage(settings) {
        if place.path.contains(':') {
            notes.push(format!("{:?} cannot be a volume of the docker executor", place.path));
        } else if place.tmpfs {
            for key in ["tmpfs", "services_tmpfs"] {
                let table = docker.entry(key).or_insert_with(|| json!({}));
                table[place.path] = "rw".into();
            }
        } else {
            // A named volume would be shared by jobs that run at the same time; a bare path is not.
            push(&mut docker, "volumes", place.path.to_string().into());
        }
    }
    docker
}

/// `[runners.kubernetes]`.
fn kubernetes_executor(
    settings: &[ContainerSetting],
    notes: &mut Vec<String>,
) -> Map<String, Value> {
    let mut kubernetes = Map::new();
    for setting in settings {
        match setting {
            ContainerSetting::Privileged => {
                kubernetes.insert("privileged".into(), true.into());
            }
            ContainerSetting::CapAdd(capability) => {
                push(&mut kubernetes, "cap_add", capability.short_name().into());
            }
            ContainerSetting::SecurityOption(SecurityOption::LabelDisable) => {
                for key in
                    ["build_container_security_context", "service_container_security_context"]
                {
                    kubernetes.insert(key.into(), json!({"selinux_type": "spc_t"}));
                }
            }
            ContainerSetting::Memory(gib) => {
                kubernetes.insert("memory_limit".into(), format!("{gib}Gi").into());
            }
            ContainerSetting::Cpus(cpus) => {
                kubernetes.insert("cpu_limit".into(), format!("{cpus}").into());
            }
            ContainerSetting::SecurityOption(option) => notes.push(format!(
                "the kubernetes executor has no setting for {}: patch the pod with \
                 [[runners.kubernetes.pod_spec]]",
                security_option(*option)
            )),
            _ => {}
        }
    }
    let mounts: Vec<Value> = storage(settings)
        .into_iter()
        .map(|place| {
            let mut mount = json!({"name": place.name, "mount_path": place.path});
            if place.tmpfs {
                mount["medium"] = "Memory".into();
            }
            mount
        })
        .collect();
    if !mounts.is_empty() {
        kubernetes.insert("volumes".into(), json!({ "empty_dir": mounts }));
    }
    kubernetes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_executors_get_an_entry() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::Volume("/var/lib/docker".into()),
            ContainerSetting::Tmpfs("/run".into()),
            ContainerSetting::Variable("A".into(), "$B".into()),
        ]);
        let want = json!({"runners": [
            {
                "executor": "docker",
                "environment": ["A=$$B"],
                "docker": {
                    "privileged": true,
                    "volumes": ["/var/lib/docker"],
                    "tmpfs": {"/run": "rw"},
                    "services_tmpfs": {"/run": "rw"},
                },
            },
            {
                "executor": "kubernetes",
                "environment": ["A=$$B"],
                "kubernetes": {
                    "privileged": true,
                    "volumes": {"empty_dir": [
                        {"name": "dind", "mount_path": "/var/lib/docker"},
                        {"name": "dind-run", "mount_path": "/run", "medium": "Memory"},
                    ]},
                },
            },
        ]});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Toml, want)));
    }

    #[test]
    fn what_the_runner_has_no_setting_for_is_said_in_words() {
        let form = container(&[ContainerSetting::PrivateCgroupNamespace]);
        assert_eq!((form.snippet, form.notes.len()), (None, 1));
    }

    #[test]
    fn daemon_options_are_the_command_of_the_service() {
        let form = daemon(&[DaemonOption::mtu(1360)]);
        let want = json!({"services": [{"name": "docker:dind", "command": ["--mtu=1360"]}]});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Yaml, want)));
    }
}
