//! podman, as root or as an ordinary user: an image of the doctor, and a container of it.

mod engine;
mod user;

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::{
    facts::{Action, DataRootOwner, Facts, TrialName},
    plan::{Plans, User},
    target::Target,
};

use self::engine::{Limits, Rehearsal};
use super::{Description, cgroups, image, on_path, outside, process, room};
use crate::trial::{
    Plan,
    steps::{Failure, Steps},
};

const NAME: &str = "podman";

pub(super) const ENGINE: Description = Description {
    engine: NAME,
    does: "executes the first podman on the PATH with its conmon, OCI runtime and network helpers, as root in PID, mount \
           and network namespaces of their own: with the containers.conf and storage.conf in force, its storage beside \
           the real one and its cgroups in one of their own; imports the doctor as an image, runs a container with \
           limits, which looks around, tries its limits, connects to a listener beyond podman's network, and is stopped; \
           as an ordinary user without those namespaces and without limits, its storage and what runs in directories \
           of their own, and through slirp4netns to a listener on loopback",
    costs: "one to five seconds, of disk three times the size of the doctor, at most 128 MiB of memory for the container",
    leaves: "modules; where AppArmor is on, root's profile containers-default, if none was loaded before; if every \
             doctor is killed with it, in cgroups of version 2 the controllers that it has enabled, and of an ordinary \
             user podman's pause process and /dev/shm/libpod_rootless_lock_UID",
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
const HELPERS: [&str; 10] = [
    "conmon",
    "crun",
    "runc",
    "netavark",
    "aardvark-dns",
    "catatonit",
    "iptables",
    "nft",
    "ip",
    "modprobe",
];

/// Before the guardian ends everything, what was written is told.
const RESERVE: Duration = Duration::from_secs(3);

fn plan(facts: &Facts, time: Duration) -> Plan {
    match prepared(facts, time) {
        Ok(plan) => plan,
        Err(why) => Plan::skipped(TrialName::Rehearse, NAME, why),
    }
}

fn prepared(facts: &Facts, time: Duration) -> Result<Plan, String> {
    let (program, _) = on_path(NAME)?;
    super::helpers_are_trusted(&HELPERS)?;
    image::program()?;
    let root = facts.storage.data_roots.iter().find(|root| root.owner == DataRootOwner::Podman);
    if root.is_some_and(super::is_on_zfs) {
        return Err("its storage is on zfs, where it would make datasets".to_owned());
    }
    let root = root.and_then(|root| root.resolved.known()).ok_or("its storage is not known")?;
    let storage = PathBuf::from(root.as_str());
    let deadline = Instant::now() + time.saturating_sub(RESERVE);
    match Plans::of(facts).get(Target::Podman).map(|plan| plan.user) {
        Some(User::Root) => {
            let mut places = vec![storage];
            places.extend(cgroups::hierarchies(facts));
            let run = move |steps: &mut Steps, places: &[Option<PathBuf>]| {
                let _ = rehearse(steps, &program, places, deadline);
            };
            Ok(Plan::new(TrialName::Rehearse, NAME, places, run).adopting())
        }
        Some(User::Ordinary) if facts.identity.euid.is_known_and(|euid| *euid != 0) => {
            Ok(user::plan(program, storage, deadline))
        }
        Some(User::Ordinary) => Err("podman of root without CAP_SYS_ADMIN is not rehearsed".into()),
        Some(User::Unknown) | None => Err("whose podman it would be is not known".into()),
    }
}

fn rehearse(
    steps: &mut Steps,
    path: &Path,
    places: &[Option<PathBuf>],
    deadline: Instant,
) -> Option<()> {
    let data = places.first()?.clone()?;
    let place = fs::read_link(&data).ok()?;
    let name = super::name_of(places)?;
    // Here, since a guardian has no other descriptors; and before anything covers what links lead through.
    let (program, doctor) = (super::open(path, NAME).ok()?, image::program().ok()?);
    room::with(steps, move |steps| {
        let beside = place.parent().unwrap_or(&place).display();
        let replaced = vec![
            "network namespace: one with nothing but an uplink".into(),
            format!("storage: a directory in {beside}").into(),
            "cgroup manager: cgroupfs".into(),
        ];
        let _ = furnished(
            steps,
            Rehearsal::new(path, program, deadline, replaced),
            &doctor,
            &data,
            &name,
        );
    })
}

fn furnished(
    steps: &mut Steps,
    mut rehearsal: Rehearsal,
    doctor: &File,
    data: &Path,
    name: &str,
) -> Option<()> {
    room::furnish(steps, data)?;
    steps.about("/etc and /dev/shm", true);
    // Locks of networks, and of containers.
    steps.step(Action::PrepareRoom, || {
        // What it knows of layers, beside its storage; networks of either kind; addresses that are given out.
        let made = [
            "/var/lib/containers",
            "/etc/containers",
            "/etc/cni/net.d",
            "/dev/shm",
            "/var/lib/cni",
        ];
        let mut covered: Vec<&Path> = Vec::new();
        for path in made.map(Path::new) {
            // It makes directories that are not there.
            let Some(there) = path.ancestors().find(|path| path.is_dir()) else { continue };
            if !covered.contains(&there) {
                room::cover(there, &["cache", "libpod_lock"])?;
                covered.push(there);
            }
        }
        Ok::<_, Failure>(())
    })?;
    steps.about("", true);
    let listener = outside::listener(steps)?;
    rehearsal.environment = process::environment(&[
        ("HOME", OsStr::new(room::OWN)),
        ("TMPDIR", OsStr::new(&format!("{}/tmp", room::DATA))),
    ]);
    rehearsal.in_directory(room::DATA, "/run/dind-doctor/run", "/run/dind-doctor/libpod");
    let parent = format!("--cgroup-parent=/{name}");
    let options = ["--memory=128m", "--pids-limit=64", &parent];
    rehearsal.run(steps, doctor, &options, Some(listener), Limits::Asked)
}
