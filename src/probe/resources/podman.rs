//! `default_ulimits` of `containers.conf(5)`.

use dind_doctor_checks::facts::{DefaultUlimit, Fact, Missing, Why};

use super::text;
use crate::{probe::Reader, source::path};

/// Limits that are kept; podman knows sixteen.
const ULIMITS: usize = 64;

/// Of the first file that sets it: the user's, the administrator's, the distribution's.
pub(super) fn default_ulimits(reader: &Reader) -> Fact<Vec<DefaultUlimit>> {
    for file in files(reader) {
        match text(reader, &file) {
            Ok(content) => {
                if let Some(values) = values(&content) {
                    if values.len() > ULIMITS {
                        return Fact::missing(file, Why::TooLarge);
                    }
                    let ulimits = values.iter().filter_map(|value| ulimit(value, &file));
                    return Fact::Known(ulimits.collect());
                }
            }
            Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) => return Fact::Missing(missing),
        }
    }
    Fact::Known(Vec::new())
}

fn files(reader: &Reader) -> Vec<String> {
    let variables = reader.variables(None, &["HOME", "XDG_CONFIG_HOME"]).unwrap_or_default();
    let set = |name: &str| variables.get(name).filter(|value| value.starts_with('/'));
    let user = match (set("XDG_CONFIG_HOME"), set("HOME")) {
        (Some(config), _) => Some(config.clone()),
        (None, Some(home)) => Some(format!("{}/.config", home.trim_end_matches('/'))),
        (None, None) => None,
    };
    let user = user.map(|directory| {
        path::encode(format!("{directory}/containers/containers.conf").as_bytes())
    });
    let system = ["/etc/containers/containers.conf", "/usr/share/containers/containers.conf"];
    user.into_iter().chain(system.map(str::to_owned)).collect()
}

/// The strings of the array, by lines: a file that is not quite TOML still tells.
fn values(content: &str) -> Option<Vec<String>> {
    let mut lines = content.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let first = lines.find_map(|line| {
        line.strip_prefix("default_ulimits")?.trim_start().strip_prefix('=').map(str::trim)
    })?;
    let mut array = first.strip_prefix('[')?.to_owned();
    while !array.contains(']') {
        array.push_str(lines.next()?);
    }
    let array = array.split(']').next().unwrap_or_default();
    let unquoted = array.split(',').map(|value| value.trim().trim_matches(['"', '\'']));
    Some(unquoted.filter(|value| !value.is_empty()).map(str::to_owned).collect())
}

/// `nofile=1024:65536` or `nofile=1024`; -1 is unlimited.
fn ulimit(value: &str, file: &str) -> Option<DefaultUlimit> {
    let (name, limits) = value.split_once('=')?;
    let hard = limits.rsplit(':').next()?.trim();
    let hard = match hard {
        "-1" | "unlimited" => None,
        number => Some(number.parse().ok()?),
    };
    Some(DefaultUlimit { name: name.trim().into(), hard, source: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Refusal, ask, fixed::Fixed};

    const SYSTEM: &str = "/etc/containers/containers.conf";

    fn names(content: &str) -> Vec<(String, Option<u64>)> {
        let fixed = Fixed::new().file(SYSTEM, content);
        let found = default_ulimits(&Reader::new(&fixed));
        found.known().unwrap().iter().map(|u| (u.name.to_string(), u.hard)).collect()
    }

    #[test]
    fn arrays_of_one_and_of_many_lines_are_read_and_comments_are_not() {
        assert_eq!(
            names("[containers]\ndefault_ulimits = [ \"nofile=65535:65536\", 'nproc=-1' ]\n"),
            [("nofile".into(), Some(65536)), ("nproc".into(), None)]
        );
        assert_eq!(
            names("default_ulimits = [\n  \"nofile=1280:2560\", # two\n]\n"),
            [("nofile".into(), Some(2560))]
        );
        assert_eq!(names("#default_ulimits = [\n# \"nofile=1280:2560\",\n#]\n"), []);
        assert_eq!(names("default_ulimits = [ \"nofile=1:x\", \"\", \"y"), []);
    }

    #[test]
    fn the_users_file_comes_first_and_an_unreadable_one_is_missing() {
        let variable = |name: &str| ask::Variable { pid: None, name: name.to_owned() };
        let fixed = Fixed::new()
            .answer(variable("HOME"), Some("/home/a".to_owned()))
            .answer(variable("XDG_CONFIG_HOME"), None)
            .file("/home/a/.config/containers/containers.conf", "default_ulimits=[\"core=0\"]")
            .file(SYSTEM, "default_ulimits=[\"nofile=1\"]");
        let found = default_ulimits(&Reader::new(&fixed));
        assert_eq!(found.known().unwrap()[0].name, "core");
        let question = ask::Read { path: SYSTEM.into() };
        let fixed = Fixed::new().refuse(question, Refusal::Errno(libc::EACCES));
        assert_eq!(default_ulimits(&Reader::new(&fixed)).why(), Some(Why::NotPermitted));
    }
}
