use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// The permitted capabilities (`CapPrm` in `/proc/self/status`) of an ordinary user.
    ///
    /// ## Why it matters
    /// bubblewrap can be installed set-user-id. To tell that case from a mistake, it does not start for a user who has
    /// any capability otherwise: "Unexpected capabilities but not setuid, old file caps config?". Ambient
    /// capabilities get there unnoticed: `AmbientCapabilities=` of a systemd unit, `setpriv --ambient-caps`, a
    /// runtime that passes what it adds on to users who are not root.
    ///
    /// ## When it is fine
    /// Root may have any. A bounding set is only what may be gained, and hurts nobody.
    ///
    /// ## How to fix
    /// Drop them before the sandbox is started: `setpriv --ambient-caps=-all`.
    ///
    /// ## References
    /// `capabilities(7)`; bubblewrap `bubblewrap.c: acquire_privs()`.
    "unexpected-capabilities",
    "An ordinary user has capabilities, which bubblewrap refuses",
    { sandbox: Error },
    ["Unexpected capabilities but not setuid"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if *facts.identity.euid.get()? == 0 {
        return Ok(Outcome::not_applicable("root may have any capability"));
    }
    let permitted = facts.capabilities.permitted.get()?;
    if permitted.is_empty() {
        return Ok(Outcome::pass());
    }
    let names: Vec<String> = permitted.iter().map(|capability| format!("{capability}")).collect();
    let names = names.join(", ");
    let summary =
        format!("this user has {names}: bubblewrap takes that for an old installation, and ends");
    Ok(Finding::new("capabilities", CHECK.worst, summary)
        .evidence("/proc/self/status: CapPrm", names)
        .remedy(Remedy::commands(
            Place::Here,
            "drop them for what starts the sandbox",
            ["setpriv --ambient-caps=-all --inh-caps=-all -- bwrap --unshare-all --ro-bind / / true"],
        ))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Capability, CapabilitySet, Fact, Why},
        testing::healthy_container,
    };

    fn user(permitted: Fact<CapabilitySet>) -> Facts {
        let mut facts = healthy_container();
        facts.identity.euid = Fact::Known(1000);
        facts.capabilities.permitted = permitted;
        facts
    }

    #[test]
    fn any_capability_of_a_user_is_found_by_name() {
        let set = CapabilitySet(1 << Capability::NET_ADMIN.0);
        let Ok(Outcome::Found(found)) = judged(&user(Fact::Known(set))) else { panic!() };
        assert!(found[0].summary.contains("CAP_NET_ADMIN"), "{}", found[0].summary);
    }

    #[test]
    fn a_user_without_any_passes_and_root_is_not_judged() {
        assert_eq!(judged(&user(Fact::Known(CapabilitySet(0)))), Ok(Outcome::pass()));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        assert!(judged(&user(Fact::missing("/proc/self/status", Why::NotPermitted))).is_err());
    }
}
