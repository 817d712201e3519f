//! What to do so that the next run knows, where the check has no better advice.

use dind_doctor_checks::{
    facts::{Facts, Missing, Sandbox, Why},
    remedy::{Place, Remedy},
};

/// One remedy per reason, in the order in which the reasons appear.
pub(super) fn remedies(missing: &[Missing], facts: &Facts) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = Vec::new();
    for remedy in missing.iter().map(|m| remedy(m, facts)) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies
}

fn remedy(missing: &Missing, facts: &Facts) -> Remedy {
    let source = &missing.source;
    match missing.why {
        Why::NotPermitted => not_permitted(source, facts),
        Why::NotFound if facts.runtime.sandbox == Sandbox::Gvisor => Remedy::advice(
            Place::Host,
            "gVisor does not show it: ask where the container comes from, its image and its pod",
        ),
        Why::NotFound => Remedy::advice(
            Place::Container,
            format!("make {source} visible here: it does not exist in this container or kernel"),
        ),
        Why::Unsupported => Remedy::advice(
            Place::Host,
            "this kernel or sandbox does not offer it: run the doctor on the node itself too",
        ),
        Why::Malformed => Remedy::commands(
            Place::Here,
            "it was read and not understood: report that with the facts",
            ["doctor facts > facts.json"],
        ),
        Why::TooLarge => Remedy::advice(
            Place::Here,
            format!("{source} has more than a run reads: look at it by hand"),
        ),
        Why::TimedOut => Remedy::commands(
            Place::Here,
            "give the run more time; if that does not help, the filesystem behind it hangs",
            ["doctor --timeout=60"],
        ),
        Why::Io(errno) => Remedy::advice(
            Place::Host,
            format!(
                "{source} failed with {}: look at the kernel log of the node",
                nix::errno::Errno::from_raw(errno)
            ),
        ),
        Why::Hidden => Remedy::advice(
            Place::Container,
            format!(
                "{source} is hidden: mount proc at /proc and sysfs at /sys, with nothing over it"
            ),
        ),
        Why::NotRecorded => {
            Remedy::advice(Place::Here, "the recording is older than this probe: capture it again")
        }
        Why::Redacted => Remedy::advice(
            Place::Here,
            "it was taken out of the bundle: capture it again without redaction",
        ),
        Why::NotProbed => Remedy::advice(
            Place::Host,
            "to ask could have changed the machine, for instance by loading a kernel module: load \
             the module on the host first if the target needs it",
        ),
    }
}

/// Root is refused other processes' files by `ptrace(2)` rules, everybody else by file modes first.
fn not_permitted(source: &str, facts: &Facts) -> Remedy {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    if !root {
        Remedy::advice(Place::Here, "run the doctor as root")
    } else if source.starts_with("/proc/") {
        Remedy::advice(
            Place::Container,
            "let the doctor see other processes: CAP_SYS_PTRACE, or a privileged container",
        )
    } else {
        Remedy::advice(Place::Container, "run the doctor in a privileged container, or on the node")
    }
}
