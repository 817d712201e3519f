//! Facts that no probe would find: over all checks and renderers.

use dind_doctor::{
    diff::{self, Origin, Side},
    probe::Collected,
    render::{diff as render, json},
    report::Options,
};
use dind_doctor_checks::{facts::Facts, target::Target};
use serde_json::Value;

use super::{
    edit,
    hosts::{HOSTS, host},
    input::{Change, Input, change},
    oracle, trials,
};

/// The host's facts, of which the changes are made that leave facts.
fn changed(number: u8, changes: &[Change<'_>]) -> Facts {
    let mut value = (*host(number).facts).clone();
    if number & 1 == 1 {
        value["trials"] = trials::everything();
    }
    let mut facts: Facts = serde_json::from_value(value.clone()).unwrap();
    for change in changes {
        let mut next = value.clone();
        if change.kind >= 192 {
            graft(&mut next, *change);
        } else {
            edit::value(&mut next, change.place, *change);
        }
        if let Ok(read) = serde_json::from_value(next.clone()) {
            (value, facts) = (next, read);
        }
    }
    facts
}

/// The value at some place as it is on another host.
fn graft(value: &mut Value, change: Change<'_>) {
    let other = &*host(change.kind).facts;
    let mut place = change.place % edit::count(other);
    let pointer = edit::pointer(other, &mut place, "").unwrap_or_default();
    if let (Some(to), Some(from)) = (value.pointer_mut(&pointer), other.pointer(&pointer)) {
        *to = from.clone();
    }
}

fn collected(facts: Facts) -> Collected {
    Collected { facts, timed_out: Vec::new(), crashed: Vec::new(), took: Vec::new() }
}

/// Any facts: no panic, no hang, no raw byte.
pub(super) fn body(input: &[u8]) {
    let mut input = Input(input);
    let number = input.byte();
    let asked = oracle::options(&mut input);
    oracle::judge(&collected(changed(number, &input.changes())), &asked);
}

/// Two of them, side by side.
pub(super) fn diff(input: &[u8]) {
    let mut input = Input(input);
    let (left, right, split, width) = (input.byte(), input.byte(), input.byte(), input.byte());
    let changes = input.changes();
    let (first, second) = changes.split_at(usize::from(split) % (changes.len() + 1));
    let side = |name: &str, number, changes| {
        let facts = changed(number, changes);
        let collected = collected(facts);
        let origin = Origin::Bundle { redacted: false };
        Side::of(name.to_owned(), origin, collected, &Options::default(), json::render).unwrap()
    };
    let sides = (side("left", left, first), side("right", right, second));
    let comparison = diff::compare(sides.0, sides.1, &Target::ALL).unwrap();
    compared(&comparison, width);
}

/// What holds of a comparison.
pub(super) fn compared(comparison: &diff::Comparison, width: u8) {
    let json = oracle::written(|out| render::json(comparison, out));
    serde_json::from_str::<Value>(&oracle::is_text("diff as json", &json)).unwrap();
    let columns = 40 + usize::from(width) % 121;
    let table = |out: &mut dyn std::io::Write| {
        render::table(comparison, columns, width.is_multiple_of(2), out)
    };
    oracle::is_styled_text("diff as table", &oracle::written(table));
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let count = u8::try_from(HOSTS.len()).unwrap();
    let mut seeds: Vec<_> = (0..count).map(|host| vec![host, 31, host, 0]).collect();
    for kind in 0..=255_u8 {
        let mut seed = vec![kind.wrapping_mul(7), 31, kind, 0];
        for n in 0..4 {
            seed.extend(change(usize::from(kind) * 53 + n * 401, kind, n, b"\x1b]0;x\x07"));
        }
        seeds.push(seed);
    }
    seeds
}

pub(super) fn diff_seeds() -> Vec<Vec<u8>> {
    let seed = |n: u8| {
        let mut seed = vec![n, n.wrapping_mul(3), 1, n];
        seed.extend(change(usize::from(n) * 53, n, 3, b"\x1b]0;x\x07"));
        seed.extend(change(usize::from(n) * 71, n ^ 5, 3, b"x"));
        seed
    };
    (0..60).map(|n| seed(n * 4)).collect()
}
