//! What goes into the image.

use std::fmt::Write as _;

use dind_doctor_checks::{facts::Launcher, remedy::Task};

use super::{Artefact, commands};
use crate::fix::{Given, Traced, whys};

/// Where the entrypoint is put.
const ENTRYPOINT: &str = "/usr/local/bin/dind-entrypoint";

/// Builds with an image's own words behind the entrypoint: only the machine that has the image knows them.
const BUILD: &str = r#"#!/bin/sh
# ./build IMAGE NAME
# Builds NAME from IMAGE. ENTRYPOINT would reset the image's own and its CMD: both are asked of the image, and kept.
set -eu
image=$1 name=$2
words() { @TOOL@ image inspect --format "{{json .Config.$1}}" "$image"; }
@TOOL@ image inspect "$image" > /dev/null 2>&1 || @TOOL@ pull -q "$image"
entrypoint=$(words Entrypoint)
command=$(words Cmd)
case $entrypoint in
null | '[]') entrypoint='["@ENTRYPOINT@"]' ;;
*) entrypoint="[\"@ENTRYPOINT@\",${entrypoint#[}" ;;
esac
# A file, since some versions of podman take none from standard input.
file=$(mktemp)
trap 'rm -f "$file"' EXIT
{
    sed "s|^FROM IMAGE\$|FROM $image|" "$(dirname "$0")/Dockerfile"
    printf 'ENTRYPOINT %s\n' "$entrypoint"
    if [ "$command" != null ]; then printf 'CMD %s\n' "$command"; fi
} > "$file"
@TOOL@ build -t "$name" -f "$file" "$(dirname "$0")"
"#;

/// The words that an image starts with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    /// Its name, if that is known.
    pub name: Option<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
}

/// The Dockerfile, and a script that builds with it where the image's own words are not known.
pub(super) fn all(
    build: &[Traced<Task>],
    entrypoint: Option<&Artefact>,
    daemon: Option<&Artefact>,
    given: &Given<'_>,
) -> Vec<Artefact> {
    if build.is_empty() && entrypoint.is_none() {
        return Vec::new();
    }
    let name = given.image.as_ref().and_then(|image| image.name.as_deref()).unwrap_or("IMAGE");
    let mut text = format!("FROM {name}\n");
    for task in build {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# for {}", task.why.join(", "));
        for command in in_image(&task.value) {
            let _ = writeln!(text, "RUN {command}");
        }
    }
    let mut why = whys(build);
    if let Some(daemon) = daemon.filter(|daemon| daemon.name == "daemon.json") {
        text.push_str("COPY daemon.json /etc/docker/daemon.json\n");
        why.extend(daemon.why.iter().filter(|id| !why.contains(id)).copied().collect::<Vec<_>>());
    }
    let mut artefacts = Vec::new();
    let mut notes = Vec::new();
    if let Some(entrypoint) = entrypoint {
        let _ = write!(text, "COPY entrypoint {ENTRYPOINT}\nRUN chmod 755 {ENTRYPOINT}\n");
        why.extend(
            entrypoint.why.iter().filter(|id| !why.contains(id)).copied().collect::<Vec<_>>(),
        );
        if let Some(image) = &given.image {
            let words: Vec<&str> = std::iter::once(ENTRYPOINT)
                .chain(image.entrypoint.iter().map(String::as_str))
                .collect();
            let list = |words: &[&str]| serde_json::to_string(words).unwrap_or_default();
            let _ = writeln!(text, "ENTRYPOINT {}", list(&words));
            let command: Vec<&str> = image.command.iter().map(String::as_str).collect();
            if !command.is_empty() {
                let _ = writeln!(text, "CMD {}", list(&command));
            }
        } else {
            // The image is where the container is.
            let tool = if given.launcher() == Launcher::Podman { "podman" } else { "docker" };
            let content = BUILD.replace("@ENTRYPOINT@", ENTRYPOINT).replace("@TOOL@", tool);
            let what = "./build IMAGE NAME builds it, and keeps the image's own ENTRYPOINT and CMD";
            let script = Artefact::shown("build", what, content);
            artefacts.push(Artefact { beside: true, executable: true, why: why.clone(), ..script });
            notes.push(
                "./build IMAGE NAME builds it, and keeps the image's own ENTRYPOINT and CMD"
                    .to_owned(),
            );
        }
    }
    let file = Artefact::shown("Dockerfile", "puts it into the image", text);
    artefacts.insert(0, Artefact { why, notes, ..file });
    artefacts
}

/// The command of a task as it stands in a Dockerfile, whatever distribution the image is of.
fn in_image(task: &Task) -> Vec<String> {
    let Task::Packages { debian, alpine, fedora } = task else { return commands(task) };
    let install = |with: &str, names: &[String]| match names {
        // What they are called there is not known.
        [] => format!("echo 'install what Debian has in {}' >&2; exit 1", debian.join(" ")),
        names => format!("{with} {}", names.join(" ")),
    };
    vec![format!(
        "if command -v apk; then {}; \\\n    elif command -v apt-get; then {}; \\\n    else {}; fi",
        install("apk add --no-cache", alpine),
        install("apt-get update && apt-get install -y --no-install-recommends", debian),
        install("dnf install -y", fedora),
    )]
}
