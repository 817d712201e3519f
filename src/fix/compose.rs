//! The first remedies of the errors and warnings for the targets asked for, by what they change.

use dind_doctor_checks::{
    outcome::Finding,
    remedy::{Change, ContainerSetting, DaemonOption, Place, Remedy, Task},
    target::Severity,
};
use serde_json::Value;

use super::{ByHand, Given, Lost, Traced, options, settings};

/// What is asked for, merged kind by kind.
#[derive(Debug, Default)]
pub(super) struct Composed {
    pub settings: Vec<Traced<ContainerSetting>>,
    pub options: Vec<Traced<DaemonOption>>,
    pub kind: Vec<Traced<Value>>,
    pub containers_conf: Vec<Traced<Value>>,
    pub tasks: Vec<Traced<(Place, Task)>>,
    pub by_hand: Vec<ByHand>,
    pub lost: Vec<Lost>,
}

/// Errors before warnings, and causes before consequences: of two that exclude each other the first counts.
pub(super) fn of(given: &Given<'_>) -> Composed {
    let targets = given.report.selected();
    let mut all = Composed::default();
    for severity in [Severity::Error, Severity::Warning] {
        for check in given.report.checks.iter().filter(|check| check.counts()) {
            let such = |finding: &&Finding| finding.severity.worst(&targets) == Some(severity);
            for remedy in check.findings.iter().filter(such).filter_map(|f| f.remedies.first()) {
                for step in std::iter::once(remedy).chain(&remedy.then) {
                    all.add(step, check.id);
                }
            }
        }
    }
    all
}

impl Composed {
    fn add(&mut self, step: &Remedy, id: &'static str) {
        match &step.change {
            Change::Container(more) => {
                for setting in more {
                    let asked = Traced::new(setting.clone(), id);
                    settings::add(&mut self.settings, asked, &mut self.lost);
                }
            }
            Change::Daemon(more) => {
                for option in more {
                    let asked = Traced::new(option.clone(), id);
                    options::add(&mut self.options, asked, &mut self.lost);
                }
            }
            Change::KindConfig(tree) => self.kind.push(Traced::new(tree.clone(), id)),
            Change::ContainersConf(tree) => {
                self.containers_conf.push(Traced::new(tree.clone(), id));
            }
            Change::Tasks(tasks) => {
                for task in tasks {
                    self.task(step.place, task.clone(), &[id]);
                }
            }
            Change::Advice => self.left(step, Vec::new(), None, id),
            Change::Commands(commands) => self.left(step, commands.clone(), None, id),
            Change::File(snippet) => self.left(step, Vec::new(), Some(snippet.clone()), id),
        }
    }

    fn left(
        &mut self,
        step: &Remedy,
        commands: Vec<String>,
        snippet: Option<dind_doctor_checks::remedy::Snippet>,
        id: &'static str,
    ) {
        let new =
            ByHand { place: step.place, text: step.text.clone(), commands, snippet, why: vec![id] };
        let same = |old: &&mut ByHand| {
            (old.place, &old.text, &old.commands, &old.snippet)
                == (new.place, &new.text, &new.commands, &new.snippet)
        };
        match self.by_hand.iter_mut().find(same) {
            Some(old) if old.why.contains(&id) => {}
            Some(old) => old.why.push(id),
            None => self.by_hand.push(new),
        }
    }

    /// Adds a task, unless one that sets the same thing is there.
    pub(super) fn task(&mut self, place: Place, task: Task, why: &[&'static str]) {
        let task = match task {
            // One directory by two names.
            Task::RemoveFile(path) => Task::RemoveFile(
                path.strip_prefix("/var/run/").map_or(path.clone(), |name| format!("/run/{name}")),
            ),
            other => other,
        };
        let key = task.key();
        let same = |old: &&mut Traced<(Place, Task)>| {
            old.value.1 == task || key.is_some() && old.value.1.key() == key
        };
        let Some(old) = self.tasks.iter_mut().find(same) else {
            return self.tasks.push(Traced { value: (place, task), why: why.to_vec() });
        };
        if old.value.1 == task {
            return old.also(why);
        }
        if let Some(larger) = larger(&old.value.1, &task) {
            old.value.1 = larger;
            return old.also(why);
        }
        let because = format!("{} asks for another value", old.why.join(", "));
        self.lost.push(Lost { what: task.commands().join("; "), why: why.to_vec(), because });
    }
}

/// Of two sysctls that are limits the larger one serves both.
fn larger(one: &Task, other: &Task) -> Option<Task> {
    let number = |task: &Task| match task {
        Task::Sysctl { values, .. } => match values.as_slice() {
            [(_, value)] => value.parse::<u64>().ok(),
            _ => None,
        },
        _ => None,
    };
    let (a, b) = (number(one)?, number(other)?);
    // Switches are not limits.
    (a > 1 && b > 1).then(|| if a >= b { one.clone() } else { other.clone() })
}
