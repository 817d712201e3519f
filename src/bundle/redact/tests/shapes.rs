//! What becomes of single files.

use dind_doctor_checks::facts::EngineVersion;

use super::*;

#[test]
fn daemon_json_keeps_what_is_judged() {
    let config = r#"{
        "mtu": 1400, "auths": {"r": {"auth": "c2VjcmV0"}}, "log-opts": {"token": "secret"},
        "hosts": ["unix:///var/run/docker.sock", "tcp://u:p@build.acme.eu:2376"],
        "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}},
        "exec-opts": ["native.cgroupdriver=systemd"], "dns": ["85.10.200.9", "10.0.0.2"]}"#;
    let text = content("/etc/docker/daemon.json", config);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "mtu": 1400, "hosts": ["unix:///var/run/docker.sock", "tcp://host1:2376"],
        "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}},
        "exec-opts": ["native.cgroupdriver=systemd"], "dns": ["64.0.0.0", "10.0.0.2"]});
    assert_eq!(value, expected);
    assert!(
        serde_json::from_str::<serde_json::Value>(&content("/etc/docker/daemon.json", "{,"))
            .is_err()
    );
}

#[test]
fn arguments_keep_the_program_and_judged_flags() {
    let cases = [
        (
            "dockerd\0--mtu=1400\0--data-root\0/mnt/x\0--label\0a=b\0-H\0tcp://u:p@build.acme.eu:1\0",
            "dockerd\0--mtu=1400\0--data-root\0/mnt/x\0--redacted\0redacted\0-H\0tcp://host1:1\0",
        ),
        (
            "/usr/bin/tini\0-s\0--\0/opt/acme/pay\0--token=x\0y\0",
            "/usr/bin/tini\0-s\0--\0redacted\0--redacted\0redacted\0",
        ),
        ("dockerd\0--iptables\0--secret\0", "dockerd\0--iptables\0--redacted\0"),
        ("/opt/acme/pay\0--root\0/x\0", "/redacted/process1\0--redacted\0redacted\0"),
        ("sh\0/usr/local/bin/dind\0dockerd\0", "sh\0/usr/local/bin/dind\0dockerd\0"),
        ("-bash\0", "-bash\0"),
        ("", ""),
    ];
    for (given, expected) in cases {
        assert_eq!(content("/proc/7/cmdline", given), expected);
    }
}

#[test]
fn names_of_processes_agree() {
    let result = redacted(vec![
        (read("/proc/1/comm"), bytes("payroll\n")),
        (read("/proc/1/stat"), bytes("1 (payroll) S 0 1 1 0 -1\n")),
        (read("/proc/1/status"), bytes("Name:\tpayroll\nSigCgt:\t0000000000004000\n")),
        (
            Question::ReadLink { path: "/proc/1/exe".to_owned() },
            Answer::Path("/opt/acme/payroll (deleted)".to_owned()),
        ),
        (read("/proc/2/comm"), bytes("kubelet\n")),
    ]);
    let is = |question, expected| assert_eq!(answer_to(&result, question), Ok(expected));
    is(read("/proc/1/comm"), bytes("process1\n"));
    is(read("/proc/1/stat"), bytes("1 (process1) S 0 1 1 0 -1\n"));
    is(read("/proc/1/status"), bytes("Name:\tprocess1\nSigCgt:\t0000000000004000\n"));
    is(
        Question::ReadLink { path: "/proc/1/exe".to_owned() },
        Answer::Path("/redacted/process1 (deleted)".to_owned()),
    );
    is(read("/proc/2/comm"), bytes("kubelet\n"));
}

#[test]
fn mounts_keep_their_shape_without_servers_and_credentials() {
    let given = "36 35 98:0 /a\\040b /home/ada/x\\040y rw,noatime shared:1 - ext4 /dev/sda1 rw\n\
        37 35 0:40 / /mnt/n rw - nfs4 nas.acme.eu:/payroll rw,vers=4.2,addr=85.10.200.9\n\
        38 35 0:41 / /mnt/c rw - cifs //ada@nas.acme.eu/pay rw,username=ada,password=x,vers=3.0\n\
        39 35 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        torn line\n";
    let expected = "36 35 98:0 /a\\040b /home/user1/x\\040y rw,noatime shared:1 - ext4 /dev/sda1 rw\n\
        37 35 0:40 / /mnt/n rw - nfs4 host1:/redacted rw,vers=4.2\n\
        38 35 0:41 / /mnt/c rw - cifs host1:/redacted rw,vers=3.0\n\
        39 35 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        redacted\n";
    assert_eq!(content("/proc/self/mountinfo", given), expected);
}

#[test]
fn a_known_host_name_goes_wherever_it_stands_and_a_word_does_not() {
    let with = |name: &str| {
        redacted(vec![
            (read("/proc/sys/kernel/hostname"), bytes(&format!("{name}\n"))),
            (read("/proc/self/cgroup"), bytes("0::/pods/build7.acme.eu/memory/build7-x\n")),
        ])
    };
    let cgroup = |name| answer_to(&with(name), read("/proc/self/cgroup"));
    assert_eq!(cgroup("build7.acme.eu"), Ok(bytes("0::/pods/host2/memory/host1-x\n")));
    assert_eq!(cgroup("memory"), Ok(bytes("0::/pods/build7.acme.eu/memory/build7-x\n")));
}

#[test]
fn variables_keep_judged_values_and_whether_they_are_set() {
    let given = [
        ("DOCKER_TLS_CERTDIR", "", ""),
        ("AWS_SECRET", "x", "redacted"),
        ("EMPTY", "", ""),
        ("DOCKER_HOST", "tcp://u:p@build.acme.eu:2376", "tcp://host2:2376"),
        (
            "HTTPS_PROXY",
            "http://u:p/@w,x@85.10.200.9:3128/x?token=y",
            "http://64.0.0.0:3128/redacted",
        ),
        ("NO_PROXY", "localhost,.svc,10.0.0.0/8,.acme.eu", "localhost,.svc,10.0.0.0/8,.host1"),
        ("HOME", "/home/ada", "/home/user1"),
        ("USER", "ada", "user1"),
        ("DOCKER_VERSION", "20.10.24", "20.10.24"),
    ];
    let question = |name: &str| Question::Variable { pid: None, name: name.to_owned() };
    let answer = |value: &str| Answer::Variable(Some(value.to_owned()));
    let result = redacted(given.iter().map(|row| (question(row.0), answer(row.1))).collect());
    for (name, _, expected) in given {
        assert_eq!(answer_to(&result, question(name)), Ok(answer(expected)), "{name}");
    }
}

#[test]
fn other_files_keep_what_is_judged() {
    for (path, given, expected) in [
        ("/proc/sys/net/ipv4/ip_forward", "1\n", "1\n"),
        ("/proc/sys/kernel/hostname", "3fa1b2c3d4e5\n", "000000000001\n"),
        ("/proc/cmdline", "root=UUID=1 token=x cgroup_no_v1=all\n", "cgroup_no_v1=all\n"),
        (
            "/proc/version",
            "Linux version 6.1 (ada@box) (gcc) #1 SMP\n",
            "Linux version 6.1 (build@host) (gcc) #1 SMP\n",
        ),
        (
            "/etc/resolv.conf",
            "# by ada\nnameserver 127.0.0.11\nsearch pay.svc.cluster.local acme.eu\noptions ndots:0\n",
            "nameserver 127.0.0.11\nsearch host2.svc.cluster.local host1\noptions ndots:0\n",
        ),
        ("/etc/subuid", "ada:100000:65536\nrootless:1:2\n", "user1:100000:65536\nrootless:1:2\n"),
        ("/run/.containerenv", "engine=\"podman-4\"\nname=\"pay\"\n", "engine=\"podman-4\"\n"),
        (
            "/proc/net/route",
            "Iface\tDestination\neth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
            "Iface\tDestination\neth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        ),
        ("/sys/fs/cgroup/a/memory.max", "137438953472\n", "137438953472\n"),
        ("/proc/net/ip_tables_names", "nat\n", "nat\n"),
        ("/proc/sys/kernel/version", "#1 SMP @0\n", "#1 SMP @0\n"),
        ("/proc/version", "Linux version 5.15.167.4-WSL2\n", "Linux version 5.15.167.4-WSL2\n"),
        ("/sys/kernel/security/lsm", "capability,apparmor\n", "capability,apparmor\n"),
        ("/proc/self/attr/current", "a:b:c_t:s0:c1,c2\n", "a:b:c_t:s0:c1,c2\n"),
    ] {
        assert_eq!(content(path, given), expected);
    }
    let key = read("/proc/sys/net/ipv4/tcp_fastopen_key");
    let result = redacted(vec![(key.clone(), bytes("12345678-12345678-12345678-12345678\n"))]);
    assert_eq!(answer_to(&result, key), Err(Refusal::Redacted));
}

#[test]
fn versions_of_packages_are_no_addresses() {
    let question = Question::Paragraphs {
        path: "/var/lib/dpkg/status".to_owned(),
        lines: vec!["Package: docker.io".to_owned()],
    };
    let record = "Package: docker.io\nStatus: install ok installed\nMaintainer: A <a@b.eu>\n\
        Version: 85.10.200.9\n\n";
    let result = redacted(vec![(question.clone(), bytes(record))]);
    let expected = "Package: docker.io\nStatus: install ok installed\nVersion: 85.10.200.9\n\n";
    assert_eq!(answer_to(&result, question), Ok(bytes(expected)));
}

#[test]
fn packages_of_rpm_are_those_that_were_asked_for() {
    let package = |name: &str| crate::source::Package {
        name: name.to_owned(),
        epoch: None,
        version: "85.10.200.9".to_owned(),
        release: "1.el9".to_owned(),
    };
    let question = |path: &str| Question::RpmPackages {
        path: path.to_owned(),
        names: vec!["docker-ce".to_owned()],
    };
    let of = |path, name| {
        let answer = Answer::Packages(vec![package(name)]);
        answer_to(&redacted(vec![(question(path), answer)]), question(path))
    };
    let kept = Answer::Packages(vec![package("docker-ce")]);
    assert_eq!(of("/var/lib/rpm/rpmdb.sqlite", "docker-ce"), Ok(kept));
    assert_eq!(of("/var/lib/rpm/rpmdb.sqlite", "payroll"), Err(Refusal::Redacted));
    assert_eq!(of("/srv/rpm/rpmdb.sqlite", "docker-ce"), Err(Refusal::Redacted));
}

#[test]
fn an_engine_tells_versions_and_nothing_else() {
    let answer = |version: &str, components: &[(&str, &str)]| {
        let component = |(name, version): &(&str, &str)| ((*name).into(), (*version).into());
        Answer::EngineVersion(EngineVersion {
            version: version.into(),
            api_version: "1.50".into(),
            minimum_api_version: "".into(),
            components: components.iter().map(component).collect(),
        })
    };
    let question = |user: &str| Question::EngineVersion {
        pid: 7,
        socket: format!("/home/{user}/docker.sock"),
    };
    let of = |given| answer_to(&redacted(vec![(question("ada"), given)]), question("user1"));
    let plain = answer("20.10.24+dfsg1", &[("runc", "85.10.200.9~rc1")]);
    assert_eq!(of(plain.clone()), Ok(plain));
    let told = answer("built by ada", &[("runc", "1.1\u{1b}[31m"), ("payroll", "1.0")]);
    assert_eq!(of(told), Ok(answer("", &[("runc", "")])));
}
