//! What a change brings with it, and what it makes unnecessary.

use dind_doctor_checks::{
    facts::{CgroupVersion, Launcher, Role},
    remedy::{
        ContainerSetting::{Init, PrivateCgroupNamespace, Privileged},
        Place, Task,
    },
};
use serde_json::Value;

use super::{Given, Lost, Traced, compose::Composed, settings};

/// Where engines look for the unified hierarchy.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Settles all of it.
pub(super) fn settle(all: &mut Composed, given: &Given<'_>) {
    settings::subsume(&mut all.settings);
    init_in_image(all, given);
    namespace_in_image(all, given);
    within_namespace(all);
    nesting(all, given);
    under_init(all);
    without_rules(all);
    all.tasks.sort_by_key(|task| task.value.1.phase());
}

/// A namespace that the launcher makes leaves nothing to do for whoever starts the daemon.
fn within_namespace(all: &mut Composed) {
    let Some(namespace) = all.settings.iter_mut().find(|s| s.value == PrivateCgroupNamespace)
    else {
        return;
    };
    all.tasks.retain(|task| {
        let needless = matches!(&task.value.1, Task::CgroupParent(_))
            || matches!(&task.value.1, Task::CgroupNamespace { command, .. } if command == "dockerd");
        if needless {
            namespace.also(&task.why);
        }
        !needless
    });
}

/// On cgroup v2 a namespace of its own, and a cgroup mount that can be written, leave processes in the root of the
/// namespace: limits of nested containers fail until they are in a leaf.
fn nesting(all: &mut Composed, given: &Given<'_>) {
    let facts = given.facts;
    let prepared = |task: &Traced<(Place, Task)>| {
        matches!(&task.value.1, Task::CgroupNamespace { prepared: true, .. })
    };
    if all.tasks.iter().any(prepared) {
        all.tasks.retain(
            |task| !matches!(&task.value.1, Task::CgroupLeaf { directory } if directory == CGROUPS),
        );
        return;
    }
    let is_v2 = facts.cgroup.version.is_known_and(|version| *version == CgroupVersion::V2);
    if !is_v2 || facts.runtime.container.is_no() || facts.pid1.role == Role::Systemd {
        return;
    }
    let brings =
        |setting: &&Traced<_>| matches!(setting.value, PrivateCgroupNamespace | Privileged);
    let why = super::whys(all.settings.iter().filter(brings));
    if !why.is_empty() {
        let leaf = Task::CgroupLeaf { directory: CGROUPS.to_owned() };
        all.task(Place::Image, leaf, &why);
    }
}

/// A pod has no setting for an init: it comes with the image, and the entrypoint starts below it.
fn init_in_image(all: &mut Composed, given: &Given<'_>) {
    let pod = matches!(given.launcher(), Launcher::Kubernetes | Launcher::Github);
    let at = all.settings.iter().position(|setting| setting.value == Init);
    let Some(at) = at.filter(|_| pod) else { return };
    let why = all.settings.remove(at).why;
    all.task(Place::Image, Task::InitInImage, &why);
}

/// Nor for a cgroup namespace: whoever starts the daemon makes one.
fn namespace_in_image(all: &mut Composed, given: &Given<'_>) {
    let pod = matches!(given.launcher(), Launcher::Kubernetes | Launcher::Github);
    let at = all.settings.iter().position(|setting| setting.value == PrivateCgroupNamespace);
    let Some(at) = at.filter(|_| pod) else { return };
    let why = all.settings.remove(at).why;
    let own = Task::CgroupNamespace { command: "dockerd".to_owned(), prepared: true };
    all.task(Place::Image, own, &why);
}

/// One init is enough.
fn under_init(all: &mut Composed) {
    let Some(init) = all.settings.iter_mut().find(|setting| setting.value == Init) else { return };
    all.tasks.retain(|task| {
        let needless = task.value.1 == Task::UnderInit;
        if needless {
            init.also(&task.why);
        }
        !needless
    });
}

/// A daemon that makes no rules has no use for a backend.
fn without_rules(all: &mut Composed) {
    let off = |option: &Traced<dind_doctor_checks::remedy::DaemonOption>| {
        option.value.keys == ["iptables"] && option.value.value == Value::Bool(false)
    };
    let Some(because) = all.options.iter().find(|option| off(option)).map(|o| o.why.join(", "))
    else {
        return;
    };
    let lost = &mut all.lost;
    all.options.retain(|option| {
        let needless = option.value.keys == ["firewall-backend"];
        if needless {
            lost.push(Lost {
                what: option.value.argument.clone(),
                why: option.why.clone(),
                because: format!("dockerd makes no rules at all ({because})"),
            });
        }
        !needless
    });
}

#[cfg(test)]
mod tests;
