use crate::{
    facts::{Facts, Text},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether the kernel names Landlock among its security modules (`/sys/kernel/security/lsm`).
    ///
    /// ## Why it matters
    /// Agents and tools that confine what they run often do so with Landlock in place of namespaces, or beside them: it
    /// needs no privilege. Where the kernel has none, some refuse to run anything (codex before it took to bubblewrap
    /// ends with `Sandbox(LandlockRestrict)`), and others run on with less than they promise.
    ///
    /// ## When it is fine
    /// bubblewrap alone does without. Kernels may have it from 5.13 on, and most distributions name it in their list. In
    /// containers securityfs is mostly not mounted: unknown then.
    ///
    /// ## How to fix
    /// A kernel with `CONFIG_SECURITY_LANDLOCK`, and `landlock` in its list: `lsm=landlock,…` on the kernel command line
    /// with what the list has already. Or the mode without a sandbox, in a container of one's own.
    ///
    /// ## References
    /// `landlock(7)`; openai/codex#6828; <https://docs.kernel.org/userspace-api/landlock.html>.
    "landlock-missing",
    "The kernel has no Landlock, by which some tools confine",
    { sandbox: Warning },
    ["Sandbox(LandlockRestrict)",  "Landlock is not supported", "landlock: not enforced"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let modules = facts.security.lsms.get()?;
    if modules.iter().any(|module| *module == "landlock") {
        return Ok(Outcome::pass());
    }
    let names = modules.iter().map(Text::as_str).collect::<alloc::vec::Vec<_>>().join(",");
    let summary = "the kernel has no Landlock: tools that confine what they run with it refuse, or run it unconfined";
    Ok(Finding::new("landlock", CHECK.worst, summary)
        .evidence("/sys/kernel/security/lsm", names.as_str())
        .remedy(Remedy::advice(
            Place::Host,
            alloc::format!(
                "boot with lsm=landlock,{names} on the kernel command line, if the kernel has CONFIG_SECURITY_LANDLOCK"
            ),
        ))
        .remedy(Remedy::advice(
            Place::Here,
            "let the tool use bubblewrap, or no sandbox of its own in a container that has nothing to lose",
        ))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        target::{Severity, Target},
        testing::{healthy_vm, severity_for},
    };

    fn with(modules: &[&str]) -> Facts {
        let mut facts = healthy_vm();
        facts.security.lsms = Fact::Known(modules.iter().map(|name| (*name).into()).collect());
        facts
    }

    #[test]
    fn a_list_without_it_is_a_warning_for_sandboxes() {
        let facts = with(&["lockdown", "capability", "yama", "apparmor"]);
        assert_eq!(severity_for(&CHECK, &facts, Target::Sandbox), Some(Severity::Warning));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert!(
            found[0].remedies[0].text.contains("lsm=landlock,lockdown,capability,yama,apparmor")
        );
    }

    #[test]
    fn with_it_all_is_well() {
        let facts = with(&["lockdown", "capability", "landlock", "yama", "apparmor"]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn where_securityfs_is_not_mounted_it_is_unknown() {
        let mut facts = with(&[]);
        facts.security.lsms = Fact::missing("/sys/kernel/security/lsm", Why::NotFound);
        assert!(judged(&facts).is_err());
    }
}
