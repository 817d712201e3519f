//! Engines that are threads of the test: this process holds their sockets.

#![expect(clippy::disallowed_methods, reason = "servers are threads of the test")]

use std::{
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::PathBuf,
    process, thread,
};

use super::*;

const DOCKER: &str = r#"{"Platform":{"Name":""},"Components":[
    {"Name":"Engine","Version":"28.2.2","Details":{"ApiVersion":"1.50"}},
    {"Name":"containerd","Version":"1.7.24~ds1","Details":{"GitCommit":"x"}},
    {"Name":"runc","Version":"1.1.15+ds1"}, {"Name":"docker-init","Version":"0.19.0"}],
    "Version":"28.2.2","ApiVersion":"1.50","MinAPIVersion":"1.24","KernelVersion":"6.1.0"}"#;

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

struct Engine(tempfile::TempDir);

impl Engine {
    /// Listens; each connection is served by `serve`.
    fn serving(serve: impl Fn(UnixStream) + Send + 'static) -> Self {
        let engine = Self(tempfile::tempdir().unwrap());
        let listener = UnixListener::bind(engine.path()).unwrap();
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        engine
    }

    /// Gives this answer, piece by piece, and closes.
    fn answering(pieces: &'static [&'static str]) -> Self {
        Self::serving(move |mut stream| {
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /version HTTP/1.0\r\n"));
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
        })
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("docker.sock")
    }

    fn version(&self) -> Result<EngineVersion, Refusal> {
        version(process::id(), self.path().to_str().unwrap(), deadline())
    }
}

#[test]
fn an_engine_says_its_version_and_those_of_its_components() {
    let engine = Engine::answering(&["HTTP/1.0 200 OK\r\nServer: x\r\n\r\n", DOCKER]);
    let answer = engine.version().unwrap();
    assert_eq!(answer.version, "28.2.2");
    assert_eq!(answer.api_version, "1.50");
    assert_eq!(answer.minimum_api_version, "1.24");
    let component = |name: &str, version: &str| (name.into(), version.into());
    let expected = [component("containerd", "1.7.24~ds1"), component("runc", "1.1.15+ds1")];
    assert_eq!(answer.components, expected);
}

#[test]
fn chunks_and_lengths_are_understood() {
    let podman = EngineVersion { version: "4.3.1".into(), ..EngineVersion::default() };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for pieces in [
        &[chunked, "8\r\n{\"Versio\r\n", "c\r\nn\": \"4.3.1\"}\r\n0\r\n\r\n"][..],
        &["HTTP/1.1 200 OK\r\nContent-", "Length: 19\r\n\r\n{\"Version\":\"4.3.1\"}", "more"],
    ] {
        let pieces: &'static [&'static str] = pieces.to_vec().leak();
        assert_eq!(Engine::answering(pieces).version(), Ok(podman.clone()), "{pieces:?}");
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    for answer in [
        "",
        "\u{1b}[31mgarbage\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\n\r\n{\"Version\":\"4.3.1\"}",
        "HTTP/1.0 200 OK\r\n\r\n{\"Version\":",
        "HTTP/1.0 200 OK\r\n\r\n[]",
        "HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\nContent-Length: 900\r\n\r\n{\"Version\":\"4.3.1\"}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
    ] {
        let pieces: &'static [&'static str] = vec![answer].leak();
        assert_eq!(Engine::answering(pieces).version(), Err(Refusal::Malformed), "{answer:?}");
    }
}

#[test]
fn an_engine_that_does_not_answer_is_given_up() {
    let begin = Instant::now();
    // Accepts and says nothing; does not even accept; sends a byte at a time without end.
    let silent = Engine::serving(std::mem::forget);
    assert_eq!(silent.version(), Err(Refusal::TimedOut));
    let wedged = Engine(tempfile::tempdir().unwrap());
    let _listener = UnixListener::bind(wedged.path()).unwrap();
    assert_eq!(wedged.version(), Err(Refusal::TimedOut));
    let slow = Engine::serving(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(2));
        }
    });
    assert_eq!(slow.version(), Err(Refusal::TimedOut));
    assert!(begin.elapsed() < Duration::from_secs(6));
}

#[test]
fn a_full_queue_of_connections_is_not_waited_for() {
    let engine = Engine(tempfile::tempdir().unwrap());
    let listener = UnixListener::bind(engine.path()).unwrap();
    let backlog = nix::sys::socket::Backlog::new(1).unwrap();
    nix::sys::socket::listen(&listener, backlog).unwrap();
    let _waiting: Vec<_> = (0..4).map_while(|_| connected(&engine.path()).ok()).collect();
    let begin = Instant::now();
    assert_eq!(engine.version(), Err(Refusal::TimedOut));
    assert!(begin.elapsed() < Duration::from_millis(800));
}

#[test]
fn an_endless_answer_is_too_large() {
    let endless = Engine::serving(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert_eq!(endless.version(), Err(Refusal::TooLarge));
}

#[test]
fn nothing_connects_to_a_socket_that_the_process_does_not_hold() {
    let engine = Engine::serving(|_| panic!("somebody connected"));
    let path = engine.path();
    let mut other = process::Command::new("sleep").arg("20").spawn().unwrap();
    let asked = version(other.id(), path.to_str().unwrap(), deadline());
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(asked, Err(NOT_CONNECTED));
}

#[test]
fn nothing_connects_to_what_is_no_socket_or_has_two_listeners() {
    let engine = Engine::serving(|_| panic!("somebody connected"));
    // The file is that of the second; the first still has the name.
    fs::remove_file(engine.path()).unwrap();
    let _second = UnixListener::bind(engine.path()).unwrap();
    assert_eq!(engine.version(), Err(NOT_CONNECTED));
    fs::remove_file(engine.path()).unwrap();
    fs::write(engine.path(), "").unwrap();
    assert_eq!(engine.version(), Err(NOT_CONNECTED));
    fs::remove_file(engine.path()).unwrap();
    assert_eq!(engine.version(), Err(Refusal::Errno(libc::ENOENT)));
}

#[test]
fn no_bytes_make_the_answer_panic() {
    arbtest::arbtest(|u| {
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        if u.arbitrary()? {
            answer.clear();
        }
        answer.extend(u.arbitrary::<Vec<u8>>()?);
        let _ = http::body(&answer, u.arbitrary()?);
        let _ = parse(&answer);
        Ok(())
    })
    .budget_ms(200);
}
