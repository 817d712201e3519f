//! Remedies: typed changes with values computed for this environment, and their rendering for each
//! launcher.

mod change;
mod devcontainer;
mod docker;
mod github;
mod gitlab;
mod kubernetes;
mod launcher;
mod lxc;
mod nspawn;
mod podman;
mod quote;
mod surroundings;
mod task;

use alloc::{string::String, vec::Vec};

pub use change::{Change, ContainerSetting, DaemonOption, SecurityOption};
pub use launcher::LAUNCHERS;
pub use quote::quote;
use quote::{argument, word};
use serde::Serialize;
pub use surroundings::{DaemonFile, Surroundings};
pub use task::{Loader, ParentOf, Phase, RuleTool, SubordinateGrant, Task};

use crate::facts::Launcher;

/// Where a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Inside this environment, now.
    Here,
    /// In the image.
    Image,
    /// In how the container is launched.
    Container,
    /// In the configuration of the daemon, kubelet or kind.
    Runtime,
    /// On the host.
    Host,
}

impl Place {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Image => "image",
            Self::Container => "container",
            Self::Runtime => "runtime",
            Self::Host => "host",
        }
    }
}

/// What to change, and why that helps.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// Where.
    pub place: Place,
    /// One or two sentences: what the change does, with its values.
    pub text: String,
    /// The change itself.
    pub change: Change,
    /// What is to be done after it, in this order; without it the first step does not cure.
    pub then: Vec<Self>,
}

/// The language of a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// JSON, from a serialiser.
    Json,
    /// YAML, from a serialiser.
    Yaml,
    /// TOML, from a serialiser.
    Toml,
    /// Dockerfile lines.
    Dockerfile,
    /// An INI-like file: a systemd unit's drop-in, `.wslconfig`, sysctl.d.
    Ini,
}

/// A piece of a file to be merged in.
#[derive(Debug, Clone, PartialEq)]
pub enum Snippet {
    /// A tree that whoever prints it passes through the serialiser of the language.
    Tree(Language, serde_json::Value),
    /// Lines as they stand.
    Lines(Language, String),
}

/// A remedy rendered for one launcher.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Where.
    pub place: Place,
    /// For which launcher; `None` where it is the same for all.
    pub launcher: Option<Launcher>,
    /// What the change does.
    pub text: String,
    /// Commands to paste, values quoted.
    pub commands: Vec<String>,
    /// What to put into a file.
    pub snippet: Option<Snippet>,
    /// The steps that follow, all of them needed.
    pub then: Vec<Self>,
}

impl Rendered {
    /// This step and those that follow it.
    pub fn steps(&self) -> impl Iterator<Item = &Self> {
        core::iter::once(self).chain(&self.then)
    }
}

impl Remedy {
    /// Advice that no command carries out.
    pub fn advice(place: Place, text: impl Into<String>) -> Self {
        Self { place, text: text.into(), change: Change::Advice, then: Vec::new() }
    }

    /// Commands; the caller passes every value through [`quote`].
    pub fn commands<S: Into<String>>(
        place: Place,
        text: impl Into<String>,
        commands: impl IntoIterator<Item = S>,
    ) -> Self {
        let commands = commands.into_iter().map(Into::into).collect();
        Self { place, text: text.into(), change: Change::Commands(commands), then: Vec::new() }
    }

    /// Tasks, all of them in this order.
    pub fn tasks(
        place: Place,
        text: impl Into<String>,
        tasks: impl IntoIterator<Item = Task>,
    ) -> Self {
        let tasks = tasks.into_iter().collect();
        Self { place, text: text.into(), change: Change::Tasks(tasks), then: Vec::new() }
    }

    /// A change in how the container is launched.
    pub fn container(
        text: impl Into<String>,
        settings: impl IntoIterator<Item = ContainerSetting>,
    ) -> Self {
        let settings = settings.into_iter().collect();
        Self {
            place: Place::Container,
            text: text.into(),
            change: Change::Container(settings),
            then: Vec::new(),
        }
    }

    /// Options of dockerd.
    pub fn daemon(
        text: impl Into<String>,
        options: impl IntoIterator<Item = DaemonOption>,
    ) -> Self {
        let options = options.into_iter().collect();
        Self {
            place: Place::Runtime,
            text: text.into(),
            change: Change::Daemon(options),
            then: Vec::new(),
        }
    }

    /// A part of kind's cluster configuration (`kind.x-k8s.io/v1alpha4`), as a tree without `kind` and
    /// `apiVersion`.
    pub fn kind_config(text: impl Into<String>, tree: serde_json::Value) -> Self {
        Self {
            place: Place::Runtime,
            text: text.into(),
            change: Change::KindConfig(tree),
            then: Vec::new(),
        }
    }

    /// A part of podman's `containers.conf`.
    pub fn containers_conf(text: impl Into<String>, tree: serde_json::Value) -> Self {
        Self {
            place: Place::Here,
            text: text.into(),
            change: Change::ContainersConf(tree),
            then: Vec::new(),
        }
    }

    /// A file, or a part of one, with what to do to make it effective in the text.
    pub fn file(place: Place, text: impl Into<String>, snippet: Snippet) -> Self {
        Self { place, text: text.into(), change: Change::File(snippet), then: Vec::new() }
    }

    /// With one more step, which is needed as well.
    #[must_use]
    pub fn then(mut self, step: Self) -> Self {
        self.then.push(step);
        self
    }

    /// The remedy as each launcher writes it that can have launched this, the one that people edit first; a
    /// single entry where launchers do not differ.
    pub fn render(&self, surroundings: &Surroundings) -> Vec<Rendered> {
        launcher::render(self, surroundings)
    }
}
