//! An overlay in the directory of each data root, with the options of engines, and what breaks later.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, DataRootOwner, Facts, IN_USER_NAMESPACE, Text, TrialName};
use nix::mount::{MsFlags, mount};

use super::{
    Description, Plan, namespace,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Overlay,
    does: "mounts overlays in a directory of its own beside each data root (or its nearest existing \
           parent), as an engine would, as root and in a user namespace, and changes files in them",
    loads: &["overlay"],
    plan,
};

/// How the overlay is mounted.
#[derive(Clone, Copy)]
struct Scene {
    name: &'static str,
    user_namespace: bool,
    userxattr: bool,
    needed: bool,
}

fn plan(facts: &Facts) -> Vec<Plan> {
    let roots = facts.storage.data_roots.iter().filter(|r| r.owner != DataRootOwner::Kubelet);
    let directories: BTreeSet<&str> =
        roots.filter_map(|root| root.resolved.known()).map(Text::as_str).collect();
    if directories.is_empty() {
        return vec![Plan::skipped(TrialName::Overlay, "", "no directory of a data root is known")];
    }
    directories.into_iter().map(|path| at(facts, path)).collect()
}

fn at(facts: &Facts, path: &str) -> Plan {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    let inside = facts.identity.namespaces.user_is_private().is_yes();
    let user =
        Scene { name: IN_USER_NAMESPACE, user_namespace: true, userxattr: true, needed: !root };
    let without = Scene {
        name: "in a user namespace, without userxattr",
        userxattr: false,
        needed: false,
        ..user
    };
    let mut scenes = vec![user, without];
    if root {
        // In a user namespace engines add the option themselves.
        scenes
            .insert(0, Scene { name: "", user_namespace: false, userxattr: inside, needed: true });
    }
    let place = vec![PathBuf::from(path)];
    Plan::new(TrialName::Overlay, path, place, move |steps, places| {
        let Some(Some(place)) = places.first() else { return };
        for (number, scene) in scenes.iter().enumerate() {
            let directory = place.join(number.to_string());
            steps.in_child(|steps| attempt(steps, &directory, *scene));
        }
    })
}

/// In a process of its own.
fn attempt(steps: &mut Steps, directory: &Path, scene: Scene) {
    steps.about(scene.name, scene.needed);
    // The rest of a trial makes no sense without what it stands on.
    let _ = try_all(steps, directory, scene);
}

fn try_all(steps: &mut Steps, directory: &Path, scene: Scene) -> Option<()> {
    // From here on relative to it: in a new mount namespace the working directory comes along, and a descriptor
    // would stay on the mount of the old one.
    steps.step(Action::PrepareLayers, || {
        fs::create_dir(directory)?;
        env::set_current_dir(directory)?;
        layers(Path::new("."))
    })?;
    let directory = Path::new(".");
    (if scene.user_namespace { namespace::user(steps) } else { namespace::mounts(steps) })?;
    steps.step(Action::MountOverlay, || overlay(scene.userxattr))?;
    let merged = directory.join("merged");
    steps.step(Action::WriteFile, || fs::write(merged.join("new"), "new"));
    steps.step(Action::CopyUp, || copy_up(&merged));
    steps.step(Action::Whiteout, || whiteout(directory));
    steps.step(Action::OpaqueDirectory, || opaque(&merged));
    steps.step(Action::RenameDirectory, || rename(&merged));
    // Only engines in the containers of this engine would want it.
    steps.about(scene.name, false);
    steps.step(Action::StackOverlay, || stack(scene.userxattr))
}

/// Two lower layers, as an image has, and what an engine adds.
fn layers(directory: &Path) -> io::Result<()> {
    let make = |name: &str| DirBuilder::new().recursive(true).create(directory.join(name));
    for name in ["upper", "work", "merged", "top/upper", "top/work", "top/merged"] {
        make(name)?;
    }
    for layer in ["base", "image"] {
        for name in ["replaced", "renamed"] {
            make(&format!("{layer}/{name}"))?;
            fs::write(directory.join(format!("{layer}/{name}/{layer}")), layer)?;
        }
        for name in ["changed", "removed"] {
            fs::write(directory.join(layer).join(name), layer)?;
        }
    }
    Ok(())
}

/// Paths are relative, as those of engines with many layers: nothing in a path needs escaping then.
fn overlay(userxattr: bool) -> Result<(), Failure> {
    mount_overlay("lowerdir=image:base,upperdir=upper,workdir=work", "merged", userxattr)
}

fn stack(userxattr: bool) -> Result<(), Failure> {
    mount_overlay("lowerdir=merged,upperdir=top/upper,workdir=top/work", "top/merged", userxattr)
}

fn mount_overlay(layers: &str, target: &str, userxattr: bool) -> Result<(), Failure> {
    // As dockerd and containerd: the index would tie the layers to each other.
    let index = Path::new("/sys/module/overlay/parameters/index").exists();
    let index = if index { "index=off," } else { "" };
    let userxattr = if userxattr { "userxattr," } else { "" };
    let options = format!("{index}{userxattr}{layers}");
    mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
    Ok(())
}

fn copy_up(merged: &Path) -> Result<(), Failure> {
    let path = merged.join("changed");
    fs::write(&path, "changed")?;
    holds(fs::read(&path)? == b"changed", "the change is not seen")
}

fn whiteout(directory: &Path) -> Result<(), Failure> {
    let path = directory.join("merged/removed");
    fs::remove_file(&path)?;
    holds(!path.exists(), "the file is still seen")?;
    let mark = fs::symlink_metadata(directory.join("upper/removed"))?;
    let is_whiteout = mark.file_type().is_char_device() && mark.rdev() == 0;
    holds(is_whiteout, "the upper layer has no whiteout, so that images would keep the file")
}

fn opaque(merged: &Path) -> Result<(), Failure> {
    let path = merged.join("replaced");
    fs::remove_dir_all(&path)?;
    fs::create_dir(&path)?;
    holds(fs::read_dir(&path)?.next().is_none(), "the lower layer is seen through it")
}

/// Without `redirect_dir` EXDEV is the answer that programs know: `mv` copies then.
fn rename(merged: &Path) -> Result<(), Failure> {
    match fs::rename(merged.join("renamed"), merged.join("other")) {
        Err(error) if error.raw_os_error() == Some(libc::EXDEV) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => holds(merged.join("other/base").exists(), "what was in it is gone"),
    }
}

fn holds(expected: bool, otherwise: &str) -> Result<(), Failure> {
    if expected { Ok(()) } else { Err(Failure::seen(otherwise)) }
}
