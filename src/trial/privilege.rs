//! What a rootful engine does first: mounts, device nodes, devices.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use dind_doctor_checks::facts::{Action, Facts, NETWORK_NAMESPACE, TrialName};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod},
};

use super::{
    Description, Plan, namespace,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Privilege,
    does: "mounts a tmpfs in a mount namespace of its own, makes the device null in it, makes a network \
           namespace and writes net.ipv4.ip_forward of it, and opens /dev/fuse, /dev/net/tun and /dev/kmsg \
           without using them",
    loads: &["fuse", "tun"],
    plan,
};

/// Whatever is there, it is covered in the trial's own mount namespace only.
const COVERED: [&str; 4] = ["/tmp", "/run", "/mnt", "/sys"];

fn plan(_: &Facts) -> Vec<Plan> {
    vec![Plan::new(TrialName::Privilege, "", Vec::new(), |steps, _| {
        for device in ["/dev/fuse", "/dev/net/tun", "/dev/kmsg"] {
            // Only some engines need them, and checks know which.
            steps.about(device, false);
            steps.step(Action::OpenDevice, || open(device));
        }
        steps.about("", true);
        mounts(steps);
        steps.about(NETWORK_NAMESPACE, true);
        if steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWNET)).is_some() {
            // That of the namespace which this process is in, whoever mounted the proc.
            steps.about("net.ipv4.ip_forward", true);
            steps.step(Action::WriteSysctl, || fs::write("/proc/sys/net/ipv4/ip_forward", "1"));
        }
    })]
}

/// `/dev/kmsg` is read by kubelet, the others are used by writing too.
fn open(device: &str) -> std::io::Result<fs::File> {
    let write = device != "/dev/kmsg";
    OpenOptions::new().read(true).write(write).custom_flags(libc::O_NONBLOCK).open(device)
}

fn mounts(steps: &mut Steps) -> Option<()> {
    namespace::mounts(steps)?;
    let covered = COVERED.into_iter().find(|path| Path::new(path).is_dir());
    let place = steps.step(Action::MountTmpfs, || {
        let place = Path::new(covered.ok_or_else(|| Failure::seen("no directory to mount at"))?);
        mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
        Ok::<_, Failure>(place)
    })?;
    steps.step(Action::MakeDevice, || {
        mknod(&place.join("null"), SFlag::S_IFCHR, Mode::S_IRUSR, makedev(1, 3))
    })
}
