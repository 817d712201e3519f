//! LXC, and what manages its containers: Incus, LXD, Proxmox VE.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::{
    ContainerSetting, Language, SecurityOption, Snippet, Surroundings, launcher::Form, quote,
};
use crate::facts::{Capability, Launcher};

/// What LXC's `common.conf` takes away from every container.
const DROPPED: [&str; 5] = ["mac_admin", "mac_override", "sys_time", "sys_module", "sys_rawio"];

/// What settings ask of an LXC container.
#[derive(Debug, Default)]
struct Asked {
    /// That engines may run inside: mounts of proc and sysfs, keyrings.
    nesting: bool,
    /// No list of denied system calls.
    no_seccomp: bool,
    /// Lines of LXC's own configuration, as name and value.
    raw: Vec<(String, String)>,
    /// Directories of the host that are mounted in.
    directories: Vec<String>,
    /// Devices of the host.
    devices: Vec<String>,
    /// Variables of the container's init.
    variables: Vec<(String, String)>,
    /// Memory in GiB.
    memory: Option<u32>,
    /// CPUs.
    cpus: Option<u32>,
    /// What LXC has no setting for.
    notes: Vec<String>,
}

/// Commands on the host, or lines of the container's configuration there.
pub(super) fn container(
    settings: &[ContainerSetting],
    launcher: Launcher,
    around: &Surroundings,
) -> Form {
    let asked = Asked::of(settings);
    let name = around.name.as_deref().unwrap_or("CONTAINER");
    match launcher {
        Launcher::Incus => managed(asked, "incus", name, around),
        Launcher::Lxd => managed(asked, "lxc", name, around),
        Launcher::Proxmox => proxmox(asked, name, around),
        _ => plain(asked, name, around),
    }
}

impl Asked {
    fn of(settings: &[ContainerSetting]) -> Self {
        let mut asked = Self::default();
        for setting in settings {
            asked.add(setting);
        }
        asked
    }

    fn add(&mut self, setting: &ContainerSetting) {
        let mut raw = |name: &str, value: &str| self.raw.push((name.into(), value.into()));
        match setting {
            ContainerSetting::Privileged => {
                self.nesting = true;
                self.no_seccomp = true;
                raw("lxc.apparmor.profile", "unconfined");
                raw("lxc.cap.drop", "");
            }
            ContainerSetting::SecurityOption(
                SecurityOption::SystemPathsUnconfined
                | SecurityOption::WritableCgroups
                | SecurityOption::AppArmorUnconfined,
            ) => self.nesting = true,
            ContainerSetting::CapAdd(capability) => self.capability(*capability),
            ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined) => {
                self.no_seccomp = true;
            }
            ContainerSetting::SecurityOption(SecurityOption::LabelDisable) => {
                raw("lxc.selinux.context", "unconfined_t");
            }
            ContainerSetting::Volume(path) => self.directories.push(path.clone()),
            ContainerSetting::Tmpfs(path) => {
                let target = entry(path);
                raw(
                    "lxc.mount.entry",
                    &format!("tmpfs {target} tmpfs nosuid,nodev,create=dir 0 0"),
                );
            }
            ContainerSetting::Device(path) => self.devices.push(path.clone()),
            ContainerSetting::Variable(name, value) => {
                self.variables.push((name.clone(), value.clone()));
            }
            ContainerSetting::UnlimitedPids => raw("lxc.cgroup2.pids.max", "max"),
            ContainerSetting::Memory(gib) => self.memory = Some(*gib),
            ContainerSetting::Cpus(cpus) => self.cpus = Some(*cpus),
            ContainerSetting::Ulimit { name, soft, hard } => {
                let number = |n: &i64| if *n < 0 { "unlimited".into() } else { n.to_string() };
                raw(&format!("lxc.prlimit.{name}"), &format!("{}:{}", number(soft), number(hard)));
            }
            ContainerSetting::Sysctl(name, value) => raw(&format!("lxc.sysctl.{name}"), value),
            ContainerSetting::StopSignal(signal) => raw("lxc.signal.halt", signal),
            ContainerSetting::PrivateCgroupNamespace => self.notes.push(
                "LXC gives each container a cgroup namespace of its own, unless \
                 lxc.namespace.share.cgroup or lxc.namespace.keep says otherwise"
                    .into(),
            ),
            ContainerSetting::Init | ContainerSetting::NoInit => {
                self.notes.push("PID 1 of an LXC container is what lxc.init.cmd names".into());
            }
            ContainerSetting::OwnPidNamespace => {
                self.notes.push("without lxc.namespace.share.pid".into());
            }
            ContainerSetting::Group(gid) => self.notes.push(format!(
                "LXC adds no group to a user: inside, add the user to the group with id {gid}"
            )),
        }
    }

    /// An LXC container has all capabilities but a few, which are given back by dropping the others only.
    fn capability(&mut self, capability: Capability) {
        let name = capability.short_name().to_ascii_lowercase();
        if !DROPPED.contains(&name.as_str()) {
            self.nesting = true;
            return;
        }
        let rest: Vec<&str> = DROPPED.into_iter().filter(|dropped| *dropped != name).collect();
        self.raw.push(("lxc.cap.drop".into(), String::new()));
        self.raw.push(("lxc.cap.drop".into(), rest.join(" ")));
    }
}

/// A path of the container as `fstab(5)` has it, relative to its root.
fn entry(path: &str) -> String {
    path.trim_start_matches('/').replace(' ', "\\040").replace('\n', "\\012")
}

/// Where a directory of the container is on the host, and the commands that make it.
fn directory(name: &str, path: &str, around: &Surroundings) -> (String, Vec<String>) {
    let words: String =
        path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let place = format!("/srv/{name}{words}");
    let mut commands = vec![format!("mkdir -p {}", quote(&place))];
    if let Some(root) = around.root_is.filter(|root| *root != 0) {
        commands.push(format!("chown {root}:{root} {}", quote(&place)));
    }
    (place, commands)
}

fn managed(asked: Asked, tool: &str, name: &str, around: &Surroundings) -> Form {
    let container = quote(name);
    let mut keys: Vec<String> = Vec::new();
    if asked.nesting {
        keys.push("security.nesting=true".into());
        if around.root_is.is_none_or(|root| root != 0) {
            // Overlay whiteouts and file capabilities of image layers.
            keys.push("security.syscalls.intercept.mknod=true".into());
            keys.push("security.syscalls.intercept.setxattr=true".into());
        }
    }
    if asked.no_seccomp {
        keys.push("security.syscalls.deny_default=false".into());
    }
    keys.extend(asked.memory.map(|gib| format!("limits.memory={gib}GiB")));
    keys.extend(asked.cpus.map(|cpus| format!("limits.cpu={cpus}")));
    keys.extend(asked.variables.iter().map(|(name, value)| format!("environment.{name}={value}")));
    let mut notes = asked.notes;
    if !asked.raw.is_empty() {
        let lines: Vec<String> =
            asked.raw.iter().map(|(name, value)| format!("{name}={value}")).collect();
        keys.push(format!("raw.lxc={}", lines.join("\n")));
        notes.push("raw.lxc is replaced: keep the lines that it has".into());
    }
    let mut commands = Vec::new();
    if !keys.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| super::word(key)).collect();
        commands.push(format!("{tool} config set {container} {}", keys.join(" ")));
    }
    for (at, path) in asked.directories.iter().enumerate() {
        let (place, prepare) = directory(name, path, around);
        commands.extend(prepare);
        commands.push(format!(
            "{tool} config device add {container} dind{at} disk {} {}",
            super::word(&format!("source={place}")),
            super::word(&format!("path={path}"))
        ));
    }
    for path in &asked.devices {
        let device = path.trim_start_matches("/dev/").replace('/', "-");
        commands.push(format!(
            "{tool} config device add {container} {} unix-char {}",
            quote(&device),
            super::word(&format!("path={path}"))
        ));
    }
    if !commands.is_empty() {
        commands.push(format!("{tool} restart {container}"));
        notes.insert(0, "on the host".into());
    }
    Form { commands, snippet: None, notes }
}

fn proxmox(asked: Asked, name: &str, around: &Surroundings) -> Form {
    let container = quote(name);
    let mut commands = Vec::new();
    let mut options: Vec<String> = Vec::new();
    if asked.nesting {
        options.push("--features nesting=1,keyctl=1".into());
    }
    options.extend(asked.memory.map(|gib| format!("--memory {}", u64::from(gib) * 1024)));
    options.extend(asked.cpus.map(|cpus| format!("--cores {cpus}")));
    for (at, path) in asked.directories.iter().enumerate() {
        let (place, prepare) = directory(name, path, around);
        commands.extend(prepare);
        options.push(format!("--mp{} {}", at + 8, super::word(&format!("{place},mp={path}"))));
    }
    for (at, path) in asked.devices.iter().enumerate() {
        options.push(format!("--dev{at} {}", quote(path)));
    }
    let mut notes = asked.notes;
    let mut lines = asked.raw;
    if asked.no_seccomp {
        lines.push(("lxc.seccomp.profile".into(), String::new()));
    }
    let variables = asked.variables.into_iter();
    lines
        .extend(variables.map(|(key, value)| ("lxc.environment".into(), format!("{key}={value}"))));
    let snippet = (!lines.is_empty()).then(|| {
        notes.insert(0, format!("the lines go to /etc/pve/lxc/{name}.conf"));
        let lines: Vec<String> =
            lines.iter().map(|(name, value)| one_line(&format!("{name}: {value}"))).collect();
        Snippet::Lines(Language::Ini, lines.join("\n"))
    });
    if !options.is_empty() {
        commands.push(format!("pct set {container} {}", options.join(" ")));
    }
    if snippet.is_some() {
        notes.insert(0, format!("on the Proxmox host, then pct reboot {container}"));
    } else if !commands.is_empty() {
        commands.push(format!("pct reboot {container}"));
        notes.insert(0, "on the Proxmox host".into());
    }
    Form { commands, snippet, notes }
}

/// `lxc.conf(5)`. An empty value forgets what was set before.
fn plain(asked: Asked, name: &str, around: &Surroundings) -> Form {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |name: &str, value: &str| lines.push((name.into(), value.into()));
    if asked.nesting {
        line("lxc.mount.auto", "");
        line("lxc.mount.auto", "proc:rw sys:rw cgroup:rw");
        if !asked.raw.iter().any(|(key, _)| key == "lxc.apparmor.profile") {
            line("lxc.apparmor.profile", "unconfined");
        }
        line("lxc.cgroup2.devices.allow", "a");
    }
    if asked.no_seccomp {
        line("lxc.seccomp.profile", "");
    }
    if let Some(gib) = asked.memory {
        line("lxc.cgroup2.memory.max", &format!("{gib}G"));
    }
    let mut notes = asked.notes;
    if asked.nesting {
        notes.push(format!(
            "Incus, LXD: incus|lxc config set {name} security.nesting=true; Proxmox: pct set ID \
             --features nesting=1,keyctl=1"
        ));
    }
    if let Some(cpus) = asked.cpus {
        line("lxc.cgroup2.cpu.max", &format!("{} 100000", u64::from(cpus) * 100_000));
    }
    let mut commands = Vec::new();
    for path in &asked.directories {
        let (place, prepare) = directory(name, path, around);
        commands.extend(prepare);
        let bind = format!("{} {} none bind,create=dir 0 0", entry_of_host(&place), entry(path));
        line("lxc.mount.entry", &bind);
    }
    for path in &asked.devices {
        let bind = format!("{path} {} none bind,create=file 0 0", entry(path));
        line("lxc.mount.entry", &bind);
        match path.as_str() {
            "/dev/fuse" => line("lxc.cgroup2.devices.allow", "c 10:229 rwm"),
            "/dev/net/tun" => line("lxc.cgroup2.devices.allow", "c 10:200 rwm"),
            "/dev/kmsg" => line("lxc.cgroup2.devices.allow", "c 1:11 rwm"),
            _ => notes.push(format!("allow {path} by lxc.cgroup2.devices.allow, too")),
        }
    }
    lines.extend(asked.raw);
    let variables = asked.variables.into_iter();
    lines
        .extend(variables.map(|(key, value)| ("lxc.environment".into(), format!("{key}={value}"))));
    if lines.is_empty() {
        return Form { commands, snippet: None, notes };
    }
    notes.insert(
        0,
        format!(
            "on the host, at the end of /var/lib/lxc/{name}/config; then lxc-stop -n {0} && lxc-start -n {0}",
            quote(name)
        ),
    );
    let lines: Vec<String> =
        lines.iter().map(|(name, value)| one_line(&format!("{name} = {value}"))).collect();
    let lines = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    Form { commands, snippet: Some(Snippet::Lines(Language::Ini, lines)), notes }
}

fn entry_of_host(path: &str) -> String {
    format!("/{}", entry(path))
}

/// A line is a setting.
fn one_line(line: &str) -> String {
    line.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, launcher: Launcher) -> Surroundings {
        Surroundings { name: Some(name.into()), ..launcher.into() }
    }

    #[test]
    fn each_manager_has_its_command() {
        let settings = [ContainerSetting::SecurityOption(SecurityOption::SystemPathsUnconfined)];
        let of =
            |name: &str, launcher| container(&settings, launcher, &named(name, launcher)).commands;
        assert_eq!(
            of("ci", Launcher::Incus),
            [
                "incus config set ci security.nesting=true security.syscalls.intercept.mknod=true \
                 security.syscalls.intercept.setxattr=true",
                "incus restart ci"
            ]
        );
        assert_eq!(
            of("101", Launcher::Proxmox),
            ["pct set 101 --features nesting=1,keyctl=1", "pct reboot 101"]
        );
        assert!(of("ci", Launcher::Lxd)[0].starts_with("lxc config set ci security.nesting=true"));
        let plain = container(&settings, Launcher::Lxc, &named("ci", Launcher::Lxc));
        assert!(plain.notes[0].ends_with("lxc-stop -n ci && lxc-start -n ci"));
    }

    #[test]
    fn plain_lxc_gets_the_lines_with_which_docker_ran_in_it() {
        let form = container(&[ContainerSetting::Privileged], Launcher::Lxc, &Launcher::Lxc.into());
        let want = "lxc.mount.auto =\nlxc.mount.auto = proc:rw sys:rw cgroup:rw\n\
                    lxc.cgroup2.devices.allow = a\nlxc.seccomp.profile =\n\
                    lxc.apparmor.profile = unconfined\nlxc.cap.drop =";
        assert_eq!(form.snippet, Some(Snippet::Lines(Language::Ini, want.into())));
        assert!(form.notes[0].contains("/var/lib/lxc/CONTAINER/config"));
    }

    #[test]
    fn a_directory_belongs_to_the_root_of_the_container() {
        let around = Surroundings { root_is: Some(100_000), ..named("101", Launcher::Proxmox) };
        let volume = [ContainerSetting::Volume("/var/lib/docker".into())];
        assert_eq!(
            container(&volume, Launcher::Proxmox, &around).commands,
            [
                "mkdir -p /srv/101-var-lib-docker",
                "chown 100000:100000 /srv/101-var-lib-docker",
                "pct set 101 --mp8 /srv/101-var-lib-docker,mp=/var/lib/docker",
                "pct reboot 101",
            ]
        );
    }

    #[test]
    fn a_dropped_capability_is_given_back_alone() {
        let form = container(
            &[ContainerSetting::CapAdd(Capability::SYS_MODULE)],
            Launcher::Lxc,
            &Launcher::Lxc.into(),
        );
        let want = "lxc.cap.drop =\nlxc.cap.drop = mac_admin mac_override sys_time sys_rawio";
        assert_eq!(form.snippet, Some(Snippet::Lines(Language::Ini, want.into())));
    }
}
