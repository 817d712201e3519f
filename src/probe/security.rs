//! Capabilities, seccomp, LSMs, device nodes.

use dind_doctor_checks::facts::{
    Capabilities, CapabilitySet, Device, DeviceNode, Fact, FilteredCalls, Missing, Seccomp,
    Security, Text, Why,
};

use super::{Reader, search_path, status::Status, sysctl, userns};
use crate::source::{Access, SystemCall, ask};

/// `S_IFMT` and `S_IFCHR` of `stat(2)`.
const TYPE_MASK: u32 = 0o170_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

pub(super) fn capabilities(reader: &Reader) -> Capabilities {
    let status = Status::read(reader, "self");
    Capabilities {
        effective: status.mask("CapEff").map(CapabilitySet).into(),
        permitted: status.mask("CapPrm").map(CapabilitySet).into(),
        bounding: status.mask("CapBnd").map(CapabilitySet).into(),
        last: reader.number("/proc/sys/kernel/cap_last_cap"),
    }
}

pub(super) fn security(reader: &Reader, path: &str) -> Security {
    let status = Status::read(reader, "self");
    let seccomp = status.number("Seccomp").and_then(|mode| match mode {
        0 => Ok(Seccomp::Disabled),
        1 => Ok(Seccomp::Strict),
        2 => Ok(Seccomp::Filter),
        _ => Err(Missing::new("Seccomp in /proc/self/status", Why::Malformed)),
    });
    let filtered = if seccomp == Ok(Seccomp::Filter) { filtered(reader) } else { not_filtered() };
    Security {
        no_new_privs: status.number("NoNewPrivs").map(|n| n != 0).into(),
        seccomp: seccomp.into(),
        filtered,
        lsms: reader
            .text("/sys/kernel/security/lsm")
            .map(|list| list.split(',').map(Text::from).collect())
            .into(),
        apparmor_enabled: absent_is_false(
            reader.text("/sys/module/apparmor/parameters/enabled").map(|t| t == "Y"),
        ),
        apparmor_visible: sysctl::exists(reader, "/sys/kernel/security/apparmor"),
        apparmor_policy_writable: reader
            .access("/sys/kernel/security/apparmor/.replace", Access::Write),
        apparmor_parser: search_path::find(reader, path, "apparmor_parser"),
        runtime_profiles: userns::runtime_profiles(reader),
        selinux_enforcing: sysctl::number::<u8>(reader, "/sys/fs/selinux/enforce")
            .map(|mode| mode != 0),
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

/// Whether the filter, which answers before the kernel does, says EPERM.
fn filtered(reader: &Reader) -> FilteredCalls {
    let refused = |call| {
        let errno = reader.ask(ask::SystemCall { call });
        Fact::from(errno.map(|errno| i32::try_from(errno) == Ok(libc::EPERM)))
    };
    FilteredCalls {
        clone_new_user: refused(SystemCall::CloneNewUser),
        clone3: refused(SystemCall::Clone3),
        keyctl: refused(SystemCall::Keyctl),
    }
}

fn not_filtered() -> FilteredCalls {
    let call = || Fact::missing("seccomp: no filter", Why::NotProbed);
    FilteredCalls { clone_new_user: call(), clone3: call(), keyctl: call() }
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
    let mode = reader.stat(path).map(|stat| stat.mode & 0o7777);
    let usable = reader.access(path, Access::ReadWrite);
    DeviceNode { device, number: number.into(), usable, mode: mode.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Refusal, fixed::Fixed};

    fn question(call: SystemCall) -> ask::SystemCall {
        ask::SystemCall { call }
    }

    #[test]
    fn only_a_filter_is_asked_and_only_eperm_is_a_refusal() {
        let source = Fixed::new().file("/proc/self/status", "Seccomp:\t0\n");
        let found = security(&Reader::new(&source), "/usr/bin");
        assert_eq!(found.filtered.keyctl.why(), Some(Why::NotProbed));
        assert!(!source.was_asked(question(SystemCall::Keyctl)));
        let number = |errno: i32| errno.unsigned_abs();
        let source = Fixed::new()
            .file("/proc/self/status", "Seccomp:\t2\n")
            .answer(question(SystemCall::Keyctl), number(libc::EPERM))
            .answer(question(SystemCall::Clone3), number(libc::ENOSYS))
            .refuse(question(SystemCall::CloneNewUser), Refusal::TimedOut);
        let found = security(&Reader::new(&source), "/usr/bin").filtered;
        assert_eq!(found.keyctl, Fact::Known(true));
        assert_eq!(found.clone3, Fact::Known(false));
        assert_eq!(found.clone_new_user.why(), Some(Why::TimedOut));
    }

    #[test]
    fn apparmor_and_selinux_are_seen_where_their_files_are() {
        let source = Fixed::new()
            .directory("/sys/kernel/security/apparmor", &[])
            .file("/sys/fs/selinux/enforce", "1");
        let found = security(&Reader::new(&source), "/usr/bin");
        assert_eq!(found.apparmor_visible, Fact::Known(true));
        assert_eq!(found.selinux_enforcing, Fact::Known(true));
        let nothing = Fixed::new();
        let found = security(&Reader::new(&nothing), "/usr/bin");
        assert_eq!(found.apparmor_visible, Fact::Known(false));
        assert_eq!(found.selinux_enforcing.why(), Some(Why::NotFound));
        assert_eq!(found.apparmor_parser, Fact::Known(None));
    }
}
