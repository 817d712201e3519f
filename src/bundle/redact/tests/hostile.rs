//! Whatever a machine holds: nothing panics, nothing secret is written, redacting twice changes nothing.

use arbtest::arbitrary::{self, Unstructured};

use super::*;

const SECRETS: &[&str] = &[
    "hunter2",
    "c2VjcmV0",
    "tok3n",
    "85.10.200.9",
    "2a01:4f8:c0c:1::9",
    "build7",
    "nas.acme.eu",
    "ada-l",
    "0a1b2c3d",
    "3fa1b2c3d4e5",
    "payroll",
    "br-paywall",
    "52:54:00:12:34:56",
    "shadow-line",
];

/// A machine with a secret in every place that is known to hold some.
fn full(noise: &[u8]) -> Vec<(Question, Answer)> {
    let text = String::from_utf8_lossy(noise);
    let raw = |parts: &[&[u8]]| Answer::bytes(parts.concat());
    let link = |path: &str, target: &str| {
        (Question::ReadLink { path: path.to_owned() }, Answer::Path(target.to_owned()))
    };
    let variables = [
        ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned()),
        ("DOCKER_AUTH_CONFIG", "{\"auth\": \"c2VjcmV0\"}".to_owned()),
        ("DOCKER_HOST", "tcp://ada-l:hunter2@nas.acme.eu:2376".to_owned()),
        ("HTTP_PROXY", format!("http://ada-l:hunter2{text}@85.10.200.9:3128")),
        ("http_proxy", "ada-l:hunter2@nas.acme.eu:3128".to_owned()),
        ("NO_PROXY", "nas.acme.eu,85.10.200.9,2a01:4f8:c0c:1::9".to_owned()),
        ("HOSTNAME", "build7".to_owned()),
        ("HOME", "/home/ada-l".to_owned()),
        ("BUILDKITD_FLAGS", "--token tok3n --addr tcp://ada-l:hunter2@nas.acme.eu:1".to_owned()),
    ];
    let variables = variables.map(|(name, value)| {
        let question = Question::Variable { pid: None, name: name.to_owned() };
        (question, Answer::Variable(Some(value)))
    });
    let cgroup = format!("0::/pod{UID}/docker-{ID}.scope/build7-x/");
    let mounts = "\n37 35 0:40 / /home/ada-l/x rw - nfs nas.acme.eu:/payroll rw,addr=85.10.200.9\n\
        38 35 0:41 / /mnt rw - cifs //ada-l:hunter2@nas.acme.eu/payroll rw,password=hunter2\n\
        39 35 0:42 / /m2 rw - fuse.s3fs payroll rw,secret=tok3n\n40 ";
    let uname = Uname {
        release: "6.1".to_owned(),
        version: "#1 (ada-l@build7)".to_owned(),
        machine: "x86_64".to_owned(),
    };
    let config = r#"{"registry-mirrors": ["https://ada-l:hunter2@nas.acme.eu"], "labels": ["tok3n"],
        "dns": ["85.10.200.9"], "data-root": "/home/ada-l/d", "hosts": ["tcp://nas.acme.eu:1"],
        "proxies": {"http-proxy": "http://ada-l:hunter2@nas.acme.eu"}, "auths": {"a": "c2VjcmV0"}}"#;
    let mut rows = vec![
        (read("/etc/docker/daemon.json"), bytes(config)),
        (read("/home/ada-l/.config/docker/daemon.json"), raw(&[b"hunter2", noise])),
        (read("/proc/1/cmdline"), raw(&[b"payroll\0--password\0hunter2\0tok3n", noise])),
        (read("/proc/2/cmdline"), raw(&[b"dockerd\0--label=tok3n\0hunter2\0", noise])),
        (read("/proc/3/cmdline"), raw(&[b"sh\0-c\0", noise, b" payroll --token tok3n"])),
        (read("/proc/1/comm"), bytes("payroll\n")),
        (read("/proc/1/stat"), raw(&[b"1 (payroll) S ", noise])),
        (read("/proc/1/status"), raw(&[b"Name:\tpayroll\n", noise])),
        (read("/proc/self/cgroup"), raw(&[cgroup.as_bytes(), noise])),
        (read("/proc/self/mountinfo"), raw(&[noise, mounts.as_bytes(), noise])),
        (read("/proc/sys/kernel/hostname"), bytes("build7\n")),
        (read("/proc/sys/net/ipv4/tcp_fastopen_key"), bytes("tok3n\n")),
        (read("/proc/cmdline"), raw(&[b"key=hunter2 ", noise])),
        (read("/proc/version"), raw(&[b"Linux (ada-l@build7) ", noise])),
        (read("/proc/config.gz"), raw(&[noise])),
        (read("/proc/cpuinfo"), raw(&[b"Serial: tok3n\n", noise])),
        (read("/etc/resolv.conf"), raw(&[b"search nas.acme.eu\nnameserver 85.10.200.9\n", noise])),
        (read("/etc/subuid"), bytes("ada-l:1:2\n")),
        (read("/etc/shadow"), bytes("shadow-line")),
        (read("/proc/net/unix"), raw(&[noise, b"\n0: 1 2 3 4 5 6 /home/ada-l/docker.sock\n"])),
        (read("/sys/class/net/br-paywall/address"), bytes("52:54:00:12:34:56\n")),
        (read("/proc/self/attr/current"), bytes("52:54:00:12:34:56 2a01:4f8:c0c:1::9")),
        (list("/sys/class/net"), listing(&["br-paywall", "eth0", &text.replace('/', "")])),
        (list(&format!("/sys/fs/cgroup/pod{UID}")), listing(&[ID, &text.replace('/', "")])),
        (list("/home"), listing(&["ada-l"])),
        link("/proc/1/exe", "/opt/payroll/payroll"),
        link("/proc/7/fd/3", "/home/ada-l/hunter2"),
        link("/usr/sbin/iptables", "/home/ada-l/iptables"),
        (Question::Uname, Answer::Uname(uname)),
        (Question::Ids, Answer::Ids(Ids { pid: 1, euid: 0, egid: 0, groups: vec![1] })),
        (Question::PathMtu { destination: "85.10.200.9".parse().unwrap() }, Answer::Number(1500)),
        (
            Question::Addresses,
            Answer::Addresses(vec![
                Address { index: 1, address: "85.10.200.9/24".parse().unwrap() },
                Address { index: 1, address: "2a01:4f8:c0c:1::9/64".parse().unwrap() },
            ]),
        ),
        (read(&format!("/{text}")), raw(&[b"shadow-line"])),
    ];
    rows.extend(variables);
    rows
}

/// Bytes of which many have a meaning somewhere.
fn noise(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    const PARTS: &[&[u8]] = &[
        b"/",
        b":",
        b"@",
        b"://",
        b"=",
        b",",
        b" ",
        b"\n",
        b"\0",
        b"%41",
        b"\\040",
        b"\\",
        b"\xff",
        b"[",
        b"/home/",
        b"/sys/class/net/",
        b"pod",
        b"-",
        b"0a1b2c3d-9999-4abc-8def-0123456789ab",
        b"1.2.3.4",
        b"fe80::5054:ff:fe12:3456",
        b"2a00::",
        b"abcdef012345",
        b"host1",
        b"user",
        b"redacted",
        b"a",
        b"0",
        b"(",
        b")",
        b" - ",
        b"unix://",
        b"http://",
        b"\xe2\x82\xac",
        b"1::",
        b"..",
        b".",
        b"br-",
        b"process3",
    ];
    let mut out = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        if u.ratio(1, 6)? {
            out.extend(u.arbitrary::<[u8; 3]>()?);
        } else {
            out.extend_from_slice(u.choose(PARTS)?);
        }
    }
    Ok(out)
}

#[test]
fn secrets_are_written_nowhere() {
    let text = written(&redacted(full(b"")));
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn hostile_bytes_bring_no_secret_to_light_and_redacting_twice_changes_nothing() {
    arbtest::arbtest(|u| {
        let noise = noise(u)?;
        let once = redact(&recording(full(&noise))).recording;
        let text = written(&once);
        for (again, once) in written(&redact(&once).recording).lines().zip(text.lines()) {
            assert_eq!(again, once);
        }
        assert!(redact(&once).recording == once);
        for secret in SECRETS {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
        Ok(())
    });
}

#[test]
fn a_path_put_together_has_the_pseudonym_put_together() {
    arbtest::arbtest(|u| {
        let part = |u: &mut Unstructured<'_>| -> arbitrary::Result<String> {
            // Below a `home` there are accounts, even where there are cgroups.
            let text = String::from_utf8_lossy(&noise(u)?).replace('/', "");
            Ok(text.replace("home", ""))
        };
        let (a, b) = (part(u)?, part(u)?);
        let parent = format!("/sys/fs/cgroup/{a}");
        let child = format!("{parent}/{b}/cgroup.procs");
        let mut given = vec![(list(&parent), listing(&[&b])), (read(&child), bytes("1\n"))];
        if a == ".." || b == ".." || a.is_empty() || b.is_empty() {
            given.clear();
        }
        let result = redact(&recording(given)).recording;
        for ((_, question), answer) in &result.answers {
            let (Question::List { path, .. }, Ok(Answer::Listing(listing))) = (question, answer)
            else {
                continue;
            };
            let child = read(&format!("{path}/{}/cgroup.procs", listing.entries[0].name));
            assert_eq!(answer_to(&result, child), Ok(bytes("1\n")), "{a:?} {b:?}");
        }
        Ok(())
    });
}
