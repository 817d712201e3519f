//! The report on the wire, version 1. Frozen: a field may be added, none renamed or removed.
//!
//! Names of enumerated values are given by the `name` functions of the types they come from.

use std::collections::BTreeMap;

use serde::Serialize;

/// The value of `schema`.
pub(super) const SCHEMA: &str = "dind-doctor/report/1";

#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) schema: &'static str,
    pub(super) doctor: Doctor,
    pub(super) source: &'static str,
    pub(super) exit_code: u8,
    pub(super) environment: Environment<'a>,
    pub(super) targets: Vec<Target<'a>>,
    /// What to change, taken together: how to launch the container, how to start the daemon.
    pub(super) prescription: Vec<Remedy>,
    pub(super) checks: Vec<Check<'a>>,
    pub(super) trials: Vec<Trial<'a>>,
    pub(super) timed_out: &'a [String],
    /// What panicked while facts were gathered.
    pub(super) crashed_probes: Vec<CrashedProbe<'a>>,
    pub(super) summary: Summary,
    /// The file that targets, ignores or overrides come from.
    pub(super) configuration: Option<&'a str>,
    /// What it decides, if it was found in the working directory and not named.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) decided_by_found: &'a [String],
    pub(super) expired_ignores: Vec<Ignore<'a>>,
    /// About nothing that was found: they can go.
    pub(super) unused_ignores: Vec<Ignore<'a>>,
    pub(super) baseline: Option<Baseline<'a>>,
}

#[derive(Serialize)]
pub(super) struct Doctor {
    pub(super) version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Environment<'a> {
    pub(super) kernel: Option<&'a str>,
    pub(super) machine: &'static str,
    pub(super) container: &'static str,
    pub(super) engine: &'static str,
    pub(super) sandbox: &'static str,
    pub(super) kubernetes: &'static str,
    pub(super) launcher: &'static str,
    /// Innermost first; the last is what people edit.
    pub(super) launchers: Vec<&'static str>,
    pub(super) user_namespace: &'static str,
    pub(super) euid: Option<u32>,
    pub(super) pid1: Pid1<'a>,
    pub(super) cgroup: Cgroup<'a>,
    pub(super) privileged: Privileged<'a>,
    pub(super) netfilter: Netfilter,
    pub(super) mtu: Mtu<'a>,
    pub(super) docker: Daemon<'a>,
    pub(super) versions: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
pub(super) struct Pid1<'a> {
    pub(super) comm: Option<&'a str>,
    pub(super) exe: Option<&'a str>,
    pub(super) role: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Cgroup<'a> {
    pub(super) version: Option<&'static str>,
    pub(super) namespace: &'static str,
    pub(super) path: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Privileged<'a> {
    pub(super) is: &'static str,
    pub(super) missing: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Netfilter {
    pub(super) legacy: &'static str,
    pub(super) nft: &'static str,
    pub(super) tool: &'static str,
}

#[derive(Serialize)]
pub(super) struct Mtu<'a> {
    pub(super) uplink: Option<&'a str>,
    pub(super) device: Option<u32>,
    pub(super) path: Option<u32>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(super) struct Target<'a> {
    pub(super) target: &'static str,
    pub(super) selected: bool,
    pub(super) readiness: &'static str,
    pub(super) proof: &'static str,
    pub(super) blockers: &'a [&'static str],
    pub(super) unknown_because: &'a [&'static str],
    pub(super) degraded_by: &'a [&'static str],
    /// The readiness if nothing were ignored or overridden.
    pub(super) as_found: &'static str,
    pub(super) adjusted_by: &'a [&'static str],
}

#[derive(Serialize)]
pub(super) struct Check<'a> {
    pub(super) id: &'static str,
    pub(super) area: &'static str,
    pub(super) title: &'static str,
    pub(super) status: &'static str,
    pub(super) severity: Option<&'static str>,
    /// Per target, before it was overridden.
    pub(super) severity_was: Option<BTreeMap<&'static str, &'static str>>,
    pub(super) proof: &'static str,
    pub(super) reason: Option<&'a str>,
    pub(super) missing: Vec<Missing<'a>>,
    pub(super) ignored: Option<Ignored<'a>>,
    pub(super) targets: Vec<OfTarget<'a>>,
    pub(super) findings: Vec<Finding<'a>>,
    /// Findings that do not count, beside others that do.
    pub(super) ignored_findings: Vec<IgnoredFinding<'a>>,
    /// What to grant, mount or pass so that the next run knows; of an unknown check only.
    pub(super) remedies: Vec<Remedy>,
}

/// The daemon that docker commands reach.
#[derive(Serialize)]
pub(super) struct Daemon<'a> {
    /// `here`, `elsewhere`, `unknown`.
    pub(super) place: &'static str,
    /// Of a daemon elsewhere.
    pub(super) endpoint: Option<&'a str>,
    pub(super) configured_by: Option<&'a str>,
}

/// How a check ended for one target that it concerns.
#[derive(Serialize)]
pub(super) struct OfTarget<'a> {
    pub(super) target: &'static str,
    pub(super) status: &'static str,
    pub(super) severity: Option<&'static str>,
    pub(super) proof: &'static str,
    pub(super) reason: Option<&'a str>,
    pub(super) missing: Vec<Missing<'a>>,
}

/// What was tried with `--active`.
#[derive(Serialize)]
pub(super) struct Trial<'a> {
    pub(super) name: &'static str,
    pub(super) subject: &'a str,
    /// `worked`, `failed`, `skipped`, `timed-out`, `died`.
    pub(super) status: &'static str,
    /// Why it was skipped.
    pub(super) reason: Option<&'a str>,
    pub(super) steps: Vec<Step<'a>>,
    /// What could not be removed afterwards.
    pub(super) left_behind: Vec<&'a str>,
    /// Of an engine that was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rehearsed: Option<Rehearsed<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(super) struct Step<'a> {
    pub(super) step: &'static str,
    pub(super) object: &'a str,
    /// Whether an engine needs it.
    pub(super) needed: bool,
    pub(super) worked: bool,
    /// The name of the error number, or what was seen.
    pub(super) error: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Missing<'a> {
    pub(super) source: &'a str,
    pub(super) why: String,
}

#[derive(Serialize)]
pub(super) struct Ignored<'a> {
    pub(super) reason: &'a str,
    pub(super) until: Option<&'a str>,
}

/// An entry of the configuration, or of the command line.
#[derive(Serialize)]
pub(super) struct Ignore<'a> {
    /// Of a check, or the name of an area.
    pub(super) id: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) reason: &'a str,
    pub(super) until: Option<String>,
}

#[derive(Serialize)]
pub(super) struct IgnoredFinding<'a> {
    pub(super) ignored: Ignored<'a>,
    #[serde(flatten)]
    pub(super) finding: Finding<'a>,
}

/// How the findings stand to the baseline.
#[derive(Serialize)]
pub(super) struct Baseline<'a> {
    pub(super) known: usize,
    pub(super) new: usize,
    /// No longer found.
    pub(super) gone: Vec<Gone<'a>>,
}

#[derive(Serialize)]
pub(super) struct Gone<'a> {
    pub(super) id: &'a str,
    pub(super) subject: &'a str,
    pub(super) summary: &'a str,
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    pub(super) summary: &'a str,
    pub(super) subject: &'a str,
    pub(super) caused_by: &'a [&'static str],
    pub(super) assumed: BTreeMap<&'static str, &'a str>,
    pub(super) severity: BTreeMap<&'static str, &'static str>,
    /// Whether it is in the baseline, and no worse than there.
    pub(super) known: bool,
    pub(super) evidence: Vec<Evidence<'a>>,
    pub(super) remedies: Vec<Remedy>,
}

#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    pub(super) source: &'a str,
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(in crate::render) struct Remedy {
    #[serde(rename = "where")]
    pub(super) place: &'static str,
    /// Null where the remedy is the same for all launchers.
    pub(super) launcher: Option<&'static str>,
    pub(super) text: String,
    /// Those of all steps.
    pub(super) commands: Vec<String>,
    /// That of the first step that has one.
    pub(super) snippet: Option<Snippet>,
    /// In this order, all of them needed.
    pub(super) steps: Vec<RemedyStep>,
}

/// One step of a remedy.
#[derive(Serialize)]
pub(in crate::render) struct RemedyStep {
    #[serde(rename = "where")]
    pub(super) place: &'static str,
    pub(super) text: String,
    pub(super) commands: Vec<String>,
    pub(super) snippet: Option<Snippet>,
}

#[derive(Serialize)]
pub(in crate::render) struct Snippet {
    pub(super) language: &'static str,
    pub(super) text: String,
}

#[derive(Serialize)]
pub(super) struct Summary {
    pub(super) checks: usize,
    pub(super) error: usize,
    pub(super) warning: usize,
    pub(super) info: usize,
    pub(super) other_targets: usize,
    pub(super) passed: usize,
    pub(super) unknown: usize,
    pub(super) not_applicable: usize,
    pub(super) crashed: usize,
    pub(super) ignored: usize,
}

/// A probe or trial that panicked.
#[derive(Debug, Serialize)]
pub(super) struct CrashedProbe<'a> {
    pub(super) probe: &'a str,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct Rehearsed<'a> {
    pub(super) program: &'a str,
    pub(super) version: &'a str,
    pub(super) milliseconds: u32,
    pub(super) replaced: Vec<&'a str>,
    pub(super) inside: Option<Inside<'a>>,
    pub(super) log: Vec<&'a str>,
    pub(super) known_as: Vec<&'a str>,
}

/// What the doctor saw in the container.
#[derive(Serialize)]
pub(super) struct Inside<'a> {
    pub(super) pid: u32,
    pub(super) namespaces: Vec<&'a str>,
    /// In hexadecimal digits, as the kernel writes them.
    pub(super) capabilities: String,
    pub(super) seccomp: u32,
    pub(super) uid_map: Vec<&'a str>,
    pub(super) cgroup: Vec<&'a str>,
    pub(super) memory_limit: Option<u64>,
    pub(super) pids_limit: Option<u64>,
    pub(super) root: &'a str,
    pub(super) mounts: u32,
    pub(super) devices: Vec<&'a str>,
    pub(super) not_reached: Option<&'a str>,
    pub(super) memory_holds: Option<bool>,
    pub(super) pids_hold: Option<bool>,
}
