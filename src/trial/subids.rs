//! The ids of a rootless engine, mapped by the programs that it would execute.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use dind_doctor_checks::facts::{
    Action, Fact, Facts, MappingProgram, SubordinateRange, Text, TrialName,
};
use nix::{
    sched::{CloneFlags, unshare},
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};

use super::{
    Description, Plan,
    program::Program,
    steps::{Failure, Steps},
};
use crate::{source::path::decode, sys::fork};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Subids,
    does: "as an ordinary user makes a user namespace, and executes newuidmap and newgidmap to map the ids \
           of /etc/subuid and /etc/subgid in it, as rootless engines do; root has to start the doctor as \
           that user for it",
    loads: &[],
    plan,
};

/// Extents that a map may have (`UID_GID_MAP_MAX_EXTENTS`).
const EXTENTS: usize = 340;

/// How long a new user namespace may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// One of the two maps, and who writes it.
struct Map {
    action: Action,
    file: &'static str,
    /// As it was found on the PATH.
    program: PathBuf,
    name: &'static str,
    /// Inside, outside, count: what an engine asks for.
    extents: Vec<[u32; 3]>,
}

fn plan(facts: &Facts) -> Vec<Plan> {
    let skipped = |why: Text| vec![Plan::skipped(TrialName::Subids, "", why)];
    let identity = &facts.identity;
    let (Some(uid), Some(gid)) = (identity.euid.known().copied(), identity.egid.known().copied())
    else {
        return skipped("the user is not known".into());
    };
    if uid == 0 {
        // As somebody else, this process could be traced by that user, and holds what root has read.
        return skipped("root: start the doctor as the user that runs the rootless engine".into());
    }
    if let Some(service) = &facts.subids.service {
        return skipped(format!("the ranges come from {service}, not from /etc/subuid").into());
    }
    let ids = &facts.subids;
    let maps = [
        map(Action::MapUserIds, "uid_map", &ids.newuidmap, uid, &ids.uids),
        map(Action::MapGroupIds, "gid_map", &ids.newgidmap, gid, &ids.gids),
    ];
    match maps.into_iter().collect::<Result<Vec<Map>, Text>>() {
        Err(why) => skipped(why),
        Ok(maps) => {
            let subject = format!("uid {uid}");
            vec![Plan::new(TrialName::Subids, subject, Vec::new(), move |steps, _| {
                let _ = attempt(steps, &maps);
            })]
        }
    }
}

/// The user's own id as 0, and the ranges one after the other.
fn map(
    action: Action,
    file: &'static str,
    program: &Fact<Option<MappingProgram>>,
    own: u32,
    ranges: &Fact<Vec<SubordinateRange>>,
) -> Result<Map, Text> {
    let words = action.words();
    let path = match program.known() {
        Some(Some(program)) => decode(&program.path),
        Some(None) => return Err(format!("{words}: it is not on the PATH").into()),
        None => return Err(format!("{words}: whether it is on the PATH is not known").into()),
    };
    let name = match action {
        Action::MapUserIds => "newuidmap",
        _ => "newgidmap",
    };
    Program::open(&path, name)
        .map_err(|error| format!("{} was not executed: {error}", path.display()))?;
    let ranges = ranges.known().filter(|ranges| !ranges.is_empty());
    let ranges = ranges.ok_or_else(|| format!("{words}: there is no range for this user"))?;
    let mut extents = vec![[0, own, 1]];
    let mut next = 1_u32;
    for range in ranges.iter().take(EXTENTS - 1) {
        extents.push([next, range.start, range.count]);
        next = next.saturating_add(range.count);
    }
    Ok(Map { action, file, program: path, name, extents })
}

fn attempt(steps: &mut Steps, maps: &[Map]) -> Option<()> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    ours.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut made = [0];
    steps.about("", true);
    // A process that holds the namespace, and ends with it.
    let child = steps.step(Action::Unshare, || {
        let child = fork::spawn(|| hold(&theirs))?;
        match (&ours).read_exact(&mut made) {
            Ok(()) if made == [0] => Ok(child),
            Ok(()) => Err(Failure::from(nix::errno::Errno::from_raw(made[0].into()))),
            Err(_) => Err(Failure::seen("the process ended")),
        }
    })?;
    for map in maps {
        // Here, since a guardian has no other descriptors.
        if let Ok(program) = Program::open(&map.program, map.name) {
            write(steps, map, &program, child);
        }
    }
    let _ = kill(child, Signal::SIGKILL);
    let _ = waitpid(child, None);
    Some(())
}

/// Makes the namespace, says the error number, and waits to be ended.
fn hold(mut stream: &UnixStream) {
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    // The programs look whom the files in /proc belong to: root, if the doctor may not be read.
    let _ = nix::sys::prctl::set_dumpable(true);
    let errno = unshare(CloneFlags::CLONE_NEWUSER).err().map_or(0, |errno| errno as i32);
    let _ = stream.write_all(&[u8::try_from(errno).unwrap_or(u8::MAX)]);
    if errno == 0 {
        std::thread::sleep(super::BUDGET);
    }
}

fn write(steps: &mut Steps, map: &Map, program: &Program, child: Pid) {
    let numbers = map.extents.iter().flatten().map(u32::to_string).collect::<Vec<_>>();
    steps.about(&numbers.join(" "), true);
    let written = steps.step(map.action, || {
        let arguments = [child.to_string()].into_iter().chain(numbers.iter().cloned());
        program.execute(map.program.as_os_str(), arguments)
    });
    if written.is_none() {
        return;
    }
    steps.about(map.file, true);
    steps.step(Action::ReadIdMap, || {
        let shown = fs::read_to_string(format!("/proc/{child}/{}", map.file))?;
        let words: Vec<&str> = shown.split_whitespace().collect();
        if words == numbers {
            return Ok(());
        }
        Err(Failure::seen(format!("it says {}", words.join(" "))))
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn program(path: &Path) -> Fact<Option<MappingProgram>> {
        Fact::Known(Some(MappingProgram {
            path: path.to_str().unwrap().into(),
            set_user_id: true,
            file_capabilities: Fact::Known(false),
            nosuid: Some(false),
        }))
    }

    fn ranges(all: &[(u32, u32)]) -> Fact<Vec<SubordinateRange>> {
        let range = |&(start, count): &(u32, u32)| SubordinateRange { start, count };
        Fact::Known(all.iter().map(range).collect())
    }

    /// A program called newuidmap, in a directory of this user.
    fn newuidmap() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("newuidmap");
        fs::copy("/bin/sh", &path).unwrap();
        (dir, path)
    }

    #[test]
    fn ranges_follow_the_users_own_id() {
        let (_dir, path) = newuidmap();
        let all = ranges(&[(100_000, 65_536), (300_000, 10)]);
        let map = map(Action::MapUserIds, "uid_map", &program(&path), 1000, &all).unwrap();
        assert_eq!(map.extents, [[0, 1000, 1], [1, 100_000, 65_536], [65_537, 300_000, 10]]);
        assert_eq!((map.program, map.name), (path, "newuidmap"));
    }

    #[test]
    fn what_others_can_replace_is_not_executed() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, path) = newuidmap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o775)).unwrap();
        let why = map(Action::MapUserIds, "uid_map", &program(&path), 1000, &ranges(&[(1, 2)]));
        assert!(why.is_err_and(|why| why.contains("in the hands of other users")));
    }

    #[test]
    fn root_and_users_without_ranges_are_skipped() {
        let reason = |facts: &Facts| plan(facts).remove(0).what.err().unwrap();
        let mut facts = Facts::default();
        facts.identity.euid = Fact::Known(0);
        facts.identity.egid = Fact::Known(0);
        assert!(reason(&facts).starts_with("root: "));
        facts.identity.euid = Fact::Known(1000);
        let (_dir, path) = newuidmap();
        facts.subids.newuidmap = program(&path);
        facts.subids.uids = ranges(&[]);
        assert!(reason(&facts).contains("no range"));
        facts.subids.service = Some("sss".into());
        assert!(reason(&facts).contains("from sss"));
    }
}
