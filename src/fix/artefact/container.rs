//! How the container is launched, in the words of its launcher.

use dind_doctor_checks::{
    facts::Launcher,
    remedy::{
        ContainerSetting, DaemonOption, Language, Place, Remedy, Rendered, Snippet, Surroundings,
    },
};
use serde_json::Value;

use super::{Artefact, json, reasons, yaml};
use crate::fix::{ByHand, Fix, Given, Traced, whys};

/// The command and the files by which the container, and the daemon in it, are launched.
pub(super) fn all(
    settings: &[Traced<ContainerSetting>],
    arguments: &[Traced<DaemonOption>],
    launcher: Launcher,
    given: &Given<'_>,
    fix: &mut Fix,
) {
    if settings.is_empty() && arguments.is_empty() {
        return;
    }
    let around =
        Surroundings { launchers: vec![launcher], ..given.report.environment.surroundings.clone() };
    let rendered = |remedy: Remedy| remedy.render(&around).into_iter().next();
    let launch = (!settings.is_empty())
        .then(|| Remedy::container("", settings.iter().map(|setting| setting.value.clone())));
    let daemon = (!arguments.is_empty())
        .then(|| Remedy::daemon("", arguments.iter().map(|option| option.value.clone())));
    let with = |remedy: Option<Remedy>, why| Some((rendered(remedy?)?, why));
    let (launch, daemon) = (with(launch, whys(settings)), with(daemon, whys(arguments)));
    let forms = match (launch, daemon) {
        (Some(first), Some(second)) => together(first, second),
        (first, second) => first.into_iter().chain(second).collect(),
    };
    for (form, why) in forms {
        if launcher == Launcher::None {
            fix.by_hand.push(in_words(&form, &why));
            continue;
        }
        let mut notes = notes(&form);
        let before = fix.artefacts.len();
        fix.artefacts.extend(run(&form, launcher, &reasons(settings)));
        fix.artefacts.extend(form.snippet.as_ref().map(|snippet| file(snippet, launcher)));
        for artefact in &mut fix.artefacts[before..] {
            artefact.why.clone_from(&why);
        }
        match fix.artefacts.get_mut(before) {
            Some(first) => {
                if notes.first().is_some_and(|note| note.starts_with("in ")) {
                    first.what = notes.remove(0);
                }
                first.notes = notes;
            }
            None => fix.by_hand.push(in_words(&form, &why)),
        }
    }
}

/// What of a setting the launcher cannot say, and where it goes.
fn notes(form: &Rendered) -> Vec<String> {
    form.text.split("; ").filter(|note| !note.is_empty()).map(str::to_owned).collect()
}

/// With what it was launched is not known: in the words that most people know.
fn in_words(form: &Rendered, why: &[&'static str]) -> ByHand {
    let options: Vec<_> = form
        .commands
        .iter()
        .filter_map(|line| line.strip_prefix("docker run ")?.strip_suffix(" IMAGE"))
        .collect();
    let notes = notes(form).join("; ");
    let text = match (options.is_empty(), notes.is_empty()) {
        (true, _) => notes,
        (false, true) => {
            format!("start the container with what docker run calls {}", options.join(" "))
        }
        (false, false) => {
            format!("start the container with what docker run calls {}; {notes}", options.join(" "))
        }
    };
    ByHand { place: Place::Container, text, commands: Vec::new(), snippet: None, why: why.to_vec() }
}

/// A rendered change, and what asks for it.
type Form = (Rendered, Vec<&'static str>);

/// Both in one file where they are for the same one, else one after the other.
fn together(mut first: Form, second: Form) -> Vec<Form> {
    match (&mut first.0.snippet, &second.0.snippet) {
        (Some(Snippet::Tree(language, into)), Some(Snippet::Tree(other, tree)))
            if language == other =>
        {
            join(into, tree);
            for note in notes(&second.0) {
                if !notes(&first.0).contains(&note) {
                    first.0.text = format!("{}; {note}", first.0.text);
                }
            }
            let more: Vec<_> = second.1.into_iter().filter(|id| !first.1.contains(id)).collect();
            first.1.extend(more);
            vec![first]
        }
        _ => vec![first, second],
    }
}

/// Joins objects key by key; in lists, what has the same name.
fn join(into: &mut Value, tree: &Value) {
    match (into, tree) {
        (Value::Object(into), Value::Object(tree)) => {
            for (key, value) in tree {
                join(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(more)) => {
            for item in more {
                let named =
                    |old: &Value| item.get("name").is_some() && old.get("name") == item.get("name");
                match into.iter().position(named) {
                    Some(at) => join(&mut into[at], item),
                    None if into.contains(item) => {}
                    None => into.push(item.clone()),
                }
            }
        }
        (into, tree) => *into = tree.clone(),
    }
}

/// A script with the one command, or the few.
fn run(form: &Rendered, launcher: Launcher, why: &str) -> Option<Artefact> {
    if form.commands.is_empty() {
        return None;
    }
    // Nobody knows from inside what it is called outside.
    let unnamed = form.commands.iter().any(|line| line.contains(" CONTAINER"));
    let commands: Vec<String> =
        form.commands.iter().map(|line| line.replace(" CONTAINER", " \"$1\"")).collect();
    let usage = if unnamed { "# ./run NAME, the container's.\n" } else { "" };
    let content = format!("#!/bin/sh\n# For {why}.\n{usage}{}\n", commands.join("\n"));
    let what = match launcher {
        Launcher::Docker => "the options of docker run, beside those that you give it now",
        Launcher::Podman => "the options of podman run, beside those that you give it now",
        _ => "on the host",
    };
    let shown = form.commands.clone();
    Some(Artefact { shown, executable: true, ..Artefact::shown("run", what, content) })
}

fn file(snippet: &Snippet, launcher: Launcher) -> Artefact {
    let (name, what) = match (launcher, language(snippet)) {
        (Launcher::Kubernetes, _) => ("pod.yaml", "a patch of the pod"),
        (Launcher::Gitlab, Language::Toml) => ("config.toml", "for the runner's config.toml"),
        (Launcher::Gitlab, _) => ("gitlab-ci.yaml", "for .gitlab-ci.yml"),
        (Launcher::Github, _) => ("arc.yaml", "values of the runner scale set"),
        (Launcher::Devcontainer, _) => ("devcontainer.json", "for devcontainer.json"),
        (Launcher::Podman, _) => ("dind.container", "the same as a Quadlet unit"),
        (Launcher::Nspawn, _) => ("container.nspawn", "for the .nspawn file of the container"),
        (Launcher::Lxc | Launcher::Incus | Launcher::Lxd | Launcher::Proxmox, _) => {
            ("lxc.conf", "for the configuration of the container, on the host")
        }
        (Launcher::Docker | Launcher::None, _) => ("compose.yaml", "the same for Compose"),
    };
    let mut artefact = Artefact::shown(name, what, text(snippet));
    // The command above says the same.
    if matches!(launcher, Launcher::Docker | Launcher::Podman) {
        artefact.beside = true;
    }
    artefact
}

const fn language(snippet: &Snippet) -> Language {
    let (Snippet::Tree(language, _) | Snippet::Lines(language, _)) = snippet;
    *language
}

fn text(snippet: &Snippet) -> String {
    match snippet {
        Snippet::Lines(_, lines) => format!("{}\n", lines.trim_end_matches('\n')),
        Snippet::Tree(Language::Yaml, tree) => yaml(tree),
        Snippet::Tree(Language::Toml, tree) => toml::to_string_pretty(tree).unwrap_or_default(),
        Snippet::Tree(_, tree) => json(tree),
    }
}
