//! What newuidmap and newgidmap compare their caller with: the line of `/etc/passwd`.

use alloc::format;

use super::{CHECK, user};
use crate::{
    facts::{Fact, Facts, Why},
    outcome::{Finding, Unknown},
    remedy::{Place, Remedy},
};

/// The account is not there, or of another group than the process: both programs refuse then, whatever they are given
/// (shadow `src/newuidmap.c`, `get_my_pwent()` and what follows it).
///
/// # Errors
/// It is of another group, and whether that is let be cannot be read.
pub(super) fn judge(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let (Some(uid), Some(gid)) = (facts.identity.euid.known(), facts.identity.egid.known()) else {
        return Ok(None);
    };
    if facts.subids.user.is_known_and(Option::is_none) {
        return Ok(no_account(facts, *uid, *gid));
    }
    let Some(Some(primary)) = facts.subids.primary_group.known() else { return Ok(None) };
    if primary == gid || lets_groups_be(facts)? {
        return Ok(None);
    }
    let name = user(facts);
    let summary = format!(
        "the process has the group {gid}, and /etc/passwd says {primary} for {name}: newuidmap refuses with \
         \"owned by a different user\""
    );
    Ok(Some(
        Finding::new("primary group", CHECK.worst, summary)
            .evidence("/etc/passwd", format!("{name}: group {primary}"))
            .evidence("getegid", format!("{gid}"))
            .remedy(Remedy::advice(
                Place::Container,
                format!("start the process with the group {primary} (runAsGroup, --user {uid}:{primary}; no newgrp or sg)"),
            ))
            .remedy(Remedy::commands(
                Place::Image,
                format!("give the account in /etc/passwd the group {gid}"),
                [format!("usermod --gid {gid} {}", crate::remedy::quote(&name))],
            )),
    ))
}

/// Off unless it is turned on; so it is taken where a recording does not say.
fn lets_groups_be(facts: &Facts) -> Result<bool, Unknown> {
    match &facts.subids.other_groups {
        Fact::Missing(missing) if matches!(missing.why, Why::NotRecorded | Why::Redacted) => {
            Ok(false)
        }
        other => other.get().copied(),
    }
}

/// Ranges by number are of no use without a name. An account may come from elsewhere.
fn no_account(facts: &Facts, uid: u32, gid: u32) -> Option<Finding> {
    let local = facts.subids.accounts.is_known_and(|services| {
        // Of systemd come only users that it makes itself.
        services.iter().all(|service| matches!(service.as_str(), "systemd" | "altfiles"))
    });
    let has_ranges = facts.subids.uids.is_known_and(|ranges| !ranges.is_empty());
    // Without ranges that is said, and the account is part of its remedy.
    if !local || !has_ranges {
        return None;
    }
    let line = format!("u{uid}:x:{uid}:{gid}::/home/u{uid}:/bin/sh");
    Some(
        Finding::new(
            "account",
            CHECK.worst,
            format!("/etc/passwd has no line for uid {uid}: newuidmap fails with \"Cannot determine your user name\""),
        )
        .evidence("/etc/passwd", format!("no uid {uid}"))
        .remedy(Remedy::commands(
            Place::Image,
            "give the user an account, in the image or in the entrypoint",
            [format!("echo {line} >> /etc/passwd")],
        )),
    )
}
