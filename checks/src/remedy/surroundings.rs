//! What remedies are written for: the launchers, the container's name, dockerd's configuration.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::Value;

use super::DaemonOption;
use crate::facts::{EngineProcess, Facts, JUDGED_DAEMON_KEYS, Launcher, Text, Why};

/// What of an environment the wording of remedies depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// With what it was started, innermost first; never empty.
    pub launchers: Vec<Launcher>,
    /// The name or number that the launcher has for the container.
    pub name: Option<String>,
    /// The user of the host that the container's root is; `None` if that is not known.
    pub root_is: Option<u32>,
    /// What dockerd is configured with here.
    pub daemon: DaemonFile,
}

/// Where dockerd's options are set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaemonFile {
    /// The file; empty if it is not known which.
    pub path: String,
    /// What it holds, of the keys that may be shown; `None` if that is not known.
    pub content: Option<Value>,
    /// The arguments of the dockerd that runs here.
    pub arguments: Vec<String>,
}

impl Surroundings {
    /// What these facts say of it.
    pub fn of(facts: &Facts) -> Self {
        let runtime = &facts.runtime;
        let mut launchers = runtime.launchers.clone();
        if launchers.is_empty() {
            launchers.push(runtime.launcher);
        }
        let root = facts.identity.uid_map.known().into_iter().flatten().find(|map| map.inside == 0);
        Self {
            launchers,
            name: runtime.name.as_ref().map(ToString::to_string),
            root_is: root.map(|map| map.outside),
            daemon: DaemonFile::of(facts),
        }
    }

    /// The launcher whose file or command people edit: the outermost.
    pub fn launcher(&self) -> Launcher {
        self.launchers.last().copied().unwrap_or_default()
    }
}

impl From<Launcher> for Surroundings {
    fn from(launcher: Launcher) -> Self {
        Self { launchers: vec![launcher], name: None, root_is: None, daemon: DaemonFile::default() }
    }
}

impl DaemonFile {
    fn of(facts: &Facts) -> Self {
        let mut file = Self::default();
        let engine = facts.engines.here("dockerd").next();
        let arguments = engine.and_then(|engine| engine.arguments.known()).into_iter().flatten();
        file.arguments = arguments.map(Text::to_string).collect();
        let named = engine.and_then(|engine: &EngineProcess| engine.flag("config-file"));
        file.path = named.unwrap_or_else(|| "/etc/docker/daemon.json".into());
        match &facts.engines.daemon_json {
            crate::facts::Fact::Known(config) => {
                if !config.path.is_empty() {
                    file.path = config.path.to_string();
                }
                file.content = match &config.content {
                    Value::Null => Some(Value::Object(serde_json::Map::new())),
                    Value::Object(all) => Some(Value::Object(
                        all.iter()
                            .filter(|(key, _)| {
                                JUDGED_DAEMON_KEYS.split_whitespace().any(|k| k == **key)
                            })
                            .map(|(key, value)| (key.clone(), value.clone()))
                            .collect(),
                    )),
                    _ => None,
                };
            }
            crate::facts::Fact::Missing(missing) if missing.why == Why::NotFound => {
                file.content = Some(Value::Object(serde_json::Map::new()));
            }
            crate::facts::Fact::Missing(_) => {}
        }
        file
    }

    /// Whether the file sets one of these options already.
    pub(super) fn sets(&self, options: &[DaemonOption]) -> bool {
        let content = self.content.as_ref();
        options.iter().any(|option| {
            // dockerd compares the outermost keys of the file with its flags.
            option
                .keys
                .first()
                .is_some_and(|key| content.is_some_and(|file| file.get(*key).is_some()))
        })
    }

    /// The arguments of the dockerd that runs here which set one of these options, with their values.
    pub(super) fn given(&self, options: &[DaemonOption]) -> Vec<&str> {
        let flag = |argument: &str| argument.split('=').next().map(ToString::to_string);
        let flags: Vec<_> = options.iter().filter_map(|option| flag(&option.argument)).collect();
        let arguments = self.arguments.iter().map(String::as_str);
        arguments.filter(|a| flag(a).is_some_and(|name| flags.contains(&name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        facts::{DaemonConfig, Fact::Known},
        testing::healthy_container,
    };

    #[test]
    fn what_is_shown_of_a_file_is_what_checks_judge() {
        let mut facts = healthy_container();
        let content = json!({"mtu": 1500, "proxies": {"http-proxy": "http://u:secret@p"}});
        facts.engines.daemon_json =
            Known(DaemonConfig { path: "/etc/docker/daemon.json".into(), content });
        let file = Surroundings::of(&facts).daemon;
        assert_eq!(file.content, Some(json!({"mtu": 1500})));
        assert!(file.sets(&[DaemonOption::mtu(1400)]));
        assert!(!file.sets(&[DaemonOption::dns("10.0.0.1")]));
    }
}
