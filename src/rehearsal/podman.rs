//! podman as root: an image of the doctor, and a container of it.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::{
    facts::{Action, DataRootOwner, Facts, Learned, Rehearsed, TrialName},
    plan::{Plans, User},
    target::Target,
};

use super::{
    Description, cgroups, image, inside, on_path, outside,
    process::{self, Ended},
    room,
};
use crate::trial::{
    Plan,
    program::Program,
    steps::{Failure, Steps},
};

const NAME: &str = "podman";

pub(super) const ENGINE: Description = Description {
    engine: NAME,
    does: "as root executes the first podman on the PATH with its conmon, OCI runtime and network helpers in PID, mount \
           and network namespaces of their own: with the containers.conf and storage.conf in force, its storage beside \
           the real one and its cgroups in one of their own; imports the doctor as an image, runs a container with \
           limits, which looks around and connects to a listener beyond podman's network",
    costs: "one to five seconds, of disk three times the size of the doctor, at most 256 MiB of memory for the container",
    leaves: "modules; if every doctor is killed with it, in cgroups of version 2 the controllers that it has enabled",
    loads: &[
        "overlay",
        "bridge",
        "veth",
        "nf_nat",
        "nf_conntrack",
        "nf_tables",
        "nft_compat",
        "ip_tables",
        "ip6_tables",
        "iptable_nat",
        "iptable_filter",
        "xt_comment",
        "xt_conntrack",
        "xt_mark",
        "xt_MASQUERADE",
        "xt_multiport",
    ],
    plan,
};

/// Programs that it executes; helpers in libexec are in nobody else's hands if podman is not.
const HELPERS: [&str; 6] = ["conmon", "crun", "runc", "netavark", "iptables", "nft"];

const IMAGE: &str = "localhost/dind-doctor:rehearsal";

/// Before the guardian ends everything, what was written is told.
const RESERVE: Duration = Duration::from_secs(3);

const OWN: [&str; 5] = ["mnt:", "net:", "pid:", "ipc:", "uts:"];

fn plan(facts: &Facts, time: Duration) -> Plan {
    match prepared(facts, time) {
        Ok(plan) => plan,
        Err(why) => Plan::skipped(TrialName::Rehearse, NAME, why),
    }
}

fn prepared(facts: &Facts, time: Duration) -> Result<Plan, String> {
    let plans = Plans::of(facts);
    if plans.get(Target::Podman).is_none_or(|plan| plan.user != User::Root) {
        return Err("podman of an ordinary user is not rehearsed yet".to_owned());
    }
    let (program, _) = on_path(NAME)?;
    super::helpers_are_trusted(&HELPERS)?;
    image::program()?;
    let root = facts.storage.data_roots.iter().find(|root| root.owner == DataRootOwner::Podman);
    let root = root.and_then(|root| root.resolved.known()).ok_or("its storage is not known")?;
    let storage = PathBuf::from(root.as_str());
    let mut places = vec![storage];
    places.extend(cgroups::hierarchies(facts));
    let deadline = Instant::now() + time.saturating_sub(RESERVE);
    let run = move |steps: &mut Steps, places: &[Option<PathBuf>]| {
        let _ = rehearse(steps, &program, places, deadline);
    };
    Ok(Plan::new(TrialName::Rehearse, NAME, places, run).adopting())
}

fn rehearse(
    steps: &mut Steps,
    path: &Path,
    places: &[Option<PathBuf>],
    deadline: Instant,
) -> Option<()> {
    let data = places.first()?.clone()?;
    let place = fs::read_link(&data).ok()?;
    let name = place.file_name()?.to_str()?.to_owned();
    // Here, since a guardian has no other descriptors; and before anything covers what links lead through.
    let (program, doctor) = (super::open(path, NAME).ok()?, image::program().ok()?);
    room::with(steps, move |steps| {
        let beside = place.parent().unwrap_or(&place).display();
        let learned = Rehearsed {
            program: path.to_string_lossy().as_ref().into(),
            replaced: vec![
                "network namespace: one with nothing but an uplink".into(),
                format!("storage: a directory in {beside}").into(),
                "cgroup manager: cgroupfs".into(),
            ],
            ..Rehearsed::default()
        };
        let mut rehearsal = Rehearsal { program, deadline, learned, environment: Vec::new() };
        let _ = rehearsal.furnished(steps, &doctor, &data, &name);
    })
}

struct Rehearsal {
    program: Program,
    deadline: Instant,
    learned: Rehearsed,
    environment: Vec<std::ffi::CString>,
}

impl Rehearsal {
    fn furnished(
        &mut self,
        steps: &mut Steps,
        doctor: &File,
        data: &Path,
        name: &str,
    ) -> Option<()> {
        room::furnish(steps, data)?;
        steps.about("/etc and /dev/shm", true);
        // Locks of networks, and of containers.
        steps.step(Action::PrepareRoom, || {
            let networks = Path::new("/etc/containers");
            // It makes the directory if there is none.
            let etc = if networks.is_dir() { networks } else { Path::new("/etc") };
            // What it knows of layers, beside its storage.
            let containers = Path::new("/var/lib/containers");
            let lib = if containers.is_dir() { containers } else { Path::new("/var/lib") };
            room::cover(lib, &["cache"])?;
            for directory in
                [etc, "/etc/cni/net.d".as_ref(), "/dev/shm".as_ref(), "/var/lib/cni".as_ref()]
            {
                if directory.is_dir() {
                    room::cover(directory, &["libpod_lock"])?;
                }
            }
            Ok::<_, Failure>(())
        })?;
        steps.about("", true);
        let listener = outside::listener(steps)?;
        let [storage, temporary, archive] =
            ["storage", "tmp", "doctor.tar"].map(|name| format!("{}/{name}", room::DATA));
        self.environment = process::environment(&[
            ("HOME", OsStr::new(room::OWN)),
            ("TMPDIR", OsStr::new(&temporary)),
        ]);
        if let Ok(ended) = self.execute(&["--version"]) {
            let said = String::from_utf8_lossy(&ended.out).into_owned();
            self.learned.version = said.split_whitespace().nth(2).unwrap_or_default().into();
        }
        let begun = Instant::now();
        let global = [
            "--root",
            &storage,
            "--runroot",
            "/run/dind-doctor/run",
            "--tmpdir",
            "/run/dind-doctor/libpod",
            "--cgroup-manager",
            "cgroupfs",
            "--events-backend",
            "none",
        ];
        let parent = format!("--cgroup-parent=/{name}");
        let address = listener.to_string();
        let in_image = format!("/{}", image::NAME);
        let ran = (|| {
            steps.step(Action::ImportImage, || {
                DirBuilder::new().mode(0o700).create(&temporary)?;
                image::write(doctor, &mut File::create(&archive)?)?;
                self.podman(&global, &["import", "--quiet", &archive, IMAGE]).map(drop)
            })?;
            let run = [
                "run",
                "--rm",
                "--memory=256m",
                "--pids-limit=64",
                "--log-driver=none",
                &parent,
                IMAGE,
                &in_image,
                inside::ARGUMENT,
                &address,
            ];
            let ended = steps.step(Action::RunContainer, || self.podman(&global, &run))?;
            let seen = inside::read(&ended.out);
            self.learned.inside.clone_from(&seen);
            steps.step(Action::LookAround, || super::contained(seen.as_ref(), &OWN))?;
            steps.about(&address, true);
            let not_reached = seen.and_then(|seen| seen.not_reached);
            steps.step(Action::LeaveContainer, || {
                not_reached.map_or(Ok(()), |why| Err(Failure::seen(why)))
            })
        })();
        self.learned.milliseconds = super::milliseconds(begun.elapsed());
        if ran.is_some() {
            self.learned.log.clear();
        }
        steps.about("", true);
        steps.learned(Learned::Rehearsal(Box::new(self.learned.clone())));
        ran
    }

    /// Its last words are kept.
    fn podman(&mut self, global: &[&str], arguments: &[&str]) -> Result<Ended, Failure> {
        let ended = self.execute(&[global, arguments].concat())?;
        self.learned.log = process::last_lines(&ended.err);
        ended.well()?;
        Ok(ended)
    }

    fn execute(&self, arguments: &[&str]) -> Result<Ended, Failure> {
        let arguments = process::arguments(NAME, arguments.iter().map(OsStr::new))?;
        process::run(&self.program, &arguments, &self.environment, self.deadline)
    }
}
