//! What `--active` can try: for people, and as JSON.

use std::io::{self, Write};

use dind_doctor_checks::registry;
use owo_colors::Style;
use serde::Serialize;

use super::{
    json,
    table::{self, HEADING, LABEL},
};
use crate::trial::{Description, TRIALS};

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
}

/// What each trial does, which modules it may load, and which checks it settles.
pub fn table(width: usize, out: &mut dyn Write) -> io::Result<()> {
    for (at, Row { name, does, may_load, settles }) in rows().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", HEADING.style(name))?;
        table::paragraph(does, Style::new(), 2, width, out)?;
        let modules = if may_load.is_empty() {
            "loads no module".to_owned()
        } else {
            format!("the kernel may load, and keep: {}", may_load.join(", "))
        };
        table::paragraph(&modules, LABEL, 2, width, out)?;
        table::paragraph(&format!("settles: {}", settles.join(", ")), LABEL, 2, width, out)?;
    }
    Ok(())
}

/// The same as one JSON document.
pub fn json(out: &mut dyn Write) -> io::Result<()> {
    json::document(&List { schema: "dind-doctor/trials/1", trials: rows().collect() }, out)
}

fn rows() -> impl Iterator<Item = Row> {
    TRIALS.iter().map(|Description { name, does, loads, .. }| Row {
        name: name.name(),
        does,
        may_load: loads,
        settles: registry::settled_by(*name).map(|check| check.id).collect(),
    })
}
