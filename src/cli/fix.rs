//! `doctor fix`.

mod apply;
mod base;
mod write;

use std::{io::Write, path::PathBuf, time::Duration};

use dind_doctor_checks::{
    facts::Launcher,
    version::{Component, Version},
};

use super::{
    Console, ExitCode, Trouble, When,
    arguments::{self, Wanted},
    console::styled,
    selection, source,
    time::Time,
    unless_closed,
};
use crate::{
    bundle::{self, Replay},
    fix::{self, Fix, Given},
    probe::{self, Collected},
    render::{
        fix as render,
        table::{Detail, View},
    },
    report::{self, Options, Origin, Report, Selector},
};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    /// What is going to be started here, as for doctor check
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',',
          value_parser = arguments::wanted, help_heading = "What to judge")]
    targets: Vec<Wanted>,
    /// A version that is going to run here and cannot be read
    #[arg(long, value_name = "COMPONENT=V", value_delimiter = ',',
          value_parser = arguments::assumption, help_heading = "What to judge")]
    assume: Vec<(Component, Version)>,
    /// Only what these checks find
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',',
          value_parser = selection::selector, help_heading = "What to judge")]
    select: Vec<Selector>,
    /// Not what these checks find
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',',
          value_parser = selection::selector, help_heading = "What to judge")]
    ignore: Vec<Selector>,
    /// Read a recorded bundle instead of this machine
    #[arg(long, value_name = "BUNDLE", help_heading = "What to judge")]
    from: Option<PathBuf>,
    /// Seconds for the whole run
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds,
          help_heading = "What to judge")]
    timeout: Duration,
    /// With what the container is launched, if that is not what is seen: docker, podman, kubernetes, gitlab, github,
    /// devcontainer, lxc, incus, lxd, proxmox, systemd-nspawn
    #[arg(long, value_name = "NAME", value_parser = launcher, help_heading = "What to write")]
    launcher: Option<Launcher>,
    /// What docker inspect prints of the image or of a container of it: ENTRYPOINT and CMD come from there; - is
    /// standard input
    #[arg(long, value_name = "FILE", help_heading = "What to write")]
    base: Option<PathBuf>,
    /// Write the files to this directory, which is made if it is not there
    #[arg(long, value_name = "DIR", help_heading = "What to write")]
    write: Option<PathBuf>,
    /// Do what is safe and can be done here, after asking; what was there is kept for --undo
    #[arg(long, group = "acts", conflicts_with_all = ["from", "write"], help_heading = "What to do")]
    apply: bool,
    /// With --apply: what restarts something or is felt by others as well
    #[arg(long = "unsafe", requires = "apply", help_heading = "What to do")]
    risky: bool,
    /// Take back what --apply has done, but for what has changed since
    #[arg(long, group = "acts", conflicts_with_all = ["from", "write"], help_heading = "What to do")]
    undo: bool,
    /// Do not ask
    #[arg(long, requires = "acts", help_heading = "What to do")]
    yes: bool,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto,
          help_heading = "Output")]
    color: When,
}

/// `docker`.
fn launcher(name: &str) -> Result<Launcher, String> {
    let all = [
        Launcher::Docker,
        Launcher::Podman,
        Launcher::Kubernetes,
        Launcher::Gitlab,
        Launcher::Github,
        Launcher::Devcontainer,
        Launcher::Lxc,
        Launcher::Incus,
        Launcher::Lxd,
        Launcher::Proxmox,
        Launcher::Nspawn,
    ];
    all.into_iter().find(|launcher| launcher.name() == name).ok_or_else(|| {
        let known = all.map(Launcher::name);
        let meant = selection::suggestion(name, known.into_iter());
        format!("launchers are {}{meant}", known.join(", "))
    })
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    if arguments.undo {
        return apply::undo(arguments.yes, console, err);
    }
    let time = Time::begin(arguments.timeout);
    let image = arguments.base.as_deref().map(base::read).transpose()?;
    let (collected, redacted) = arguments.collect(&time)?;
    let facts = collected.facts.clone();
    let origin = if arguments.from.is_some() { Origin::Bundle } else { Origin::Live };
    let report = report::diagnose(collected, origin, &arguments.options());
    let launcher = arguments.launcher;
    let given = Given { report: &report, facts: &facts, launcher, redacted, image };
    let fix = fix::fix(&given);
    if arguments.apply {
        // A change that was begun is ended, and people may think before they answer.
        Time::forever();
        return apply::run(&fix, &facts, (arguments.risky, arguments.yes), console, err);
    }
    match &arguments.write {
        Some(directory) => write::all(directory, &fix, err)?,
        None => time.printing(console, || arguments.print(&fix, &report, console, out))?,
    }
    Ok(ExitCode::Success)
}

impl Arguments {
    /// What is known, and whether it has pseudonyms.
    fn collect(&self, time: &Time) -> Result<(Collected, bool), Trouble> {
        let Some(path) = &self.from else {
            return Ok((probe::collect(&source::live(time.end)), false));
        };
        let recording = bundle::read(path).map_err(|error| Trouble::Source(error.to_string()))?;
        let redacted = recording.header.redacted;
        Ok((probe::collect(&Replay::new(recording)), redacted))
    }

    fn options(&self) -> Options {
        let (targets, assume) = arguments::judged(&self.targets, &self.assume);
        let ignore = self.ignore.iter().cloned().map(report::Ignore::from).collect();
        Options { targets, assume, select: self.select.clone(), ignore, ..Options::default() }
    }

    fn print(
        &self,
        fix: &Fix,
        report: &Report,
        console: &Console,
        out: &mut dyn Write,
    ) -> Result<(), Trouble> {
        let view = View { width: console.width(), detail: Detail::Normal };
        unless_closed(styled(console.color(self.color), out, |out| {
            render::render(fix, report, view, out)
        }))
    }
}
