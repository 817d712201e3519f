//! The commands of a step, to paste into a POSIX shell.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::{Loader, ParentOf, RuleTool, SubordinateGrant, Task};
use crate::remedy::quote::{quote, word};

/// Where engines look for the unified hierarchy.
const MOUNT_POINT: &str = "/sys/fs/cgroup";

impl Task {
    /// The commands that carry it out, in their order.
    pub fn commands(&self) -> Vec<String> {
        match self {
            Self::Sysctl { values, file } => sysctl(values, file.as_deref()),
            Self::Modules { names, file } => modules(names, file.as_deref()),
            Self::KernelArguments { add, remove, loader } => kernel(add, remove, *loader),
            Self::Mount { kind, source, options, target, make } => {
                let made = make.then(|| format!("mkdir -p {}", quote(target)));
                let options = if options.is_empty() {
                    String::new()
                } else {
                    format!(" -o {}", quote(options))
                };
                let mount =
                    format!("mount -t {}{options} {} {}", word(kind), quote(source), quote(target));
                made.into_iter().chain([mount]).collect()
            }
            Self::Remount { options, target } => {
                vec![format!("mount -o {} {}", word(options), quote(target))]
            }
            Self::Unmount { target, remove } => {
                let removed = remove.then(|| format!("rmdir {}", quote(target)));
                [format!("umount {}", quote(target))].into_iter().chain(removed).collect()
            }
            Self::Propagation { target, bind } => {
                let target = quote(target);
                let bound = bind.then(|| format!("mount --bind {target} {target}"));
                bound.into_iter().chain([format!("mount --make-rshared {target}")]).collect()
            }
            Self::CgroupLeaf { directory } => evacuate(directory),
            Self::CgroupParent(ParentOf::Memory) => vec![
                "exec dockerd --cgroup-parent=\"$(awk -F: '$2 ~ /(^|,)memory(,|$)/ { print $3 }' \
                 /proc/self/cgroup)/docker\""
                    .into(),
            ],
            Self::CgroupParent(ParentOf::Unified) => below_own(),
            Self::CgroupNamespace { command, prepared: false } => {
                vec![format!("unshare --cgroup -- {command}")]
            }
            Self::CgroupNamespace { command, prepared: true } => vec![renamespaced(command)],
            Self::CgroupDirectory { path, make, cpuset } => directory(path, *make, *cpuset),
            Self::Write { path, value } => vec![format!("{} {} > {}", print(value), word(value), quote(path))],
            Self::RemoveFile(path) => vec![format!("rm -f {}", quote(path))],
            Self::RemoveDirectory(path) => vec![format!("rmdir {}", quote(path))],
            Self::Mode { path, mode } => vec![format!("chmod {mode:o} {}", quote(path))],
            Self::File { path, lines } => file(path, lines),
            Self::SubordinateIds(ids) => subordinate(ids),
            Self::Packages { debian, .. } => {
                vec![format!("apt-get update && apt-get install -y {}", debian.join(" "))]
            }
            Self::Alternative { program, path } => {
                vec![format!("update-alternatives --set {} {}", quote(program), quote(path))]
            }
            Self::Rule { tool, table, chain, rule } => {
                let begin = match tool {
                    RuleTool::Nft => "nft insert rule",
                    RuleTool::Iptables => "iptables -t",
                };
                let chain = match tool {
                    RuleTool::Nft => word(chain),
                    RuleTool::Iptables => format!("-A {}", word(chain)),
                };
                vec![format!("{begin} {} {chain} {}", words(table), words(rule))]
            }
            Self::Environment { set, unset } => {
                let set: Vec<String> =
                    set.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let set = (!set.is_empty()).then(|| format!("export {}", set.join(" ")));
                let unset = unset.iter().map(|name| format!("unset {name}"));
                set.into_iter().chain(unset).collect()
            }
            Self::InitInImage => vec![
                "if command -v apk; then apk add --no-cache tini; elif command -v apt-get; then apt-get update && \
                 apt-get install -y tini; else dnf install -y tini; fi"
                    .into(),
            ],
            Self::UnderInit => vec!["exec docker-init -- dockerd \"$@\"".into()],
            Self::FileCapability { path, capability } => {
                vec![format!("chmod u-s {0} && setcap {capability} {0}", quote(path))]
            }
            Self::SetUserId { path } => {
                vec![format!("chown root:root {0} && chmod u+s {0}", quote(path))]
            }
        }
    }
}

/// What prints this line as it is: the echo of some shells reads escapes.
fn print(line: &str) -> &'static str {
    if line.contains('\\') || line.starts_with('-') { "printf '%s\\n'" } else { "echo" }
}

fn words(lines: &[String]) -> String {
    lines.iter().map(|line| word(line)).collect::<Vec<_>>().join(" ")
}

/// A piece of a unit is in a directory of its own, and systemd is told.
fn file(path: &str, lines: &[String]) -> Vec<String> {
    let written = match lines {
        [line] => format!("{} {} > {}", print(line), quote(line), quote(path)),
        lines => format!("printf '%s\\n' {} > {}", words(lines), quote(path)),
    };
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let made = format!("mkdir -p {}", quote(directory));
    match directory {
        systemd if systemd.starts_with("/etc/systemd/") => {
            vec![made, written, "systemctl daemon-reload".into()]
        }
        // Not every image with a udev rule's device has udev.
        udev if udev.starts_with("/etc/udev/") => vec![made, written],
        _ => vec![written],
    }
}

fn sysctl(values: &[(String, String)], file: Option<&str>) -> Vec<String> {
    let pairs: Vec<String> =
        values.iter().map(|(name, value)| word(&format!("{name}={value}"))).collect();
    let mut commands = vec![format!("sysctl -w {}", pairs.join(" "))];
    if let Some(file) = file {
        let print = if pairs.len() == 1 { "echo" } else { "printf '%s\\n'" };
        commands.push(format!("{print} {} > /etc/sysctl.d/{file}", pairs.join(" ")));
    }
    commands
}

fn modules(names: &[String], file: Option<&str>) -> Vec<String> {
    let all = if names.len() == 1 { "" } else { "-a " };
    let mut commands = vec![format!("modprobe {all}{}", names.join(" "))];
    if let Some(file) = file {
        let print = if names.len() == 1 { "echo" } else { "printf '%s\\n'" };
        commands.push(format!("{print} {} > /etc/modules-load.d/{file}", names.join(" ")));
    }
    commands
}

fn kernel(add: &[String], remove: &[String], loader: Loader) -> Vec<String> {
    match loader {
        Loader::Grubby => {
            let mut line = String::from("grubby --update-kernel=ALL");
            if !add.is_empty() {
                line = format!("{line} --args={}", quote(&add.join(" ")));
            }
            if !remove.is_empty() {
                line = format!("{line} --remove-args={}", quote(&remove.join(" ")));
            }
            vec![line]
        }
        Loader::RaspberryPi => vec![
            format!("sed -i '1s/$/ {}/' /boot/firmware/cmdline.txt", add.join(" ")),
            "reboot".into(),
        ],
        Loader::Grub => {
            let out = remove.iter().map(|word| format!("s/ *{word}//g"));
            let inside = add
                .iter()
                .map(|word| format!("s/^\\(GRUB_CMDLINE_LINUX=\"[^\"]*\\)\"/\\1 {word}\"/"));
            let edits: Vec<String> = out.chain(inside).collect();
            vec![
                format!("sed -i '{}' /etc/default/grub", edits.join(";")),
                "update-grub".into(),
                "reboot".into(),
            ]
        }
    }
}

fn directory(path: &str, make: bool, cpuset: bool) -> Vec<String> {
    let begin = make.then(|| format!("mkdir -p {}", quote(path)));
    let filled = ["cpuset.cpus", "cpuset.mems"].into_iter().filter(|_| cpuset).map(|file| {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        format!("cat {} > {}", quote(&format!("{parent}/{file}")), quote(&format!("{path}/{file}")))
    });
    begin.into_iter().chain(filled).collect()
}

fn subordinate(ids: &SubordinateGrant) -> Vec<String> {
    let mut commands: Vec<String> = ids
        .account
        .iter()
        .map(|line| format!("{} {} >> /etc/passwd", print(line), word(line)))
        .collect();
    let user = quote(&ids.user);
    for (word, ranges) in [("uid", &ids.remove_users), ("gid", &ids.remove_groups)] {
        let gone = ranges
            .iter()
            .map(|(first, last)| format!("usermod --del-sub{word}s {first}-{last} {user}"));
        commands.extend(gone);
    }
    let line = format!("{}:{}:{}", ids.user, ids.start, ids.count);
    let (print, line) = (print(&line), quote(&line));
    commands.push(match (ids.users, ids.groups) {
        (true, true) => format!("{print} {line} | tee -a /etc/subuid /etc/subgid"),
        (true, false) => format!("{print} {line} >> /etc/subuid"),
        (false, _) => format!("{print} {line} >> /etc/subgid"),
    });
    commands
}

/// Moves every process of `directory` into the leaf `init`, and enables for its other children what it
/// has. Processes fork meanwhile, so this is tried until the kernel accepts it, and not for ever. The
/// leaf gets the CPU quota too, because Go and Java look for it in their own cgroup only.
fn evacuate(directory: &str) -> Vec<String> {
    let path = |name: &str| quote(&format!("{directory}/{name}"));
    let (procs, leaf) = (path("cgroup.procs"), path("init/cgroup.procs"));
    let (available, enabled) = (path("cgroup.controllers"), path("cgroup.subtree_control"));
    let (quota, leaf_quota) = (path("cpu.max"), path("init/cpu.max"));
    vec![
        format!("mkdir -p {}", path("init")),
        format!(
            "for i in $(seq 50); do xargs -rn1 < {procs} > {leaf} 2>/dev/null || :; \
             sed -e \"s/ / +/g\" -e \"s/^/+/\" < {available} > {enabled} 2>/dev/null && break; \
             sleep 0.1; done"
        ),
        format!("[ ! -e {quota} ] || cat {quota} > {leaf_quota}"),
    ]
}

/// Starts `command` in a cgroup namespace of its own, with a mount that agrees with it and nesting
/// prepared. The mount has to be made anew: the old one keeps showing the tree that it was made in.
fn renamespaced(command: &str) -> String {
    let mut script =
        vec![format!("umount {MOUNT_POINT}"), format!("mount -t cgroup2 cgroup2 {MOUNT_POINT}")];
    script.extend(evacuate(MOUNT_POINT));
    script.push("exec \"$@\"".to_string());
    format!("unshare --cgroup -- sh -ec {} -- {command}", quote(&script.join("; ")))
}

/// Starts dockerd with its containers below the cgroup in which the container finds itself at each start.
fn below_own() -> Vec<String> {
    let own =
        "own=$(sed -n \"s/^0:://p\" /proc/self/cgroup); own=${own%/init}; base=/sys/fs/cgroup$own";
    vec![
        own.into(),
        "mkdir -p \"$base/init\"".into(),
        "for i in $(seq 50); do xargs -rn1 < \"$base/cgroup.procs\" > \"$base/init/cgroup.procs\" 2>/dev/null || :; \
         sed -e \"s/ / +/g\" -e \"s/^/+/\" < \"$base/cgroup.controllers\" > \"$base/cgroup.subtree_control\" \
         2>/dev/null && break; sleep 0.1; done"
            .into(),
        "exec dockerd --cgroup-parent=\"$own/docker\"".into(),
    ]
}
