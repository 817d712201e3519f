//! Probes: what a source answers, parsed into facts. No judgement here.

mod answers;
mod cgroup;
mod client;
mod clocks;
mod engine;
mod engine_api;
mod hidden;
mod identity;
mod kernel;
mod leftover;
mod modules;
mod mount;
mod net_sysctl;
mod netfilter;
mod network;
mod process;
mod proxy;
mod reader;
mod resolver;
mod resources;
mod runtime;
mod scratch;
mod search_path;
mod security;
mod session;
mod status;
mod storage;
mod sysctl;
mod sysctl_files;
mod userns;
mod version;
mod zombies;

use std::time::Duration;

use dind_doctor_checks::facts::{Ending, Facts, Processes, Runtime, TrialName, Trials};
pub use reader::{Crash, Reader};

use crate::source::{Source, Tried, ask};

/// What all probes found.
#[derive(Debug)]
pub struct Collected {
    /// The facts.
    pub facts: Facts,
    /// Names of probes that met a deadline, sorted.
    pub timed_out: Vec<String>,
    /// Probes and trials that panicked, in the order in which they ran; what they would have found is missing.
    pub crashed: Vec<Crash>,
    /// Probes in the order in which they ran, and how long each took.
    pub took: Vec<(&'static str, Duration)>,
}

impl Collected {
    /// With what was tried, now or when the bundle was recorded.
    pub fn add(&mut self, tried: Tried) {
        let name = |trial: TrialName| format!("trial: {}", trial.name());
        let late = tried.trials.runs.iter().filter(|trial| trial.ending == Ending::TimedOut);
        self.timed_out.extend(late.map(|trial| name(trial.name)));
        self.timed_out.sort_unstable();
        self.timed_out.dedup();
        let crashed = tried.crashed.into_iter();
        self.crashed.extend(crashed.map(|(trial, message)| Crash { probe: name(trial), message }));
        self.facts.trials = tried.trials;
    }
}

/// What one probe may take; the whole run has a deadline of its own.
const BUDGET: Duration = Duration::from_secs(3);

/// Runs every probe against `source`, in an order in which each finds what it needs.
pub fn collect(source: &dyn Source) -> Collected {
    let reader = Reader::new(source);
    let lists = modules::Lists::default();
    let mounts = reader.run("mounts", BUDGET, mount::probe);
    let kernel = reader.run("kernel", BUDGET, |r| kernel::probe(r, &mounts, &lists));
    let identity = reader.run("identity", BUDGET, identity::probe);
    let mut processes = reader.run("processes", BUDGET, process::table);
    let pid1 = reader.run("pid1", BUDGET, process::pid1);
    let top = reader.run("pid1", BUDGET, |r| process::top(r, &pid1, &processes));
    let mut engines = reader.run("engines", BUDGET, |r| engine::probe(r, &processes));
    let path = reader.run("engines", BUDGET, |r| search_path::of_daemon(r, &engines));
    engines.dockerd = reader.run("engines", BUDGET, |r| search_path::find(r, &path, "dockerd"));
    engines.programs = reader.run("engines", BUDGET, |r| search_path::programs(r, &path));
    engines.apis = reader.run("engine-api", BUDGET, |r| engine_api::probe(r, &engines, &mounts));
    let packages = reader.run("versions", BUDGET, version::packages::read);
    let cgroup = reader.run("cgroup", BUDGET, |r| cgroup::probe(r, &mounts));
    let mut facts = Facts {
        identity,
        pid1,
        top,
        capabilities: reader.run("capabilities", BUDGET, security::capabilities),
        security: reader.run("security", BUDGET, |r| security::security(r, &path)),
        userns: reader.run("userns", BUDGET, userns::switches),
        subids: reader.run("userns", BUDGET, |r| userns::subordinate_ids(r, &mounts, &path)),
        resources: reader.run("resources", BUDGET, |r| resources::probe(r, &cgroup, &engines)),
        clocks: reader.run("clocks", BUDGET, clocks::probe),
        cgroup,
        storage: reader.run("storage", BUDGET, |r| storage::probe(r, &engines, &mounts, &path)),
        scratch: reader.run("scratch", BUDGET, scratch::probe),
        netfilter: reader.run("netfilter", BUDGET, |r| netfilter::probe(r, &kernel, &lists, &path)),
        network: reader.run("network", BUDGET, network::probe),
        clients: reader.run("clients", BUDGET, |r| client::probe(r, &mounts, &packages)),
        leftovers: reader.run("leftovers", BUDGET, leftover::probe),
        session: reader.run("leftovers", BUDGET, session::probe),
        net_sysctls: reader.run("network", BUDGET, net_sysctl::probe),
        resolver: reader.run("resolver", BUDGET, resolver::probe),
        proxies: reader.run("engines", BUDGET, |r| proxy::probe(r, &engines)),
        versions: reader.run("versions", BUDGET, |r| version::probe(r, &packages, &engines)),
        processes: Processes::default(),
        kernel,
        engines,
        mounts,
        runtime: Runtime::default(),
        trials: Trials::default(),
    };
    facts.runtime = reader.run("runtime", BUDGET, |r| runtime::probe(r, &facts));
    // Last, since it may wait: what is asked after it belongs to a later sample.
    processes.zombies_of_pid1 =
        reader.run("zombies", BUDGET, |r| zombies::probe(r, &facts, &processes));
    facts.processes = processes;
    // Only where it was recorded; whoever tries now does so afterwards.
    let tried = reader.ask(ask::Trials).unwrap_or_default();
    let mut collected = Collected {
        facts,
        timed_out: reader.timed_out(),
        crashed: reader.crashed(),
        took: reader.took(),
    };
    collected.add(tried);
    collected
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::Trial;

    use super::*;
    use crate::{
        bundle::{Recorder, Replay},
        source::fixed::Fixed,
    };

    #[test]
    fn a_replay_says_what_was_tried_what_was_late_and_what_crashed() {
        let trial = |name, ending| Trial {
            name,
            subject: "".into(),
            steps: Vec::new(),
            ending,
            left_behind: Vec::new(),
            learned: None,
        };
        let runs =
            vec![trial(TrialName::Lock, Ending::Complete), trial(TrialName::Mtu, Ending::TimedOut)];
        let tried = Tried {
            trials: Trials { runs, mtu_target: Some("registry.example:443".into()) },
            crashed: vec![(TrialName::Api, "out of cheese".to_owned())],
        };
        let machine = Fixed::new();
        let recorder = Recorder::new(&machine);
        let mut live = collect(&recorder);
        assert_eq!(live.facts.trials, Trials::default());
        live.add(tried.clone());
        recorder.note(ask::Trials, tried);
        let replayed = collect(&Replay::new(recorder.into_recording(false)));
        assert_eq!(replayed.facts.trials, live.facts.trials);
        assert_eq!(replayed.timed_out, ["trial: mtu"]);
        assert_eq!((&replayed.timed_out, &replayed.crashed), (&live.timed_out, &live.crashed));
        assert_eq!(replayed.crashed[0].probe, "trial: api");
    }
}
