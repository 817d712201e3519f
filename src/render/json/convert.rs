//! From the report to the wire.

use std::collections::BTreeMap;

use dind_doctor_checks::{
    facts::{
        CgroupVersion, Ending, Launcher, Learned, Machine, Missing, Rehearsed, Role, Text, Tri,
        Trial,
    },
    outcome::{self, Proof},
    plan,
    remedy::{self, Place, Rendered, Snippet, Surroundings},
    target::{Severities, Severity, Target},
};

use super::wire;
use crate::{
    render::{entries, snippet, table},
    report::{self, CheckReport},
};

pub(super) fn report(report: &report::Report) -> wire::Report<'_> {
    let around = &report.environment.surroundings;
    let targets = report.selected();
    wire::Report {
        schema: wire::SCHEMA,
        doctor: wire::Doctor { version: report.version, commit: report.commit },
        source: report.origin.name(),
        exit_code: report.exit_code,
        environment: environment(&report.environment),
        targets: report.targets.iter().map(target).collect(),
        prescription: prescription(report),
        checks: report.checks.iter().map(|c| check(c, &targets, around)).collect(),
        trials: report.trials.runs.iter().map(trial).collect(),
        timed_out: &report.timed_out,
        crashed_probes: report.crashed_probes.iter().map(crashed_probe).collect(),
        summary: summary(report.summary),
        configuration: report.configuration.as_deref(),
        decided_by_found: &report.decided_by_found,
        expired_ignores: report.expired_ignores.iter().map(ignore).collect(),
        unused_ignores: report.unused_ignores.iter().map(ignore).collect(),
        baseline: report.baseline.as_ref().map(baseline),
    }
}

fn prescription(report: &report::Report) -> Vec<wire::Remedy> {
    let prescription = table::prescription(&entries::of(report));
    let parts = [prescription.container, prescription.daemon].into_iter().flatten();
    let first = parts.filter_map(|part| remedies(&part, &report.environment.surroundings).next());
    first.collect()
}

fn crashed_probe(crash: &report::Crash) -> wire::CrashedProbe<'_> {
    wire::CrashedProbe { probe: &crash.probe, reason: &crash.message }
}

fn ignore(ignore: &report::Ignore) -> wire::Ignore<'_> {
    wire::Ignore {
        id: ignore.selector.name(),
        subject: ignore.subject.as_deref(),
        reason: &ignore.reason,
        until: ignore.until.map(|day| day.to_string()),
    }
}

fn baseline(comparison: &report::Comparison) -> wire::Baseline<'_> {
    let gone = comparison.gone.iter();
    wire::Baseline {
        known: comparison.known,
        new: comparison.new,
        gone: gone
            .map(|(id, subject, known)| wire::Gone { id, subject, summary: &known.summary })
            .collect(),
    }
}

fn environment(environment: &report::Environment) -> wire::Environment<'_> {
    wire::Environment {
        kernel: environment.kernel.as_deref(),
        machine: match environment.machine {
            Machine::Vm => "vm",
            Machine::Physical => "physical",
            Machine::Unknown => "unknown",
        },
        container: environment.container.name(),
        engine: environment.engine.name(),
        sandbox: environment.sandbox.name(),
        kubernetes: environment.kubernetes.name(),
        launcher: environment.launcher.name(),
        launchers: environment.surroundings.launchers.iter().map(|l| l.name()).collect(),
        user_namespace: environment.user_namespace.name(),
        euid: environment.euid,
        pid1: wire::Pid1 {
            comm: environment.pid1.comm.as_deref(),
            exe: environment.pid1.exe.as_deref(),
            role: environment.pid1.role.map(Role::name),
        },
        cgroup: wire::Cgroup {
            version: environment.cgroup.version.map(CgroupVersion::name),
            namespace: match environment.cgroup.private {
                Tri::Yes => "private",
                Tri::No => "host",
                Tri::Unknown => "unknown",
            },
            path: environment.cgroup.path.as_deref(),
        },
        privileged: wire::Privileged {
            is: environment.privileged.is.name(),
            missing: &environment.privileged.missing,
        },
        netfilter: wire::Netfilter {
            legacy: environment.netfilter_legacy.name(),
            nft: environment.netfilter_nft.name(),
            tool: environment.netfilter_tool.name(),
        },
        mtu: wire::Mtu {
            uplink: environment.mtu.uplink.as_deref(),
            device: environment.mtu.device,
            path: environment.mtu.path,
        },
        docker: daemon(&environment.docker),
        versions: environment.versions.iter().map(|(c, v)| (c.name(), v.as_str())).collect(),
    }
}

fn daemon(place: &plan::Place) -> wire::Daemon<'_> {
    let (place, daemon) = match place {
        plan::Place::Here { .. } => ("here", None),
        plan::Place::Elsewhere(daemon) => ("elsewhere", Some(daemon)),
        plan::Place::Unknown { .. } => ("unknown", None),
    };
    wire::Daemon {
        place,
        endpoint: daemon.map(|daemon| daemon.url.as_str()),
        configured_by: daemon.map(|daemon| daemon.configured_by.as_str()),
    }
}

fn target(target: &report::TargetReport) -> wire::Target<'_> {
    wire::Target {
        target: target.target.name(),
        selected: target.selected,
        readiness: target.readiness.name(),
        proof: proof(target.proof),
        blockers: &target.blockers,
        unknown_because: &target.unknown_because,
        degraded_by: &target.degraded_by,
        as_found: target.as_found.name(),
        adjusted_by: &target.adjusted_by,
    }
}

fn check<'a>(check: &'a CheckReport, targets: &[Target], around: &Surroundings) -> wire::Check<'a> {
    wire::Check {
        id: check.id,
        area: check.area.name(),
        title: check.title,
        status: check.status.name(),
        severity: check.severity.map(Severity::name),
        severity_was: check.overridden.map(severities),
        proof: proof(check.proof),
        reason: check.reason.as_deref(),
        missing: missing(&check.missing),
        ignored: check.ignored.as_ref().map(ignored),
        targets: check.targets.iter().map(|of| of_target(of, check)).collect(),
        findings: check
            .findings
            .iter()
            .map(|f| finding(f, check.is_known(f, targets), around))
            .collect(),
        ignored_findings: check
            .set_aside
            .iter()
            .map(|aside| wire::IgnoredFinding {
                ignored: ignored(&aside.ignored),
                finding: finding(&aside.finding, false, around),
            })
            .collect(),
        remedies: check.remedies.iter().flat_map(|r| remedies(r, around)).collect(),
    }
}

fn of_target<'a>(of: &'a report::OfTarget, check: &CheckReport) -> wire::OfTarget<'a> {
    wire::OfTarget {
        target: of.target.name(),
        status: of.status.name(),
        severity: check.severity_for(of.target).map(Severity::name),
        proof: proof(of.proof),
        reason: of.reason.as_deref(),
        missing: missing(&of.missing),
    }
}

fn missing(missing: &[Missing]) -> Vec<wire::Missing<'_>> {
    missing.iter().map(|m| wire::Missing { source: &m.source, why: m.why.to_string() }).collect()
}

fn ignored(ignored: &report::Ignored) -> wire::Ignored<'_> {
    wire::Ignored { reason: &ignored.reason, until: ignored.until.as_deref() }
}

fn severities(severities: Severities) -> BTreeMap<&'static str, &'static str> {
    severities.iter().map(|(target, severity)| (target.name(), severity.name())).collect()
}

fn finding<'a>(
    finding: &'a outcome::Finding,
    known: bool,
    around: &Surroundings,
) -> wire::Finding<'a> {
    wire::Finding {
        summary: &finding.summary,
        subject: &finding.subject,
        caused_by: &finding.caused_by,
        assumed: finding.assumed.iter().map(|(c, v)| (c.name(), v.as_str())).collect(),
        severity: severities(finding.severity),
        known,
        evidence: finding
            .evidence
            .iter()
            .map(|e| wire::Evidence { source: &e.source, value: &e.value })
            .collect(),
        remedies: finding.remedies.iter().flat_map(|r| remedies(r, around)).collect(),
    }
}

fn trial(trial: &Trial) -> wire::Trial<'_> {
    let (status, reason) = match &trial.ending {
        Ending::Skipped(why) => ("skipped", Some(why.as_str())),
        Ending::TimedOut => ("timed-out", None),
        Ending::Died => ("died", None),
        Ending::Complete if trial.failure().is_some() => ("failed", None),
        Ending::Complete => ("worked", None),
    };
    let steps = trial.steps.iter().map(|step| wire::Step {
        step: step.action.words(),
        object: &step.object,
        needed: step.needed,
        worked: step.refused.is_none(),
        error: step.refused.as_ref().map(|refused| refused.what.as_str()),
    });
    wire::Trial {
        name: trial.name.name(),
        subject: &trial.subject,
        status,
        reason,
        steps: steps.collect(),
        left_behind: texts(&trial.left_behind),
        rehearsed: match &trial.learned {
            Some(Learned::Rehearsal(learned)) => Some(rehearsed(learned)),
            _ => None,
        },
    }
}

fn rehearsed(rehearsed: &Rehearsed) -> wire::Rehearsed<'_> {
    wire::Rehearsed {
        program: &rehearsed.program,
        version: &rehearsed.version,
        milliseconds: rehearsed.milliseconds,
        replaced: texts(&rehearsed.replaced),
        inside: rehearsed.inside.as_ref().map(|seen| wire::Inside {
            pid: seen.pid,
            namespaces: texts(&seen.namespaces),
            capabilities: format!("{:016x}", seen.capabilities),
            seccomp: seen.seccomp,
            uid_map: texts(&seen.uid_map),
            cgroup: texts(&seen.cgroup),
            memory_limit: seen.memory_limit,
            pids_limit: seen.pids_limit,
            root: &seen.root,
            mounts: seen.mounts,
            devices: texts(&seen.devices),
            not_reached: seen.not_reached.as_deref(),
            memory_holds: seen.memory_holds,
            pids_hold: seen.pids_hold,
        }),
        log: texts(&rehearsed.log),
        known_as: texts(&rehearsed.known_as),
    }
}

fn texts(all: &[Text]) -> Vec<&str> {
    all.iter().map(Text::as_str).collect()
}

pub(in crate::render) fn remedies(
    remedy: &remedy::Remedy,
    around: &Surroundings,
) -> impl Iterator<Item = wire::Remedy> {
    remedy.render(around).into_iter().map(|rendered| {
        let texts: Vec<_> = rendered.steps().map(|step| step.text.as_str()).collect();
        wire::Remedy {
            place: Place::name(rendered.place),
            launcher: rendered.launcher.map(Launcher::name),
            text: texts.join("; then "),
            commands: rendered.steps().flat_map(|step| step.commands.clone()).collect(),
            snippet: rendered.steps().find_map(|step| step.snippet.as_ref()).map(snippet),
            steps: rendered.steps().map(remedy_step).collect(),
        }
    })
}

fn remedy_step(step: &Rendered) -> wire::RemedyStep {
    wire::RemedyStep {
        place: Place::name(step.place),
        text: step.text.clone(),
        commands: step.commands.clone(),
        snippet: step.snippet.as_ref().map(snippet),
    }
}

fn snippet(snippet: &Snippet) -> wire::Snippet {
    wire::Snippet { language: snippet::language(snippet), text: snippet::text(snippet) }
}

const fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Static => "static",
        Proof::Trial => "trial",
        Proof::Rehearsal => "rehearsal",
    }
}

const fn summary(summary: report::Summary) -> wire::Summary {
    wire::Summary {
        checks: summary.checks,
        error: summary.error,
        warning: summary.warning,
        info: summary.info,
        other_targets: summary.other_targets,
        passed: summary.passed,
        unknown: summary.unknown,
        not_applicable: summary.not_applicable,
        crashed: summary.crashed,
        ignored: summary.ignored,
    }
}
