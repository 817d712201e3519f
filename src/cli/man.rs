//! `doctor man`.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, italic, roman};

use super::{ExitCode, Trouble, command, unless_closed};
use crate::report::version::VERSION;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

const DESCRIPTION: &[&str] = &[
    "doctor looks at the container, pod, virtual machine or CI runner that it runs in, and says whether a \
     nested Docker daemon, a kind cluster, rootless containers, systemd or BuildKit will work here; and if \
     not, what to change and where, with the values computed for this environment.",
    "It reads. It executes nothing, writes nothing but the files it is told to write, loads no kernel \
     module, and contacts nothing beyond this machine.",
    "A check passes, finds something, does not apply, or is unknown; then the report says what to mount or \
     grant to know. Unknown counts neither as passed nor as failed, unless --strict says so. A target is \
     ready, degraded, blocked or unknown.",
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "Nothing at or above --fail-on was found for the targets asked for."),
    ("1", "Something was."),
    (
        "2",
        "doctor could not do its job: a mistake in the command line, a bundle that cannot be read, \
           a file that cannot be written.",
    ),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("NO_COLOR", "Set and not empty: no colours. Goes before the next two, after --color."),
    (
        "FORCE_COLOR, CLICOLOR_FORCE",
        "Set, not empty and not 0: colours, though this is no terminal.",
    ),
    ("TERM", "No colours on a terminal that is dumb."),
    ("COLUMNS", "The width of text, 40 to 160; else that of the terminal, else 80."),
];

const ENVIRONMENT_JUDGED: &str = "Variables of the engines and their clients, such as DOCKER_HOST, \
    DOCKER_VERSION or KUBERNETES_SERVICE_HOST, are looked at like files: they are part of what is judged.";

const FILES: &[(&str, &str)] = &[
    (
        "/proc, /sys, /sys/fs/cgroup",
        "What the kernel says of this environment. A container that hides \
                                     them hides the answers, and the report says which.",
    ),
    (
        "/etc/docker/daemon.json, /etc/containers, ~/.docker/config.json",
        "Configuration of engines and \
                                                                         clients.",
    ),
    (
        "/var/lib/dpkg/status, /lib/apk/db/installed",
        "The versions that are installed. doctor executes \
                                                     nothing to learn them.",
    ),
];

const FILES_MORE: &str =
    "doctor facts prints all that was read; doctor capture records it. No file is needed to run.";

pub(super) fn run(_: &Arguments, out: &mut dyn Write) -> Result<ExitCode, Trouble> {
    let mut page = Vec::new();
    write(&mut page).map_err(Trouble::Output)?;
    unless_closed(out.write_all(&page))?;
    Ok(ExitCode::Success)
}

fn write(out: &mut dyn Write) -> io::Result<()> {
    let mut command = command();
    // No date: the page is that of the version, whenever it was built.
    writeln!(out, ".TH DOCTOR 1 \"\" \"doctor {VERSION}\" \"User Commands\"")?;
    heading("NAME", out)?;
    Roff::new()
        .text([roman("doctor - say whether containers can be nested here")])
        .to_writer(out)?;
    synopsis(&mut command, out)?;
    heading("DESCRIPTION", out)?;
    text(DESCRIPTION, out)?;
    heading("OPTIONS", out)?;
    text(&["Of doctor, and of doctor check, which is the same."], out)?;
    options(&command, out)?;
    heading("COMMANDS", out)?;
    for sub in described(&command) {
        let mut roff = Roff::new();
        roff.control("SS", [format!("doctor {}", sub.get_name()).as_str()]);
        roff.to_writer(out)?;
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        text(&[&format!("{about}.")], out)?;
        if sub.get_name() != "check" {
            options(sub, out)?;
        }
        paragraph(out)?;
        examples(sub, out)?;
    }
    list("EXIT STATUS", EXIT_STATUS, out)?;
    list("ENVIRONMENT", ENVIRONMENT, out)?;
    paragraph(out)?;
    text(&[ENVIRONMENT_JUDGED], out)?;
    list("FILES", FILES, out)?;
    paragraph(out)?;
    text(&[FILES_MORE], out)?;
    heading("EXAMPLES", out)?;
    examples(&command, out)?;
    heading("SEE ALSO", out)?;
    let others =
        ["dockerd", "kubelet", "podman", "systemd", "cgroups", "namespaces", "capabilities"];
    let sections = ["8", "1", "1", "1", "7", "7", "7"];
    let mut line = Vec::new();
    for (name, section) in others.into_iter().zip(sections) {
        let comma = if line.is_empty() { "" } else { ", " };
        line.extend([roman(comma), bold(name), roman(format!("({section})"))]);
    }
    Roff::new().text(line).to_writer(out)
}

/// The subcommands that a page tells about.
fn described(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn synopsis(command: &mut Command, out: &mut dyn Write) -> io::Result<()> {
    heading("SYNOPSIS", out)?;
    let names: Vec<_> = described(command).map(|sub| sub.get_name().to_owned()).collect();
    let mut forms = vec!["[OPTIONS]".to_owned()];
    for name in names {
        let usage = command.find_subcommand_mut(&name).map(|sub| sub.render_usage().to_string());
        let usage = usage.unwrap_or_default();
        forms.extend(usage.trim().strip_prefix("Usage: doctor ").map(str::to_owned));
    }
    let mut roff = Roff::new();
    for (index, form) in forms.into_iter().enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        roff.text([bold("doctor"), roman(" "), italic(form)]);
    }
    roff.to_writer(out)
}

/// The options of a command: what is a section of a page of its own is a part of this one.
fn options(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let command = command.clone().mut_args(|argument| {
        let name = argument.get_id().as_str();
        let hidden = matches!(name, "help" | "version");
        argument.hide(hidden)
    });
    if !command.get_arguments().any(|argument| !argument.is_hide_set()) {
        return Ok(());
    }
    let mut page = Vec::new();
    Man::new(command).render_options_section(&mut page)?;
    for line in String::from_utf8_lossy(&page).lines() {
        match line.strip_prefix(".SH ") {
            Some("OPTIONS") => {}
            Some(title) => writeln!(out, ".SS {title}")?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The examples of help, as they stand there.
fn examples(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let examples = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    let mut lines = examples.lines().skip(1).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.trim())]);
    }
    roff.control("fi", []);
    roff.to_writer(out)
}

fn list(title: &str, entries: &[(&str, &str)], out: &mut dyn Write) -> io::Result<()> {
    heading(title, out)?;
    let mut roff = Roff::new();
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*text)]);
    }
    roff.to_writer(out)
}

fn heading(title: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    roff.to_writer(out)
}

fn paragraph(out: &mut dyn Write) -> io::Result<()> {
    Roff::new().control("PP", []).to_writer(out)
}

/// Paragraphs, the first of which begins where the page stands.
fn text(paragraphs: &[&str], out: &mut dyn Write) -> io::Result<()> {
    for (index, content) in paragraphs.iter().enumerate() {
        if index > 0 {
            paragraph(out)?;
        }
        Roff::new().text([roman(*content)]).to_writer(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = Vec::new();
        write(&mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn every_command_and_option_is_on_the_page() {
        let page = page().replace("\\-", "-");
        let command = command();
        for sub in described(&command) {
            let heading = format!(".SS \"doctor {}\"", sub.get_name());
            assert!(page.contains(&heading), "{heading}");
            for name in sub.get_arguments().filter_map(clap::Arg::get_long) {
                if name == "help" {
                    continue;
                }
                assert!(page.contains(&format!("--{name}")), "{name}");
            }
        }
        for title in ["NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"] {
            assert!(page.contains(title), "{title}");
        }
    }

    /// What mandoc warns of: a line that begins a paragraph twice, and text taken for a request.
    #[test]
    fn paragraphs_follow_text_and_no_text_is_a_request() {
        let page = page();
        let lines: Vec<_> = page.lines().collect();
        for pair in lines.windows(2) {
            let begun = pair[0].starts_with(".SH") || pair[0].starts_with(".SS");
            assert!(!(begun && pair[1].starts_with(".PP")), "{pair:?}");
        }
        let requests = [
            ".TH", ".SH", ".SS", ".PP", ".TP", ".nf", ".fi", ".br", ".ie", ".el", ".ds", ".IP",
            ".RS", ".RE",
        ];
        for line in lines.iter().filter(|line| line.starts_with('.')) {
            assert!(requests.iter().any(|request| line.starts_with(request)), "{line}");
        }
    }
}
