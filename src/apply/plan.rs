//! Which actions carry out what was composed.

use std::{fs, io, os::unix::fs::PermissionsExt};

use dind_doctor_checks::{
    facts::Facts,
    remedy::{SubordinateGrant, Task},
};

use super::{Action, files, mounts};
use crate::fix::{Fix, Risk};

/// An action, and what asks for it.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) action: Action,
    pub(crate) why: Vec<&'static str>,
}

/// What is not carried out, and why not.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) what: String,
    pub(crate) because: String,
}

/// The actions for what is safe and here; what is not safe as well, if that is wanted.
pub(crate) fn of(fix: &Fix, facts: &Facts, risky: bool) -> (Vec<Planned>, Vec<Skipped>) {
    let (mut planned, mut skipped) = (Vec::new(), Vec::new());
    for task in &fix.here {
        match actions(&task.value, facts) {
            Ok(actions) => {
                let why = &task.why;
                planned
                    .extend(actions.into_iter().map(|action| Planned { action, why: why.clone() }));
            }
            Err(error) => skipped.push(Skipped {
                what: task.value.commands().join("; "),
                because: error.to_string(),
            }),
        }
    }
    for artefact in &fix.artefacts {
        let Some(path) = &artefact.here else { continue };
        if artefact.risk > Risk::Safe && !risky {
            let because = format!("it is {}: --unsafe does it", artefact.risk.name());
            skipped.push(Skipped { what: format!("change {path}"), because });
            continue;
        }
        match replaced(path, &artefact.content) {
            Ok(actions) => planned.extend(
                actions.into_iter().map(|action| Planned { action, why: artefact.why.clone() }),
            ),
            Err(error) => {
                skipped
                    .push(Skipped { what: format!("change {path}"), because: error.to_string() });
            }
        }
    }
    (planned, skipped)
}

fn actions(task: &Task, facts: &Facts) -> io::Result<Vec<Action>> {
    let contained = !facts.runtime.container.is_no();
    match task {
        Task::Sysctl { values, file } => {
            let mut all = Vec::new();
            for (name, after) in values {
                all.extend(value(format!("/proc/sys/{}", name.replace('.', "/")), after)?);
            }
            // What is kept over a boot is the machine's.
            if let Some(file) = file.as_ref().filter(|_| !contained) {
                let lines: Vec<_> =
                    values.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
                all.extend(replaced(&format!("/etc/sysctl.d/{file}"), &lines.concat())?);
            }
            Ok(all)
        }
        Task::Write { path, value: after } => value(path.clone(), after),
        Task::Mode { path, mode } => {
            let about = fs::symlink_metadata(path)?;
            if about.is_symlink() {
                return Err(io::Error::other(format!("{path} is a link")));
            }
            let before = about.permissions().mode() & 0o7777;
            let action = Action::Mode { path: path.clone(), before, after: *mode };
            Ok((before != *mode).then_some(action).into_iter().collect())
        }
        Task::RemoveFile(path) => Ok(files::find(path)?
            .map(|found| Action::File {
                path: path.clone(),
                before: Some(found.content),
                after: None,
                mode: found.mode,
                owner: found.owner,
            })
            .into_iter()
            .collect()),
        Task::Propagation { target, bind: false } => {
            let mounts = mounts::not_shared(target)?;
            Ok((!mounts.is_empty()).then_some(Action::Shared { mounts }).into_iter().collect())
        }
        Task::SubordinateIds(grant) => granted(grant),
        Task::File { path, lines } => replaced(path, &format!("{}\n", lines.join("\n"))),
        _ => Err(io::Error::other("the doctor does not do this by itself")),
    }
}

fn value(path: String, after: &str) -> io::Result<Vec<Action>> {
    let before = fs::read_to_string(&path)?;
    let same = before.trim() == after.trim();
    let action = Action::Value { path, before, after: after.to_owned() };
    Ok((!same).then_some(action).into_iter().collect())
}

fn replaced(path: &str, after: &str) -> io::Result<Vec<Action>> {
    let found = files::find(path)?;
    let own = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let (mode, owner) = found.as_ref().map_or((0o644, own), |found| (found.mode, found.owner));
    let before = found.map(|found| found.content);
    if before.as_deref() == Some(after) {
        return Ok(Vec::new());
    }
    let after = Some(after.to_owned());
    Ok(vec![Action::File { path: path.to_owned(), before, after, mode, owner }])
}

fn granted(grant: &SubordinateGrant) -> io::Result<Vec<Action>> {
    if !grant.remove_users.is_empty() || !grant.remove_groups.is_empty() {
        return Err(io::Error::other("ranges that are there have to go first"));
    }
    let line = format!("{}:{}:{}", grant.user, grant.start, grant.count);
    let files = [
        ("/etc/passwd", grant.account.clone()),
        ("/etc/subuid", grant.users.then(|| line.clone())),
        ("/etc/subgid", grant.groups.then_some(line)),
    ];
    let mut all = Vec::new();
    for (path, line) in files {
        let Some(line) = line else { continue };
        let mut content = files::content(path)?.unwrap_or_default();
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
        content.push_str(&line);
        content.push('\n');
        all.extend(replaced(path, &content)?);
    }
    Ok(all)
}
