//! Which manager an LXC container has, and what it is called there.

use dind_doctor_checks::facts::{Engine, Facts, Launcher, Membership, Mount, Runtime};

use crate::{probe::Reader, source::ask};

/// The manager of a system container; `None` for any other.
pub(super) fn manager(reader: &Reader, facts: &Facts, runtime: &Runtime) -> Option<Launcher> {
    match runtime.engine {
        Engine::SystemdNspawn => return Some(Launcher::Nspawn),
        Engine::Lxc => {}
        _ => return None,
    }
    let mounted = |place: &str| rows(facts).iter().any(|row| row.mount_point.starts_with(place));
    let profile = profile(facts).unwrap_or_default();
    // The managers' own sockets, and the directories through which they add mounts.
    Some(
        if mounted("/dev/incus") || mounted("/dev/.incus-mounts") || profile.starts_with("incus-") {
            Launcher::Incus
        } else if mounted("/dev/lxd") || mounted("/dev/.lxd-mounts") || profile.starts_with("lxd-")
        {
            Launcher::Lxd
        } else if reader.ask(ask::Uname).is_ok_and(|uname| uname.release.contains("-pve"))
            || number(facts).is_some()
        {
            Launcher::Proxmox
        } else {
            Launcher::Lxc
        },
    )
}

/// What its cgroup, its AppArmor profile or, for Proxmox, its volume says.
pub(super) fn name(facts: &Facts, manager: Launcher) -> Option<String> {
    match manager {
        Launcher::Proxmox => number(facts),
        Launcher::Lxc | Launcher::Incus | Launcher::Lxd => {
            by_cgroup(facts).or_else(|| by_profile(facts))
        }
        _ => None,
    }
}

fn rows(facts: &Facts) -> &[Mount] {
    facts.mounts.known().map(|table| table.rows.as_slice()).unwrap_or_default()
}

fn profile(facts: &Facts) -> Option<&str> {
    facts.security.apparmor_profile()
}

/// `lxc-NAME_</var/lib/lxc>`: the profile that LXC and its managers generate.
fn by_profile(facts: &Facts) -> Option<String> {
    let profile = profile(facts)?;
    let rest = ["lxc-", "lxd-", "incus-"].iter().find_map(|word| profile.strip_prefix(word))?;
    Some(rest.split_once("_<")?.0.to_owned())
}

/// `/lxc/NAME` (LXC before 4.0 and Proxmox), `/lxc.payload.NAME`.
fn by_cgroup(facts: &Facts) -> Option<String> {
    let of = [&facts.cgroup.memberships, &facts.cgroup.pid1_memberships];
    let mut paths = of.iter().filter_map(|of| of.known()).flatten();
    paths.find_map(|Membership { path, .. }| {
        let mut parts = path.split('/');
        parts.find_map(|part| part.strip_prefix("lxc.payload.").map(str::to_owned)).or_else(|| {
            let mut parts = path.split('/').skip_while(|part| *part != "lxc").skip(1);
            parts.next().filter(|name| !name.is_empty()).map(str::to_owned)
        })
    })
}

/// Proxmox counts containers, and names their volumes after the number: `vm-101-disk-0`, `subvol-101-disk-0`.
fn number(facts: &Facts) -> Option<String> {
    let is_number = |name: &String| name.len() >= 3 && name.bytes().all(|b| b.is_ascii_digit());
    let root = rows(facts).iter().rfind(|row| row.mount_point == "/");
    let of_volume = root.and_then(|row| {
        let words: Vec<&str> = row.source.split(['-', '/']).filter(|w| !w.is_empty()).collect();
        words.windows(3).find_map(|three| match three {
            ["vm" | "subvol" | "base" | "basevol", number, "disk"] => Some((*number).to_owned()),
            _ => None,
        })
    });
    of_volume
        .filter(is_number)
        .or_else(|| by_cgroup(facts).filter(is_number))
        .or_else(|| by_profile(facts).filter(is_number))
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::{Fact, Hierarchy, MountTable};

    use super::*;

    fn with(source: &str, profile: &str, cgroup: &str) -> Facts {
        let mut facts = Facts::default();
        let root = Mount { mount_point: "/".into(), source: source.into(), ..Mount::default() };
        facts.mounts = Fact::Known(MountTable { rows: vec![root], ..MountTable::default() });
        facts.security.label = Fact::Known(format!("{profile} (enforce)").into());
        facts.cgroup.memberships =
            Fact::Known(vec![Membership { hierarchy: Hierarchy::Unified, path: cgroup.into() }]);
        facts
    }

    #[test]
    fn proxmox_is_known_by_its_numbers() {
        for facts in [
            with("/dev/mapper/pve-vm--101--disk--0", "", "/"),
            with("rpool/data/subvol-101-disk-0", "", "/"),
            with("/dev/loop0", "lxc-101_</var/lib/lxc>", "/"),
            with("/dev/loop0", "", "/lxc/101/ns"),
        ] {
            assert_eq!(number(&facts).as_deref(), Some("101"));
        }
        assert_eq!(number(&with("/dev/vda1", "lxc-web_</var/lib/lxc>", "/lxc/web")), None);
    }

    #[test]
    fn names_are_read_from_cgroup_and_profile() {
        let of = |facts: &Facts| name(facts, Launcher::Lxc);
        assert_eq!(of(&with("x", "", "/lxc.payload.web/init.scope")).as_deref(), Some("web"));
        assert_eq!(of(&with("x", "incus-ci_</var/lib/incus>", "/")).as_deref(), Some("ci"));
        assert_eq!(of(&with("x", "lxc-container-default-cgns", "/.lxc")), None);
    }
}
