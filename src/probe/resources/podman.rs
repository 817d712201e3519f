//! `containers.conf(5)`: what podman gives containers unless it is told otherwise.

use dind_doctor_checks::facts::{DefaultUlimit, Fact, Missing, PodmanDefaults, Text, Why};

use super::text;
use crate::{probe::Reader, source::path};

/// Limits that are kept; podman knows sixteen.
const ULIMITS: usize = 64;

/// The limits and the other defaults of containers, each of the first file that sets it: the user's, the administrator's,
/// the distribution's.
pub(super) fn configured(reader: &Reader) -> (Fact<Vec<DefaultUlimit>>, Fact<PodmanDefaults>) {
    let mut found = Vec::new();
    for file in files(reader) {
        match text(reader, &file) {
            Ok(content) => found.push((file, content)),
            Err(Missing { why: Why::NotFound, .. }) => {}
            Err(missing) => return (Fact::Missing(missing.clone()), Fact::Missing(missing)),
        }
    }
    (default_ulimits(&found), Fact::Known(defaults(&found)))
}

fn default_ulimits(files: &[(String, Text)]) -> Fact<Vec<DefaultUlimit>> {
    let set =
        |(file, content): &(String, Text)| Some((file.clone(), array(content, "default_ulimits")?));
    match files.iter().find_map(set) {
        Some((file, values)) if values.len() > ULIMITS => Fact::missing(file, Why::TooLarge),
        Some((file, values)) => {
            Fact::Known(values.iter().filter_map(|value| ulimit(value, &file)).collect())
        }
        None => Fact::Known(Vec::new()),
    }
}

fn defaults(files: &[(String, Text)]) -> PodmanDefaults {
    let scalar = |name| files.iter().find_map(|(_, content)| scalar(content, name));
    let word = |name| scalar(name).map(Text::from).unwrap_or_default();
    let volumes = files.iter().find_map(|(_, content)| array(content, "volumes"));
    let target = |volume: &String| volume.split(':').nth(1).map(Text::from);
    PodmanDefaults {
        runtime: word("runtime"),
        netns: word("netns"),
        cgroups: word("cgroups"),
        pids_limit: scalar("pids_limit").and_then(|value| value.parse().ok()),
        volumes: volumes.unwrap_or_default().iter().take(ULIMITS).filter_map(target).collect(),
    }
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

/// Lines as they count: a file that is not quite TOML still tells.
fn lines(content: &str) -> impl Iterator<Item = &str> {
    content.lines().map(|line| line.split('#').next().unwrap_or_default().trim())
}

/// What follows `name =` on its line.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim)
}

fn scalar(content: &str, name: &str) -> Option<String> {
    let found = lines(content).find_map(|line| value(line, name))?;
    Some(found.trim_matches(['"', '\'']).to_owned())
}

fn array(content: &str, name: &str) -> Option<Vec<String>> {
    let mut lines = lines(content);
    let first = lines.find_map(|line| value(line, name))?;
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
        let (found, _) = configured(&Reader::new(&fixed));
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
        let (found, _) = configured(&Reader::new(&fixed));
        assert_eq!(found.known().unwrap()[0].name, "core");
        let question = ask::Read { path: SYSTEM.into() };
        let fixed = Fixed::new().refuse(question, Refusal::Errno(libc::EACCES));
        assert_eq!(configured(&Reader::new(&fixed)).0.why(), Some(Why::NotPermitted));
    }

    #[test]
    fn what_containers_get_is_of_the_first_file_that_sets_it() {
        let administrators =
            "[containers]\nnetns=\"host\"\npids_limit = 0 # none\n[engine]\nruntime = \"runc\"\n";
        let distributions = "netns = 'private'\ncgroups = \"disabled\"\n\
                             volumes = [\n \"/proc:/proc\",\n \"data\",\n]\n";
        let fixed = Fixed::new()
            .file(SYSTEM, administrators)
            .file("/usr/share/containers/containers.conf", distributions);
        let (_, found) = configured(&Reader::new(&fixed));
        let expected = PodmanDefaults {
            runtime: "runc".into(),
            netns: "host".into(),
            cgroups: "disabled".into(),
            pids_limit: Some(0),
            volumes: vec!["/proc".into()],
        };
        assert_eq!(found, Fact::Known(expected));
        let (_, found) = configured(&Reader::new(&Fixed::new()));
        assert_eq!(found, Fact::Known(PodmanDefaults::default()));
    }
}
