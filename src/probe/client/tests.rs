use dind_doctor_checks::facts::{Mount, Propagation};

use super::*;
use crate::source::{EntryKind, ask, fixed::Fixed};

fn variables(source: Fixed, pairs: &[(&str, &str)]) -> Fixed {
    VARIABLES.iter().fold(source, |source, name| {
        let value = pairs.iter().find(|(known, _)| known == name).map(|(_, v)| (*v).to_owned());
        let question = ask::Variable { pid: None, name: (*name).to_owned() };
        source.answer(question, value)
    })
}

fn with_socket(source: Fixed, path: &str, mode: u32) -> Fixed {
    let stat = Stat { mode, uid: 0, gid: 999, dev: (0, 1), rdev: (0, 0), ino: 1 };
    source.answer(ask::Stat { path: path.into() }, stat)
}

fn probed(source: &Fixed, mounts: Vec<Mount>) -> Clients {
    let table = Fact::Known(MountTable { rows: mounts, malformed: 0 });
    probe(&Reader::new(source), &table, &Packages::default())
}

fn mount(mount_point: &str) -> Mount {
    Mount {
        mount_point: mount_point.into(),
        propagation: Propagation::default(),
        ..Mount::default()
    }
}

#[test]
fn nothing_configured_leaves_the_default_socket() {
    let clients = probed(&Fixed::new(), vec![mount("/")]);
    assert_eq!(clients.sockets.len(), 1);
    assert_eq!(clients.sockets[0].kind.why(), Some(Why::NotFound));
    assert_eq!(clients.context, Fact::Known(None));
    assert_eq!(clients.kubeconfig, Fact::Known(None));
    assert_eq!(clients.service_account, Fact::Known(false));
    assert!(clients.certificates.is_empty());
}

#[test]
fn a_socket_is_looked_at_and_never_connected_to() {
    let path = "/var/run/docker.sock";
    let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
                 0000000000000000: 00000002 00000000 00010000 0001 01 22 /run/docker.sock\n\
                 0000000000000000: 00000003 00000000 00000000 0001 03 23 /run/other\n\
                 garbage \u{fffd}\n";
    let source = with_socket(Fixed::new(), path, 0o140_660)
        .answer(ask::Resolve { path: path.into() }, "/run/docker.sock".into())
        .answer(ask::Access { path: path.into(), access: Access::Write }, ())
        .file("/proc/net/unix", table);
    let clients = probed(&source, vec![mount("/"), mount("/run/docker.sock")]);
    let socket = &clients.sockets[0];
    assert_eq!(socket.kind, Fact::Known(SocketKind::Socket));
    assert_eq!(socket.permissions, "srw-rw---- 0:999");
    assert_eq!(socket.usable, Fact::Known(true));
    assert_eq!(socket.listening, Fact::Known(true));
    assert!(socket.is_mount_point);
}

#[test]
fn a_connected_socket_does_not_listen_and_a_name_can_hold_spaces() {
    let line = "0: 00000002 00000000 00010000 0001 01 22 /run/a b.sock\n\
                0: 00000002 00000000 00000000 0001 03 23 /run/c.sock\n\
                0: 00000002 00000000 00010000 0001 01 24 @/run/d.sock";
    let source = Fixed::new().file("/proc/net/unix", line);
    let names = listening(&Reader::new(&source));
    assert_eq!(names, Fact::Known(vec!["/run/a b.sock".into()]));
}

#[test]
fn the_selected_context_is_found_by_its_name() {
    let source = variables(Fixed::new(), &[("HOME", "/home/u")])
        .file("/home/u/.docker/config.json", "{\n\t\"currentContext\": \"remote\"\n}")
        .directory("/home/u/.docker/contexts/meta", &[("ab12", EntryKind::Directory)])
        .file(
            "/home/u/.docker/contexts/meta/ab12/meta.json",
            r#"{"Name":"remote","Endpoints":{"docker":{"Host":"unix:///srv/docker.sock"}}}"#,
        );
    let clients = probed(&source, vec![]);
    let Fact::Known(Some(context)) = &clients.context else { panic!("{:?}", clients.context) };
    assert_eq!(context.host, Fact::Known("unix:///srv/docker.sock".into()));
    assert!(clients.socket("/srv/docker.sock").is_some());
}

#[test]
fn a_context_that_is_not_there_is_not_found() {
    let source = variables(Fixed::new(), &[("DOCKER_CONTEXT", "gone")]);
    let Fact::Known(Some(context)) = probed(&source, vec![]).context else { panic!() };
    assert_eq!(context.host.why(), Some(Why::NotFound));
    let source = variables(Fixed::new(), &[("DOCKER_CONTEXT", "default")]);
    assert_eq!(probed(&source, vec![]).context, Fact::Known(None));
}

#[test]
fn the_first_kubeconfig_that_says_something_wins() {
    let config = "current-context: kind-a\ncontexts:\n- name: kind-a\n  context: {cluster: k}\n";
    let cluster = "clusters:\n- name: k\n  cluster: {server: 'https://u:p@127.0.0.1:6443/x'}\n";
    let source = variables(Fixed::new(), &[("KUBECONFIG", "/a:/b:/absent")])
        .file("/a", config)
        .file("/b", cluster);
    let clients = probed(&source, vec![]);
    let Fact::Known(Some(kubeconfig)) = &clients.kubeconfig else {
        panic!("{:?}", clients.kubeconfig)
    };
    assert_eq!(kubeconfig.server, "https://127.0.0.1:6443/x");
    assert_eq!(kubeconfig.path, "/b");
    assert!(clients.kubeconfig_variable);
}

#[test]
fn a_broken_kubeconfig_is_malformed() {
    let source = variables(Fixed::new(), &[("KUBECONFIG", "/a")]).file("/a", "a: [\u{1b}");
    assert_eq!(probed(&source, vec![]).kubeconfig.why(), Some(Why::Malformed));
}

#[test]
fn certificates_are_looked_for_where_an_endpoint_is_configured() {
    let pairs = [("DOCKER_HOST", "tcp://docker:2376"), ("DOCKER_CERT_PATH", "/certs/client")];
    let source = variables(Fixed::new(), &pairs).file("/certs/client/ca.pem", "x");
    let clients = probed(&source, vec![mount("/"), mount("/certs")]);
    let directory = clients.certificates_in("/certs/client").unwrap();
    assert_eq!(directory.missing, Fact::Known(vec!["cert.pem".into(), "key.pem".into()]));
    assert_eq!(directory.shared, Some(true));
}

#[test]
fn no_bytes_make_the_table_of_sockets_panic() {
    arbtest::arbtest(|u| {
        let bytes: Vec<u8> = u.arbitrary()?;
        listening(&Reader::new(&Fixed::new().file("/proc/net/unix", bytes)));
        Ok(())
    });
}
