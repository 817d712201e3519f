//! Propagation of mounts.

use std::{fs, io};

use nix::mount::{MsFlags, mount};

use super::Now;

/// A line of `/proc/self/mountinfo`, as much as is needed.
struct Line {
    target: String,
    shared: bool,
    slave: bool,
}

/// The topmost mount at each place.
fn table() -> io::Result<Vec<Line>> {
    let mut all: Vec<Line> = Vec::new();
    for line in fs::read_to_string("/proc/self/mountinfo")?.lines() {
        let mut fields = line.split(' ').skip(4);
        let Some(target) = fields.next() else { continue };
        fields.next();
        let optional: Vec<_> = fields.take_while(|field| *field != "-").collect();
        let has = |name: &str| optional.iter().any(|field| field.starts_with(name));
        let (shared, slave) = (has("shared:"), has("master:"));
        let target = decoded(target);
        all.retain(|other| other.target != target);
        all.push(Line { target, shared, slave });
    }
    Ok(all)
}

/// Spaces and the like stand as octal numbers.
fn decoded(path: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(path.to_owned(), |path, (code, character)| path.replace(code, character))
}

/// The mounts at and below a place that are not shared, and whether each gets mounts from elsewhere.
pub(super) fn not_shared(target: &str) -> io::Result<Vec<(String, bool)>> {
    let below = format!("{}/", target.trim_end_matches('/'));
    let within = |line: &Line| line.target == target || line.target.starts_with(&below);
    let all = table()?.into_iter().filter(|line| within(line) && !line.shared);
    Ok(all.map(|line| (line.target, line.slave)).collect())
}

pub(super) fn share(mounts: &[(String, bool)]) -> io::Result<()> {
    for (target, _) in mounts {
        propagate(target, MsFlags::MS_SHARED)?;
    }
    Ok(())
}

/// What was private is so again, and what got mounts from elsewhere does so again.
pub(super) fn unshare(mounts: &[(String, bool)]) -> io::Result<()> {
    let there = table()?;
    for (target, slave) in mounts {
        if there.iter().any(|line| line.target == *target && line.shared) {
            propagate(target, if *slave { MsFlags::MS_SLAVE } else { MsFlags::MS_PRIVATE })?;
        }
    }
    Ok(())
}

fn propagate(target: &str, flags: MsFlags) -> io::Result<()> {
    Ok(mount(None::<&str>, target, None::<&str>, flags, None::<&str>)?)
}

/// One that is shared already is enough to take back: the doctor may have been killed between two.
pub(super) fn state(mounts: &[(String, bool)]) -> io::Result<Now> {
    let there = table()?;
    let shared = |target: &String| there.iter().any(|line| line.target == *target && line.shared);
    let any = mounts.iter().any(|(target, _)| shared(target));
    Ok(if any { Now::After } else { Now::Before })
}
