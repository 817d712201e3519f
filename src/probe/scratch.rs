//! Directories for sockets, locks and temporary files.

use dind_doctor_checks::facts::{Fact, Missing, Scratch, ScratchDirectory, Text, Why};

use super::{Reader, search_path};
use crate::source::{Access, path};

pub(super) fn probe(reader: &Reader) -> Scratch {
    Scratch {
        run: directory(reader, "/run"),
        temporary: directory(reader, &temporary(reader)),
        xtables_lock: absent_is_none(reader.access("/run/xtables.lock", Access::Write)),
        docker_pid: absent_is_none(docker_pid(reader)),
        docker_client: docker_client(reader),
    }
}

fn temporary(reader: &Reader) -> String {
    let variables = reader.variables(None, &["TMPDIR"]).unwrap_or_default();
    let set = variables.get("TMPDIR").filter(|value| value.starts_with('/'));
    set.map_or_else(|| "/tmp".to_owned(), |value| path::encode(value.as_bytes()))
}

fn directory(reader: &Reader, path: &str) -> ScratchDirectory {
    let size = reader.statfs(path).map(|fs| fs.blocks.saturating_mul(fs.block_size));
    ScratchDirectory {
        path: path.into(),
        writable: reader.access(path, Access::Write),
        size: size.into(),
    }
}

fn absent_is_none<T>(fact: Fact<T>) -> Fact<Option<T>> {
    match fact {
        Fact::Missing(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        other => other.map(Some),
    }
}

fn docker_pid(reader: &Reader) -> Fact<u32> {
    const PATH: &str = "/run/docker.pid";
    let number = reader.bytes(PATH).and_then(|bytes| {
        let text = Text::from_bytes(bytes.trim_ascii());
        text.parse().map_err(|_| Missing::new(PATH, Why::Malformed))
    });
    number.into()
}

/// Whoever runs the doctor runs the client, whatever PATH a daemon has.
fn docker_client(reader: &Reader) -> Fact<Option<Text>> {
    search_path::recorded(reader, &search_path::own(reader), "docker").and_then(|found| match found
    {
        Some(found) => reader.resolve(&found).map(|real| Some(Text::from(real))).into(),
        None => Fact::Known(None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Refusal, StatFs, ask, fixed::Fixed};

    fn access(path: &str) -> ask::Access {
        ask::Access { path: path.into(), access: Access::Write }
    }

    fn own_path() -> ask::Variable {
        ask::Variable { pid: None, name: "PATH".to_owned() }
    }

    #[test]
    fn directories_files_and_the_client_are_found() {
        let statfs = StatFs {
            magic: 0x0102_1994,
            block_size: 4096,
            blocks: 16,
            available: 1,
            files: 0,
            files_free: 0,
            d_type: None,
        };
        let source = Fixed::new()
            .answer(access("/run"), ())
            .answer(ask::StatFs { path: "/run".into() }, statfs)
            .refuse(access("/tmp"), Refusal::Errno(libc::EROFS))
            .answer(access("/run/xtables.lock"), ())
            .file("/run/docker.pid", "17\n")
            .answer(own_path(), Some("/usr/bin:/snap/bin".to_owned()))
            .directory("/snap/bin", &[])
            .program("/snap/bin/docker", "/usr/bin/snap");
        let scratch = probe(&Reader::new(&source));
        assert_eq!(scratch.run.writable, Fact::Known(true));
        assert_eq!(scratch.run.size, Fact::Known(65536));
        assert_eq!(scratch.temporary.writable, Fact::Known(false));
        assert_eq!(scratch.xtables_lock, Fact::Known(Some(true)));
        assert_eq!(scratch.docker_pid, Fact::Known(Some(17)));
        assert_eq!(scratch.docker_client, Fact::Known(Some("/usr/bin/snap".into())));
    }

    #[test]
    fn nothing_there_is_none_and_garbage_is_malformed() {
        let scratch = probe(&Reader::new(&Fixed::new()));
        assert_eq!(scratch.docker_pid, Fact::Known(None));
        assert_eq!(scratch.xtables_lock, Fact::Known(None));
        assert_eq!(scratch.docker_client, Fact::Known(None));
        assert_eq!(scratch.run.writable.why(), Some(Why::NotFound));
        let source = Fixed::new().file("/run/docker.pid", b"\xff\x1b[0m");
        assert_eq!(probe(&Reader::new(&source)).docker_pid.why(), Some(Why::Malformed));
    }
}
