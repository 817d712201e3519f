//! What to change, taken together: one way to launch the container, one set of options for the daemon.

use dind_doctor_checks::remedy::{Change, ContainerSetting, DaemonOption, Remedy};

/// The first remedies of what was found, those of a kind merged into one.
#[derive(Debug, Default, PartialEq)]
pub struct Prescription {
    /// How the container is to be launched.
    pub container: Option<Remedy>,
    /// How dockerd is to be started.
    pub daemon: Option<Remedy>,
}

impl Prescription {
    /// Merges the launching and the options that these remedies ask for, the first of two that contradict each other;
    /// what else they say stays with them.
    pub fn of<'a>(remedies: impl IntoIterator<Item = &'a Remedy>) -> Self {
        let (mut settings, mut options) = (Vec::new(), Vec::new());
        for remedy in remedies {
            for step in std::iter::once(remedy).chain(&remedy.then) {
                match &step.change {
                    Change::Container(more) => {
                        for setting in more {
                            add(&mut settings, setting);
                        }
                    }
                    Change::Daemon(more) => {
                        for option in more {
                            add_option(&mut options, option);
                        }
                    }
                    _ => {}
                }
            }
        }
        if settings.contains(&ContainerSetting::Privileged) {
            settings.retain(|setting| !is_in_privileged(setting));
        }
        let container = (!settings.is_empty())
            .then(|| Remedy::container("start the container like this", settings));
        let daemon =
            (!options.is_empty()).then(|| Remedy::daemon("start dockerd like this", options));
        Self { container, daemon }
    }

    /// Whether all that the remedy changes is in it.
    pub fn holds(&self, remedy: &Remedy) -> bool {
        let is_held = |change: &Change| match change {
            Change::Container(_) => self.container.is_some(),
            Change::Daemon(_) => self.daemon.is_some(),
            _ => false,
        };
        is_held(&remedy.change) && remedy.then.iter().all(|step| is_held(&step.change))
    }
}

fn add(settings: &mut Vec<ContainerSetting>, setting: &ContainerSetting) {
    use ContainerSetting::{Cpus, Init, Memory, NoInit, OwnPidNamespace, Ulimit};
    let excludes = |other: &ContainerSetting| match (other, setting) {
        (Init, NoInit | OwnPidNamespace)
        | (NoInit | OwnPidNamespace, Init)
        | (Memory(_), Memory(_))
        | (Cpus(_), Cpus(_)) => true,
        (Ulimit { name, .. }, Ulimit { name: other, .. }) => name == other,
        (other, setting) => other == setting,
    };
    if !settings.iter().any(excludes) {
        settings.push(setting.clone());
    }
}

fn add_option(options: &mut Vec<DaemonOption>, option: &DaemonOption) {
    if !options.iter().any(|known| known.keys == option.keys) {
        options.push(option.clone());
    }
}

/// What a privileged container has in any case.
const fn is_in_privileged(setting: &ContainerSetting) -> bool {
    matches!(
        setting,
        ContainerSetting::CapAdd(_)
            | ContainerSetting::SecurityOption(_)
            | ContainerSetting::Device(_)
    )
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::remedy::{Place, SecurityOption};

    use super::*;

    fn settings(remedies: &[Remedy]) -> Vec<ContainerSetting> {
        match Prescription::of(remedies).container.map(|remedy| remedy.change) {
            Some(Change::Container(settings)) => settings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_findings_make_one_command_in_which_each_setting_stands_once() {
        let volume = ContainerSetting::Volume("/var/lib/docker".into());
        let seccomp = ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined);
        let remedies = [
            Remedy::container("no filter", [seccomp]),
            Remedy::container("room", [volume.clone()]),
            Remedy::container("everything", [ContainerSetting::Privileged, volume.clone()]),
        ];
        assert_eq!(settings(&remedies), [volume, ContainerSetting::Privileged]);
    }

    #[test]
    fn of_two_that_contradict_each_other_the_first_counts() {
        let init = Remedy::container("reap", [ContainerSetting::Init, ContainerSetting::Memory(4)]);
        let none =
            Remedy::container("no init", [ContainerSetting::NoInit, ContainerSetting::Memory(8)]);
        assert_eq!(settings(&[init, none]), [ContainerSetting::Init, ContainerSetting::Memory(4)]);
    }

    #[test]
    fn what_is_merged_is_held_and_what_is_not_stays_with_its_finding() {
        let launch = Remedy::container("let it", [ContainerSetting::Privileged]);
        let daemon =
            Remedy::daemon("carry less", [DaemonOption::mtu(1400), DaemonOption::mtu(1450)]);
        let host = Remedy::commands(Place::Host, "load it", ["modprobe fuse"]);
        let all = Prescription::of([&launch, &daemon, &host]);
        assert!(all.holds(&launch) && all.holds(&daemon) && !all.holds(&host));
        assert!(!all.holds(&launch.clone().then(host)), "a step of it is told nowhere else");
        let Some(Remedy { change: Change::Daemon(options), .. }) = &all.daemon else { panic!() };
        assert_eq!(*options, [DaemonOption::mtu(1400)]);
        assert_eq!(Prescription::of([]), Prescription::default());
    }
}
