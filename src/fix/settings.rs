//! Settings of how the container is launched, joined.

use dind_doctor_checks::remedy::ContainerSetting::{
    self, CapAdd, Cpus, Device, Init, Memory, NoInit, Privileged, SecurityOption, Sysctl, Ulimit,
    Variable,
};

use super::{Lost, Traced};

/// Adds a setting: one that is there already is asked for by more, of two limits the larger one serves both, and of
/// two that exclude each other the first stays.
pub(super) fn add(
    all: &mut Vec<Traced<ContainerSetting>>,
    new: Traced<ContainerSetting>,
    lost: &mut Vec<Lost>,
) {
    for old in all.iter_mut() {
        match joined(&old.value, &new.value) {
            Joined::Apart => {}
            Joined::As(value) => {
                old.value = value;
                return old.also(&new.why);
            }
            Joined::Not(because) => {
                let because = format!("{because} ({})", old.why.join(", "));
                return lost.push(Lost { what: name(&new.value), why: new.why, because });
            }
        }
    }
    all.push(new);
}

/// What a privileged container has in any case goes, and is asked of that.
pub(super) fn subsume(all: &mut Vec<Traced<ContainerSetting>>) {
    let Some(at) = all.iter().position(|setting| setting.value == Privileged) else { return };
    let mut whole = all.remove(at);
    all.retain(|setting| {
        let within = matches!(setting.value, CapAdd(_) | SecurityOption(_) | Device(_));
        if within {
            whole.also(&setting.why);
        }
        !within
    });
    all.insert(0, whole);
}

enum Joined {
    Apart,
    As(ContainerSetting),
    Not(&'static str),
}

fn joined(old: &ContainerSetting, new: &ContainerSetting) -> Joined {
    if old == new {
        return Joined::As(old.clone());
    }
    match (old, new) {
        (Init, NoInit) | (NoInit, Init) => Joined::Not("an init is either PID 1 or is not"),
        (Memory(a), Memory(b)) => Joined::As(Memory(*a.max(b))),
        (Cpus(a), Cpus(b)) => Joined::As(Cpus(*a.max(b))),
        (
            Ulimit { name, soft, hard },
            Ulimit { name: other, soft: other_soft, hard: other_hard },
        ) if name == other => Joined::As(Ulimit {
            name: name.clone(),
            soft: more(*soft, *other_soft),
            hard: more(*hard, *other_hard),
        }),
        (Sysctl(name, _), Sysctl(other, _)) | (Variable(name, _), Variable(other, _))
            if name == other =>
        {
            Joined::Not("another value is asked for")
        }
        _ => Joined::Apart,
    }
}

/// Of two limits the larger; -1 is none.
fn more(a: i64, b: i64) -> i64 {
    if a < 0 || b < 0 { -1 } else { a.max(b) }
}

/// In the words of `docker run`.
fn name(setting: &ContainerSetting) -> String {
    match setting {
        Init => "--init".to_owned(),
        NoInit => "--init=false".to_owned(),
        Sysctl(name, value) => format!("--sysctl {name}={value}"),
        Variable(name, value) => format!("-e {name}={value}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(
        settings: &[(ContainerSetting, &'static str)],
    ) -> (Vec<Traced<ContainerSetting>>, Vec<Lost>) {
        let (mut all, mut lost) = (Vec::new(), Vec::new());
        for (setting, id) in settings {
            add(&mut all, Traced::new(setting.clone(), id), &mut lost);
        }
        subsume(&mut all);
        (all, lost)
    }

    #[test]
    fn of_two_limits_the_larger_serves_both() {
        let hard = |soft, hard| Ulimit { name: "nofile".into(), soft, hard };
        let (all, lost) =
            all(&[(Memory(4), "a"), (Memory(8), "b"), (hard(5, -1), "a"), (hard(9, 9), "b")]);
        let values: Vec<_> = all.iter().map(|setting| setting.value.clone()).collect();
        assert_eq!(values, [Memory(8), hard(9, -1)]);
        assert!(lost.is_empty() && all[0].why == ["a", "b"]);
    }

    #[test]
    fn of_two_that_exclude_each_other_the_second_is_lost_and_said() {
        let (all, lost) = all(&[(Init, "pid1-no-reaper"), (NoInit, "init-flag-conflict")]);
        assert_eq!(all.len(), 1);
        assert_eq!(
            (lost[0].what.as_str(), &*lost[0].why),
            ("--init=false", &["init-flag-conflict"][..])
        );
        assert!(lost[0].because.ends_with("(pid1-no-reaper)"), "{lost:?}");
    }

    #[test]
    fn privileged_holds_what_is_in_it_and_its_reasons() {
        let device = Device("/dev/fuse".into());
        let (all, lost) = all(&[(device, "dev-nodes-missing"), (Privileged, "privilege-missing")]);
        assert_eq!((all.len(), lost.len()), (1, 0));
        assert_eq!(all[0].why, ["privilege-missing", "dev-nodes-missing"]);
    }
}
