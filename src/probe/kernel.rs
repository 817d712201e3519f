//! The kernel.

mod cpu;

use dind_doctor_checks::facts::{
    Fact, Kernel, KernelSetting, Missing, MountTable, NETWORK_MODULES, Text, Why,
};

use super::{
    Reader,
    modules::{Lists, Modules},
    sysctl,
};
use crate::source::ask;

/// What kubelet sets, and to what (`pkg/kubelet/cm/container_manager_linux.go`, `setupKernelTunables`).
const KUBELET: [(&str, i64); 6] = [
    ("vm/overcommit_memory", 1),
    ("vm/panic_on_oom", 0),
    ("kernel/panic", 10),
    ("kernel/panic_on_oops", 1),
    ("kernel/keys/root_maxkeys", 1_000_000),
    ("kernel/keys/root_maxbytes", 25_000_000),
];

/// Names of `/lib/modules` that are looked at.
const NAMES: usize = 256;

pub(super) fn probe(reader: &Reader, mounts: &Fact<MountTable>, lists: &Lists) -> Kernel {
    let release: Fact<Text> = reader.ask(ask::Uname).map(|u| Text::from(u.release)).into();
    let version = release.clone().and_then(|release| {
        release.parse().map_or_else(|()| Fact::missing("uname", Why::Malformed), Fact::Known)
    });
    let ubuntu_signature = match reader.text("/proc/version_signature") {
        Ok(text) => Fact::Known(Some(text)),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        Err(missing) => Fact::Missing(missing),
    };
    let filesystems = filesystems(reader);
    let modules = lists.loaded(reader);
    let kernel = Kernel {
        modules_directory: modules_directory(reader, &release),
        release,
        version,
        modules_loadable: modules_loadable(reader),
        ubuntu_signature,
        build: reader.ask(ask::Uname).map(|u| Text::from(u.version)).into(),
        overlay: filesystems.as_ref().map(|names| names.iter().any(|name| name == "overlay")),
        filesystems,
        bpf: bpf(reader),
        network_modules: network_modules(modules),
        emulators: emulators(reader, mounts),
        cpu_level: cpu::level(reader),
        kubelet_settings: KUBELET.map(|setting| kubelet_setting(reader, setting)).into(),
        needed: Vec::new(),
        modular: modular(reader, modules),
        other_modules: other_modules(reader),
    };
    let needed = Modules::new(reader, &kernel, lists).needed();
    Kernel { needed, ..kernel }
}

/// Whether some module is loaded: a kernel that has all built in loads none, though it could.
fn modular(reader: &Reader, modules: &Result<Vec<u8>, Missing>) -> Fact<bool> {
    match modules {
        Ok(list) => Fact::Known(!list.is_empty()),
        Err(Missing { why: Why::NotFound, .. }) if reader.stat("/proc/version").is_ok() => {
            Fact::Known(false)
        }
        Err(missing) => Fact::Missing(missing.clone()),
    }
}

/// Whether modules of another release are installed.
fn other_modules(reader: &Reader) -> Fact<bool> {
    match reader.list("/lib/modules", NAMES) {
        Ok(listing) => Fact::Known(!listing.entries.is_empty()),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

fn modules_directory(reader: &Reader, release: &Fact<Text>) -> Fact<bool> {
    match release {
        Fact::Known(release) if !release.contains('/') => {
            match reader.stat(&format!("/lib/modules/{release}")) {
                Ok(_) => Fact::Known(true),
                Err(Missing { why: Why::NotFound, .. }) => {
                    // NixOS and Guix have them with the system that was booted.
                    let booted = ["kernel-modules", "kernel"].into_iter().any(|part| {
                        let folder = format!("/run/booted-system/{part}/lib/modules/{release}");
                        reader.stat(&folder).is_ok()
                    });
                    Fact::Known(booted)
                }
                // A recording that does not have it may have what is above it.
                Err(missing) => match other_modules(reader) {
                    Fact::Known(false) => Fact::Known(false),
                    _ => Fact::Missing(missing),
                },
            }
        }
        Fact::Known(_) => Fact::missing("uname", Why::Malformed),
        Fact::Missing(missing) => Fact::Missing(missing.clone()),
    }
}

/// `veth 40960 0 - Live 0x0000000000000000`.
fn network_modules(modules: &Result<Vec<u8>, Missing>) -> Fact<Vec<Text>> {
    let loaded = |list: &Vec<u8>| {
        let lines = list.split(|byte| *byte == b'\n');
        let names = lines.filter_map(|line| line.split(|byte| *byte == b' ').next());
        let mut names: Vec<Text> = names
            .filter(|name| NETWORK_MODULES.iter().any(|wanted| wanted.as_bytes() == *name))
            .map(Text::from_bytes)
            .collect();
        names.sort_unstable();
        names
    };
    Fact::from(modules.as_ref().map(loaded).map_err(Clone::clone))
}

/// systemd has an automount there, and to list that would mount it.
fn emulators(reader: &Reader, mounts: &Fact<MountTable>) -> Fact<Option<Vec<Text>>> {
    const PATH: &str = "/proc/sys/fs/binfmt_misc";
    const NAMES: usize = 256;
    let table = match mounts {
        Fact::Known(table) => table,
        Fact::Missing(missing) => return Fact::Missing(missing.clone()),
    };
    if table.at(PATH).is_none_or(|mount| mount.fstype != "binfmt_misc") {
        return Fact::Known(None);
    }
    let names = reader.list(PATH, NAMES).map(|listing| {
        let names = listing.entries.into_iter().map(|entry| entry.name);
        let own = |name: &String| !matches!(name.as_str(), "register" | "status");
        names.filter(own).map(Text::from).collect()
    });
    Fact::from(names).map(Some)
}

fn kubelet_setting(reader: &Reader, (name, wanted): (&str, i64)) -> KernelSetting {
    let value = sysctl::number(reader, &format!("/proc/sys/{name}"));
    KernelSetting { name: name.into(), value, wanted }
}

/// The last word of each line; `nodev` comes before some.
fn filesystems(reader: &Reader) -> Fact<Vec<Text>> {
    const PATH: &str = "/proc/filesystems";
    let names = |text: Text| {
        text.lines().filter_map(|line| line.split_whitespace().last()).map(Text::from).collect()
    };
    // proc itself is in it.
    let whole = |text: Text| {
        if text.is_empty() { Err(Missing::new(PATH, Why::Malformed)) } else { Ok(text) }
    };
    sysctl::text(reader, PATH).and_then(whole).map(names).into()
}

/// The switch is there since Linux 4.4 wherever `bpf(2)` is. With `subset=pid` procfs hides it.
fn bpf(reader: &Reader) -> Fact<bool> {
    let found = sysctl::exists(reader, "/proc/sys/kernel/unprivileged_bpf_disabled");
    match found {
        Fact::Known(false) if reader.stat("/proc/sys/kernel/osrelease").is_err() => {
            Fact::missing("/proc/sys/kernel", Why::NotFound)
        }
        found => found,
    }
}

/// `/proc/modules` exists if and only if the kernel was built with loadable modules; with `subset=pid`
/// procfs hides all such files.
fn modules_loadable(reader: &Reader) -> Fact<bool> {
    if let Err(missing) = reader.stat("/proc/modules") {
        let seen = reader.stat("/proc/version").is_ok();
        return match missing.why {
            Why::NotFound if seen => Fact::Known(false),
            _ => Fact::Missing(missing),
        };
    }
    match reader.number::<u32>("/proc/sys/kernel/modules_disabled") {
        Fact::Known(disabled) => Fact::Known(disabled == 0),
        Fact::Missing(Missing { why: Why::NotFound, .. }) => Fact::Known(true),
        Fact::Missing(missing) => Fact::Missing(missing),
    }
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::Mount;

    use super::*;
    use crate::source::{EntryKind, Uname, fixed::Fixed};

    fn read(source: &Fixed) -> Kernel {
        probe(&Reader::new(source), &Fact::Known(MountTable::default()), &Lists::default())
    }

    #[test]
    fn modules_of_networks_are_read() {
        let source =
            Fixed::new().file("/proc/modules", "veth 1 0 - Live 0x0\nvethx 1\nbridge 1 0\n");
        let names = ["bridge", "veth"].map(Text::from).to_vec();
        assert_eq!(read(&source).network_modules, Fact::Known(names));
    }

    #[test]
    fn emulators_are_listed_where_their_filesystem_is_mounted() {
        let path = "/proc/sys/fs/binfmt_misc";
        let source = Fixed::new().directory(
            path,
            &["qemu-arm", "register", "status"].map(|name| (name, EntryKind::File)),
        );
        assert_eq!(read(&source).emulators, Fact::Known(None));
        let mounted = |fstype: &str| {
            let row = Mount { mount_point: path.into(), fstype: fstype.into(), ..Mount::default() };
            let table = MountTable { rows: vec![row], malformed: 0 };
            emulators(&Reader::new(&source), &Fact::Known(table))
        };
        assert_eq!(mounted("autofs"), Fact::Known(None));
        assert_eq!(mounted("binfmt_misc"), Fact::Known(Some(vec!["qemu-arm".into()])));
    }

    #[test]
    fn only_ubuntu_signs_its_kernels() {
        let path = "/proc/version_signature";
        let signature = |source: Fixed| read(&source).ubuntu_signature;
        assert_eq!(signature(Fixed::new()), Fact::Known(None));
        let signed = signature(Fixed::new().file(path, "Ubuntu 5.4.0-150.167-generic 5.4.233\n"));
        assert_eq!(signed, Fact::Known(Some("Ubuntu 5.4.0-150.167-generic 5.4.233".into())));
        assert!(signature(Fixed::new().unreadable(path, libc::EACCES)).known().is_none());
    }

    #[test]
    fn features_are_read_from_files() {
        let source = Fixed::new()
            .file("/proc/filesystems", "nodev\tsysfs\n\text4\nnodev\toverlay\n\n")
            .file("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n")
            .file("/sys/module/overlay/parameters/permit_mounts_in_userns", "Y\n")
            .file("/proc/sys/kernel/panic", "-1\n")
            .file("/proc/sys/vm/overcommit_memory", "\x1b[31m");
        let kernel = read(&source);
        let names = ["sysfs", "ext4", "overlay"].map(Text::from).to_vec();
        assert_eq!(kernel.filesystems, Fact::Known(names));
        assert_eq!(kernel.bpf, Fact::Known(true));
        let value = |name: &str| {
            kernel.kubelet_settings.iter().find(|s| s.name == name).map(|s| s.value.clone())
        };
        assert_eq!(value("kernel/panic"), Some(Fact::Known(-1)));
        assert_eq!(value("vm/overcommit_memory").and_then(|v| v.why()), Some(Why::Malformed));
    }

    #[test]
    fn bpf_is_denied_only_where_sysctls_are_visible() {
        let source = Fixed::new();
        assert_eq!(bpf(&Reader::new(&source)).why(), Some(Why::NotFound));
        let source = Fixed::new().file("/proc/sys/kernel/osrelease", "6.1.0");
        assert_eq!(bpf(&Reader::new(&source)), Fact::Known(false));
    }

    fn source() -> Fixed {
        let uname =
            Uname { release: "6.1.0".into(), version: String::new(), machine: String::new() };
        Fixed::new().answer(ask::Uname, uname)
    }

    #[test]
    fn the_directory_is_that_of_the_running_kernel() {
        let found = read(&source());
        assert_eq!(found.modules_directory, Fact::Known(false));
        for folder in [
            "/lib/modules/6.1.0",
            "/run/booted-system/kernel-modules/lib/modules/6.1.0",
            "/run/booted-system/kernel/lib/modules/6.1.0",
        ] {
            let source = source().directory(folder, &[]);
            assert_eq!(read(&source).modules_directory, Fact::Known(true), "{folder}");
        }
        assert!(read(&Fixed::new()).modules_directory.known().is_none());
    }

    #[test]
    fn overlay_is_a_whole_name() {
        for (text, want) in [("nodev\toverlay\n\text4\n", true), ("nodev\tmyoverlay\n", false)] {
            let source = source().file("/proc/filesystems", text);
            assert_eq!(read(&source).overlay, Fact::Known(want), "{text}");
        }
        assert_eq!(read(&source()).overlay.why(), Some(Why::NotFound));
    }
}
