//! systemd-nspawn: its command, and the `.nspawn` file.

use alloc::{format, string::String, vec::Vec};

use super::{
    ContainerSetting, Language, SecurityOption, Snippet, Surroundings, argument, launcher::Form,
    podman::specifier, quote,
};

/// What runc calls and nspawn's list of allowed system calls does not have (`src/nspawn/nspawn-seccomp.c`).
const SYSTEM_CALLS: &str = "add_key keyctl bpf";

/// What settings ask of nspawn.
#[derive(Debug, Default)]
struct Asked {
    /// Variables of nspawn's own environment.
    environment: Vec<&'static str>,
    /// Its arguments, not yet quoted.
    arguments: Vec<String>,
    /// Lines of the section `[Exec]`.
    exec: Vec<String>,
    /// Lines of the section `[Files]`.
    files: Vec<String>,
    /// Commands on the host before it.
    before: Vec<String>,
    notes: Vec<String>,
}

/// A `systemd-nspawn` line, and the `.nspawn` file of the machine (`systemd.nspawn(5)`).
pub(super) fn container(settings: &[ContainerSetting], around: &Surroundings) -> Form {
    let name = around.name.as_deref().unwrap_or("CONTAINER");
    let mut asked = Asked::default();
    for setting in settings {
        asked.add(setting, name);
    }
    asked.environment.dedup();
    let mut notes = asked.notes;
    let mut sections = Vec::new();
    for (section, lines) in [("[Exec]", asked.exec), ("[Files]", asked.files)] {
        if !lines.is_empty() {
            sections.push(format!("{section}\n{}", lines.join("\n")));
        }
    }
    let snippet = (!sections.is_empty()).then(|| {
        notes.push(format!("the lines below are for /etc/systemd/nspawn/{name}.nspawn"));
        Snippet::Lines(Language::Ini, sections.join("\n\n"))
    });
    let mut commands = asked.before;
    if !asked.arguments.is_empty() || !asked.environment.is_empty() {
        let variables = asked.environment.iter().map(|variable| format!("{variable} "));
        let arguments: Vec<String> = asked.arguments.iter().map(|word| argument(word)).collect();
        let line = format!(
            "{}systemd-nspawn --machine={} {}",
            variables.collect::<String>(),
            quote(name),
            arguments.join(" ")
        );
        commands.push(line.trim_end().into());
        notes.insert(0, "on the host, add this to the command that starts it".into());
    }
    Form { commands, snippet, notes }
}

impl Asked {
    fn set(&mut self, argument: impl Into<String>, line: impl Into<String>) {
        self.arguments.push(argument.into());
        self.exec.push(line.into());
    }

    fn writable(&mut self) {
        self.environment.push("SYSTEMD_NSPAWN_API_VFS_WRITABLE=1");
        self.notes.push(
            "for systemd-nspawn@.service, the variable is Environment= in a drop-in of the unit"
                .into(),
        );
    }

    fn system_calls(&mut self) {
        self.set(
            format!("--system-call-filter={SYSTEM_CALLS}"),
            format!("SystemCallFilter={SYSTEM_CALLS}"),
        );
    }

    fn add(&mut self, setting: &ContainerSetting, name: &str) {
        match setting {
            ContainerSetting::Privileged => {
                self.writable();
                self.set("--capability=all", "Capability=all");
                self.system_calls();
            }
            ContainerSetting::CapAdd(capability) => {
                self.set(format!("--capability={capability}"), format!("Capability={capability}"));
            }
            ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined) => {
                self.system_calls();
            }
            ContainerSetting::SecurityOption(
                SecurityOption::SystemPathsUnconfined | SecurityOption::WritableCgroups,
            ) => self.writable(),
            ContainerSetting::SecurityOption(
                SecurityOption::AppArmorUnconfined | SecurityOption::LabelDisable,
            ) => self.notes.push(
                "systemd-nspawn confines nothing by itself: look at the profile or context of the \
                 service that starts it"
                    .into(),
            ),
            ContainerSetting::PrivateCgroupNamespace => {
                self.notes.push(
                    "it gives each container one, unless SYSTEMD_NSPAWN_USE_CGNS=0 is set".into(),
                );
            }
            ContainerSetting::Volume(path) => {
                let words: String =
                    path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
                let place = format!("/srv/{name}{words}");
                self.before.push(format!("mkdir -p {}", quote(&place)));
                let target = path.replace('\\', "\\\\").replace(':', "\\:");
                self.arguments.push(format!("--bind={place}:{target}"));
                self.files.push(format!("Bind={place}:{}", specifier(&target)));
            }
            ContainerSetting::Tmpfs(path) => {
                self.arguments.push(format!("--tmpfs={path}"));
                self.files.push(format!("TemporaryFileSystem={}", specifier(path)));
            }
            ContainerSetting::Device(path) => {
                self.arguments.push(format!("--bind={path}"));
                self.arguments.push(format!("--property=DeviceAllow={path} rwm"));
                self.files.push(format!("Bind={}", specifier(path)));
            }
            ContainerSetting::Init => self.set("--as-pid2", "ProcessTwo=yes"),
            ContainerSetting::NoInit => self.notes.push("without --as-pid2".into()),
            ContainerSetting::OwnPidNamespace => {
                self.notes.push("without SYSTEMD_NSPAWN_SHARE_NS_PID in its environment".into());
            }
            ContainerSetting::Variable(name, value) => self.set(
                format!("--setenv={name}={value}"),
                format!("Environment={}", argument(&specifier(&format!("{name}={value}")))),
            ),
            ContainerSetting::UnlimitedPids => {
                self.arguments.push("--property=TasksMax=infinity".into());
            }
            ContainerSetting::Memory(gib) => {
                self.arguments.push(format!("--property=MemoryMax={gib}G"));
            }
            ContainerSetting::Cpus(cpus) => {
                self.arguments.push(format!("--property=CPUQuota={}%", u64::from(*cpus) * 100));
            }
            ContainerSetting::Ulimit { name, soft, hard } => {
                let number = |n: &i64| if *n < 0 { "infinity".into() } else { format!("{n}") };
                let (name, value) =
                    (name.to_ascii_uppercase(), format!("{}:{}", number(soft), number(hard)));
                self.set(format!("--rlimit=RLIMIT_{name}={value}"), format!("Limit{name}={value}"));
            }
            ContainerSetting::Sysctl(key, value) => self.notes.push(format!(
                "systemd-nspawn sets no sysctl: with SYSTEMD_NSPAWN_API_VFS_WRITABLE=1, inside, \
                 sysctl -w {}",
                quote(&format!("{key}={value}"))
            )),
            ContainerSetting::StopSignal(signal) => {
                self.set(format!("--kill-signal={signal}"), format!("KillSignal={signal}"));
            }
            ContainerSetting::Group(gid) => self.notes.push(format!(
                "it adds no group to a user: inside, add the user to the group with id {gid}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Launcher;

    #[test]
    fn the_command_with_which_docker_ran_in_it_and_its_file() {
        let around = Surroundings { name: Some("ci".into()), ..Launcher::Nspawn.into() };
        let form = container(&[ContainerSetting::Privileged], &around);
        assert_eq!(
            form.commands,
            ["SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 systemd-nspawn --machine=ci --capability=all \
              --system-call-filter='add_key keyctl bpf'"]
        );
        let file = "[Exec]\nCapability=all\nSystemCallFilter=add_key keyctl bpf";
        assert_eq!(form.snippet, Some(Snippet::Lines(Language::Ini, file.into())));
    }

    #[test]
    fn what_it_cannot_say_is_said_in_words() {
        for setting in [
            ContainerSetting::PrivateCgroupNamespace,
            ContainerSetting::Sysctl("a".into(), "1".into()),
            ContainerSetting::Group(7),
        ] {
            let form = container(&[setting], &Launcher::Nspawn.into());
            assert!(form.commands.is_empty() && form.snippet.is_none() && form.notes.len() == 1);
        }
    }

    #[test]
    fn places_are_mounted_from_the_host() {
        let volume = [ContainerSetting::Volume("/var/lib/docker".into())];
        let form = container(&volume, &Launcher::Nspawn.into());
        assert_eq!(
            form.commands,
            [
                "mkdir -p /srv/CONTAINER-var-lib-docker",
                "systemd-nspawn --machine=CONTAINER \
                 --bind=/srv/CONTAINER-var-lib-docker:/var/lib/docker",
            ]
        );
    }
}
