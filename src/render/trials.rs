//! What `--active` can try: for people, and as JSON.

use std::io::{self, Write};

use dind_doctor_checks::{facts::TrialName, registry};
use owo_colors::Style;
use serde::Serialize;

use super::{
    json,
    table::{self, HEADING, LABEL},
};
use crate::{
    rehearsal::ENGINES,
    trial::{Description, TRIALS},
};

#[derive(Serialize)]
struct List {
    schema: &'static str,
    trials: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    does: &'static str,
    /// Modules that the kernel may load by itself because of it, and keep.
    may_load: &'static [&'static str],
    /// Checks that take its result as their evidence.
    settles: Vec<&'static str>,
    /// The engine that is started, by its name only.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'static str>,
    /// What that costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<&'static str>,
    /// What of it may stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaves: Option<&'static str>,
}

/// What each trial does, which modules it may load, and which checks it settles.
pub fn table(width: usize, out: &mut dyn Write) -> io::Result<()> {
    for (at, row) in rows().enumerate() {
        let Row { name, does, may_load, settles, engine, costs, leaves } = row;
        if at > 0 {
            writeln!(out)?;
        }
        match engine {
            None => writeln!(out, "{}", HEADING.style(name))?,
            Some(engine) => writeln!(
                out,
                "{} {}",
                HEADING.style(name),
                LABEL.style(format!("{engine}; only if it is asked for: doctor rehearse"))
            )?,
        }
        table::paragraph(does, Style::new(), 2, width, out)?;
        let modules = if may_load.is_empty() {
            "loads no module".to_owned()
        } else {
            format!("the kernel may load, and keep: {}", may_load.join(", "))
        };
        table::paragraph(&modules, LABEL, 2, width, out)?;
        for (what, text) in [("costs", costs), ("leaves", leaves)] {
            if let Some(text) = text {
                table::paragraph(&format!("{what}: {text}"), LABEL, 2, width, out)?;
            }
        }
        table::paragraph(&format!("settles: {}", settles.join(", ")), LABEL, 2, width, out)?;
    }
    Ok(())
}

/// The same as one JSON document.
pub fn json(out: &mut dyn Write) -> io::Result<()> {
    json::document(&List { schema: "dind-doctor/trials/1", trials: rows().collect() }, out)
}

fn rows() -> impl Iterator<Item = Row> {
    let trials = TRIALS.iter().map(|Description { name, does, loads, .. }| Row {
        name: name.name(),
        does,
        may_load: loads,
        settles: settled_by(*name),
        engine: None,
        costs: None,
        leaves: None,
    });
    trials.chain(ENGINES.iter().map(|engine| Row {
        name: TrialName::Rehearse.name(),
        does: engine.does,
        may_load: engine.loads,
        settles: settled_by(TrialName::Rehearse),
        engine: Some(engine.engine),
        costs: Some(engine.costs),
        leaves: Some(engine.leaves),
    }))
}

fn settled_by(name: TrialName) -> Vec<&'static str> {
    registry::settled_by(name).map(|check| check.id).collect()
}
