//! The kernel.

use dind_doctor_checks::facts::{Fact, Kernel, KernelSetting, Missing, Text, Why};

use super::{Reader, sysctl};
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

pub(super) fn probe(reader: &Reader) -> Kernel {
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
    Kernel {
        modules_directory: modules_directory(reader, &release),
        release,
        version,
        modules_loadable: modules_loadable(reader),
        ubuntu_signature,
        build: reader.ask(ask::Uname).map(|u| Text::from(u.version)).into(),
        overlay: filesystems.as_ref().map(|names| names.iter().any(|name| name == "overlay")),
        filesystems,
        bpf: bpf(reader),
        kubelet_settings: KUBELET.map(|setting| kubelet_setting(reader, setting)).into(),
    }
}

fn modules_directory(reader: &Reader, release: &Fact<Text>) -> Fact<bool> {
    match release {
        Fact::Known(release) if !release.contains('/') => {
            match reader.stat(&format!("/lib/modules/{release}")) {
                Ok(_) => Fact::Known(true),
                Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
                Err(missing) => Fact::Missing(missing),
            }
        }
        Fact::Known(_) => Fact::missing("uname", Why::Malformed),
        Fact::Missing(missing) => Fact::Missing(missing.clone()),
    }
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
    use super::*;
    use crate::source::{Uname, fixed::Fixed};

    #[test]
    fn only_ubuntu_signs_its_kernels() {
        let path = "/proc/version_signature";
        let read = |source: Fixed| probe(&Reader::new(&source)).ubuntu_signature;
        assert_eq!(read(Fixed::new()), Fact::Known(None));
        let signed = read(Fixed::new().file(path, "Ubuntu 5.4.0-150.167-generic 5.4.233\n"));
        assert_eq!(signed, Fact::Known(Some("Ubuntu 5.4.0-150.167-generic 5.4.233".into())));
        assert!(read(Fixed::new().unreadable(path, libc::EACCES)).known().is_none());
    }

    #[test]
    fn features_are_read_from_files() {
        let source = Fixed::new()
            .file("/proc/filesystems", "nodev\tsysfs\n\text4\nnodev\toverlay\n\n")
            .file("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n")
            .file("/sys/module/overlay/parameters/permit_mounts_in_userns", "Y\n")
            .file("/proc/sys/kernel/panic", "-1\n")
            .file("/proc/sys/vm/overcommit_memory", "\x1b[31m");
        let kernel = probe(&Reader::new(&source));
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
        let found = probe(&Reader::new(&source()));
        assert_eq!(found.modules_directory, Fact::Known(false));
        let source = source().directory("/lib/modules/6.1.0", &[]);
        assert_eq!(probe(&Reader::new(&source)).modules_directory, Fact::Known(true));
        assert!(probe(&Reader::new(&Fixed::new())).modules_directory.known().is_none());
    }

    #[test]
    fn overlay_is_a_whole_name() {
        for (text, want) in [("nodev\toverlay\n\text4\n", true), ("nodev\tmyoverlay\n", false)] {
            let source = source().file("/proc/filesystems", text);
            assert_eq!(probe(&Reader::new(&source)).overlay, Fact::Known(want), "{text}");
        }
        assert_eq!(probe(&Reader::new(&source())).overlay.why(), Some(Why::NotFound));
    }
}
