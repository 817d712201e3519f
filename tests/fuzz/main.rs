//! The bodies of the fuzz targets, for a second or two each: inputs that were findings once, inputs to begin
//! with, and random changes of those. `tests/fuzz/run` does the same for longer, guided by coverage.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says at what"
)]

#[expect(unreachable_pub, reason = "the fuzz targets take it from a crate")]
mod bodies;

use std::{
    fs, panic,
    path::{Path, PathBuf},
    time::Duration,
};

use arbtest::arbitrary::{self, Unstructured};
use bodies::{TARGETS, Target};
use nix::time::{ClockId, clock_gettime};

/// Milliseconds of random inputs for each target.
const BUDGET: u64 = 1000;

/// Of the processor: no input takes longer, without optimisation and however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(10);

fn spent() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn run(target: &Target, input: &[u8], name: &str) {
    let begun = spent();
    if let Err(panic) = panic::catch_unwind(|| bodies::run(target.name, input)) {
        eprintln!("{} breaks at {name}: {:?}", target.name, String::from_utf8_lossy(input));
        panic::resume_unwind(panic);
    }
    let took = spent().checked_sub(begun).unwrap();
    assert!(took < PATIENCE, "{} takes {took:?} for {name}", target.name);
}

/// A seed with some bytes changed, or a few bytes that are none.
fn input(u: &mut Unstructured<'_>, seeds: &[Vec<u8>]) -> arbitrary::Result<Vec<u8>> {
    if u.ratio(1, 8)? {
        return u.arbitrary();
    }
    let mut input = u.choose(seeds)?.clone();
    for _ in 0..u.int_in_range(0..=6)? {
        let at = u.int_in_range(0..=input.len())?;
        let end = (at + u.int_in_range(0..=4)?).min(input.len());
        let new: [u8; 4] = u.arbitrary()?;
        let length = u.int_in_range(0..=4)?;
        input.splice(at..end, new[..length].iter().copied());
    }
    Ok(input)
}

fn regressions(target: &str) -> Vec<PathBuf> {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions").join(target);
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn test(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    for path in regressions(name) {
        run(target, &fs::read(&path).unwrap(), &path.display().to_string());
    }
    let seeds = (target.seeds)();
    // Of hundreds a few, as long as there is time: all of them are changed below.
    let begun = spent();
    for seed in seeds.iter().step_by(1 + seeds.len() / 16) {
        if spent().checked_sub(begun).unwrap() < Duration::from_millis(BUDGET) {
            run(target, seed, "a seed");
        }
    }
    let test = |u: &mut Unstructured<'_>| {
        run(target, &input(u, &seeds)?, "a random input");
        Ok(())
    };
    arbtest::arbtest(test).budget_ms(BUDGET).size_min(64).size_max(4096);
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { test(stringify!($name)); })*

        #[test]
        fn every_target_is_run() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

tests! {
    machine probes facts diff redact archive directory configuration baseline report log rpm netlink http values
    paragraphs path
}

/// For `tests/fuzz/run`: a directory for each target, below the one that the variable names.
#[test]
fn seeds_are_written_on_demand() {
    let Some(directory) = std::env::var_os("DOCTOR_FUZZ_SEEDS") else { return };
    for target in TARGETS {
        let path = Path::new(&directory).join(target.name);
        fs::create_dir_all(&path).unwrap();
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(path.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}
