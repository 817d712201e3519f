//! One remedy, written as each launcher wants it.

use alloc::{format, string::String, vec, vec::Vec};

use serde_json::{Value, json};

use super::{
    Change, ContainerSetting, DaemonFile, DaemonOption, Language, Remedy, Rendered, Snippet,
    Surroundings, devcontainer, docker, github, gitlab, kubernetes, lxc, nspawn, podman,
};
use crate::facts::Launcher;

/// The launchers that container and daemon settings are written for, in the order of the report.
pub const LAUNCHERS: [Launcher; 5] = [
    Launcher::Docker,
    Launcher::Kubernetes,
    Launcher::Gitlab,
    Launcher::Github,
    Launcher::Devcontainer,
];

/// A change as one launcher writes it.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Commands to paste.
    pub commands: Vec<String>,
    /// What goes into a file; `None` if this launcher has no setting for any of it.
    pub snippet: Option<Snippet>,
    /// What the snippet cannot say: a setting that the launcher does not have, the file it goes to.
    pub notes: Vec<String>,
}

/// Renders `remedy` for every launcher that writes it differently, the one that people edit first.
pub(super) fn render(remedy: &Remedy, surroundings: &Surroundings) -> Vec<Rendered> {
    let steps = core::iter::once(remedy).chain(&remedy.then);
    if !steps.clone().any(differs) {
        return vec![whole(remedy, None, surroundings)];
    }
    let readers = readers(surroundings.launcher()).into_iter();
    readers.map(|launcher| whole(remedy, Some(launcher), surroundings)).collect()
}

/// Whether launchers write it differently.
const fn differs(step: &Remedy) -> bool {
    matches!(step.change, Change::Container(_) | Change::Daemon(_))
}

/// For whom a change is written. Nobody is given the words of a launcher that cannot have launched this; of an LXC
/// container it may not be known who manages it.
fn readers(current: Launcher) -> Vec<Launcher> {
    match current {
        Launcher::Lxc => {
            vec![Launcher::Lxc, Launcher::Incus, Launcher::Lxd, Launcher::Proxmox]
        }
        Launcher::Podman
        | Launcher::Incus
        | Launcher::Lxd
        | Launcher::Proxmox
        | Launcher::Nspawn => vec![current],
        _ => {
            let others = LAUNCHERS.into_iter().filter(|launcher| *launcher != current);
            LAUNCHERS.into_iter().filter(|launcher| *launcher == current).chain(others).collect()
        }
    }
}

/// A remedy with all its steps.
fn whole(remedy: &Remedy, launcher: Option<Launcher>, surroundings: &Surroundings) -> Rendered {
    let mut first = one(remedy, launcher, surroundings);
    first.then = remedy.then.iter().map(|step| one(step, launcher, surroundings)).collect();
    first
}

fn one(remedy: &Remedy, launcher: Option<Launcher>, surroundings: &Surroundings) -> Rendered {
    let snippet = |snippet| Form { snippet: Some(snippet), ..Form::default() };
    let form = match &remedy.change {
        Change::Advice => Form::default(),
        Change::Commands(_) | Change::Tasks(_) => {
            Form { commands: remedy.change.commands(), ..Form::default() }
        }
        Change::File(file) => snippet(file.clone()),
        Change::ContainersConf(tree) => snippet(Snippet::Tree(Language::Toml, tree.clone())),
        Change::KindConfig(tree) => {
            let mut config = json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"});
            merge(&mut config, tree);
            snippet(Snippet::Tree(Language::Yaml, config))
        }
        Change::Container(settings) => {
            container(settings, launcher.unwrap_or_default(), surroundings)
        }
        Change::Daemon(options) => daemon(options, launcher.unwrap_or_default(), surroundings),
    };
    let mut text = remedy.text.clone();
    for note in &form.notes {
        text = format!("{text}; {note}");
    }
    Rendered {
        place: remedy.place,
        launcher,
        text,
        commands: form.commands,
        snippet: form.snippet,
        then: vec![],
    }
}

fn container(settings: &[ContainerSetting], launcher: Launcher, around: &Surroundings) -> Form {
    match launcher {
        Launcher::Kubernetes => kubernetes::container(settings),
        Launcher::Gitlab => gitlab::container(settings),
        Launcher::Github => github::container(settings),
        Launcher::Devcontainer => devcontainer::container(settings),
        Launcher::Podman => podman::container(settings),
        Launcher::Lxc | Launcher::Incus | Launcher::Lxd | Launcher::Proxmox => {
            lxc::container(settings, launcher, around)
        }
        Launcher::Nspawn => nspawn::container(settings, around),
        Launcher::Docker | Launcher::None => docker::container(settings),
    }
}

fn daemon(options: &[DaemonOption], launcher: Launcher, around: &Surroundings) -> Form {
    // Whoever wrote a file into the container edits that file, whatever launched it.
    if launcher == around.launcher() && around.daemon.sets(options) {
        return docker::daemon(options, &around.daemon);
    }
    match launcher {
        Launcher::Kubernetes => kubernetes::daemon(options),
        Launcher::Gitlab => gitlab::daemon(options),
        Launcher::Github => github::daemon(options),
        Launcher::Devcontainer => devcontainer::daemon(options, &around.daemon),
        _ => docker::daemon(options, &around.daemon),
    }
}

/// Merges the keys of `tree` into `into`, objects recursively.
pub(super) fn merge(into: &mut Value, tree: &Value) {
    match (into, tree) {
        (Value::Object(into), Value::Object(tree)) => {
            for (key, value) in tree {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, tree) => *into = tree.clone(),
    }
}

/// daemon.json with all `options`, beside what it holds already.
pub(super) fn daemon_json(options: &[DaemonOption], file: &DaemonFile) -> Value {
    let mut config = file.content.clone().unwrap_or_else(|| json!({}));
    for option in options {
        let tree = option.keys.iter().rev().fold(option.value.clone(), |tree, key| {
            let mut level = serde_json::Map::new();
            level.insert((*key).into(), tree);
            Value::Object(level)
        });
        merge(&mut config, &tree);
    }
    config
}

/// A place that gets storage of its own.
#[derive(Debug)]
pub(super) struct Storage<'a> {
    /// A name that is unique among the settings, and valid for Docker and Kubernetes alike.
    pub name: String,
    /// Where it is mounted.
    pub path: &'a str,
    /// In memory, and not on disk.
    pub tmpfs: bool,
}

/// The volumes and tmpfs of `settings`, in their order.
pub(super) fn storage(settings: &[ContainerSetting]) -> Vec<Storage<'_>> {
    let mut all: Vec<Storage<'_>> = Vec::new();
    for setting in settings {
        let (path, tmpfs) = match setting {
            ContainerSetting::Volume(path) => (path.as_str(), false),
            ContainerSetting::Tmpfs(path) => (path.as_str(), true),
            _ => continue,
        };
        let mut name = storage_name(path);
        if all.iter().any(|other| other.name == name) {
            name = format!("{name}-{}", all.len());
        }
        all.push(Storage { name, path, tmpfs });
    }
    all
}

/// `dind` for Docker's own directory, else the path in the characters that Kubernetes allows in names.
fn storage_name(path: &str) -> String {
    if path == "/var/lib/docker" {
        return "dind".into();
    }
    // A Kubernetes name has at most 63 characters (RFC 1123); room is left for a number.
    let mut name = String::from("dind");
    for word in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if name.len() + word.len() > 55 {
            break;
        }
        name = format!("{name}-{}", word.to_ascii_lowercase());
    }
    name
}

/// `value` where `$` begins a reference: Compose, Kubernetes and GitLab all read `$$` as one `$`.
pub(super) fn escape_dollar(value: &str) -> String {
    value.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::Place;

    #[test]
    fn the_launcher_in_use_comes_first_and_each_comes_once() {
        let remedy = Remedy::container("let it", [ContainerSetting::Privileged]);
        for current in LAUNCHERS.into_iter().chain([Launcher::None]) {
            let all = remedy.render(&current.into());
            assert_eq!(all.len(), LAUNCHERS.len());
            let first = if current == Launcher::None { Launcher::Docker } else { current };
            assert_eq!(all[0].launcher, Some(first));
            for launcher in LAUNCHERS {
                assert_eq!(all.iter().filter(|r| r.launcher == Some(launcher)).count(), 1);
            }
        }
    }

    #[test]
    fn nobody_is_given_the_words_of_another_launcher() {
        let remedy = Remedy::container("let it", [ContainerSetting::Privileged]);
        for current in [
            Launcher::Podman,
            Launcher::Lxc,
            Launcher::Incus,
            Launcher::Lxd,
            Launcher::Proxmox,
            Launcher::Nspawn,
        ] {
            for rendered in remedy.render(&current.into()) {
                let foreign = rendered.launcher.is_some_and(|l| LAUNCHERS.contains(&l));
                let docker = rendered.commands.iter().any(|c| c.contains("docker run"));
                assert!(!foreign && !docker, "{current:?}: {rendered:?}");
            }
            assert_eq!(remedy.render(&current.into())[0].launcher, Some(current));
        }
    }

    #[test]
    fn steps_are_rendered_for_the_same_launcher() {
        let remedy = Remedy::container("let it", [ContainerSetting::Privileged])
            .then(Remedy::commands(Place::Here, "then prepare it", ["mkdir /x"]));
        let all = remedy.render(&Launcher::Kubernetes.into());
        assert_eq!(all.len(), LAUNCHERS.len());
        assert!(all.iter().all(|r| r.steps().count() == 2 && r.then[0].launcher == r.launcher));
    }

    #[test]
    fn commands_and_files_are_the_same_for_all() {
        let all = Remedy::commands(Place::Here, "do it", ["modprobe fuse"])
            .render(&Launcher::Gitlab.into());
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].launcher, all[0].commands.len()), (None, 1));
    }

    #[test]
    fn daemon_json_has_the_keys_of_all_options() {
        let options = [DaemonOption::mtu(1400), DaemonOption::user_network_mtu(1400)];
        assert_eq!(
            daemon_json(&options, &DaemonFile::default()),
            json!({
                "mtu": 1400,
                "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}},
            })
        );
    }

    #[test]
    fn names_of_volumes_are_valid_and_unique() {
        let settings = [
            ContainerSetting::Volume("/var/lib/docker".into()),
            ContainerSetting::Volume("/var/lib/containerd".into()),
            ContainerSetting::Tmpfs("/var/lib-containerd".into()),
            ContainerSetting::Volume("/; rm -rf \"$HOME\"\n".into()),
        ];
        let names: Vec<String> = storage(&settings).into_iter().map(|s| s.name).collect();
        assert_eq!(
            names,
            ["dind", "dind-var-lib-containerd", "dind-var-lib-containerd-2", "dind-rm-rf-home"]
        );
    }
}
