//! The databases of a data root that another daemon may hold.

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, DataRoot, DataRootOwner, Facts, TrialName};
use nix::{
    fcntl::{Flock, FlockArg, OFlag, openat},
    sys::stat::Mode,
};

use super::{
    Description, Plan,
    steps::{Failure, Steps},
    trust,
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Lock,
    does: "where a data root holds databases and its daemon does not run here, takes a shared lock of each \
           without waiting, and gives it back at once: a daemon elsewhere that holds one is not disturbed",
    loads: &[],
    plan,
};

fn plan(facts: &Facts) -> Vec<Plan> {
    let plans: Vec<Plan> =
        facts.storage.data_roots.iter().filter_map(|root| of(facts, root)).collect();
    if plans.is_empty() {
        let why = "no data root is there that a daemon could have used";
        return vec![Plan::skipped(TrialName::Lock, "", why)];
    }
    plans
}

fn of(facts: &Facts, root: &DataRoot) -> Option<Plan> {
    let databases = databases(root.owner);
    let path = root.resolved.known().filter(|_| root.exists && !databases.is_empty())?;
    let Ok(running) = facts.engines.running.get() else {
        let why = "whether its own daemon runs here is not known";
        return Some(Plan::skipped(TrialName::Lock, path.clone(), why));
    };
    let daemon = root.owner.daemon()?;
    if running.iter().any(|engine| engine.name == daemon) {
        let why = format!("{daemon} runs here, and holds its own");
        return Some(Plan::skipped(TrialName::Lock, path.clone(), why));
    }
    let directory = PathBuf::from(path.as_str());
    Some(Plan::new(TrialName::Lock, path.clone(), Vec::new(), move |steps, _| {
        for name in databases {
            attempt(steps, &directory, name);
        }
    }))
}

/// What a daemon opens first and holds as long as it runs (bbolt; buildkitd's own file).
const fn databases(owner: DataRootOwner) -> &'static [&'static str] {
    match owner {
        DataRootOwner::Docker => &[
            "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db",
            "volumes/metadata.db",
            "network/files/local-kv.db",
        ],
        DataRootOwner::Containerd => &["io.containerd.metadata.v1.bolt/meta.db"],
        DataRootOwner::Buildkit => &["buildkitd.lock"],
        _ => &[],
    }
}

fn attempt(steps: &mut Steps, directory: &Path, name: &str) {
    let path = directory.join(name);
    if path.symlink_metadata().is_err() {
        return;
    }
    steps.about(name, true);
    steps.step(Action::TakeLock, || {
        // On the way there is no link that others could have made.
        let parent = trust::directory(path.parent().unwrap_or(directory))?;
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let last = path.file_name().unwrap_or_default();
        let file = File::from(openat(&parent.fd, last, flags, Mode::empty())?);
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(Failure::seen("it is no file"));
        }
        if !trust::is_trusted(found.uid()) {
            return Err(Failure::seen("it belongs to another user"));
        }
        // It is given back when it goes out of scope.
        Flock::lock(file, FlockArg::LockSharedNonblock).map_err(|(_, errno)| errno)?;
        Ok::<_, Failure>(())
    });
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_lock_that_somebody_holds_is_seen_and_nothing_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("meta.db");
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut steps = Steps::new(ours);
        attempt(&mut steps, directory.path(), "meta.db");
        let file = File::create(&path).unwrap();
        attempt(&mut steps, directory.path(), "meta.db");
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        attempt(&mut steps, directory.path(), "meta.db");
        drop((steps, held));
        let text = std::io::read_to_string(theirs).unwrap();
        let steps = text.lines().filter(|line| line.starts_with("{\"Step\""));
        let refused: Vec<_> = steps.map(|line| line.contains("EAGAIN")).collect();
        assert_eq!(refused, [false, true], "what is not there is not tried");
    }
}
