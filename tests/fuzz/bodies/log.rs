//! Logs of engines.

use std::sync::LazyLock;

use dind_doctor::{
    bundle::Replay,
    log::{self, Texts},
    probe,
    render::log as render,
    report::{Options, Origin, Report, diagnose},
};
use dind_doctor_checks::{registry, target::Target};
use serde_json::Value;

use super::{documents, hosts::host, oracle, pieces::PIECES};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::of(registry::all()));

static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let collected = probe::collect(&Replay::new(host(3).recording.clone()));
    let options = Options { targets: Target::ALL.to_vec(), ..Options::default() };
    diagnose(collected, Origin::Bundle, &options)
});

pub(super) fn body(input: &[u8]) {
    let log = log::read(input, &TEXTS).unwrap();
    let name = String::from_utf8_lossy(&input[..input.len().min(20)]).into_owned();
    // Compared with a machine, or with none.
    let explanation = log::explain(&log, input.len().is_multiple_of(2).then_some(&*REPORT));
    let json = oracle::written(|out| render::json(&name, &explanation, out));
    serde_json::from_str::<Value>(&oracle::is_text("log as json", &json)).unwrap();
    let width = 40 + input.len() % 121;
    let text = oracle::written(|out| render::text(&name, &explanation, width, out));
    oracle::is_styled_text("log as text", &text);
}

/// Lines of recorded logs, and each text that is known, alone and in what loggers make of it.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for log in documents::logs() {
        let lines: Vec<_> = log.split_inclusive(|byte| *byte == b'\n').collect();
        seeds.extend(lines.chunks(12).step_by(3).map(<[&[u8]]>::concat));
    }
    for (n, text) in TEXTS.iter().enumerate().step_by(5) {
        let piece = String::from_utf8_lossy(PIECES[n % PIECES.len()]);
        let text = text.text;
        seeds.push(
            format!("time=x level=error msg=\"{text}{piece}\"\n\x1b[31m{text}\x1b[0m\n")
                .into_bytes(),
        );
    }
    seeds
}
