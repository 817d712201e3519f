//! cgroups: version, membership, mounts, delegation, pod directories.

mod directory;
mod kubelet;
mod walk;

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{
    Cgroup, CgroupMount, CgroupVersion, ControllerRow, Fact, Hierarchy, Membership, Missing, Mount,
    MountTable, Text, Why,
};

use super::Reader;
use crate::source::ask;

/// `CGROUP2_SUPER_MAGIC`.
const CGROUP2_MAGIC: u64 = 0x6367_7270;

/// Where engines look.
const ROOT: &str = "/sys/fs/cgroup";

pub(super) fn probe(reader: &Reader, table: &Fact<MountTable>) -> Cgroup {
    let mounts = table.as_ref().map(mounts);
    let version = version(reader, &mounts);
    let memberships = memberships(reader, "self");
    let unified = version.is_known_and(|v| *v == CgroupVersion::V2);
    let directory = |path: Fact<String>| match path {
        Fact::Known(path) if unified => Fact::Known(directory::read(reader, &path)),
        Fact::Known(path) => Fact::missing(path, Why::NotFound),
        Fact::Missing(missing) => Fact::Missing(missing),
    };
    Cgroup {
        base: directory(Fact::Known(ROOT.to_owned())),
        own: directory(own_path(&memberships, &mounts)),
        user_service: directory(user_service(reader)),
        pod_trees: mounts.as_ref().map(|mounts| walk::pod_trees(reader, mounts, table)),
        kubelet_roots: mounts.as_ref().map(|mounts| kubelet::roots(reader, mounts)),
        controllers: controllers(reader),
        pid1_memberships: self::memberships(reader, "1"),
        memberships,
        mounts,
        version,
    }
}

/// By the filesystem at `/sys/fs/cgroup`, else by the mounts that there are.
fn version(reader: &Reader, mounts: &Fact<Vec<CgroupMount>>) -> Fact<CgroupVersion> {
    if reader.statfs(ROOT).is_ok_and(|fs| fs.magic == CGROUP2_MAGIC) {
        return Fact::Known(CgroupVersion::V2);
    }
    mounts.as_ref().map(|mounts| {
        let has =
            |unified: bool| mounts.iter().any(|m| (m.hierarchy == Hierarchy::Unified) == unified);
        match (has(false), has(true)) {
            (true, false) => CgroupVersion::V1,
            (true, true) => CgroupVersion::Hybrid,
            (false, true) => CgroupVersion::V2,
            (false, false) => CgroupVersion::None,
        }
    })
}

/// The topmost filesystem of each mount point, where it is a cgroup filesystem.
fn mounts(table: &MountTable) -> Vec<CgroupMount> {
    let is_cgroup = |mount: &&Mount| matches!(mount.fstype.as_str(), "cgroup" | "cgroup2");
    let mut topmost: BTreeMap<&str, &Mount> =
        table.open().filter(is_cgroup).map(|mount| (mount.mount_point.as_str(), mount)).collect();
    let start = beginning(topmost.keys().copied());
    // A later line covers an earlier one: the last that comes in stays.
    for mount in table.open().filter(|mount| mount.mount_point.starts_with(start)) {
        if let Some(place) = topmost.get_mut(mount.mount_point.as_str()) {
            *place = mount;
        }
    }
    topmost.into_values().filter_map(cgroup_mount).collect()
}

/// What all paths begin with. Of ten thousand mounts few lie where cgroups are: this tells most of the others apart.
fn beginning<'a>(mut paths: impl Iterator<Item = &'a str>) -> &'a str {
    let first = paths.next().unwrap_or_default();
    paths.fold(first, |start, path| {
        let same = start.char_indices().zip(path.chars()).find(|((_, one), other)| one != other);
        let end = same.map_or(start.len().min(path.len()), |((at, _), _)| at);
        &start[..end]
    })
}

fn cgroup_mount(mount: &Mount) -> Option<CgroupMount> {
    let hierarchy = match mount.fstype.as_str() {
        "cgroup2" => Hierarchy::Unified,
        "cgroup" => match mount.super_option("name") {
            Some(name) => Hierarchy::Named(name.to_owned()),
            None => Hierarchy::Controllers(v1_controllers(&mount.super_options)),
        },
        _ => return None,
    };
    Some(CgroupMount {
        hierarchy,
        mount_point: mount.mount_point.clone(),
        root: mount.root.clone(),
        read_only: mount.read_only(),
        super_options: mount.super_options.to_vec(),
    })
}

/// What a version 1 superblock's options name besides its own settings (`cgroup1_show_options()`).
fn v1_controllers(options: &[String]) -> Vec<String> {
    const SETTINGS: [&str; 8] = [
        "rw",
        "ro",
        "noprefix",
        "xattr",
        "cpuset_v2_mode",
        "favordynmods",
        "clone_children",
        "none",
    ];
    let is_setting =
        |o: &String| SETTINGS.contains(&o.as_str()) || o.contains('=') || o == "seclabel";
    options.iter().filter(|o| !is_setting(o)).cloned().collect()
}

fn memberships(reader: &Reader, process: &str) -> Fact<Vec<Membership>> {
    let parse = |bytes: Vec<u8>| {
        bytes
            .split(|b| *b == b'\n')
            .filter_map(|line| membership(&Text::from_bytes(line)))
            .collect()
    };
    reader.bytes(&format!("/proc/{process}/cgroup")).map(parse).into()
}

/// `HIERARCHY:CONTROLLERS:PATH` (`cgroups(7)`); the path can hold colons.
fn membership(line: &str) -> Option<Membership> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let hierarchy = if controllers.is_empty() {
        Hierarchy::Unified
    } else if let Some(name) = controllers.strip_prefix("name=") {
        Hierarchy::Named(name.to_owned())
    } else {
        let mut names: Vec<String> = controllers.split(',').map(str::to_owned).collect();
        names.sort_unstable();
        Hierarchy::Controllers(names)
    };
    Some(Membership { hierarchy, path: path.into() })
}

fn controllers(reader: &Reader) -> Fact<Vec<ControllerRow>> {
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        Some(ControllerRow {
            name: fields.next().filter(|name| !name.starts_with('#'))?.into(),
            hierarchy: fields.next()?.parse().ok()?,
            cgroups: fields.next()?.parse().ok()?,
            enabled: fields.next()? == "1",
        })
    };
    reader.text("/proc/cgroups").map(|text| text.lines().filter_map(row).collect()).into()
}

/// Where systemd lets the engines of an ordinary user make their cgroups (`user@.service`, with
/// `Delegate=`).
fn user_service(reader: &Reader) -> Fact<String> {
    let path = reader.ask(ask::Ids).and_then(|ids| {
        let path = format!("{ROOT}/user.slice/user-{0}.slice/user@{0}.service", ids.euid);
        reader.stat(&path).map(|_| path)
    });
    path.into()
}

/// Where the doctor's own cgroup is in the filesystem. A path that begins with `/..` is outside of what
/// the namespace, and so the mount, shows.
fn own_path(memberships: &Fact<Vec<Membership>>, mounts: &Fact<Vec<CgroupMount>>) -> Fact<String> {
    let missing = |what: &str| Fact::missing(what, Why::NotFound);
    let memberships = match memberships {
        Fact::Known(memberships) => memberships,
        Fact::Missing(m) => return Fact::Missing(Missing::clone(m)),
    };
    let Some(own) = memberships.iter().find(|m| m.hierarchy == Hierarchy::Unified) else {
        return missing("0:: in /proc/self/cgroup");
    };
    let unified = mounts.known().and_then(|mounts| {
        mounts.iter().find(|m| m.hierarchy == Hierarchy::Unified && m.mount_point == ROOT)
    });
    // What is mounted is a directory of the hierarchy: the path below the mount point begins there.
    let root = unified.map_or("/", |m| m.root.as_str()).trim_end_matches('/');
    match own.path.strip_prefix(root) {
        Some(rest) if !own.path.starts_with("/..") => {
            Fact::Known(format!("{ROOT}{rest}").trim_end_matches('/').to_owned())
        }
        _ => missing("the doctor's own cgroup below /sys/fs/cgroup"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_lines_name_their_hierarchy() {
        let line = membership("4:cpuacct,cpu:/kubepods/burstable/pod1").unwrap();
        assert_eq!(line.hierarchy.to_string(), "cpu,cpuacct");
        assert_eq!(membership("1:name=systemd:/a:b").unwrap().path, "/a:b");
        assert_eq!(membership("0::/").unwrap().hierarchy, Hierarchy::Unified);
        assert_eq!(membership("garbage"), None);
    }

    #[test]
    fn settings_of_a_v1_mount_are_no_controllers() {
        let options = ["cpu", "cpuacct", "release_agent=/run/x", "rw", "xattr"].map(str::to_owned);
        assert_eq!(v1_controllers(&options), ["cpu", "cpuacct"]);
    }

    #[test]
    fn the_own_cgroup_is_below_what_is_mounted() {
        let own = |root: &str, path: &str| {
            let mount = CgroupMount {
                hierarchy: Hierarchy::Unified,
                mount_point: ROOT.into(),
                root: root.into(),
                read_only: false,
                super_options: Vec::new(),
            };
            let membership = Membership { hierarchy: Hierarchy::Unified, path: path.into() };
            own_path(&Fact::Known(vec![membership]), &Fact::Known(vec![mount])).known().cloned()
        };
        assert_eq!(own("/", "/init").as_deref(), Some("/sys/fs/cgroup/init"));
        assert_eq!(own("/", "/").as_deref(), Some("/sys/fs/cgroup"));
        assert_eq!(own("/docker/a", "/docker/a/b").as_deref(), Some("/sys/fs/cgroup/b"));
        assert_eq!(own("/../..", "/"), None);
        assert_eq!(own("/", "/../x"), None);
    }
}
