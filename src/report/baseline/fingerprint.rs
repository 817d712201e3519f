//! What of a text is the same in every run on an equal runner.

use std::net::{IpAddr, SocketAddr};

use crate::text;

/// What stands for something that differs from run to run.
const ANY: &str = "*";
/// From this length on, letters mixed with figures are an identifier: BuildKit's have 25.
const MIXED: usize = 20;

/// Each pass leaves fewer figures; subjects of this machine need two.
const PASSES: usize = 16;

/// A subject by which a finding is known again: a list in alphabetical order, since the kernel numbers
/// cgroup v1 hierarchies anew at each boot, and each item [`stable`].
///
/// The fingerprint of a fingerprint is itself, so that what a baseline holds is known when it is read: what stands
/// for one identifier can end a word that then is another.
pub(crate) fn fingerprint(subject: &str) -> String {
    let mut known = subject.to_owned();
    for _ in 0..PASSES {
        let text = stable(&known);
        let mut items: Vec<_> = text.split(", ").collect();
        items.sort_unstable();
        let next = items.join(", ");
        if next == known {
            break;
        }
        known = next;
    }
    known
}

/// `text` with `*` for identifiers of pods, containers and sessions, for PIDs other than 1 and for
/// addresses; subnets stay.
pub(super) fn stable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (range, _) in text::identifiers(text) {
        out.push_str(&text[copied..range.start]);
        out.push_str(ANY);
        copied = range.end;
    }
    out.push_str(&text[copied..]);
    let out = words(&out, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':'), address);
    let out = words(&out, |c| c.is_ascii_alphanumeric(), mixed);
    let out = words(&out, |c| c.is_ascii_digit(), process);
    words(&out, |c| c != '/' && c != ' ', session)
}

/// `text` with each longest run of characters that are `part` of a word replaced, where `replaced` has
/// something else for it, given the text before it, the run, and the text behind it.
fn words(
    text: &str,
    part: impl Fn(char) -> bool,
    replaced: impl Fn(&str, &str, &str) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(&part) {
        let (between, from) = rest.split_at(start);
        out.push_str(between);
        let end = from.find(|c| !part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        match replaced(&out, word, after) {
            Some(other) => out.push_str(&other),
            None => out.push_str(word),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// An address, with its port if it has one; not the address of a subnet.
fn address(_: &str, word: &str, after: &str) -> Option<String> {
    let text = word.trim_end_matches(['.', ':']);
    let prefix =
        after.strip_prefix('/').is_some_and(|a| a.starts_with(|c: char| c.is_ascii_digit()));
    let is_address = text.parse::<IpAddr>().is_ok() && !prefix && text.len() > 2;
    (is_address || text.parse::<SocketAddr>().is_ok())
        .then(|| format!("{ANY}{}", &word[text.len()..]))
}

fn mixed(_: &str, word: &str, _: &str) -> Option<String> {
    let figures = word.bytes().filter(u8::is_ascii_digit).count();
    (word.len() >= MIXED && figures > 1).then(|| ANY.to_owned())
}

/// The number of a process that is not the first.
fn process(before: &str, number: &str, _: &str) -> Option<String> {
    let is_process = before.ends_with("PID ") || before.ends_with("/proc/");
    (is_process && number != "1").then(|| ANY.to_owned())
}

/// systemd numbers sessions and transient units: `session-3.scope`, `run-u7.service`.
fn session(_: &str, name: &str, _: &str) -> Option<String> {
    let kind = ["session-", "run-"].into_iter().find(|kind| name.starts_with(kind))?;
    let suffix = [".scope", ".service"].into_iter().find(|suffix| name.ends_with(suffix))?;
    Some(format!("{kind}{ANY}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_and_containers_of_equal_runners_are_the_same() {
        let id = "d394d23412bc11c709f41c6576e45e077b7f889645746d6ccc4a33d3ce2f7947";
        let uid = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
        for (subject, same) in [
            (format!("/kubepods/burstable/pod{uid}/{id}"), "/kubepods/burstable/pod*/*"),
            (
                format!(
                    "kubepods-burstable-pod{}.slice/cri-containerd-{id}.scope",
                    uid.replace('-', "_")
                ),
                "kubepods-burstable-pod*.slice/cri-containerd-*.scope",
            ),
            (format!("/docker/{id}"), "/docker/*"),
            (format!("br-{}", &id[..12]), "br-*"),
            ("/docker/buildkit/zq4l3vnx0cw1yqj8u2k5m7r9t".to_owned(), "/docker/buildkit/*"),
            ("/user.slice/user-1000.slice/session-3.scope".to_owned(), {
                "/user.slice/user-1000.slice/session-*.scope"
            }),
            ("user@1000.service/app.slice/run-u12.service".to_owned(), {
                "user@1000.service/app.slice/run-*.service"
            }),
        ] {
            assert_eq!(fingerprint(&subject), same);
            assert_eq!(fingerprint(same), same);
        }
    }

    #[test]
    fn processes_and_addresses_differ_and_subnets_do_not() {
        for (text, same) in [
            ("dockerd, PID 4711", "PID *, dockerd"),
            ("PID 1", "PID 1"),
            ("PID 10", "PID *"),
            ("/proc/4711/status", "/proc/*/status"),
            ("tcp://10.3.0.7:2375", "tcp://*"),
            ("https://127.0.0.1:41235", "https://*"),
            ("tcp://docker:2376", "tcp://docker:2376"),
            ("10.0.2.0/24", "10.0.2.0/24"),
            ("fe80::1", "*"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(fingerprint(text), same);
        }
        assert_eq!(stable("the resolver 10.0.2.3."), "the resolver *.");
    }

    #[test]
    fn a_list_is_the_same_in_any_order() {
        assert_eq!(
            fingerprint("memory, cpu,cpuacct, name=systemd"),
            "cpu,cpuacct, memory, name=systemd"
        );
        assert_eq!(
            fingerprint("name=systemd, memory, cpu,cpuacct"),
            "cpu,cpuacct, memory, name=systemd"
        );
    }

    #[test]
    fn names_stay() {
        for name in [
            "/",
            "/var/lib/docker",
            "docker0",
            "fs.inotify.max_user_watches",
            "inet guard forward",
            "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service",
            "uid 4242",
            "",
            "/var/lib/dpkg/status: docker.io",
            "/run/docker.pid",
            "name=systemd",
        ] {
            assert_eq!(fingerprint(name), name);
        }
    }
}
