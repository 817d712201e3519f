//! `podman run`, and a Quadlet unit.

use alloc::{format, string::String, vec::Vec};

use super::{
    ContainerSetting, Language, SecurityOption, Snippet, argument, docker, launcher::Form,
};

/// A `podman run` line, and what goes into the `.container` file from which systemd starts one
/// (`podman-systemd.unit(5)`).
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let mut notes = Vec::new();
    if settings.contains(&ContainerSetting::OwnPidNamespace) {
        notes
            .push("start it without --pid=host, --pid=container:… or a pod that shares pid".into());
    }
    let words = options(settings);
    if words.is_empty() {
        return Form { notes, ..Form::default() };
    }
    let quoted: Vec<String> = words.iter().map(|word| argument(word)).collect();
    Form {
        commands: alloc::vec![format!("podman run {} IMAGE", quoted.join(" "))],
        snippet: Some(Snippet::Lines(Language::Ini, quadlet(settings))),
        notes,
    }
}

/// Docker's words, but for the paths below `/proc` and `/sys`, which podman unmasks by its own option.
fn options(settings: &[ContainerSetting]) -> Vec<String> {
    docker::options(settings)
        .into_iter()
        .map(|word| match word.as_str() {
            "systempaths=unconfined" => "unmask=ALL".into(),
            // podman masks it like the others (`podman-run(1)`, `--security-opt unmask`).
            "writable-cgroups=true" => "unmask=/sys/fs/cgroup".into(),
            _ => word,
        })
        .collect()
}

fn quadlet(settings: &[ContainerSetting]) -> String {
    let mut text = String::from("[Container]");
    for setting in settings {
        let line = match setting {
            ContainerSetting::CapAdd(capability) => {
                format!("AddCapability={capability}")
            }
            ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined) => {
                "SeccompProfile=unconfined".into()
            }
            ContainerSetting::SecurityOption(SecurityOption::LabelDisable) => {
                "SecurityLabelDisable=true".into()
            }
            ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined) => {
                "Unmask=ALL".into()
            }
            ContainerSetting::SecurityOption(SecurityOption::WritableCgroups) => {
                "Unmask=/sys/fs/cgroup".into()
            }
            ContainerSetting::Volume(path) => format!("Volume={}", specifier(path)),
            ContainerSetting::Tmpfs(path) => format!("Tmpfs={}", specifier(path)),
            ContainerSetting::Device(path) => format!("AddDevice={}", specifier(path)),
            ContainerSetting::Init => "RunInit=true".into(),
            ContainerSetting::NoInit => "RunInit=false".into(),
            ContainerSetting::Variable(name, value) => {
                format!("Environment={}", argument(&specifier(&format!("{name}={value}"))))
            }
            ContainerSetting::UnlimitedPids => "PidsLimit=-1".into(),
            ContainerSetting::Ulimit { name, soft, hard } => format!("Ulimit={name}={soft}:{hard}"),
            ContainerSetting::Sysctl(name, value) => format!("Sysctl={name}={}", specifier(value)),
            ContainerSetting::StopSignal(signal) => format!("StopSignal={signal}"),
            ContainerSetting::Group(gid) => format!("GroupAdd={gid}"),
            ContainerSetting::OwnPidNamespace => continue,
            ContainerSetting::Privileged
            | ContainerSetting::PrivateCgroupNamespace
            | ContainerSetting::Memory(_)
            | ContainerSetting::Cpus(_)
            | ContainerSetting::SecurityOption(SecurityOption::AppArmorUnconfined) => {
                format!("PodmanArgs={}", options(core::slice::from_ref(setting)).join("="))
            }
        };
        text = format!("{text}\n{line}");
    }
    text
}

/// `value` in a unit file, in which `%` begins a specifier and a line is a setting.
pub(super) fn specifier(value: &str) -> String {
    value.replace('%', "%%").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Capability;

    #[test]
    fn podman_has_words_of_its_own() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::CapAdd(Capability::SYS_ADMIN),
            ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined),
            ContainerSetting::Volume("/var/lib/docker".into()),
        ]);
        assert_eq!(
            form.commands,
            ["podman run --privileged --cap-add SYS_ADMIN --security-opt unmask=ALL \
              -v /var/lib/docker IMAGE"]
        );
        let unit = "[Container]\nPodmanArgs=--privileged\nAddCapability=CAP_SYS_ADMIN\nUnmask=ALL\nVolume=/var/lib/docker";
        assert_eq!(form.snippet, Some(Snippet::Lines(Language::Ini, unit.into())));
    }

    #[test]
    fn a_hostile_path_is_one_line_of_the_unit() {
        let text = quadlet(&[ContainerSetting::Tmpfs("/a%h\nExecStart=/x".into())]);
        assert_eq!(text, "[Container]\nTmpfs=/a%%h ExecStart=/x");
    }
}
