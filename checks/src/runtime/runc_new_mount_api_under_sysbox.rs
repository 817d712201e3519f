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
    /// Whether this is a container of Sysbox (`sysboxfs` over `/proc/sys`), and the version of runc, else of the Docker that
    /// brings it.
    ///
    /// ## Why it matters
    /// From 1.2 on runc mounts proc by `fsopen(2)` and its kin. Sysbox before 0.6.6 watches `mount(2)` only, knows nothing of
    /// the new proc, and what runc then does with it fails: `error mounting "proc" to rootfs … no such file or directory`.
    ///
    /// ## When it is fine
    /// With Sysbox 0.6.6 or later; its version cannot be seen from inside. With runc 1.1. For runc from 1.2.8, 1.3.3 and 1.4 on,
    /// which need Sysbox 0.7, see runc-procfs-overmounted.
    ///
    /// ## How to fix
    /// A newer Sysbox on the host; until then, inside, runc 1.1.
    ///
    /// ## References
    /// runc#4542; nestybox/sysbox issue 879, pull request 897; `fsopen(2)`.
    "runc-new-mount-api-under-sysbox",
    "An older Sysbox does not know how this runc mounts proc",
    Docker,
    { dockerd: Error, kind: Error },
    [
        "flags=0xe: no such file or directory",
        "flags=MS_NOSUID|MS_NODEV|MS_NOEXEC: no such file or directory",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !sysbox::is_here(facts)? {
        return Ok(Outcome::not_applicable("not a container of Sysbox"));
    }
    let runc = Runc::of(facts)?;
    if runc.handling != Handling::NewCalls {
        return Ok(Outcome::pass());
    }
    let summary = format!(
        "{} mounts proc in a way that Sysbox before 0.6.6 does not know: no container starts",
        runc.name()
    );
    let finding = Finding::new("/proc", runc.severity(CHECK.worst), summary)
        .evidence("/proc/self/mountinfo: /proc/sys", "sysboxfs")
        .remedy(Remedy::commands(
            Place::Image,
            "put runc 1.1 before this one on the PATH",
            [
                "curl -fsSLo /usr/local/bin/runc \
                 https://github.com/opencontainers/runc/releases/download/v1.1.15/runc.amd64",
                "chmod 755 /usr/local/bin/runc",
            ],
        ))
        .remedy(Remedy::advice(
            Place::Host,
            "update Sysbox on the host to 0.7.0, at least to 0.6.6 (sysbox-runc --version shows which it has)",
        ));
    Ok(runc.noted(finding).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Sandbox, Why},
        testing::{healthy_container, mount},
        version::{Component, Version},
    };

    fn sysbox(patch: u32) -> Facts {
        let mut facts = healthy_container();
        facts.runtime.sandbox = Sandbox::Sysbox;
        let Known(table) = &mut facts.mounts else { panic!() };
        table.rows.push(mount("/proc/sys", "fuse", &["rw"]));
        facts.versions.give(Component::Runc, Version::new(1, 2, patch));
        facts
    }

    #[test]
    fn the_first_releases_with_the_new_calls_are_found() {
        let Ok(Outcome::Found(found)) = judged(&sysbox(2)) else { panic!() };
        assert_eq!(found[0].severity, CHECK.worst);
        assert!(found[0].summary.starts_with("runc 1.2.2 mounts proc"));
    }

    #[test]
    fn older_ones_pass_and_newer_ones_are_another_matter() {
        assert_eq!(judged(&sysbox(8)), Ok(Outcome::pass()));
        let mut facts = sysbox(0);
        facts.versions.give(Component::Runc, Version::new(1, 1, 14));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn elsewhere_the_question_does_not_arise() {
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_sandbox_it_is_unknown() {
        let mut facts = sysbox(2);
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
