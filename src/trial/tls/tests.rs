//! Daemons that are threads of the test, with certificates as docker:dind makes them.

#![expect(clippy::disallowed_methods, reason = "servers are threads of the test")]

use std::{
    fs,
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection, server::WebPkiClientVerifier};

use super::*;
use crate::source::{Timed, engine_get};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec!["docker".into()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, in PEM.
struct Pair(String, String);

impl Pair {
    fn signed(
        authority: &Authority,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.into()]).unwrap();
        change(&mut params);
        Self(params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
    }

    fn of(authority: &Authority) -> Self {
        Self(authority.pem(), authority.key().serialize_pem())
    }
}

/// The directory of a client who trusts `authority`.
fn directory(authority: &Authority, own: &Pair) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [("ca.pem", &authority.pem()), ("cert.pem", &own.0), ("key.pem", &own.1)]
    {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// A daemon with `--tlsverify`, for one connection.
fn daemon(clients: &Authority, own: &Pair) -> (UnixStream, JoinHandle<()>) {
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let chain = CertificateDer::pem_slice_iter(own.0.as_bytes()).map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(own.1.as_bytes()).unwrap())
        .unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let serve = move || {
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, theirs);
        // A client who does not accept it is gone.
        if stream.read(&mut [0; 512]).is_ok() {
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK");
        }
    };
    (ours, thread::spawn(serve))
}

/// What a client gets at the daemon called `docker`, or why it gets nothing.
fn asked(
    directory: &Path,
    (stream, server): (UnixStream, JoinHandle<()>),
) -> Result<String, String> {
    let text = |failure: Failure| format!("{failure:?}");
    let timed = Timed::new(&stream, Instant::now() + Duration::from_secs(20));
    let client = Client::with_certificates("docker", directory).map_err(text)?;
    let answer = client.connect(timed).map_err(text).and_then(|mut session| {
        let answer = engine_get(&mut session, "/_ping");
        answer
            .map_err(|refusal| session.refused.take().map_or_else(|| format!("{refusal:?}"), text))
    });
    drop(stream);
    server.join().unwrap();
    answer.map(|body| String::from_utf8(body).unwrap())
}

#[test]
fn client_and_daemon_of_one_authority_speak_to_each_other() {
    let authority = authority();
    let client = directory(&authority, &Pair::signed(&authority, "client", |_| ()));
    let own = Pair::signed(&authority, "docker", |_| ());
    assert_eq!(asked(client.path(), daemon(&authority, &own)).as_deref(), Ok("OK"));
    // Trusted itself, though it is made for an authority.
    let own = Pair::of(&authority);
    assert_eq!(asked(client.path(), daemon(&authority, &own)).as_deref(), Ok("OK"));
}

#[test]
fn who_does_not_accept_whom_is_said() {
    let [authority, other] = [(); 2].map(|()| authority());
    let good = Pair::signed(&authority, "docker", |_| ());
    let stranger = Pair::signed(&other, "client", |_| ());
    let client = directory(&authority, &Pair::signed(&authority, "client", |_| ()));
    let named = Pair::signed(&authority, "localhost", |_| ());
    let old = Pair::signed(&authority, "docker", |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let foreign = Pair::signed(&other, "docker", |_| ());
    for (own, expected) in [
        (&foreign, "not signed by"),
        (&named, "not for docker, but for localhost"),
        (&old, "has expired, by the clock"),
    ] {
        let said = asked(client.path(), daemon(&authority, own)).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
    // By TLS 1.3 a daemon says that only when it is asked something.
    let unknown = directory(&authority, &stranger);
    let said = asked(unknown.path(), daemon(&authority, &good)).unwrap_err();
    assert!(said.contains("refuses the client's certificate"), "{said}");
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let authority = authority();
    let client = directory(&authority, &Pair::signed(&authority, "client", |_| ()));
    let own = Pair::signed(&authority, "docker", |_| ());
    let said = |change: &dyn Fn(&Path)| {
        change(client.path());
        asked(client.path(), daemon(&authority, &own)).unwrap_err()
    };
    let text = said(&|directory| fs::remove_file(directory.join("key.pem")).unwrap());
    assert!(text.contains("key.pem: ENOENT"), "{text}");
    let text = said(&|directory| fs::write(directory.join("ca.pem"), "\x1b[31mno").unwrap());
    assert!(text.contains("ca.pem: "), "{text}");
}

#[test]
fn a_hello_is_a_record_of_a_handshake() {
    for host in ["registry.example", "192.0.2.1", "[2001:db8::1]", "a b", ""] {
        let hello = hello(host);
        assert!(hello.starts_with(&[22, 3]), "{host}");
        let names = String::from_utf8_lossy(&hello).contains("registry.example");
        assert_eq!(names, host == "registry.example");
    }
}
