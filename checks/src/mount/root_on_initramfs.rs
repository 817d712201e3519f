use alloc::format;

use crate::{
    facts::{Facts, Role},
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, Provider},
    remedy::{Language, Place, Remedy, Snippet},
    target::Target,
};

check! {
    /// ## What it looks at
    /// Whether `/` is the kernel's initial root, `rootfs` in `/proc/self/mountinfo`: the ramfs or tmpfs into which the
    /// initramfs was unpacked.
    ///
    /// ## Why it matters
    /// Runtimes leave the old root by `pivot_root(2)`, and the kernel lets nobody leave the initial one that way: it has
    /// no parent. So runc, crun and bubblewrap end with `invalid argument`, whatever rights they have. Nodes that boot
    /// over the network, live systems and images of one board go on in it.
    ///
    /// ## When it is fine
    /// Where the initramfs hands over with `switch_root`, to a disk or to a tmpfs, as all distributions do. A container
    /// that was made there without `pivot_root` has a root of its own.
    ///
    /// ## How to fix
    /// Let dockerd do without `pivot_root`: `DOCKER_RAMDISK=true` in its environment; podman: `no_pivot_root = true`. Better,
    /// mount a tmpfs at boot, copy the root into it and hand over with `switch_root`: without `pivot_root` a privileged
    /// container can get at the machine's root.
    ///
    /// ## References
    /// `pivot_root(2)`, EINVAL; kernel `Documentation/filesystems/ramfs-rootfs-initramfs.rst`; docker/cli#6251;
    /// warewulf#430; `containers.conf(5)`.
    "root-on-initramfs",
    "The root is the kernel's initial one: nobody can pivot",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error, sandbox: Error },
    [
        "pivot_root .: invalid argument",
        "error jailing process inside rootfs",
        "pivot_root: invalid argument",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let table = facts.mounts.get()?;
    if table.at("/").is_none_or(|root| root.fstype != "rootfs") {
        return Ok(Outcome::pass());
    }
    Ok(Finding::new(
        "/",
        crate::target::Severities::NONE.with(plan.target, plan.severity(&CHECK.worst)),
        "/ is the kernel's initial root (rootfs): pivot_root fails there, and with it every container",
    )
    .evidence("/proc/self/mountinfo: /", "rootfs")
    .remedy(without_pivot(facts, plan))
    .remedy(Remedy::advice(
        Place::Host,
        "hand over to a root of its own at boot: let the initramfs mount a tmpfs, copy itself into it and end with \
         exec switch_root; with Warewulf, wwctl profile set --root=tmpfs",
    ))
    .into())
}

fn without_pivot(facts: &Facts, plan: &Plan) -> Remedy {
    let podman = plan.target == Target::Podman || plan.provider == Some(Provider::Podman);
    match plan.target {
        _ if podman => Remedy::file(
            Place::Runtime,
            "let podman do without pivot_root: write this to /etc/containers/containers.conf",
            Snippet::Tree(Language::Toml, serde_json::json!({"engine": {"no_pivot_root": true}})),
        ),
        Target::Dockerd | Target::Docker | Target::Kind if facts.pid1.role == Role::Systemd => {
            let directory = "/etc/systemd/system/docker.service.d";
            Remedy::commands(
                Place::Runtime,
                "let dockerd do without pivot_root",
                [
                    format!("mkdir -p {directory}"),
                    format!(
                        "printf '[Service]\\nEnvironment=DOCKER_RAMDISK=true\\n' > {directory}/ramdisk.conf"
                    ),
                    "systemctl daemon-reload".into(),
                    "systemctl restart docker".into(),
                ],
            )
        }
        Target::Dockerd | Target::Docker | Target::Kind => Remedy::commands(
            Place::Runtime,
            "let dockerd do without pivot_root",
            ["DOCKER_RAMDISK=true dockerd"],
        ),
        _ => Remedy::advice(
            Place::Host,
            "boot with root= on a disk, or with an initramfs that ends with switch_root, as distributions' do",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        remedy::Change,
        target::Severity,
        testing::{healthy_container, healthy_vm, mount, said_of},
    };

    fn diskless() -> Facts {
        let mut facts = healthy_vm();
        let Known(table) = &mut facts.mounts else { panic!() };
        table.rows[0] = mount("/", "rootfs", &["rw"]);
        facts
    }

    #[test]
    fn the_initial_root_stops_everybody_who_makes_containers() {
        let Ok(Outcome::Found(found)) = judged(&diskless()) else { panic!() };
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Error));
        for target in [Target::Podman, Target::Sandbox, Target::Kind] {
            assert!(matches!(said_of(&CHECK, &diskless(), target), Ok(Outcome::Found(_))));
        }
    }

    #[test]
    fn the_remedy_is_that_of_the_engine() {
        let remedy = |target| match said_of(&CHECK, &diskless(), target) {
            Ok(Outcome::Found(mut found)) => found.remove(0).remedies.remove(0).change,
            other => panic!("{other:?}"),
        };
        let Change::Commands(commands) = remedy(Target::Dockerd) else { panic!() };
        assert!(commands[1].contains("DOCKER_RAMDISK=true"));
        assert!(matches!(remedy(Target::Podman), Change::File(_)));
        assert_eq!(remedy(Target::Sandbox), Change::Advice);
    }

    #[test]
    fn any_other_root_passes() {
        for facts in [healthy_container(), healthy_vm()] {
            assert_eq!(judged(&facts), Ok(Outcome::pass()));
        }
        let mut covered = diskless();
        let Known(table) = &mut covered.mounts else { panic!() };
        table.rows[0].covered = true;
        table.rows.push(mount("/", "ext4", &["rw"]));
        assert_eq!(judged(&covered), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_mount_table_it_is_unknown() {
        let mut facts = diskless();
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
