use alloc::{format, string::String, vec, vec::Vec};

use super::NEEDED;
use crate::{
    facts::{
        Action, DataRootOwner, Device, DeviceNode, Facts, Filesystem, Missing, PodmanDefaults,
        Step, Trial, TrialName, Why,
    },
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severities, Target},
};

check! {
    /// ## What it looks at
    /// `/dev/net/tun`, `/dev/fuse` and `/dev/kmsg`: the type and number of what is there, and whether the
    /// device filter of the cgroup lets it be used (`faccessat2`, which runs the filter of both versions).
    ///
    /// ## Why it matters
    /// slirp4netns, pasta and VPNKit make the network of rootless containers through `/dev/net/tun`.
    /// fuse-overlayfs, which rootless engines need where the kernel allows them no overlay of their own,
    /// needs `/dev/fuse`. kubelet reads `/dev/kmsg`, and does not start where it is refused.
    ///
    /// ## When it is fine
    /// A privileged container has the devices of its host. Rootless Docker told to share the network
    /// (`DOCKERD_ROOTLESS_ROOTLESSKIT_NET=host`) needs no tun; nor does rootless BuildKit. From Linux 5.11
    /// on, overlays work in user namespaces, and fuse is needed only on an overlay. Where `/dev/kmsg` is
    /// missing, kind's nodes link `/dev/console` in its place; a link is right here too.
    ///
    /// ## How to fix
    /// `docker run --device /dev/fuse --device /dev/net/tun`; in Kubernetes a device plugin; on a host
    /// `modprobe tun fuse`. For kubelet in a user namespace, `KubeletInUserNamespace`.
    ///
    /// ## References
    /// <https://github.com/rootless-containers/slirp4netns>, kind#662, k3s-io/k3k#132; kernel
    /// `Documentation/admin-guide/cgroup-v2.rst`, "Device controller".
    "dev-nodes-missing",
    "A device that engines need is missing or refused",
    { kind: Error, rootless: Error, buildkit: Warning },
    [
        "fuse: device not found",
        "open(\"/dev/net/tun\"): No such file",
        "open /dev/kmsg: no such file or directory",
        "open /dev/kmsg: operation not permitted",
        "open(\"/dev/net/tun\"): Permission denied",
        "failed to setup loop device for",
    ],
    trials: [Privilege]
}

/// How a device is.
enum State {
    Usable,
    Absent,
    Refused,
    /// Something else is in its place.
    Other(String),
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    for judged in [tun(facts, plan), kmsg(facts), fuse(facts)] {
        match judged {
            Ok(finding) => findings.extend(finding),
            Err(unknown) => missing.extend(unknown.missing),
        }
    }
    Outcome::settled(findings, missing, || {
        let all = [Device::Tun, Device::Kmsg, Device::Fuse];
        let tried = all.into_iter().all(|device| opened(facts, device).is_some());
        if tried { Outcome::proved() } else { Outcome::pass() }
    })
}

/// The trial that opened the device, or could not.
fn opened(facts: &Facts, device: Device) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Privilege)?;
    Some((trial, trial.step(Action::OpenDevice, device.path())?))
}

fn state(facts: &Facts, device: Device, number: &str) -> Result<State, Unknown> {
    let absent = || Unknown::new(device.path(), Why::NotRecorded);
    let DeviceNode { number: found, usable, .. } =
        facts.security.device(device).ok_or_else(absent)?;
    match found.why() {
        Some(Why::NotFound) => return Ok(State::Absent),
        Some(Why::Malformed) => return Ok(State::Other("no character device".into())),
        _ => {}
    }
    let found = found.get()?;
    // A link of /dev/kmsg to the console is what kind's own entrypoint makes.
    if *found != number && device != Device::Kmsg {
        return Ok(State::Other(format!("device {found}")));
    }
    // To be permitted is not enough: the driver can be missing (ENODEV, ENXIO).
    let opens = match opened(facts, device) {
        Some((_, step)) => step.refused.is_none(),
        None => *usable.get()?,
    };
    Ok(if opens { State::Usable } else { State::Refused })
}

fn finding(
    facts: &Facts,
    device: Device,
    state: &State,
    severity: Severities,
    use_of: &str,
) -> Finding {
    let path = device.path();
    let (how, value): (&str, &str) = match state {
        State::Refused => ("is there and may not be opened", "access refused"),
        State::Other(what) => ("is something else", what),
        State::Absent | State::Usable => ("is missing", "does not exist"),
    };
    let mut finding =
        Finding::new(path, severity, format!("{path} {how}: {use_of}")).evidence(path, value);
    if let Some((trial, step)) = opened(facts, device).filter(|(_, step)| step.refused.is_some()) {
        finding = finding.tried(trial, step);
    }
    if !facts.runtime.container.is_no()
        && facts.capabilities.bounding.is_known_and(|set| !NEEDED.without(*set).is_empty())
    {
        finding = finding.caused_by("privilege-missing");
    }
    finding
}

fn give(facts: &Facts, device: Device, module: &str, state: &State) -> Remedy {
    let narrow = facts.security.device(device).is_some_and(DeviceNode::keeps_others_out);
    let ordinary = facts.identity.euid.is_known_and(|euid| *euid != 0);
    if matches!(state, State::Refused) && narrow && ordinary {
        let path = device.path();
        let name = path.trim_start_matches("/dev/");
        let open = Remedy::tasks(
            Place::Here,
            format!("as root, let every user open {path}: it is there, and its mode is too narrow"),
            [Task::Mode { path: path.into(), mode: 0o666 }],
        );
        if facts.runtime.container.is_no() {
            return open.then(Remedy::tasks(
                Place::Host,
                "keep it so",
                [Task::File {
                    path: format!("/etc/udev/rules.d/90-{}.rules", name.replace('/', "-")),
                    lines: vec![format!(
                        "KERNEL==\"{}\", MODE=\"0666\"",
                        name.rsplit('/').next().unwrap_or(name)
                    )],
                }],
            ));
        }
        return open;
    }
    if facts.runtime.container.is_no() && device == Device::Kmsg {
        return Remedy::commands(Place::Host, "make the node", ["mknod /dev/kmsg c 1 11"]);
    }
    if facts.runtime.container.is_no() {
        return Remedy::tasks(
            Place::Host,
            "load the module of the device",
            [Task::modules([module])],
        );
    }
    Remedy::container(
        "give the device to the container",
        [ContainerSetting::Device(device.path().into())],
    )
}

fn tun(facts: &Facts, plan: &Plan) -> Result<Option<Finding>, Unknown> {
    let told = facts.resources.podman_defaults.known();
    if plan.engine() == "podman" && told.is_some_and(PodmanDefaults::makes_no_network) {
        return Ok(None);
    }
    let network = facts.runtime.variable("DOCKERD_ROOTLESS_ROOTLESSKIT_NET");
    if matches!(network, Some("host" | "lxc-user-nic")) {
        return Ok(None);
    }
    let state = state(facts, Device::Tun, "10:200")?;
    if matches!(state, State::Usable) {
        return Ok(None);
    }
    let use_of = "slirp4netns and pasta cannot make the network of rootless containers";
    Ok(Some(
        finding(facts, Device::Tun, &state, severities!(rootless: Error), use_of)
            .remedy(give(facts, Device::Tun, "tun", &state))
            .remedy(Remedy::advice(
                Place::Here,
                "share the network: podman run --network=host; for rootless Docker \
                 DOCKERD_ROOTLESS_ROOTLESSKIT_NET=host",
            )),
    ))
}

/// A user other than root may not write it, and in a user namespace nobody may: neither says anything
/// about kubelet, which reads.
fn kmsg(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    if !facts.is_root()? || facts.in_private_users()? {
        return Ok(None);
    }
    let state = state(facts, Device::Kmsg, "1:11")?;
    let (severity, use_of) = match state {
        State::Usable => return Ok(None),
        State::Refused => (severities!(kind: Error), "kubelet does not start"),
        State::Absent | State::Other(_) => (
            severities!(kind: Info),
            "kind's nodes link the console in its place, k3s and a bare kubelet stop",
        ),
    };
    Ok(Some(
        finding(facts, Device::Kmsg, &state, severity, use_of)
            // KubeletInUserNamespace would not help: kubelet heeds it in user namespaces only.
            .remedy(give(facts, Device::Kmsg, "kmsg", &state)),
    ))
}

fn fuse(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let ordinary = facts.identity.euid.told()?.is_some_and(|uid| *uid != 0);
    let roots = facts.storage.data_roots.iter().filter(|root| {
        matches!(root.owner, DataRootOwner::RootlessDocker | DataRootOwner::RootlessBuildkit)
            || root.owner == DataRootOwner::Podman && ordinary
    });
    let mut stacked = false;
    let mut hidden = Ok(());
    for root in roots {
        match root.filesystem.told() {
            Ok(filesystem) => {
                stacked |= filesystem.is_some_and(|fs| Filesystem::name(fs) == "overlay");
            }
            Err(unknown) => hidden = Err(unknown),
        }
    }
    if !stacked {
        hidden?;
    }
    let native = facts.kernel.version.told()?.is_some_and(|version| version.at_least(5, 11));
    if !stacked && native {
        return Ok(None);
    }
    if !native && !stacked {
        // Distributions brought overlays in user namespaces to older kernels.
        facts.kernel.version.get()?;
        facts.kernel.build.told()?;
        facts.storage.permit_mounts_in_userns.told()?;
        if crate::kernel::overlay_in_userns(facts).is_yes() {
            return Ok(None);
        }
    }
    let state = state(facts, Device::Fuse, "10:229")?;
    if matches!(state, State::Usable) {
        return Ok(None);
    }
    let why = if stacked { "the data root is an overlay" } else { "the kernel is before 5.11" };
    let use_of = format!("no fuse-overlayfs for rootless engines, which copy whole layers: {why}");
    let mut finding = finding(
        facts,
        Device::Fuse,
        &state,
        severities!(rootless: Warning, buildkit: Warning),
        &use_of,
    );
    if facts.identity.euid.is_known_and(|uid| *uid == 0) {
        finding.severity = finding.severity.with(Target::Buildkit, None);
    }
    if stacked {
        finding = finding.caused_by("dataroot-on-overlay");
    }
    Ok(Some(finding.remedy(give(facts, Device::Fuse, "fuse", &state))))
}

#[cfg(test)]
mod tests;
