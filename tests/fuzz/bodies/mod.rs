//! What is fuzzed: for each target the body that takes any bytes, and the inputs to begin with. The same
//! bodies run under libFuzzer (`targets/`) and in `cargo test` (`tests/fuzz/main.rs`).
//!
//! A body panics where a promise is broken; a body that returns has kept them for this input.

mod bundles;
mod documents;
mod edit;
mod facts;
mod hosts;
mod input;
mod kernel;
mod log;
mod machine;
mod oracle;
mod pieces;
#[path = "../../formats/readers.rs"]
mod readers;
mod schema;
mod scratch;
mod trials;

/// Something that takes bytes of others.
pub struct Target {
    /// The name on the command line.
    pub name: &'static str,
    /// Takes an input.
    pub body: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

const fn target(name: &'static str, body: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, body, seeds }
}

/// All of them.
pub const TARGETS: [Target; 17] = [
    target("machine", machine::body, machine::seeds),
    target("probes", machine::probes, machine::probe_seeds),
    target("facts", facts::body, facts::seeds),
    target("diff", facts::diff, facts::diff_seeds),
    target("redact", bundles::redaction, machine::seeds),
    target("archive", bundles::archive, bundles::archive_seeds),
    target("directory", bundles::directory, bundles::directory_seeds),
    target("configuration", documents::configuration, documents::configuration_seeds),
    target("baseline", documents::baseline, documents::baseline_seeds),
    target("report", documents::report, documents::report_seeds),
    target("log", log::body, log::seeds),
    target("rpm", kernel::rpm, kernel::rpm_seeds),
    target("netlink", kernel::netlink, kernel::netlink_seeds),
    target("http", kernel::http, kernel::http_seeds),
    target("values", documents::values, documents::values_seeds),
    target("paragraphs", documents::paragraphs, documents::paragraph_seeds),
    target("path", documents::path, documents::path_seeds),
];

/// Runs the body of this name.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.body)(input);
}
