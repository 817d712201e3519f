//! Switches for user namespaces, subordinate ids, and the programs that map them.

use dind_doctor_checks::facts::{
    Fact, MappingProgram, Missing, MountTable, SubordinateIds, SubordinateRange, Text,
    UserNamespaces, Why,
};

use super::{Reader, search_path, sysctl};
use crate::source::ask;

/// Programs whose profiles are of interest.
const PROFILES: [&str; 4] = ["buildkitd", "bwrap", "podman", "rootlesskit"];

/// Files in `/etc/apparmor.d` that are looked at.
const PROFILE_FILES: usize = 1024;

pub(super) fn switches(reader: &Reader) -> UserNamespaces {
    let kernel = |name: &str| format!("/proc/sys/kernel/{name}");
    let apparmor_restricted =
        sysctl::switch(reader, &kernel("apparmor_restrict_unprivileged_userns"), false);
    let profiles = match apparmor_restricted {
        Fact::Known(false) => Fact::Known(vec![]),
        _ => profiles(reader, |name| PROFILES.iter().any(|p| name.contains(p))),
    };
    UserNamespaces {
        max: sysctl::number(reader, "/proc/sys/user/max_user_namespaces"),
        unprivileged: sysctl::switch(reader, &kernel("unprivileged_userns_clone"), true),
        apparmor_restricted,
        set_user_id_bwrap: set_user_id_bwrap(reader),
        profiles,
    }
}

fn set_user_id_bwrap(reader: &Reader) -> Fact<bool> {
    for path in ["/usr/local/bin/bwrap", "/usr/bin/bwrap"] {
        match reader.stat(path) {
            Ok(stat) => return Fact::Known(stat.mode & 0o4000 != 0 && stat.uid == 0),
            Err(Missing { why: Why::NotFound | Why::NotRecorded, .. }) => {}
            Err(missing) => return Fact::Missing(missing),
        }
    }
    Fact::Known(false)
}

/// AppArmor profiles that are named after a runtime.
pub(super) fn runtime_profiles(reader: &Reader) -> Fact<Vec<Text>> {
    profiles(reader, |name| matches!(name, "crun" | "runc"))
}

/// What is loaded, if it may be read, else what is installed: those that are of interest.
fn profiles(reader: &Reader, of_interest: impl Fn(&str) -> bool) -> Fact<Vec<Text>> {
    let loaded = match reader.bytes("/sys/kernel/security/apparmor/profiles") {
        Ok(bytes) => Some(bytes),
        Err(missing) if missing.why == Why::NotPermitted || !missing.why.is_failure() => None,
        Err(missing) => return Fact::Missing(missing),
    };
    if let Some(bytes) = loaded {
        let content = String::from_utf8_lossy(&bytes).into_owned();
        let names = content.lines().filter_map(|line| Some(line.rsplit_once(" (")?.0));
        let mut names: Vec<Text> = names.filter(|name| of_interest(name)).map(Text::from).collect();
        names.sort_unstable();
        return Fact::Known(names);
    }
    match reader.list("/etc/apparmor.d", PROFILE_FILES) {
        Ok(listing) if listing.truncated => Fact::missing("/etc/apparmor.d", Why::TooLarge),
        Ok(listing) => {
            let names = listing.entries.into_iter().map(|entry| entry.name);
            Fact::Known(names.filter(|name| of_interest(name)).map(Text::from).collect())
        }
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(vec![]),
        Err(missing) => Fact::Missing(missing),
    }
}

pub(super) fn subordinate_ids(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    path: &str,
) -> SubordinateIds {
    let uid = reader.ask(ask::Ids).map(|ids| ids.euid);
    let account = uid.clone().and_then(|uid| account(reader, uid));
    let user: Fact<Option<Text>> = account.clone().map(|found| found.map(|(name, _)| name)).into();
    let primary_group: Fact<Option<u32>> = account.map(|found| found?.1).into();
    let own = |path: &str| -> Fact<Vec<SubordinateRange>> {
        let uid = uid.clone().map_err(|_| Missing::new(path, Why::NotRecorded));
        let user = user.known().and_then(Option::as_ref);
        let ours = |uid: u32, owner: &str| {
            owner.parse() == Ok(uid) || user.is_some_and(|user| user == owner)
        };
        uid.and_then(|uid| ranges(reader, path, |owner| ours(uid, owner))).into()
    };
    let taken = ["/etc/subuid", "/etc/subgid"].into_iter().try_fold(Vec::new(), |mut all, path| {
        all.extend(ranges(reader, path, |_| true)?);
        all.sort_unstable();
        Ok::<_, Missing>(all)
    });
    SubordinateIds {
        uids: own("/etc/subuid"),
        gids: own("/etc/subgid"),
        taken: taken.into(),
        other_groups: other_groups(reader, &primary_group),
        user,
        primary_group,
        accounts: accounts(reader),
        service: service(reader),
        newuidmap: program(reader, mounts, path, "newuidmap"),
        newgidmap: program(reader, mounts, path, "newgidmap"),
    }
}

/// Name and group. Root is called root everywhere; others are looked up.
fn account(reader: &Reader, uid: u32) -> Result<Option<(Text, Option<u32>)>, Missing> {
    if uid == 0 {
        return Ok(Some(("root".into(), Some(0))));
    }
    let bytes = match reader.bytes("/etc/passwd") {
        Err(Missing { why: Why::NotFound, .. }) => return Ok(None),
        other => other?,
    };
    let content = String::from_utf8_lossy(&bytes);
    let number = |field: Option<&&str>| field.and_then(|number| number.parse::<u32>().ok());
    let line = content
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| number(fields.get(2)) == Some(uid));
    Ok(line.and_then(|fields| Some((Text::from(*fields.first()?), number(fields.get(3))))))
}

/// What newuidmap does where the group of its process is not that of the account (shadow `src/newuidmap.c`).
fn other_groups(reader: &Reader, primary: &Fact<Option<u32>>) -> Fact<bool> {
    const PATH: &str = "/etc/login.defs";
    let own = match reader.ask(ask::Ids) {
        Ok(ids) => ids.egid,
        Err(missing) => return Fact::Missing(missing),
    };
    if primary.known().is_none_or(|group| group.is_none_or(|group| group == own)) {
        return Fact::missing(PATH, Why::NotProbed);
    }
    match reader.bytes(PATH) {
        Ok(bytes) => {
            let content = String::from_utf8_lossy(&bytes);
            let value = content
                .lines()
                .find_map(|line| line.trim().strip_prefix("GRANT_AUX_GROUP_SUBIDS").map(str::trim));
            Fact::Known(value == Some("yes"))
        }
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

/// `passwd: files sss` in `/etc/nsswitch.conf`: what is there beside the file.
fn accounts(reader: &Reader) -> Fact<Vec<Text>> {
    let bytes = match reader.bytes("/etc/nsswitch.conf") {
        Err(Missing { why: Why::NotFound, .. }) => return Fact::Known(Vec::new()),
        Err(missing) => return Fact::Missing(missing),
        Ok(bytes) => bytes,
    };
    let content = String::from_utf8_lossy(&bytes).into_owned();
    let named = content.lines().find_map(|line| line.trim().strip_prefix("passwd:"));
    let services = named.unwrap_or_default().split_whitespace();
    let other = |name: &&str| !matches!(*name, "files" | "compat") && !name.starts_with('[');
    Fact::Known(services.filter(other).map(Text::from).collect())
}

/// The lines whose owner is `ours`. A line that cannot be read costs that line.
fn ranges(
    reader: &Reader,
    path: &str,
    ours: impl Fn(&str) -> bool,
) -> Result<Vec<SubordinateRange>, Missing> {
    let bytes = match reader.bytes(path) {
        Err(Missing { why: Why::NotFound, .. }) => return Ok(vec![]),
        other => other?,
    };
    let content = String::from_utf8_lossy(&bytes);
    let range = |line: &str| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let start = fields.next()?.parse().ok()?;
        let count = fields.next()?.parse().ok()?;
        (ours(owner) && count > 0).then_some(SubordinateRange { start, count })
    };
    Ok(content.lines().filter_map(range).collect())
}

/// `subid: sss` in `/etc/nsswitch.conf`.
fn service(reader: &Reader) -> Option<Text> {
    let bytes = reader.bytes("/etc/nsswitch.conf").ok()?;
    let content = String::from_utf8_lossy(&bytes).into_owned();
    let named = content.lines().find_map(|line| line.trim().strip_prefix("subid:"))?;
    let first = named.split_whitespace().next()?;
    (first != "files").then(|| first.into())
}

fn program(
    reader: &Reader,
    mounts: &Fact<MountTable>,
    path: &str,
    name: &str,
) -> Fact<Option<MappingProgram>> {
    let found = match search_path::find(reader, path, name) {
        Fact::Known(Some(found)) => found,
        Fact::Known(None) => return Fact::Known(None),
        Fact::Missing(missing) => return Fact::Missing(missing),
    };
    let stat = match reader.stat(&found) {
        Ok(stat) => stat,
        Err(missing) => return Fact::Missing(missing),
    };
    let resolved = reader.resolve(&found).unwrap_or_else(|_| found.as_str().to_owned());
    let mount = mounts.known().and_then(|table| table.holding(&resolved));
    Fact::Known(Some(MappingProgram {
        set_user_id: stat.mode & 0o4000 != 0 && stat.uid == 0,
        file_capabilities: file_capabilities(reader, &found),
        nosuid: mount.map(|mount| mount.has_option("nosuid")),
        path: found,
    }))
}

fn file_capabilities(reader: &Reader, path: &str) -> Fact<bool> {
    let name = "security.capability".to_owned();
    match reader.ask(ask::Attribute { path: path.to_owned(), name }) {
        Ok(()) => Fact::Known(true),
        Err(Missing { why: Why::Io(libc::ENODATA) | Why::Unsupported, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

#[cfg(test)]
mod tests;
