//! Reports over every recorded environment.

use std::{fs, path::Path, sync::LazyLock};

use dind_doctor::{
    bundle::{self, Replay},
    probe::{self, Collected},
    report::{self, Options, Origin, Report, Selector},
};
use dind_doctor_checks::{
    registry::Area,
    target::{Severity, Target},
    version::{Component, Version},
};

/// Options that differ in what fails and in what is said.
pub(crate) fn options() -> Vec<Options> {
    let default = Options::default;
    let all = || Options { targets: Target::ALL.to_vec(), ..default() };
    let warning = Severity::Warning;
    let cgroup = || vec![Selector::Area(Area::Cgroup)];
    vec![
        default(),
        Options { fail_on: warning, strict: true, ..all() },
        Options { strict: true, ignore: cgroup().into_iter().map(Into::into).collect(), ..all() },
        Options { strict: true, exit_zero: true, fail_on: warning, ..all() },
        Options { targets: vec![Target::Rootless], select: cgroup(), ..default() },
        Options { assume: vec![(Component::Kind, Version::new(0, 11, 0))], ..default() },
    ]
}

/// Every recorded environment: its name, and what the probes find there.
static FOUND: LazyLock<Vec<(String, Collected)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let hosts = fs::read_dir(root).unwrap().map(|host| host.unwrap().path());
    hosts
        .filter(|host| host.join("scenario.toml").exists())
        .map(|host| {
            let replay = Replay::new(bundle::read(&host.join("bundle")).unwrap());
            (host.display().to_string(), probe::collect(&replay))
        })
        .collect()
});

/// Calls `look` with a name for messages and the report, for every environment under all options.
pub(crate) fn each(mut look: impl FnMut(&str, &Report)) {
    assert!(FOUND.len() > 40, "{} environments", FOUND.len());
    for (host, Collected { facts, timed_out, crashed, .. }) in &*FOUND {
        assert!(crashed.is_empty(), "{host}: {crashed:?}");
        for (at, options) in options().iter().enumerate() {
            let collected = Collected {
                facts: facts.clone(),
                timed_out: timed_out.clone(),
                crashed: vec![],
                took: vec![],
            };
            let report = report::diagnose(collected, Origin::Bundle, options);
            look(&format!("{host} with options {at}"), &report);
        }
    }
}
