//! The kernel.

use dind_doctor_checks::facts::{Fact, Kernel, Missing, Text, Why};

use super::{RECORDED, Reader};

pub(super) fn probe(reader: &Reader) -> Kernel {
    let release: Fact<Text> = reader.uname().map(|u| Text::from(u.release)).into();
    let version = release.clone().and_then(|release| {
        release.parse().map_or_else(|()| Fact::missing("uname", Why::Malformed), Fact::Known)
    });
    Kernel {
        modules_directory: modules_directory(reader, &release),
        release,
        version,
        modules_loadable: modules_loadable(reader),
        overlay: overlay(reader),
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

/// `nodev<tab>overlay`, a filesystem on each line.
fn overlay(reader: &Reader) -> Fact<bool> {
    let registered = |bytes: Vec<u8>| {
        bytes.split(|byte| *byte == b'\n').any(|line| line.ends_with(b"\toverlay"))
    };
    reader.bytes_up_to("/proc/filesystems", RECORDED).map(registered).into()
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
    use crate::source::{Answer, Question, Uname, fixed::Fixed};

    fn source() -> Fixed {
        let uname =
            Uname { release: "6.1.0".into(), version: String::new(), machine: String::new() };
        Fixed::new().answer(Question::Uname, Answer::Uname(uname))
    }

    #[test]
    fn the_directory_is_that_of_the_running_kernel() {
        let found = probe(&Reader::new(&source()));
        assert_eq!(found.modules_directory, Fact::Known(false));
        let source = source().directory("/lib/modules/6.1.0", &[], 0);
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
