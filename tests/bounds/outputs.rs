//! What is written: whole or not at all, nobody else's, and never through what others have planted.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{doctor, limited, pipe, refused};

const BUNDLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-container/bundle");

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn written(directory: &Path, arguments: &[&str]) {
    let output = doctor(directory, &[&["--from", BUNDLE, "--exit-zero", "-q"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn captured(directory: &Path, to: &str) -> String {
    let output = doctor(directory, &["capture", "--from", BUNDLE, "-o", to]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    error
}

#[test]
fn a_bundle_is_its_owners_own_whatever_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    // As it was called once, and the last name itself.
    symlink("victim", dir.path().join("x.tar.gz.part")).unwrap();
    symlink("victim", dir.path().join("x.tar.gz")).unwrap();
    captured(dir.path(), "x.tar.gz");
    assert_eq!(fs::read(&victim).unwrap(), b"mine");
    let bundle = dir.path().join("x.tar.gz");
    assert!(fs::symlink_metadata(&bundle).unwrap().is_file());
    assert_eq!(mode(&bundle), 0o600);
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o644)).unwrap();
    captured(dir.path(), "x.tar.gz");
    assert_eq!(mode(&bundle), 0o600);
    captured(dir.path(), "x");
    assert_eq!(mode(&dir.path().join("x")), 0o700);
    assert_eq!(mode(&dir.path().join("x/manifest.jsonl")), 0o600);
    assert_eq!(names(dir.path()), ["victim", "x", "x.tar.gz", "x.tar.gz.part"]);
}

#[test]
fn secrets_are_said_to_be_in_a_bundle_that_has_them() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!captured(dir.path(), "x").contains("secrets"));
    let output = doctor(dir.path(), &["capture", "--from", BUNDLE, "-o", "y", "--no-redact"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("y holds secrets"), "{error}");
}

#[test]
fn a_directory_is_replaced_if_it_is_a_bundle_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("x");
    captured(dir.path(), "x");
    fs::write(bundle.join("files/99999"), "of an earlier one").unwrap();
    captured(dir.path(), "x/");
    assert!(!bundle.join("files/99999").exists());
    fs::write(bundle.join("notes"), "mine").unwrap();
    assert!(refused(dir.path(), &["capture", "--from", BUNDLE, "-o", "x"]).contains("not empty"));
    assert_eq!(fs::read(bundle.join("notes")).unwrap(), b"mine");
    fs::create_dir(dir.path().join("empty")).unwrap();
    captured(dir.path(), "empty");
    // What a killed run has left does not count.
    fs::create_dir_all(dir.path().join("left/.doctor.0123456789abcdef.tmp/files")).unwrap();
    captured(dir.path(), "left");
    symlink("x", dir.path().join("link")).unwrap();
    assert!(refused(dir.path(), &["capture", "--from", BUNDLE, "-o", "link"]).contains("link"));
    assert_eq!(names(dir.path()), ["empty", "left", "link", "x"]);
}

#[test]
fn where_nothing_more_fits_a_bundle_is_absent_or_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    // As a full disk: the kernel refuses what makes a file larger (and says so by a signal, which is ignored here).
    let full = "trap '' XFSZ; ulimit -f 8;";
    for to in ["x", "x.tar.gz"] {
        let capture = ["capture", "--from", BUNDLE, "-o", to];
        let output = limited(dir.path(), full, &capture);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(to), "{error}");
        assert_eq!(names(dir.path()), Vec::<String>::new());
        captured(dir.path(), to);
        let check = ["--from", to, "--exit-zero", "-q"];
        assert_eq!(limited(dir.path(), full, &capture).status.code(), Some(2));
        assert_eq!(doctor(dir.path(), &check).status.code(), Some(0));
        assert_eq!(names(dir.path()), [to]);
        let _ = fs::remove_file(dir.path().join(to));
        let _ = fs::remove_dir_all(dir.path().join(to));
    }
}

#[test]
fn a_file_is_replaced_whole_and_keeps_its_permissions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    written(dir.path(), &["--output", "json=report.json"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&path).unwrap().ino();
    // A link stays a link: what it leads to is replaced.
    symlink("report.json", dir.path().join("link")).unwrap();
    written(dir.path(), &["--output", "json=link"]);
    assert!(fs::symlink_metadata(dir.path().join("link")).unwrap().is_symlink());
    assert_eq!(mode(&path), 0o640);
    assert_ne!(fs::metadata(&path).unwrap().ino(), before);
    assert_eq!(names(dir.path()), ["link", "report.json"]);
}

#[test]
fn left_overs_of_killed_runs_are_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    // As it was once called in a container, where the doctor is always the same process.
    for pid in 1..9 {
        fs::write(dir.path().join(format!(".r.json.{pid}.tmp")), "").unwrap();
    }
    written(dir.path(), &["--output", "json=r.json"]);
    assert!(dir.path().join("r.json").exists());
}

#[test]
fn links_and_files_of_others_are_not_written_through_in_a_directory_of_everybodys() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("tmp");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "root's").unwrap();
    symlink(&victim, shared.join("link")).unwrap();
    symlink(dir.path(), shared.join("through")).unwrap();
    fs::write(shared.join("file"), "theirs").unwrap();
    pipe(&shared.join("pipe"));
    let nobody = Some(65534);
    for name in ["link", "through", "file", "pipe"] {
        std::os::unix::fs::lchown(shared.join(name), nobody, nobody).unwrap();
    }
    for to in ["tmp/link", "tmp/through/new", "tmp/file", "tmp/pipe"] {
        let output = format!("json={to}");
        let error = refused(dir.path(), &["--from", BUNDLE, "-q", "--output", &output]);
        assert!(error.contains(to) && error.contains("65534"), "{error}");
    }
    let baseline = ["--from", BUNDLE, "-q", "--write-baseline", "tmp/link"];
    assert!(refused(dir.path(), &baseline).contains("not followed"));
    assert!(
        refused(dir.path(), &["capture", "--from", BUNDLE, "-o", "tmp/through/b"])
            .contains("not followed")
    );
    assert_eq!(fs::read(&victim).unwrap(), b"root's");
    assert!(!dir.path().join("new").exists());
    // A bundle takes the place of the link.
    symlink(&victim, shared.join("b.tar.gz")).unwrap();
    std::os::unix::fs::lchown(shared.join("b.tar.gz"), nobody, nobody).unwrap();
    captured(dir.path(), "tmp/b.tar.gz");
    assert_eq!(fs::read(&victim).unwrap(), b"root's");
    // Where the directory is that user's, root writes what it is told to, and it stays theirs.
    let own = dir.path().join("home");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("r.json"), "").unwrap();
    for path in [own.clone(), own.join("r.json")] {
        std::os::unix::fs::chown(path, nobody, nobody).unwrap();
    }
    written(dir.path(), &["--output", "json=home/r.json"]);
    assert_eq!(fs::metadata(own.join("r.json")).unwrap().uid(), 65534);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "somebody has to read while the program writes")]
fn pipes_are_written_if_somebody_reads_and_refused_at_once_if_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    pipe(&path);
    let begin = Instant::now();
    let error = refused(dir.path(), &["--from", BUNDLE, "-q", "--output", "json=pipe"]);
    assert!(error.contains("nobody reads"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(8));
    let reader = thread::spawn(move || fs::read_to_string(path).unwrap());
    // Until it waits.
    thread::sleep(Duration::from_millis(300));
    written(dir.path(), &["--output", "json=pipe"]);
    assert!(reader.join().unwrap().contains("dind-doctor/report/1"));
}

#[test]
fn descriptors_are_written_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "{} --from {BUNDLE} --exit-zero -q --output json=>(cat >substituted) \
         --output tap=/dev/fd/3 --output junit=/dev/stderr --output github=/dev/null 3>three 2>two; sleep 1",
        env!("CARGO_BIN_EXE_doctor")
    );
    let status = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).status();
    // Not every machine has it, and no other shell has substitutions.
    let Ok(status) = status else { return };
    assert!(status.success());
    let holds = |name: &str, text: &str| {
        let content = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(content.contains(text), "{name}: {content}");
    };
    holds("substituted", "dind-doctor/report/1");
    holds("three", "TAP version");
    holds("two", "<testsuites");
}

#[test]
fn a_reader_that_does_not_read_ends_with_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    pipe(&path);
    let reader = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    // What fits into a pipe is no matter of waiting.
    let verbose = ["--from", BUNDLE, "-v", "--exit-zero", "--timeout", "1"];
    let outputs = ["--output", "json=pipe", "--output", "json=r.json"];
    let error = refused(dir.path(), &[verbose.as_slice(), &outputs].concat());
    drop(reader);
    assert!(error.contains("--timeout"), "{error}");
    assert_eq!(names(dir.path()), ["pipe"]);
}

#[test]
fn files_that_cannot_be_written_are_named_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    for (to, why) in [("directory", "a directory"), ("absent/file", "No such file")] {
        let output = format!("json={to}");
        let error = refused(dir.path(), &["--from", BUNDLE, "-q", "--output", &output]);
        assert!(error.contains(&format!("cannot write {to}: {why}")), "{error}");
    }
    assert_eq!(names(dir.path()), ["directory"]);
}
