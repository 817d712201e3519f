use alloc::vec;

use super::*;
use crate::{
    facts::{CapabilitySet, Fact, Fact::Known, IdMapping, SubordinateIds, SubordinateRange, Why},
    remedy::Change,
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm},
};

fn program(name: &str) -> Fact<Option<MappingProgram>> {
    Known(Some(MappingProgram {
        path: format!("/usr/bin/{name}").into(),
        set_user_id: true,
        file_capabilities: Known(false),
        nosuid: Some(false),
    }))
}

/// An ordinary user with the usual range.
fn user() -> Facts {
    let mut facts = healthy_container();
    facts.identity.euid = Known(1000);
    facts.identity.egid = Known(1000);
    facts.subids = SubordinateIds {
        taken: Known(vec![]),
        user: Known(Some("podman".into())),
        primary_group: Known(Some(1000)),
        other_groups: Fact::missing("/etc/login.defs", Why::NotProbed),
        accounts: Known(vec![]),
        service: None,
        uids: Known(vec![SubordinateRange { start: 100_000, count: 65_536 }]),
        gids: Known(vec![SubordinateRange { start: 100_000, count: 65_536 }]),
        newuidmap: program("newuidmap"),
        newgidmap: program("newgidmap"),
    };
    facts
}

fn found(facts: &Facts) -> Vec<Finding> {
    let Ok(Outcome::Found(found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
    assert!(found.iter().all(|finding| finding.severity.within(&CHECK.worst)));
    found
}

#[test]
fn root_is_not_judged_and_the_usual_range_passes() {
    assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    assert_eq!(judged(&user()), Ok(Outcome::pass()));
}

#[test]
fn a_user_without_a_range_is_found() {
    let mut facts = user();
    facts.subids.uids = Known(vec![]);
    let found = found(&facts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity.get(Target::Rootless), Some(Severity::Error));
    assert!(found[0].summary.contains("podman"));
}

#[test]
fn a_range_outside_of_the_namespace_is_found_and_another_is_offered() {
    let mut facts = user();
    facts.identity.uid_map = Known(vec![IdMapping { inside: 0, outside: 100_000, count: 65_536 }]);
    let found = found(&facts);
    assert!(found[0].summary.contains("100000-165535"));
    let rendered = found[0].remedies[0].render(&crate::facts::Launcher::None.into());
    assert_eq!(
        rendered[0].commands,
        ["usermod --del-subuids 100000-165535 podman", "echo podman:1001:64535 >> /etc/subuid"]
    );
}

#[test]
fn a_range_that_another_user_has_is_not_given_again() {
    let mut facts = user();
    (facts.subids.uids, facts.subids.gids) = (Known(vec![]), Known(vec![]));
    facts.subids.taken = Known(vec![SubordinateRange { start: 100_000, count: 65_536 }]);
    facts.identity.uid_map = Known(vec![IdMapping { inside: 0, outside: 0, count: u32::MAX }]);
    facts.identity.gid_map = facts.identity.uid_map.clone();
    let commands = |facts: &Facts| {
        found(facts)[0].remedies[0].render(&crate::facts::Launcher::None.into())[0].commands.clone()
    };
    assert_eq!(commands(&facts), ["echo podman:165536:65536 | tee -a /etc/subuid /etc/subgid"]);
    facts.subids.user = Known(None);
    facts.identity.egid = Known(1000);
    assert_eq!(
        commands(&facts),
        [
            "echo u1000:x:1000:1000::/home/u1000:/bin/sh >> /etc/passwd",
            "echo 1000:165536:65536 | tee -a /etc/subuid /etc/subgid",
        ]
    );
}

#[test]
fn extents_that_touch_hold_a_range_together() {
    let extent = |inside, count| IdMapping { inside, outside: 0, count };
    let range = SubordinateRange { start: 10, count: 10 };
    assert!(ranges::is_inside(range, &[extent(15, 5), extent(0, 15)]));
    assert!(!ranges::is_inside(range, &[extent(0, 14), extent(15, 50)]));
}

#[test]
fn podmans_own_image_passes_and_a_small_range_is_a_warning() {
    let mut facts = user();
    facts.identity.uid_map = Known(vec![IdMapping { inside: 0, outside: 100_000, count: 65_536 }]);
    facts.identity.gid_map = facts.identity.uid_map.clone();
    let recipe = vec![
        SubordinateRange { start: 1, count: 999 },
        SubordinateRange { start: 1001, count: 64_535 },
    ];
    facts.subids.uids = Known(recipe.clone());
    facts.subids.gids = Known(recipe);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.subids.uids = Known(vec![SubordinateRange { start: 1, count: 999 }]);
    assert_eq!(found(&facts)[0].severity, severities!(rootless: Warning, buildkit: Warning));
    facts.subids.uids = Known(vec![SubordinateRange { start: 1, count: 42 }]);
    assert_eq!(found(&facts)[0].severity, severities!(rootless: Warning, buildkit: Warning));
    facts.subids.uids = Known(vec![SubordinateRange { start: 1, count: 1 }]);
    assert_eq!(found(&facts)[0].severity, severities!(rootless: Error, buildkit: Error));
}

/// Each finding has a remedy that cures by itself: with one half of it the same image fails.
#[test]
fn a_remedy_is_for_users_and_for_groups() {
    let mut facts = user();
    let few = SubordinateRange { start: 300_000, count: 100 };
    facts.subids.uids = Known(vec![few]);
    facts.subids.gids = Known(vec![few]);
    for finding in found(&facts) {
        let Change::Tasks(tasks) = &finding.remedies[0].change else { panic!() };
        let [Task::SubordinateIds(grant)] = &tasks[..] else { panic!() };
        assert!(grant.users && grant.groups, "{grant:?}");
    }
    let mut facts = user();
    for program in [&mut facts.subids.newuidmap, &mut facts.subids.newgidmap] {
        let Known(Some(program)) = program else { panic!() };
        program.set_user_id = false;
        program.file_capabilities = Known(false);
    }
    for finding in found(&facts) {
        let Change::Tasks(tasks) = &finding.remedies[0].change else { panic!() };
        assert_eq!(tasks.len(), 2, "{tasks:?}");
    }
}

#[test]
fn programs_without_privilege_are_found() {
    let mut facts = user();
    facts.security.no_new_privs = Known(true);
    assert_eq!(found(&facts).len(), 2);
    let mut facts = user();
    if let Known(Some(program)) = &mut facts.subids.newuidmap {
        program.set_user_id = false;
    }
    assert!(found(&facts)[0].summary.contains("neither"));
    if let Known(Some(program)) = &mut facts.subids.newuidmap {
        program.file_capabilities = Known(true);
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.capabilities.bounding = Known(CapabilitySet::up_to(40).without(CapabilitySet(1 << 7)));
    assert!(found(&facts)[0].summary.contains("CAP_SETUID"));
    let mut facts = user();
    facts.subids.newgidmap = Known(None);
    assert!(found(&facts)[0].summary.contains("newgidmap"));
}

#[test]
fn without_the_facts_it_is_unknown_unless_something_is_certain() {
    let mut facts = user();
    facts.subids.uids = Fact::missing("/etc/subuid", Why::NotRecorded);
    assert!(judged(&facts).is_err());
    facts.subids.newuidmap = Known(None);
    assert_eq!(found(&facts).len(), 1);
    let mut facts = user();
    facts.subids.service = Some("sss".into());
    assert!(judged(&facts).is_err());
}

/// Both programs executed, the first with this result.
fn executed(facts: &mut Facts, said: Option<&str>) {
    use crate::facts::{Action, TrialName};
    let steps = [
        (Action::Unshare, "", None),
        (Action::MapUserIds, "0 1000 1 1 100000 65536", said),
        (Action::ReadIdMap, "uid_map", None),
        (Action::MapGroupIds, "0 1000 1 1 100000 65536", None),
        (Action::ReadIdMap, "gid_map", None),
    ];
    crate::testing::tried(facts, TrialName::Subids, "uid 1000", &steps);
    if said.is_some() {
        facts.trials.runs[0].steps.remove(2);
    }
}

#[test]
fn maps_that_were_written_remove_every_alarm_but_that_of_few_ids() {
    use crate::facts::Ending;
    let mut facts = user();
    facts.security.no_new_privs = Fact::missing("/proc/self/status", Why::NotPermitted);
    let Known(Some(program)) = &mut facts.subids.newuidmap else { panic!() };
    program.set_user_id = false;
    assert_eq!(found(&facts).len(), 1);
    executed(&mut facts, None);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));
    facts.subids.uids = Known(vec![SubordinateRange { start: 100_000, count: 1000 }]);
    let few = found(&facts);
    assert_eq!(few.len(), 1);
    assert_eq!(few[0].severity.get(Target::Rootless), Some(Severity::Warning));
    facts.trials.runs[0].ending = Ending::Skipped("no range".into());
    assert_eq!(found(&facts).len(), 2, "as without a trial");
}

#[test]
fn a_program_that_fails_is_found_or_confirms_what_was_read() {
    use crate::outcome::Proof;
    let said = "newuidmap: write to uid_map failed: Operation not permitted";
    let mut facts = user();
    executed(&mut facts, Some(said));
    let one = found(&facts);
    assert_eq!(one.len(), 1);
    assert!(one[0].summary.ends_with(said), "{}", one[0].summary);
    assert_eq!(one[0].proof(), Proof::Trial);
    facts.security.no_new_privs = Known(true);
    let one = found(&facts);
    assert_eq!(one.len(), 1, "newgidmap worked all the same");
    assert!(one[0].summary.contains("no_new_privs"));
    assert_eq!(one[0].evidence.last().unwrap().value, said);
}

#[test]
fn a_namespace_that_could_not_be_made_says_nothing_of_the_programs() {
    use crate::facts::{Action, TrialName};
    let mut facts = user();
    let steps = [(Action::Unshare, "", Some("EPERM"))];
    crate::testing::tried(&mut facts, TrialName::Subids, "uid 1000", &steps);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

/// Seen with Debian's newuidmap in `docker run --user`, and cured by file capabilities.
#[test]
fn without_cap_sys_admin_the_set_user_id_bit_may_not_be_enough() {
    let mut facts = user();
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    let found = found(&facts);
    assert_eq!(found.len(), 2, "newuidmap and newgidmap");
    assert_eq!(found[0].severity, severities!(rootless: Warning, buildkit: Warning));
    let rendered = found[1].remedies[0].render(&crate::facts::Launcher::None.into());
    let cure = "chmod u-s /usr/bin/newgidmap && setcap cap_setgid=ep /usr/bin/newgidmap";
    assert_eq!(rendered[0].commands, [cure]);
    let programs = [&mut facts.subids.newuidmap, &mut facts.subids.newgidmap];
    for program in programs {
        let Known(Some(program)) = program else { panic!() };
        program.file_capabilities = Known(true);
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

fn of_group(process: u32, account: Option<u32>, other_groups: Fact<bool>) -> Facts {
    let mut facts = user();
    facts.identity.egid = Known(process);
    facts.subids.primary_group = Known(account);
    facts.subids.other_groups = other_groups;
    facts
}

#[test]
fn a_process_of_another_group_than_its_account_is_refused() {
    let facts = of_group(123, Some(12_345), Known(false));
    let found = found(&facts);
    assert_eq!((found.len(), found[0].severity.get(Target::Rootless)), (1, Some(Severity::Error)));
    assert!(found[0].summary.contains("owned by a different user"));
    assert!(found[0].remedies[1].text.contains("/etc/passwd"));
}

#[test]
fn the_same_group_an_exemption_or_an_older_recording_is_fine() {
    let not_asked = || Fact::missing("/etc/login.defs", Why::NotProbed);
    assert_eq!(judged(&of_group(1000, Some(1000), not_asked())), Ok(Outcome::pass()));
    assert_eq!(judged(&of_group(7, Some(1000), Known(true))), Ok(Outcome::pass()));
    assert_eq!(judged(&of_group(7, None, not_asked())), Ok(Outcome::pass()));
    let mut old = user();
    old.subids.primary_group = Fact::missing("/etc/passwd", Why::NotRecorded);
    assert_eq!(judged(&old), Ok(Outcome::pass()));
    let unsaid = Fact::missing("/etc/login.defs", Why::NotRecorded);
    assert_eq!(found(&of_group(7, Some(1000), unsaid)).len(), 1);
    let closed = Fact::missing("/etc/login.defs", Why::NotPermitted);
    assert!(judged(&of_group(7, Some(1000), closed)).is_err());
}

#[test]
fn ranges_by_number_need_an_account_all_the_same() {
    let mut facts = user();
    facts.subids.user = Known(None);
    let one = found(&facts);
    assert!(one[0].summary.contains("Cannot determine your user name"), "{}", one[0].summary);
    facts.subids.accounts = Known(vec!["systemd".into()]);
    assert_eq!(found(&facts).len(), 1);
    facts.subids.accounts = Known(vec!["sss".into()]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "the account may come from there");
    facts.subids.accounts = Fact::missing("/etc/nsswitch.conf", Why::NotRecorded);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

/// A user of a machine whose home is a mount with these options.
fn in_home(options: &[&str]) -> Facts {
    let mut facts = user();
    facts.runtime.container = crate::facts::Tri::No;
    let Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(crate::testing::mount("/root", "btrfs", options));
    facts
}

#[test]
fn a_home_of_systemd_homed_carries_only_ids_of_its_own_range() {
    let mut facts = in_home(&["rw", "nosuid", "idmapped"]);
    let one = found(&facts);
    assert_eq!((one.len(), one[0].severity.get(Target::Rootless)), (1, Some(Severity::Error)));
    let rendered = one[0].remedies[0].render(&crate::facts::Launcher::None.into());
    assert!(rendered[0].commands.iter().any(|c| c.contains("524288")), "{rendered:?}");
    facts.subids.taken = Known(vec![SubordinateRange { start: 524_288, count: 65_536 }]);
    let rendered = found(&facts)[0].remedies[0].render(&crate::facts::Launcher::None.into());
    assert!(rendered[0].commands.iter().any(|c| c.contains("589824")), "{rendered:?}");
    let homed = vec![SubordinateRange { start: 524_288, count: 65_536 }];
    (facts.subids.uids, facts.subids.gids) = (Known(homed.clone()), Known(homed));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn other_homes_and_mapped_volumes_of_containers_are_fine() {
    assert_eq!(judged(&in_home(&["rw"])), Ok(Outcome::pass()));
    let mut facts = in_home(&["rw", "idmapped"]);
    facts.runtime.container = crate::facts::Tri::Yes;
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let mut facts = in_home(&["rw", "idmapped"]);
    facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}
