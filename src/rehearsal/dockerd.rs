//! dockerd: the daemon with its containerd and runc, and a container through its API.

mod answers;
mod life;

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{
    Action, DataRootOwner, Facts, Learned, Rehearsed, SeenInside, TrialName,
};
use nix::unistd::Pid;
use serde_json::{Value, json};

use self::{
    answers::{EndedWith, Inspected, Made, Version, without_frames},
    life::{LOG, alive, tail},
};
use super::{
    Description, cgroups,
    daemon_json::{self, Places},
    http::{self, Body},
    image, inside, on_path, outside, process, room,
};
use crate::trial::{
    Plan,
    program::Program,
    steps::{Failure, Steps},
    trust,
};

const NAME: &str = "dockerd";

pub(super) const ENGINE: Description = Description {
    engine: NAME,
    does: "as root executes the first dockerd on the PATH with its containerd and runc in PID, mount and network \
           namespaces of their own: with the daemon.json in force but for paths, sockets and logs, its data root beside \
           the real one and its cgroups in one of their own; imports the doctor as an image, runs a container with \
           limits, which looks around, tries its limits, connects to a listener beyond the daemon's network, and is stopped",
    costs: "two to ten seconds, of disk three times the size of the doctor, at most 128 MiB of memory for the container",
    leaves: "modules; where AppArmor is on, the profile docker-default, if none was loaded before; if every doctor \
             is killed with it, in cgroups of version 2 the controllers that it has enabled",
    loads: &[
        "overlay",
        "bridge",
        "br_netfilter",
        "veth",
        "nf_nat",
        "nf_conntrack",
        "nf_tables",
        "nft_compat",
        "ip_tables",
        "ip6_tables",
        "iptable_nat",
        "iptable_filter",
        "xt_addrtype",
        "xt_conntrack",
        "xt_MASQUERADE",
        "nf_conntrack_netlink",
        "xfrm_user",
    ],
    plan,
};

/// Programs that it executes.
const HELPERS: [&str; 12] = [
    "containerd",
    "containerd-shim-runc-v2",
    "runc",
    "docker-init",
    "docker-proxy",
    "iptables",
    "ip6tables",
    "nft",
    "ip",
    "modprobe",
    "apparmor_parser",
    "ps",
];

const SOCKET: &str = "/run/dind-doctor/docker.sock";
const CONFIGURATION: &str = "/run/dind-doctor/daemon.json";
const IMAGE: &str = "dind-doctor:rehearsal";

/// What a container may use.
const MEMORY: u64 = 128 * 1024 * 1024;
const TASKS: u32 = 64;

/// Seconds in which a container may end by itself.
const PATIENCE: u32 = 10;

/// Before the guardian ends everything, the log is read.
const RESERVE: Duration = Duration::from_secs(3);

const OWN: [&str; 5] = ["mnt:", "net:", "pid:", "ipc:", "uts:"];

fn plan(facts: &Facts, time: Duration) -> Plan {
    match prepared(facts, time) {
        Ok(plan) => plan,
        Err(why) => Plan::skipped(TrialName::Rehearse, NAME, why),
    }
}

/// All that the daemon is started with.
struct Start {
    program: PathBuf,
    configured: Value,
    data_root: PathBuf,
    deadline: Instant,
}

fn prepared(facts: &Facts, time: Duration) -> Result<Plan, String> {
    if !facts.identity.euid.is_known_and(|euid| *euid == 0) {
        return Err("only root starts dockerd".to_owned());
    }
    match facts.engines.running.known() {
        None => return Err("which engines run here is not known".to_owned()),
        Some(_) if facts.engines.here(NAME).next().is_some() => {
            return Err("one runs here already".to_owned());
        }
        Some(_) => {}
    }
    let (program, _) = on_path(NAME)?;
    super::helpers_are_trusted(&HELPERS)?;
    let configured = configuration(facts)?;
    if let Some(why) = daemon_json::refused(&configured) {
        return Err(why);
    }
    let root = facts.storage.data_roots.iter().find(|root| root.owner == DataRootOwner::Docker);
    if root.is_some_and(super::is_on_zfs) {
        return Err("its data root is on zfs, where it would make datasets".to_owned());
    }
    let root = root.and_then(|root| root.resolved.known()).ok_or("its data root is not known")?;
    let data_root = PathBuf::from(root.as_str());
    image::program()?;
    let start = Start {
        program,
        configured,
        data_root: data_root.clone(),
        deadline: Instant::now() + time.saturating_sub(RESERVE),
    };
    let mut places = vec![data_root];
    places.extend(cgroups::hierarchies(facts));
    let run = move |steps: &mut Steps, places: &[Option<PathBuf>]| {
        let _ = rehearse(steps, &start, places);
    };
    Ok(Plan::new(TrialName::Rehearse, NAME, places, run).adopting())
}

/// The configuration in force, if nobody else may have written it.
fn configuration(facts: &Facts) -> Result<Value, String> {
    let read = facts.engines.daemon_json.get().map_err(|_| "daemon.json could not be read")?;
    if !read.content.is_null() {
        let path = Path::new(read.path.as_str());
        trust::program(path).map_err(|error| format!("daemon.json: {error}"))?;
    }
    Ok(read.content.clone())
}

fn rehearse(steps: &mut Steps, start: &Start, places: &[Option<PathBuf>]) -> Option<()> {
    let data = places.first()?.clone()?;
    let name = super::name_of(places)?;
    // Here, since a guardian has no other descriptors; and before anything covers what links lead through.
    let programs = (super::open(&start.program, NAME).ok()?, image::program().ok()?);
    room::with(steps, move |steps| {
        let _ = furnished(steps, start, &programs, &data, &name);
    })
}

fn furnished(
    steps: &mut Steps,
    start: &Start,
    programs: &(Program, File),
    data: &Path,
    name: &str,
) -> Option<()> {
    room::furnish(steps, data)?;
    steps.about("/etc/docker", true);
    // Before 23, dockerd makes a key there.
    steps.step(Action::PrepareRoom, || {
        let directory = Path::new("/etc/docker");
        let covered = if directory.is_dir() { directory } else { Path::new("/etc") };
        room::cover(covered, &["key.json"])?;
        // Its containerd makes a directory there.
        if Path::new("/opt").is_dir() {
            room::cover("/opt".as_ref(), &["containerd"])
        } else {
            Ok(())
        }
    })?;
    steps.about("", true);
    let listener = outside::listener(steps)?;
    let cgroup_parent = format!("/{name}");
    let places = Places { data: room::DATA, socket: SOCKET, cgroup_parent: &cgroup_parent };
    let (configuration, mut replaced) = daemon_json::rehearsed(&start.configured, &places);
    replaced.push("network namespace: one with nothing but an uplink".into());
    replaced.push(format!("data root: a directory in {}", start.data_root.display()).into());
    let mut rehearsal = Rehearsal {
        begun: Instant::now(),
        deadline: start.deadline,
        learned: Rehearsed {
            program: start.program.to_string_lossy().as_ref().into(),
            replaced,
            ..Rehearsed::default()
        },
    };
    let ran = rehearsal.run(steps, start, programs, &configuration, listener);
    rehearsal.learned.milliseconds = super::milliseconds(rehearsal.begun.elapsed());
    if ran.is_none() {
        rehearsal.learned.log = process::last_lines(&tail());
    }
    steps.learned(Learned::Rehearsal(Box::new(rehearsal.learned)));
    ran
}

struct Rehearsal {
    begun: Instant,
    deadline: Instant,
    learned: Rehearsed,
}

impl Rehearsal {
    fn run(
        &mut self,
        steps: &mut Steps,
        start: &Start,
        (program, doctor): &(Program, File),
        configuration: &Value,
        listener: SocketAddr,
    ) -> Option<()> {
        let daemon = steps.step(Action::StartEngine, || self.start(program, configuration))?;
        if let Ok(answer) = self.ask("GET /version", Body::None, daemon) {
            let version: Version = serde_json::from_slice(&answer).unwrap_or_default();
            self.learned.version = version.version.into();
        }
        steps.step(Action::ImportImage, || self.import(doctor, daemon))?;
        let has_network = start.configured.get("bridge").and_then(Value::as_str) != Some("none");
        let container = steps.step(Action::RunContainer, || {
            self.container(has_network.then_some(listener), daemon)
        })?;
        let seen = container.seen;
        self.learned.inside.clone_from(&seen);
        steps.step(Action::LookAround, || super::contained(seen.as_ref(), &OWN))?;
        steps.about("", false);
        steps.step(Action::StopContainer, || self.stop(&container.id, daemon));
        steps.about("", true);
        super::limited(steps, seen.as_ref()?);
        // Who forbids it has other rules for that.
        let rules = start.configured.get("iptables") != Some(&Value::Bool(false));
        steps.about(&listener.to_string(), rules && has_network);
        let not_reached = seen.and_then(|seen| seen.not_reached);
        let reached = steps.step(Action::LeaveContainer, || {
            not_reached.map_or(Ok(()), |why| Err(Failure::seen(why)))
        });
        steps.about("", true);
        reached.or((!rules || !has_network).then_some(()))
    }

    /// Starts the daemon, and waits until it answers.
    fn start(&self, program: &Program, configuration: &Value) -> Result<Pid, Failure> {
        fs::write(CONFIGURATION, configuration.to_string())?;
        let log = File::options().create(true).append(true).open(LOG)?;
        let arguments =
            process::arguments(NAME, ["--config-file", CONFIGURATION].map(AsRef::as_ref))?;
        let environment = process::environment(&[]);
        let daemon = process::start(program, &arguments, &environment, &log, &log)?;
        loop {
            alive(daemon)?;
            let ready = self.ask("GET /_ping", Body::None, daemon);
            if ready.is_ok() {
                return Ok(daemon);
            }
            if Instant::now() >= self.deadline {
                return Err(Failure::seen("it does not answer in time"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn import(&self, doctor: &File, daemon: Pid) -> Result<(), Failure> {
        let length = image::length(doctor)?;
        let mut write = |stream: &mut _| image::write(doctor, stream);
        let (repository, tag) = IMAGE.split_once(':').unwrap_or((IMAGE, "latest"));
        let request = format!("POST /images/create?fromSrc=-&repo={repository}&tag={tag}");
        let answer = self.ask(&request, Body::Archive(length, &mut write), daemon)?;
        // Its status is sent before it has begun.
        let answer = String::from_utf8_lossy(&answer);
        match answer.lines().find(|line| line.contains("\"error")) {
            Some(line) => Err(Failure::seen(line.chars().take(400).collect::<String>())),
            None => Ok(()),
        }
    }

    /// Makes a container, starts it, and reads what it says.
    fn container(&self, listener: Option<SocketAddr>, daemon: Pid) -> Result<Container, Failure> {
        let mut command = vec![format!("/{}", image::NAME), inside::ARGUMENT.to_owned()];
        command.extend(listener.map(|listener| listener.to_string()));
        command.push(inside::LIMITED.to_owned());
        let body = json!({
            "Image": IMAGE,
            "Cmd": command,
            "HostConfig": {
                "Memory": MEMORY,
                "PidsLimit": TASKS,
                "LogConfig": {"Type": "json-file"},
            },
        });
        let request = "POST /containers/create?name=dind-doctor-rehearsal";
        let made = self.ask(request, Body::Json(body.to_string()), daemon)?;
        let made: Made = serde_json::from_slice(&made)
            .map_err(|_| Failure::seen("the answer is not what the API says"))?;
        let of = |verb: &str, what: &str| format!("{verb} /containers/{}/{what}", made.id);
        self.ask(&of("POST", "start"), Body::None, daemon)?;
        loop {
            let state = self.ask(&of("GET", "json"), Body::None, daemon)?;
            let state: Inspected = serde_json::from_slice(&state).unwrap_or_default();
            let said = self.ask(&of("GET", "logs?stdout=1&stderr=1"), Body::None, daemon)?;
            let said = without_frames(&said);
            let seen = inside::read(&said);
            if seen.is_some() {
                return Ok(Container { id: made.id, seen });
            }
            match (state.state.running, state.state.code) {
                (false, 0) => return Ok(Container { id: made.id, seen }),
                (false, code) => {
                    let last = process::last_words(&said).unwrap_or_default();
                    return Err(Failure::seen(format!("the container ended with {code}: {last}")));
                }
                (true, _) if Instant::now() >= self.deadline => {
                    return Err(Failure::seen("the container says nothing in time"));
                }
                (true, _) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Asks a container to end, and waits until it has.
    fn stop(&self, id: &str, daemon: Pid) -> Result<(), Failure> {
        self.ask(&format!("POST /containers/{id}/stop?t={PATIENCE}"), Body::None, daemon)?;
        let ended = self.ask(&format!("POST /containers/{id}/wait"), Body::None, daemon)?;
        let ended: EndedWith = serde_json::from_slice(&ended).unwrap_or_default();
        match ended.status {
            0 => Ok(()),
            137 => Err(Failure::seen("it had to be killed")),
            code => Err(Failure::seen(format!("it ended with {code}"))),
        }
    }

    /// A question; if the daemon is gone, that is the answer.
    fn ask(&self, request: &str, body: Body<'_>, daemon: Pid) -> Result<Vec<u8>, Failure> {
        http::ask(SOCKET.as_ref(), request, body, self.deadline)
            .map_err(|failure| alive(daemon).err().unwrap_or(failure))
    }
}

/// A container that was started, and what it says of itself.
struct Container {
    id: String,
    seen: Option<SeenInside>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_root_or_has_one_running_is_told() {
        let why =
            |facts: &Facts| prepared(facts, Duration::from_secs(60)).err().unwrap_or_default();
        let mut facts = Facts::default();
        assert_eq!(why(&facts), "only root starts dockerd");
        facts.identity.euid = dind_doctor_checks::facts::Fact::Known(0);
        assert_eq!(why(&facts), "which engines run here is not known");
    }
}
