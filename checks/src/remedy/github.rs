//! GitHub Actions: Helm values of Actions Runner Controller, options of a job's container.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::json;

use super::{
    ContainerSetting, DaemonOption, Language, Snippet, argument, docker, kubernetes, launcher::Form,
};

/// `containerMode: dind` cannot be changed in its parts; in the documented template dind is an init container that
/// stays (`restartPolicy: Always`), and Helm replaces lists.
const UNSET_MODE: &str = "in the values of gha-runner-scale-set: unset containerMode.type, copy its \
                          documented pod template, and change the entry dind in it";

/// The runner's pod, and, in words, the options of a job's container.
pub(super) fn container(settings: &[ContainerSetting]) -> Form {
    let (spec, mut notes) = kubernetes::spec(settings);
    let snippet = spec.map(|mut spec| {
        if let Some(fields) = spec.as_object_mut()
            && let Some(container) = fields.remove("containers")
        {
            fields.insert("initContainers".into(), container);
        }
        Snippet::Tree(Language::Yaml, json!({"template": {"spec": spec}}))
    });
    if snippet.is_some() {
        notes.insert(0, UNSET_MODE.into());
    }
    let options: Vec<String> =
        docker::options(settings).iter().map(|word| argument(word)).collect();
    if !options.is_empty() {
        notes.push(format!(
            "for a job with a container, jobs.<id>.container.options: {}",
            options.join(" ")
        ));
    }
    Form { snippet, notes, commands: vec![] }
}

/// The arguments of the pod's dind container, after those that the chart gives it.
pub(super) fn daemon(options: &[DaemonOption]) -> Form {
    let mut arguments: Vec<String> = vec![
        "dockerd".into(),
        "--host=unix:///var/run/docker.sock".into(),
        "--group=$(DOCKER_GROUP_GID)".into(),
    ];
    arguments.extend(kubernetes::arguments(options));
    let values = json!({"template": {"spec": {
        "initContainers": [{"name": "dind", "args": arguments}],
    }}});
    let mut notes = vec![UNSET_MODE.into()];
    if let Some(mtu) = options.iter().find(|option| option.keys == ["mtu"]) {
        notes.push(format!("a RunnerDeployment has dockerMTU: {}", mtu.value));
    }
    Form { snippet: Some(Snippet::Tree(Language::Yaml, values)), notes, commands: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_template_and_the_options_of_a_container_job() {
        let form = container(&[
            ContainerSetting::Privileged,
            ContainerSetting::Volume("/a b".into()),
            ContainerSetting::Tmpfs("/run".into()),
        ]);
        let want = json!({"template": {"spec": {
            "initContainers": [{
                "name": "dind",
                "securityContext": {"privileged": true},
                "volumeMounts": [
                    {"name": "dind-a-b", "mountPath": "/a b"},
                    {"name": "dind-run", "mountPath": "/run"},
                ],
            }],
            "volumes": [
                {"name": "dind-a-b", "emptyDir": {}},
                {"name": "dind-run", "emptyDir": {"medium": "Memory"}},
            ],
        }}});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Yaml, want)));
        assert!(
            form.notes.iter().any(|n| n.ends_with("options: --privileged -v '/a b' --tmpfs /run"))
        );
    }

    #[test]
    fn daemon_options_follow_the_arguments_of_the_chart() {
        let form = daemon(&[DaemonOption::mtu(1400)]);
        let want = json!({"template": {"spec": {"initContainers": [{"name": "dind", "args": [
            "dockerd",
            "--host=unix:///var/run/docker.sock",
            "--group=$(DOCKER_GROUP_GID)",
            "--mtu=1400",
        ]}]}}});
        assert_eq!(form.snippet, Some(Snippet::Tree(Language::Yaml, want)));
        assert!(form.notes.iter().any(|n| n.ends_with("dockerMTU: 1400")));
    }
}
