use alloc::format;

use crate::{
    facts::{Facts, Machine},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severity,
};

check! {
    /// ## What it looks at
    /// The flags of the processor in `/proc/cpuinfo`, and which level of x86-64 they make: v2 has SSE4.2 and POPCNT, v3 has
    /// AVX2, BMI and FMA.
    ///
    /// ## Why it matters
    /// Distributions are built for a level: those of the family of RHEL 9 for v2, of RHEL 10 for v3. In their images the
    /// first program ends with `CPU does not support x86-64-v2`, and programs of others with an illegal instruction. Virtual
    /// machines often show an old model (QEMU's `kvm64` and `qemu64`) on a new processor.
    ///
    /// ## When it is fine
    /// For images of Debian, Ubuntu and Alpine, and so for kind's node. From v3 on nothing is said. Other processors than
    /// x86-64 have no such levels.
    ///
    /// ## How to fix
    /// Give the virtual machine the processor of its host: `--cpu host` (Proxmox `qm set`, QEMU), `host-passthrough`
    /// (libvirt). On old hardware, images that are built for less.
    ///
    /// ## References
    /// x86-64 psABI, "Micro-architecture levels"; glibc `ld.so --help`; RHEL 9 and 10 release notes.
    "cpu-level-too-low",
    "The processor is below the level that images are built for",
    { dockerd: Warning, kind: Info, rootless: Warning, buildkit: Warning },
    [
        "Fatal glibc error: CPU does not support x86-64-v2",
        "Fatal glibc error: CPU does not support x86-64-v3",
        "This program can only be run on AMD64 processors with v",
        "CPU ISA level is lower than required",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let level = match facts.kernel.cpu_level.get()? {
        Some(level) if *level < 3 => *level,
        Some(_) => return Ok(Outcome::pass()),
        None => return Ok(Outcome::not_applicable("only x86-64 has levels")),
    };
    let (severity, whose) = if level < 2 {
        (CHECK.worst, "RHEL 9 and its kin (UBI 9, AlmaLinux 9, CentOS Stream 9)")
    } else {
        (CHECK.worst.at_most(Severity::Info), "RHEL 10 and its kin (UBI 10, AlmaLinux 10)")
    };
    let text = if facts.runtime.machine == Machine::Physical {
        format!("use images that are built for x86-64-v{level}: of Debian, Ubuntu or Alpine")
    } else {
        "give the virtual machine its host's processor: CPU type host in Proxmox and QEMU (-cpu host), \
         host-passthrough in libvirt"
            .into()
    };
    Ok(Finding::new(
        "CPU",
        severity,
        format!(
            "the processor shows as x86-64-v{level}: programs in images of {whose} do not start"
        ),
    )
    .evidence("/proc/cpuinfo: flags", format!("x86-64-v{level}"))
    .remedy(Remedy::advice(Place::Host, text))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        target::Target,
        testing::{healthy_container, healthy_vm},
    };

    fn at(level: Option<u8>) -> Facts {
        let mut facts = healthy_vm();
        facts.kernel.cpu_level = Known(level);
        facts
    }

    #[test]
    fn the_lowest_is_a_warning_and_the_second_a_word() {
        let severity = |level| match judged(&at(Some(level))) {
            Ok(Outcome::Found(found)) => found[0].severity.get(Target::Dockerd),
            other => panic!("{other:?}"),
        };
        assert_eq!(severity(1), Some(Severity::Warning));
        assert_eq!(severity(2), Some(Severity::Info));
    }

    #[test]
    fn newer_ones_pass_and_others_have_no_levels() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&at(Some(4))), Ok(Outcome::pass()));
        assert!(matches!(judged(&at(None)), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn old_hardware_cannot_be_told_to_be_newer() {
        let mut facts = at(Some(1));
        facts.runtime.machine = Machine::Physical;
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert!(found[0].remedies[0].text.starts_with("use images"));
    }

    #[test]
    fn without_the_flags_it_is_unknown() {
        let mut facts = healthy_vm();
        facts.kernel.cpu_level = Fact::missing("/proc/cpuinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
