//! What a recording itself says about the machine: its names, its data roots, its daemon.json.

use std::{collections::BTreeSet, sync::Arc};

use super::{Recording, filter, names};
use crate::source::{Answer, Question};

/// Programs whose arguments name data roots.
const ENGINES: &[&str] = &[
    "dockerd",
    "containerd",
    "buildkitd",
    "podman",
    "kubelet",
    "crio",
    "nerdctl",
    "k3s",
    "rootlesskit",
];

const ROOT_FLAGS: &[&str] =
    &["--data-root", "--graph", "-g", "--root", "--exec-root", "--root-dir", "--data-dir"];

/// What was learned.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Names that this machine goes by, and that are no words.
    pub(super) host_names: Vec<String>,
    /// Data roots that are configured, and mount points of cgroups.
    roots: BTreeSet<String>,
    /// Files that `--config-file` names.
    daemon_jsons: BTreeSet<String>,
    /// Bodies that were looked at, by where they are in memory and as what: one can be that of many files.
    seen: BTreeSet<(usize, &'static str)>,
}

impl Learned {
    pub(super) fn from(recording: &Recording) -> Self {
        let mut learned = Self::default();
        for ((_, question), answer) in &recording.answers {
            let Ok(answer) = answer else { continue };
            match (question, answer) {
                (Question::Read { path, .. }, Answer::Bytes(bytes)) => learned.file(path, bytes),
                (Question::Variable { name, .. }, Answer::Variable(Some(value))) => {
                    learned.variable(name, value);
                }
                _ => {}
            }
        }
        // What the files say that were found only after they had been read.
        for ((_, question), answer) in &recording.answers {
            if let (Question::Read { path, .. }, Ok(Answer::Bytes(bytes))) = (question, answer)
                && learned.daemon_jsons.contains(path)
            {
                learned.daemon_json(bytes);
            }
        }
        learned.host_names.sort();
        learned.host_names.dedup();
        learned
    }

    fn variable(&mut self, name: &str, value: &str) {
        let data = match name {
            "HOSTNAME" => return self.host_name(value),
            "XDG_DATA_HOME" => value.to_owned(),
            "HOME" => format!("{value}/.local/share"),
            _ => return,
        };
        for engine in ["docker", "containerd", "containers", "buildkit"] {
            self.root(&format!("{data}/{engine}"));
        }
    }

    fn file(&mut self, path: &str, bytes: &Arc<Vec<u8>>) {
        let text = || String::from_utf8_lossy(bytes);
        if path == "/proc/sys/kernel/hostname" || path == "/etc/hostname" {
            self.host_name(text().trim());
        } else if path.ends_with("/docker/daemon.json") {
            self.daemon_json(bytes);
        } else if path.ends_with("/mountinfo") && self.is_new(bytes, "mountinfo") {
            self.roots.extend(filter::cgroup_mounts(bytes));
        } else if path.starts_with("/proc/")
            && path.ends_with("/cmdline")
            && self.is_new(bytes, "cmdline")
        {
            self.arguments(&text());
        }
    }

    fn is_new(&mut self, bytes: &Arc<Vec<u8>>, what: &'static str) -> bool {
        self.seen.insert((Arc::as_ptr(bytes) as usize, what))
    }

    fn host_name(&mut self, name: &str) {
        let first = name.split('.').next().unwrap_or_default();
        for name in [name, first] {
            let telling = name.len() > 2 && name.bytes().any(|b| b.is_ascii_alphabetic());
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            // A container is called after its id, which has a pseudonym already.
            let id = name.len() == 12 && name.bytes().all(|b| b.is_ascii_hexdigit());
            if telling && plain && !id && !names::is_word(name) {
                self.host_names.push(name.to_owned());
            }
        }
    }

    fn daemon_json(&mut self, bytes: &[u8]) {
        let config: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        for key in ["data-root", "graph", "exec-root"] {
            self.root(config.get(key).and_then(|root| root.as_str()).unwrap_or_default());
        }
    }

    fn arguments(&mut self, text: &str) {
        let arguments: Vec<&str> = text.split('\0').collect();
        let program = |argument: &&str| argument.rsplit('/').next().unwrap_or_default().to_owned();
        if !arguments.iter().any(|argument| ENGINES.contains(&program(argument).as_str())) {
            return;
        }
        for (at, argument) in arguments.iter().enumerate() {
            let (flag, value) = match argument.split_once('=') {
                Some((flag, value)) => (flag, value),
                None => (*argument, arguments.get(at + 1).copied().unwrap_or_default()),
            };
            if ROOT_FLAGS.contains(&flag) {
                self.root(value);
            } else if flag == "--config-file" && value.starts_with('/') {
                self.daemon_jsons.insert(value.to_owned());
            }
        }
    }

    fn root(&mut self, path: &str) {
        let path = path.trim_end_matches('/');
        if path.starts_with('/') && !path.split('/').any(|component| component == "..") {
            self.roots.insert(path.to_owned());
        }
    }

    /// Whether the path is a file that `--config-file` names.
    pub(super) fn is_daemon_json(&self, path: &str) -> bool {
        self.daemon_jsons.contains(path)
    }

    /// Whether the path is a data root or a mount of cgroups, or in one.
    pub(super) fn is_in_root(&self, path: &str) -> bool {
        !path.split('/').any(|component| component == "..")
            && self.roots.iter().any(|root| is_below_or_at(path, root))
    }

    /// Whether the path is in such a directory, or one of those that lead there.
    pub(super) fn is_beside_root(&self, path: &str) -> bool {
        self.is_in_root(path)
            || self.roots.iter().any(|root| is_below_or_at(root, path.trim_end_matches('/')))
    }
}

fn is_below_or_at(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
