//! One artefact for each place: a command, a file, a patch, a script.

mod container;
mod daemon;
mod entrypoint;
mod image;
mod kind;
mod scripts;

use std::fmt::Write as _;

use dind_doctor_checks::{
    facts::{Facts, Launcher, Role, Tri},
    remedy::{Phase, Place, Task},
};
use serde_json::Value;

pub use self::image::Image;
use super::{ByHand, Fix, Given, Risk, Traced, compose::Composed, risk, whys};

/// A file that carries changes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Its name in the directory that is written.
    pub name: &'static str,
    /// What it is and where it goes.
    pub what: String,
    /// All of it.
    pub content: String,
    /// What of it is worth showing.
    pub shown: Vec<String>,
    /// Whose it is.
    pub risk: Risk,
    /// What asks for it.
    pub why: Vec<&'static str>,
    /// What it cannot say, and what is to be done with it.
    pub notes: Vec<String>,
    /// Whether only its owner may read it: it holds what a file held that may have been secret.
    pub private: bool,
    /// Whether it is a program.
    pub executable: bool,
    /// Whether another one says what it is for: the same in another form, or what comes with it.
    pub beside: bool,
    /// The file here that it replaces, if it does.
    pub here: Option<String>,
}

impl Artefact {
    /// A file whose whole content is shown.
    fn shown(name: &'static str, what: impl Into<String>, content: String) -> Self {
        let shown = content.lines().map(str::to_owned).collect();
        Self {
            name,
            what: what.into(),
            content,
            shown,
            risk: Risk::Yours,
            why: Vec::new(),
            notes: Vec::new(),
            private: false,
            executable: false,
            beside: false,
            here: None,
        }
    }
}

/// Where tasks of this environment are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// In an entrypoint: a container that runs one program.
    Entrypoint,
    /// By a script at each start of the system that runs in the container.
    System,
    /// On this machine, which is no container.
    Machine,
}

impl Start {
    fn of(facts: &Facts, launcher: Launcher) -> Self {
        let system = matches!(
            launcher,
            Launcher::Lxc | Launcher::Incus | Launcher::Lxd | Launcher::Proxmox | Launcher::Nspawn
        );
        match facts.runtime.container {
            Tri::No => Self::Machine,
            Tri::Yes if !system && facts.pid1.role != Role::Systemd => Self::Entrypoint,
            Tri::Yes | Tri::Unknown => Self::System,
        }
    }
}

/// Writes all that was composed.
pub(super) fn all(all: Composed, given: &Given<'_>) -> Fix {
    let facts = given.facts;
    let launcher = given.launcher();
    let start = Start::of(facts, launcher);
    let mut fix = Fix { lost: all.lost, by_hand: all.by_hand, ..Fix::default() };
    let (odd, tasks): (Vec<_>, Vec<_>) =
        all.tasks.into_iter().partition(|task| has_control_characters(&task.value.1));
    fix.by_hand.extend(odd.into_iter().map(left_out));
    let (host, own): (Vec<_>, Vec<_>) = tasks
        .into_iter()
        .partition(|task| task.value.0 == Place::Host || task.value.1.phase() == Phase::Boot);
    let own: Vec<Traced<Task>> = own.into_iter().map(Traced::second).collect();
    let mut host: Vec<Traced<Task>> = host.into_iter().map(Traced::second).collect();
    let (shell, own): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|task| matches!(task.value, Task::Environment { .. }));
    // The next container is called something else.
    let is_own = |task: &Traced<Task>| {
        let path = facts.cgroup.own_path().filter(|path| path.len() > 1);
        path.is_some_and(
            |path| matches!(&task.value, Task::Write { path: file, .. } if file.contains(path)),
        )
    };
    let (once, own): (Vec<_>, Vec<_>) = own.into_iter().partition(is_own);
    fix.by_hand.extend(once.iter().cloned().map(now));
    fix.by_hand.extend(shell.into_iter().map(in_shell));
    fix.here = own
        .iter()
        .chain(&once)
        .filter(|t| risk::of(&t.value, facts) == Risk::Safe)
        .cloned()
        .collect();
    if start == Start::Machine {
        fix.here.extend(host.iter().filter(|t| risk::of(&t.value, facts) == Risk::Safe).cloned());
    }
    let (build, at_start): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|task| task.value.phase() == Phase::Build);
    let mut at_start = at_start;
    if start == Start::Entrypoint {
        // The entrypoint starts below it.
        at_start.extend(build.iter().filter(|task| task.value == Task::InitInImage).cloned());
    }
    let has_entrypoint = start == Start::Entrypoint && !at_start.is_empty();

    let mut daemon = daemon::Options::of(all.options, given);
    let entrypoint = has_entrypoint.then(|| {
        let mtu = daemon.take_computed();
        entrypoint::of(&at_start, mtu.as_ref(), given)
    });
    fix.by_hand.append(&mut daemon.by_hand);
    let in_launch = !has_entrypoint
        && !daemon.is_in_file
        && matches!(launcher, Launcher::Kubernetes | Launcher::Gitlab | Launcher::Github);
    let (arguments, in_file) =
        if in_launch { (daemon.kept, Vec::new()) } else { (Vec::new(), daemon.kept) };

    container::all(&all.settings, &arguments, launcher, given, &mut fix);
    let file = daemon::file(&in_file, given);
    if let Some(entrypoint) = &entrypoint {
        fix.artefacts.extend([entrypoint.clone()]);
    }
    if start == Start::Entrypoint {
        let copies = entrypoint.is_some().then_some(()).and(file.as_ref());
        fix.artefacts.extend(image::all(&build, entrypoint.as_ref(), copies, given));
    }
    fix.artefacts.extend(file);
    fix.artefacts.extend(kind::of(&all.kind, &mut fix.lost));
    fix.artefacts.extend(kind::containers_conf(&all.containers_conf, &mut fix.lost, given));
    if start != Start::Entrypoint {
        let own: Vec<_> = build.into_iter().chain(at_start).collect();
        match start {
            Start::Machine => host.extend(own),
            _ => fix.artefacts.extend(scripts::here(&own)),
        }
    }
    host.sort_by_key(|task| task.value.phase());
    fix.artefacts.extend(scripts::host(&host, start == Start::Machine, facts));
    fix
}

/// A line break in a value begins an instruction of a Dockerfile, whatever quotes it stands in; nobody's path has one.
fn has_control_characters(task: &Task) -> bool {
    commands(task).iter().any(|command| command.chars().any(char::is_control))
}

fn left_out(task: Traced<(Place, Task)>) -> ByHand {
    ByHand {
        place: task.value.0,
        text: "left out, since a name in it has control characters".to_owned(),
        commands: Vec::new(),
        snippet: None,
        why: task.why,
    }
}

fn in_shell(task: Traced<Task>) -> ByHand {
    ByHand {
        place: Place::Here,
        text: "in the shell, or the job, that starts it".to_owned(),
        commands: task.value.commands(),
        snippet: None,
        why: task.why,
    }
}

/// What is of this container is nothing for the image.
fn now(task: Traced<Task>) -> ByHand {
    ByHand { text: "now, in this container".to_owned(), ..in_shell(task) }
}

impl Traced<(Place, Task)> {
    fn second(self) -> Traced<Task> {
        Traced { value: self.value.1, why: self.why }
    }
}

/// The commands of tasks, each with what asks for it.
fn commented(tasks: &[Traced<Task>], indent: &str, failing: &str) -> String {
    let mut text = String::new();
    for task in tasks {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{indent}# for {}", task.why.join(", "));
        for command in commands(&task.value) {
            let _ = writeln!(text, "{indent}{command}{failing}");
        }
    }
    text
}

/// As they stand in scripts that run more than once: a rule that is there is not made again, and nothing reboots.
fn commands(task: &Task) -> Vec<String> {
    let all = task.commands();
    match task {
        Task::Rule { tool: dind_doctor_checks::remedy::RuleTool::Iptables, .. } => {
            let guarded = |rule: &String| {
                format!("{} 2> /dev/null || {rule}", rule.replacen(" -A ", " -C ", 1))
            };
            all.iter().map(guarded).collect()
        }
        Task::RemoveDirectory(path) => {
            let path = dind_doctor_checks::remedy::quote(path);
            all.iter().map(|remove| format!("[ ! -d {path} ] || {remove}")).collect()
        }
        Task::KernelArguments { .. } => all.into_iter().filter(|line| line != "reboot").collect(),
        _ => all,
    }
}

/// A tree as YAML.
fn yaml(tree: &Value) -> String {
    yaml_serde::to_string(tree).unwrap_or_default()
}

/// A tree as JSON, with a newline at the end.
fn json(tree: &Value) -> String {
    let mut text = serde_json::to_string_pretty(tree).unwrap_or_default();
    text.push('\n');
    text
}

/// All reasons, for a heading in a file.
fn reasons<'a, T: 'a>(all: impl IntoIterator<Item = &'a Traced<T>>) -> String {
    whys(all).join(", ")
}
