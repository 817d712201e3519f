//! daemon.json, merged with the one that is there.

use dind_doctor_checks::{
    facts::{Fact, Why},
    remedy::{DaemonOption, Place},
};
use serde_json::{Value, json};

use super::{super::options, Artefact, json};
use crate::fix::{ByHand, Given, Risk, Traced, whys};

/// Where dockerd looks.
pub(super) const PATH: &str = "/etc/docker/daemon.json";

/// Options of dockerd, and what becomes of them.
#[derive(Debug)]
pub(super) struct Options {
    /// Those that can stand in a file.
    pub kept: Vec<Traced<DaemonOption>>,
    /// Those that stand on the command line of the daemon that runs here, and are changed there.
    pub by_hand: Vec<ByHand>,
    /// Whether the file that is there sets one of them.
    pub is_in_file: bool,
}

impl Options {
    pub(super) fn of(all: Vec<Traced<DaemonOption>>, given: &Given<'_>) -> Self {
        let around = &given.report.environment.surroundings.daemon;
        let content = content(given);
        let mut is_in_file = false;
        let (mut kept, mut by_hand) = (Vec::new(), Vec::new());
        for option in all {
            let flag = option.value.argument.split('=').next().unwrap_or_default().to_owned();
            let on_line: Vec<_> = around
                .arguments
                .iter()
                .filter(|argument| argument.split('=').next() == Some(&flag))
                .cloned()
                .collect();
            is_in_file |= option.value.keys.first().is_some_and(|key| content.get(key).is_some());
            if on_line.is_empty() {
                kept.push(option);
                continue;
            }
            by_hand.push(ByHand {
                place: Place::Runtime,
                text: format!(
                    "on dockerd's command line, put {} in place of {}: it stands there, and dockerd refuses \
                     it in a file as well",
                    option.value.argument,
                    on_line.join(" ")
                ),
                commands: Vec::new(),
                snippet: None,
                why: option.why,
            });
        }
        Self { kept, by_hand, is_in_file }
    }

    /// Takes out what the entrypoint looks up at each start, unless the file has a value for it already: the MTU, with
    /// what asks for it.
    pub(super) fn take_computed(&mut self) -> Option<Traced<u64>> {
        if self.is_in_file {
            return None;
        }
        let at = self.kept.iter().position(|option| option.value.keys == ["mtu"])?;
        let option = self.kept.remove(at);
        self.kept.retain(|option| option.value.keys.first() != Some(&"default-network-opts"));
        Some(Traced { value: option.value.value.as_u64()?, why: option.why })
    }
}

/// What the file that is there holds; an empty object where there is none, or where that is not known.
fn content(given: &Given<'_>) -> Value {
    match &given.facts.engines.daemon_json {
        Fact::Known(config) if config.content.is_object() => config.content.clone(),
        _ => json!({}),
    }
}

/// Whether all of the file is known.
fn is_whole(given: &Given<'_>) -> bool {
    !given.redacted
        && match &given.facts.engines.daemon_json {
            Fact::Known(config) => config.content.is_object() || config.content.is_null(),
            Fact::Missing(missing) => missing.why == Why::NotFound,
        }
}

/// The file with these options; a patch where not all of the file is known.
pub(super) fn file(all: &[Traced<DaemonOption>], given: &Given<'_>) -> Option<Artefact> {
    if all.is_empty() {
        return None;
    }
    let path = &given.report.environment.surroundings.daemon.path;
    let path = if path.is_empty() { PATH } else { path };
    let whole = is_whole(given);
    let mut tree = if whole { content(given) } else { json!({}) };
    let held = tree.as_object().is_some_and(|keys| !keys.is_empty());
    for option in all {
        options::merge(&mut tree, &options::tree(&option.value));
    }
    let (name, what) = if whole {
        let with = if held { ", with what it holds already" } else { "" };
        ("daemon.json", format!("the whole {path}{with}"))
    } else {
        ("daemon.patch.json", format!("keys for {path}, beside those that it holds"))
    };
    let runs = given.facts.engines.here("dockerd").next().is_some();
    let mut artefact = Artefact::shown(name, what, json(&tree));
    artefact.why = whys(all);
    artefact.private = whole && held;
    artefact.here = whole.then(|| path.to_owned());
    artefact.risk = if runs { Risk::Unsafe } else { Risk::Safe };
    if runs {
        artefact.notes.push("dockerd reads it when it is started again".to_owned());
    }
    if given.facts.runtime.container.is_yes() {
        artefact.notes.push(
            "it belongs into the image, or a mount: this container's own goes with it".to_owned(),
        );
    }
    if held {
        // What checks do not judge may be secret, and screens are shared.
        let judged = dind_doctor_checks::facts::JUDGED_DAEMON_KEYS;
        let mut shown = tree.clone();
        if let Some(keys) = shown.as_object_mut() {
            keys.retain(|key, _| judged.split_whitespace().any(|judged| judged == key));
            let more = tree.as_object().map_or(0, serde_json::Map::len) - keys.len();
            if more > 0 {
                artefact
                    .notes
                    .push(format!("{more} more keys stay as they are, and are not shown"));
            }
        }
        artefact.shown = json(&shown).lines().map(str::to_owned).collect();
    }
    Some(artefact)
}
