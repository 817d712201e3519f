//! The kernel.

use dind_doctor_checks::facts::{Fact, Kernel, Missing, Text, Why};

use super::Reader;

pub(super) fn probe(reader: &Reader) -> Kernel {
    let release: Fact<Text> = reader.uname().map(|u| Text::from(u.release)).into();
    let version = release.clone().and_then(|release| {
        release.parse().map_or_else(|()| Fact::missing("uname", Why::Malformed), Fact::Known)
    });
    Kernel { release, version, modules_loadable: modules_loadable(reader) }
}

/// `/proc/modules` exists if and only if the kernel was built with loadable modules; with `subset=pid`
/// procfs hides all such files.
fn modules_loadable(reader: &Reader) -> Fact<bool> {
    match reader.stat("/proc/modules") {
        Err(Missing { why: Why::NotFound, .. }) if reader.stat("/proc/version").is_ok() => {
            return Fact::Known(false);
        }
        Err(missing) => return Fact::Missing(missing),
        Ok(_) => {}
    }
    match reader.number::<u32>("/proc/sys/kernel/modules_disabled") {
        Fact::Known(disabled) => Fact::Known(disabled == 0),
        Fact::Missing(Missing { why: Why::NotFound, .. }) => Fact::Known(true),
        Fact::Missing(missing) => Fact::Missing(missing),
    }
}
