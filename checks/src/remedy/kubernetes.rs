//! Pods.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Map, Value, json};

use super::{
    ContainerSetting, DaemonOption, Language, SecurityOption, Snippet,
    docker::push,
    launcher::{Form, escape_dollar, merge, storage},
};

/// What of a pod's specification changes.
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let (spec, notes) = spec(settings);
    let snippet = spec.map(|spec| {
        Snippet::Tree(Language::Yaml, json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}))
    });
    Form { snippet, notes, commands: vec![] }
}

/// The arguments of a container whose entrypoint starts dockerd, as that of docker:dind.
pub(super) fn daemon(options: &[DaemonOption]) -> Form {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
        "containers": [{"name": "dind", "args": arguments(options)}],
    }});
    Form { snippet: Some(Snippet::Tree(Language::Yaml, pod)), ..Form::default() }
}

/// The options as a container's `args`, in which `$(NAME)` would be replaced.
pub(super) fn arguments(options: &[DaemonOption]) -> Vec<String> {
    options.iter().map(|option| escape_dollar(&option.argument)).collect()
}

/// The fields of a PodSpec, none if it has no field for any of the settings; and what it has no field for.
pub(super) fn spec(settings: &[ContainerSetting]) -> (Option<Value>, Vec<String>) {
    let privileged = settings.contains(&ContainerSetting::Privileged);
    let mut pod = Map::new();
    let mut container = Map::new();
    let mut security = json!({});
    let mut notes: Vec<String> = Vec::new();
    for setting in settings {
        match setting {
            ContainerSetting::Privileged => merge(&mut security, &json!({"privileged": true})),
            ContainerSetting::CapAdd(capability) => {
                let name = capability.short_name();
                match security.pointer_mut("/capabilities/add") {
                    Some(Value::Array(add)) => add.push(name.into()),
                    _ => merge(&mut security, &json!({"capabilities": {"add": [name]}})),
                }
            }
            ContainerSetting::SecurityOption(option) => {
                if let Some(note) = security_option(*option, privileged, &mut security, &mut pod) {
                    notes.push(note.into());
                }
            }
            ContainerSetting::PrivateCgroupNamespace => notes.push(
                "Kubernetes has no field for the cgroup namespace: on cgroup v2 only an \
                 unprivileged container gets one of its own, a privileged one has to unshare it"
                    .into(),
            ),
            ContainerSetting::Volume(_) | ContainerSetting::Tmpfs(_) => {}
            ContainerSetting::Device(path) => {
                if !privileged {
                    notes.push(format!(
                        "Kubernetes has no field for {path}: use a device plugin, or privileged"
                    ));
                }
            }
            ContainerSetting::Init => {
                // shareProcessNamespace would make pause PID 1, but kind and systemd need the PID 1 of their own.
                notes.push("a pod has no setting for an init: build one into the image".into());
            }
            ContainerSetting::NoInit => {
                notes.push("Kubernetes puts no init in front of the image's own".into());
            }
            ContainerSetting::OwnPidNamespace => {
                pod.insert("shareProcessNamespace".into(), false.into());
                pod.insert("hostPID".into(), false.into());
            }
            ContainerSetting::UnlimitedPids => notes.push(
                "a pod's limit is the kubelet's podPidsLimit: -1 in its configuration, on the node"
                    .into(),
            ),
            ContainerSetting::Memory(gib) => {
                let limits = json!({"limits": {"memory": format!("{gib}Gi")}});
                merge(container.entry("resources").or_insert_with(|| json!({})), &limits);
            }
            ContainerSetting::Cpus(cpus) => {
                let limits = json!({"limits": {"cpu": format!("{cpus}")}});
                merge(container.entry("resources").or_insert_with(|| json!({})), &limits);
            }
            ContainerSetting::Ulimit { .. } => notes.push(
                "a pod has no such setting: it gets the limits of the node's containerd or CRI-O"
                    .into(),
            ),
            ContainerSetting::Sysctl(name, value) => {
                let context = pod.entry("securityContext").or_insert_with(|| json!({}));
                merge(context, &json!({"sysctls": [{"name": name, "value": value}]}));
                notes.push("the kubelet has to allow it: allowedUnsafeSysctls".into());
            }
            ContainerSetting::StopSignal(signal) => {
                notes.push(format!("for a pod, put STOPSIGNAL {signal} into the image"));
            }
            ContainerSetting::Group(gid) => {
                let context = pod.entry("securityContext").or_insert_with(|| json!({}));
                merge(context, &json!({"supplementalGroups": [gid]}));
            }
            ContainerSetting::Variable(name, value) => {
                push(&mut container, "env", json!({"name": name, "value": escape_dollar(value)}));
            }
        }
    }
    for place in storage(settings) {
        let medium = if place.tmpfs { json!({"medium": "Memory"}) } else { json!({}) };
        push(&mut container, "volumeMounts", json!({"name": place.name, "mountPath": place.path}));
        push(&mut pod, "volumes", json!({"name": place.name, "emptyDir": medium}));
    }
    if security != json!({}) {
        container.insert("securityContext".into(), security);
    }
    if !container.is_empty() {
        container.insert("name".into(), "dind".into());
        pod.insert("containers".into(), json!([container]));
    }
    ((!pod.is_empty()).then(|| pod.into()), notes)
}

/// Sets the field for `option`, or says what to do instead.
fn security_option(
    option: SecurityOption,
    privileged: bool,
    security: &mut Value,
    pod: &mut Map<String, Value>,
) -> Option<&'static str> {
    let fields = match option {
        SecurityOption::SeccompUnconfined => json!({"seccompProfile": {"type": "Unconfined"}}),
        SecurityOption::AppArmorUnconfined => json!({"appArmorProfile": {"type": "Unconfined"}}),
        SecurityOption::LabelDisable => json!({"seLinuxOptions": {"type": "spc_t"}}),
        // A privileged container has no masked paths and a writable cgroup mount.
        SecurityOption::SystemPathsUnconfined | SecurityOption::WritableCgroups if privileged => {
            return None;
        }
        SecurityOption::SystemPathsUnconfined => {
            // The API server accepts Unmasked only together with a user namespace.
            pod.insert("hostUsers".into(), false.into());
            json!({"procMount": "Unmasked"})
        }
        SecurityOption::WritableCgroups => {
            return Some(
                "Kubernetes has no field for a writable /sys/fs/cgroup: set cgroup_writable = true \
                 for the runtime in containerd's config.toml (2.1 and later)",
            );
        }
    };
    merge(security, &fields);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Capability;

    #[test]
    fn a_pod_gets_volumes_that_kubernetes_does_not_make_by_itself() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::Volume("/var/lib/docker".into()),
            ContainerSetting::Tmpfs("/run".into()),
            ContainerSetting::Variable("A".into(), "$(B)".into()),
        ]);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{
                "name": "dind",
                "securityContext": {"privileged": true},
                "env": [{"name": "A", "value": "$$(B)"}],
                "volumeMounts": [
                    {"name": "dind", "mountPath": "/var/lib/docker"},
                    {"name": "dind-run", "mountPath": "/run"},
                ],
            }],
            "volumes": [
                {"name": "dind", "emptyDir": {}},
                {"name": "dind-run", "emptyDir": {"medium": "Memory"}},
            ],
        }});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Yaml, pod)));
    }

    #[test]
    fn security_options_have_fields_of_other_names() {
        let (spec, notes) = spec(&[
            ContainerSetting::CapAdd(Capability::SYS_ADMIN),
            ContainerSetting::CapAdd(Capability::NET_ADMIN),
            ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined),
            ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined),
        ]);
        let want = json!({
            "hostUsers": false,
            "containers": [{"name": "dind", "securityContext": {
                "capabilities": {"add": ["SYS_ADMIN", "NET_ADMIN"]},
                "seccompProfile": {"type": "Unconfined"},
                "procMount": "Unmasked",
            }}],
        });
        assert_eq!((spec, notes), (Some(want), vec![]));
    }

    #[test]
    fn what_kubernetes_has_no_field_for_is_said_in_words() {
        for setting in [
            ContainerSetting::PrivateCgroupNamespace,
            ContainerSetting::Device("/dev/fuse".into()),
            ContainerSetting::SecurityOption(SecurityOption::WritableCgroups),
            ContainerSetting::NoInit,
        ] {
            let form = container(&[setting]);
            assert_eq!((form.snippet, form.notes.len()), (None, 1));
        }
    }

    #[test]
    fn daemon_options_are_arguments_of_the_container() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"name": "dind", "args": ["--mtu=1400"]}],
        }});
        assert_eq!(
            daemon(&[DaemonOption::mtu(1400)]).snippet,
            Some(Snippet::Tree(Language::Yaml, pod))
        );
    }
}
