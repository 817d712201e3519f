//! The kernel.

use dind_doctor_checks::facts::{Fact, Kernel, Missing, Text, Why};

use super::Reader;

pub(super) fn probe(reader: &Reader) -> Kernel {
    let release: Fact<Text> = reader.uname().map(|u| Text::from(u.release)).into();
    let version = release.clone().and_then(|release| {
        release.parse().map_or_else(|()| Fact::missing("uname", Why::Malformed), Fact::Known)
    });
    let ubuntu_signature = match reader.text("/proc/version_signature") {
        Ok(text) => Fact::Known(Some(text)),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        Err(missing) => Fact::Missing(missing),
    };
    Kernel { release, version, ubuntu_signature, modules_loadable: modules_loadable(reader) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    #[test]
    fn only_ubuntu_signs_its_kernels() {
        let path = "/proc/version_signature";
        let read = |source: Fixed| probe(&Reader::new(&source)).ubuntu_signature;
        assert_eq!(read(Fixed::new()), Fact::Known(None));
        let signed = read(Fixed::new().file(path, "Ubuntu 5.4.0-150.167-generic 5.4.233\n"));
        assert_eq!(signed, Fact::Known(Some("Ubuntu 5.4.0-150.167-generic 5.4.233".into())));
        assert!(read(Fixed::new().unreadable(path, libc::EACCES)).known().is_none());
    }
}
