//! What is done with podman, whoever runs it.

use std::{
    ffi::{CString, OsStr},
    fs::{DirBuilder, File},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Instant,
};

use dind_doctor_checks::facts::{Action, Learned, Rehearsed, Text};

use super::NAME;
use crate::{
    rehearsal::{
        image, inside,
        process::{self, Ended},
    },
    trial::{
        program::Program,
        steps::{Failure, Steps},
    },
};

const IMAGE: &str = "localhost/dind-doctor:rehearsal";

/// What a container has of its own, whoever runs podman.
const OWN: [&str; 5] = ["mnt:", "net:", "pid:", "ipc:", "uts:"];

/// Whether the container was to have limits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    Asked,
    None,
}

pub(super) struct Rehearsal {
    program: Program,
    deadline: Instant,
    pub(super) learned: Rehearsed,
    pub(super) environment: Vec<CString>,
    /// Options of all commands.
    global: Vec<String>,
    /// Where the archive and temporary files are.
    directory: String,
}

impl Rehearsal {
    pub(super) fn new(
        path: &Path,
        program: Program,
        deadline: Instant,
        replaced: Vec<Text>,
    ) -> Self {
        let program_path = path.to_string_lossy().as_ref().into();
        let learned = Rehearsed { program: program_path, replaced, ..Rehearsed::default() };
        let (environment, global, directory) = (Vec::new(), Vec::new(), String::new());
        Self { program, deadline, learned, environment, global, directory }
    }

    /// Its storage is in this directory.
    pub(super) fn in_directory(&mut self, directory: &str, run: &str, temporary: &str) {
        let storage = format!("{directory}/storage");
        let options = [
            ["--root", &storage],
            ["--runroot", run],
            ["--tmpdir", temporary],
            ["--cgroup-manager", "cgroupfs"],
            ["--events-backend", "none"],
        ];
        self.global = options.as_flattened().iter().map(|option| (*option).to_owned()).collect();
        directory.clone_into(&mut self.directory);
    }

    pub(super) fn with_option(&mut self, name: &str, value: String) {
        self.global.extend([name.to_owned(), value]);
    }

    /// Asks it, since what it can do depends on that.
    pub(super) fn ask_version(&mut self) {
        if let Ok(ended) = self.execute(&["--version"]) {
            let said = String::from_utf8_lossy(&ended.out).into_owned();
            self.learned.version = said.split_whitespace().nth(2).unwrap_or_default().into();
        }
    }

    /// Imports the doctor, runs a container of it with these options, and tells what happened.
    pub(super) fn run(
        &mut self,
        steps: &mut Steps,
        doctor: &File,
        options: &[&str],
        listener: Option<SocketAddr>,
        limits: Limits,
    ) -> Option<()> {
        if self.learned.version.is_empty() {
            self.ask_version();
        }
        let begun = Instant::now();
        let ran = self.steps(steps, doctor, options, listener, limits);
        self.learned.milliseconds = crate::rehearsal::milliseconds(begun.elapsed());
        if ran.is_some() {
            self.learned.log.clear();
        }
        steps.about("", true);
        steps.learned(Learned::Rehearsal(Box::new(self.learned.clone())));
        ran
    }

    fn steps(
        &mut self,
        steps: &mut Steps,
        doctor: &File,
        options: &[&str],
        listener: Option<SocketAddr>,
        limits: Limits,
    ) -> Option<()> {
        let [temporary, archive] =
            ["tmp", "doctor.tar"].map(|name| format!("{}/{name}", self.directory));
        steps.step(Action::ImportImage, || {
            DirBuilder::new().mode(0o700).create(&temporary)?;
            image::write(doctor, &mut File::create(&archive)?)?;
            let ended = self.execute(&["import", "--quiet", &archive, IMAGE])?;
            // Its last words are kept.
            self.learned.log = process::last_lines(&ended.err);
            ended.well()
        })?;
        let address = listener.map(|listener| listener.to_string());
        let in_image = format!("/{}", image::NAME);
        let command = [IMAGE, &in_image, inside::ARGUMENT];
        let mut run = vec!["run", "--rm", "--log-driver=none"];
        run.extend(options.iter().chain(&command));
        run.extend(address.as_deref());
        run.push(inside::LIMITED);
        let ended = steps.step(Action::RunContainer, || self.container(&run))?;
        let seen = inside::read(&ended.out);
        self.learned.inside.clone_from(&seen);
        steps.step(Action::LookAround, || crate::rehearsal::contained(seen.as_ref(), &OWN))?;
        let seen = seen?;
        steps.about("", false);
        steps.step(Action::StopContainer, || ended.well());
        if limits == Limits::Asked {
            crate::rehearsal::limited(steps, &seen);
        }
        let Some(address) = address else { return Some(()) };
        steps.about(&address, true);
        let reached = seen.not_reached.map_or(Ok(()), |why| Err(Failure::seen(why)));
        steps.step(Action::LeaveContainer, || reached)
    }

    /// Runs a container in the foreground, and sends it SIGTERM as soon as it has said what it sees.
    fn container(&mut self, arguments: &[&str]) -> Result<Ended, Failure> {
        let ended = self.execute_until(arguments, &inside::has_said)?;
        self.learned.log = process::last_lines(&ended.err);
        if !inside::has_said(&ended.out) {
            ended.well()?;
        }
        Ok(ended)
    }

    fn execute(&self, arguments: &[&str]) -> Result<Ended, Failure> {
        self.execute_until(arguments, &|_| false)
    }

    fn execute_until(
        &self,
        arguments: &[&str],
        is_enough: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Ended, Failure> {
        let all = self.global.iter().map(OsStr::new).chain(arguments.iter().map(OsStr::new));
        let all = process::arguments(NAME, all)?;
        process::run_until(&self.program, &all, &self.environment, self.deadline, is_enough)
    }
}
