use alloc::format;

use super::sysbox::{self, Handling, Runc};
use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether this is a container of Sysbox with a mount of its own at `/proc/sys` (`/proc/self/mountinfo`), and the version
    /// of runc, else of the Docker that brings it.
    ///
    /// ## Why it matters
    /// Since November 2025 (1.2.8, 1.3.3, 1.4.0) runc refuses to set a sysctl where something lies over that part of proc, so
    /// that nobody can slip it another file. Sysbox lays its own over `/proc/sys`, in inner containers too. Docker sets
    /// `net.ipv4.ip_unprivileged_port_start` for each of them: none starts.
    ///
    /// ## When it is fine
    /// With Sysbox 0.7 or later, which answers the call in question; its version cannot be seen from inside. With an older
    /// runc. In containers of others nothing lies over the proc that runc mounts itself.
    ///
    /// ## How to fix
    /// Sysbox 0.7 on the host; until then, inside, the runc before (containerd.io 1.7.28), which lacks the fixes of that month.
    ///
    /// ## References
    /// nestybox/sysbox issues 972 and 973, pull request 992; cruizba/ubuntu-dind#39; runc 1.3.3's release notes
    /// (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881).
    "runc-procfs-overmounted",
    "runc refuses /proc/sys as Sysbox lays it over the kernel's",
    Docker,
    { dockerd: Error, kind: Error },
    [
        "unsafe procfs detected",
        "ip_unprivileged_port_start: invalid cross-device link",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !sysbox::is_here(facts)? {
        return Ok(Outcome::not_applicable("not a container of Sysbox"));
    }
    let runc = Runc::of(facts)?;
    if runc.handling != Handling::Strict {
        return Ok(Outcome::pass());
    }
    let summary = format!(
        "{} takes no sysctl from a /proc/sys that something lies over, as Sysbox before 0.7 makes it: no container \
         starts",
        runc.name()
    );
    let finding = Finding::new("/proc/sys", runc.severity(CHECK.worst), summary)
        .evidence("/proc/self/mountinfo: /proc/sys", "sysboxfs")
        .remedy(Remedy::commands(
            Place::Image,
            "put the runc before in the place of this one; it lacks the security fixes of November 2025",
            ["apt-get install -y --allow-downgrades 'containerd.io=1.7.28-1*'"],
        ))
        .remedy(Remedy::advice(
            Place::Host,
            "update Sysbox on the host to 0.7.0 or later (sysbox-runc --version shows which it has)",
        ));
    Ok(runc.noted(finding).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Sandbox, Why},
        target::{Severity, Target},
        testing::{healthy_container, healthy_vm, mount},
        version::{Component, Version},
    };

    fn sysbox() -> Facts {
        let mut facts = healthy_container();
        facts.runtime.sandbox = Sandbox::Sysbox;
        let Known(table) = &mut facts.mounts else { panic!() };
        table.rows.push(mount("/proc/sys", "fuse", &["rw"]));
        facts
    }

    fn severity(facts: &Facts) -> Option<Severity> {
        match judged(facts) {
            Ok(Outcome::Found(found)) => found[0].severity.get(Target::Dockerd),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_known_runc_is_an_error_and_an_assumed_one_a_warning() {
        let mut facts = sysbox();
        assert_eq!(severity(&facts), Some(Severity::Warning));
        facts.versions.read(Component::Docker, Version::new(28, 5, 2), "dpkg");
        assert_eq!(severity(&facts), Some(Severity::Error));
        facts.versions.give(Component::Runc, Version::new(1, 1, 15));
        assert_eq!(severity(&facts), None);
        facts.versions.give(Component::Runc, Version::new(1, 2, 8));
        assert_eq!(severity(&facts), Some(Severity::Error));
    }

    #[test]
    fn elsewhere_the_question_does_not_arise() {
        for facts in [healthy_container(), healthy_vm()] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn without_the_mount_table_it_is_unknown() {
        let mut facts = sysbox();
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
