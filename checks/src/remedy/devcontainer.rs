//! devcontainer.json.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Map, json};

use super::{
    ContainerSetting, DaemonFile, DaemonOption, Language, Snippet,
    docker::{options, push, security_option},
    launcher::{Form, daemon_json, storage},
};

/// The properties of devcontainer.json; what it has none for goes to `runArgs`.
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let mut file = Map::new();
    let mut environment = Map::new();
    let mut notes = Vec::new();
    for setting in settings {
        match setting {
            ContainerSetting::Privileged => {
                file.insert("privileged".into(), true.into());
            }
            ContainerSetting::CapAdd(capability) => {
                push(&mut file, "capAdd", capability.short_name().into());
            }
            ContainerSetting::SecurityOption(option) => {
                push(&mut file, "securityOpt", security_option(*option).into());
            }
            ContainerSetting::Init => {
                file.insert("init".into(), true.into());
            }
            ContainerSetting::NoInit => {
                file.insert("init".into(), false.into());
            }
            ContainerSetting::Variable(name, value) => {
                environment.insert(name.clone(), value.as_str().into());
            }
            ContainerSetting::PrivateCgroupNamespace
            | ContainerSetting::Device(_)
            | ContainerSetting::UnlimitedPids
            | ContainerSetting::Memory(_)
            | ContainerSetting::Cpus(_)
            | ContainerSetting::Ulimit { .. }
            | ContainerSetting::Sysctl(..)
            | ContainerSetting::StopSignal(_)
            | ContainerSetting::Group(_) => {
                let words = options(core::slice::from_ref(setting));
                push(&mut file, "runArgs", words.join("=").into());
            }
            ContainerSetting::OwnPidNamespace => {
                notes.push("without --pid=host in runArgs".into());
            }
            ContainerSetting::Volume(_) | ContainerSetting::Tmpfs(_) => {}
        }
    }
    for place in storage(settings) {
        if place.tmpfs {
            push(&mut file, "runArgs", format!("--tmpfs={}", place.path).into());
        } else {
            // Without the id, dev containers of two projects would share one volume.
            let source = format!("{}-${{devcontainerId}}", place.name);
            let mount = json!({"type": "volume", "source": source, "target": place.path});
            push(&mut file, "mounts", mount);
        }
    }
    if !environment.is_empty() {
        file.insert("containerEnv".into(), environment.into());
    }
    let snippet = (!file.is_empty()).then(|| Snippet::Tree(Language::Json, file.into()));
    Form { snippet, notes, commands: vec![] }
}

/// daemon.json in the image, since the docker-in-docker feature has no option for arguments.
pub(super) fn daemon(options: &[DaemonOption], file: &DaemonFile) -> Form {
    let note = String::from("as /etc/docker/daemon.json in the image of the dev container");
    Form {
        snippet: Some(Snippet::Tree(Language::Json, daemon_json(options, file))),
        notes: vec![note],
        commands: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::SecurityOption;

    #[test]
    fn properties_where_there_are_any_and_run_arguments_for_the_rest() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::Volume("/var/lib/docker".into()),
            ContainerSetting::Tmpfs("/run".into()),
            ContainerSetting::PrivateCgroupNamespace,
            ContainerSetting::Device("/dev/fuse".into()),
            ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined),
            ContainerSetting::Init,
            ContainerSetting::Variable("A".into(), "b".into()),
        ]);
        let want = json!({
            "privileged": true,
            "mounts": [
                {"type": "volume", "source": "dind-${devcontainerId}", "target": "/var/lib/docker"},
            ],
            "runArgs": ["--cgroupns=private", "--device=/dev/fuse", "--tmpfs=/run"],
            "securityOpt": ["seccomp=unconfined"],
            "init": true,
            "containerEnv": {"A": "b"},
        });
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Json, want)));
    }

    #[test]
    fn daemon_options_are_daemon_json() {
        let form = daemon(&[DaemonOption::mtu(1400)], &DaemonFile::default());
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Json, json!({"mtu": 1400}))));
    }
}
