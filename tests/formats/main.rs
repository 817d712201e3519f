//! Every format against its schema or a reader of it, over every recorded environment, under several
//! options, and with hostile content.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agreement;
#[path = "../canonical/mod.rs"]
mod canonical;
mod environments;
mod hostile;
mod html;
mod readers;
mod schema;

use std::io;

use dind_doctor::{
    render::{
        github, json, junit, markdown,
        sarif::{self, Anchor},
        tap,
    },
    report::Report,
};

/// A report in every machine format.
struct Rendered {
    json: String,
    junit: String,
    sarif: String,
    github: String,
    markdown: String,
    tap: String,
}

impl Rendered {
    fn of(report: &Report) -> Self {
        Self {
            json: text(|out| json::render(report, out)),
            junit: text(|out| junit::render(report, out)),
            sarif: text(|out| sarif::render(report, &Anchor::default(), out)),
            github: text(|out| github::render(report, out)),
            markdown: text(|out| markdown::render(report, out)),
            tap: text(|out| tap::render(report, out)),
        }
    }

    fn all(&self) -> [&str; 6] {
        [&self.json, &self.junit, &self.sarif, &self.github, &self.markdown, &self.tap]
    }
}

fn text(render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
