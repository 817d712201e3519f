//! Capabilities, seccomp, LSMs, device nodes.

use dind_doctor_checks::facts::{
    Capabilities, CapabilitySet, Device, DeviceNode, Fact, Missing, Seccomp, Security, Text, Why,
};

use super::{Reader, status::Status};
use crate::source::Access;

/// `S_IFMT` and `S_IFCHR` of `stat(2)`.
const TYPE_MASK: u32 = 0o170_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

pub(super) fn capabilities(reader: &Reader) -> Capabilities {
    let status = Status::read(reader, "self");
    Capabilities {
        effective: status.mask("CapEff").map(CapabilitySet).into(),
        bounding: status.mask("CapBnd").map(CapabilitySet).into(),
        last: reader.number("/proc/sys/kernel/cap_last_cap"),
    }
}

pub(super) fn security(reader: &Reader) -> Security {
    let status = Status::read(reader, "self");
    let seccomp = status.number("Seccomp").and_then(|mode| match mode {
        0 => Ok(Seccomp::Disabled),
        1 => Ok(Seccomp::Strict),
        2 => Ok(Seccomp::Filter),
        _ => Err(Missing::new("Seccomp in /proc/self/status", Why::Malformed)),
    });
    Security {
        no_new_privs: status.number("NoNewPrivs").map(|n| n != 0).into(),
        seccomp: seccomp.into(),
        lsms: reader
            .text("/sys/kernel/security/lsm")
            .map(|list| list.split(',').map(Text::from).collect())
            .into(),
        apparmor_enabled: absent_is_false(
            reader.text("/sys/module/apparmor/parameters/enabled").map(|t| t == "Y"),
        ),
        selinux_mounted: absent_is_false(reader.stat("/sys/fs/selinux/enforce").map(|_| true)),
        label: label(reader),
        devices: Device::ALL.into_iter().map(|device| node(reader, device)).collect(),
    }
}

/// The AppArmor label has a file of its own from Linux 5.8 on; the common file shows one LSM's. A kernel
/// without an LSM that labels processes answers EINVAL, or has no such file.
fn label(reader: &Reader) -> Fact<Text> {
    let clean = |text: Text| Text::from(text.trim_end_matches('\0'));
    let own = reader.text("/proc/self/attr/apparmor/current");
    match own.or_else(|_| reader.text("/proc/self/attr/current")) {
        Ok(text) => Fact::Known(clean(text)),
        Err(Missing { why: Why::NotFound | Why::Io(libc::EINVAL), .. }) => Fact::Known("".into()),
        Err(missing) => Fact::Missing(missing),
    }
}

fn absent_is_false(result: Result<bool, Missing>) -> Fact<bool> {
    match result {
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        other => other.into(),
    }
}

fn node(reader: &Reader, device: Device) -> DeviceNode {
    let path = device.path();
    let number = reader.stat(path).and_then(|stat| {
        if stat.mode & TYPE_MASK == CHARACTER_DEVICE {
            Ok(Text::from(format!("{}:{}", stat.rdev.0, stat.rdev.1)))
        } else {
            Err(Missing::new(path, Why::Malformed))
        }
    });
    DeviceNode { device, number: number.into(), usable: reader.access(path, Access::ReadWrite) }
}
