//! Differences in words.

use dind_doctor_checks::facts::CapabilitySet;
use serde_json::Value;

use super::name;
use crate::{
    diff::{Comparison, Difference, Path, Position, Step, missing, path},
    render::escape,
};

/// So many elements are named.
const FEW: usize = 3;
/// Characters of a value that are shown.
const SHORT: usize = 60;
const LONG: usize = 400;
/// Characters of what is said of one section.
const SUMMARY: usize = 180;

/// What people call a fact, by pattern; `{}` is the last key on the way, `*` in a pattern one name, which
/// `{}` stands for too.
const LABELS: &[(&str, &str)] = &[
    ("capabilities.bounding", "bounding set"),
    ("capabilities.effective", "capabilities"),
    ("cgroup.base.controllers", "controllers of /sys/fs/cgroup"),
    ("cgroup.base.procs.count", "processes in /sys/fs/cgroup itself"),
    ("cgroup.base.subtree_control", "controllers enabled in /sys/fs/cgroup"),
    ("cgroup.base.writable", "cgroups can be made in /sys/fs/cgroup"),
    ("cgroup.memberships[].path", "own cgroup ({})"),
    ("cgroup.mounts[].read_only", "{} is read-only"),
    ("cgroup.mounts[].root", "cgroup that is mounted at {}"),
    ("cgroup.version", "cgroup version"),
    ("identity.euid", "user id"),
    ("identity.namespaces.*.initial", "{} namespace"),
    ("kernel.release", "kernel"),
    ("mounts.rows[]", "mount {}"),
    ("mounts.rows[].fstype", "filesystem at {}"),
    ("mounts.rows[].options", "mount options of {}"),
    ("mounts.rows[].propagation.master", "peer group that {} is a slave of"),
    ("mounts.rows[].propagation.shared", "peer group in which {} is shared"),
    ("network.links[]", "link {}"),
    ("network.links[].mtu", "MTU of {}"),
    ("network.path_mtu_v4.mtu", "path MTU (IPv4)"),
    ("network.path_mtu_v6.mtu", "path MTU (IPv6)"),
    ("pid1.comm", "name of PID 1"),
    ("pid1.exe", "program of PID 1"),
    ("pid1.role", "kind of PID 1"),
    ("resources.cgroup.pids[].max", "most tasks in {}"),
    ("resources.inotify.instances", "inotify instances per user"),
    ("resources.inotify.watches", "inotify watches per user"),
    ("resources.memory.total", "memory"),
    ("runtime.container", "in a container"),
    ("runtime.engine", "engine of this container"),
    ("runtime.kubernetes", "in a pod"),
    ("security.devices[].number", "device {}"),
    ("security.devices[].usable", "device {} may be used"),
    ("security.label", "LSM label"),
    ("security.seccomp", "seccomp"),
    ("storage.data_roots[].filesystem.mount.fstype", "filesystem of the data root of {}"),
    ("storage.data_roots[].space.available", "space for the data root of {}"),
    ("storage.data_roots[].space.total", "size of the filesystem of the data root of {}"),
    ("versions.*.version", "version of {}"),
];

/// `cgroup namespace: private in laptop, the host's in runner`.
pub(super) fn sentence(difference: &Difference, comparison: &Comparison, verbose: bool) -> String {
    let limit = if verbose { LONG } else { SHORT };
    let part = |position: Position| {
        let value = value(difference, position, limit);
        format!("{value} in {}", name(comparison, position))
    };
    let label = escape(&label(&difference.path)).into_owned();
    format!("{}: {}, {}", cut(&label, LONG), part(Position::Left), part(Position::Right))
}

/// What differs in one section: fields, each with the elements in which it does.
pub(super) fn summary(differences: &[&Difference]) -> String {
    let mut fields: Vec<(String, Vec<&str>)> = Vec::new();
    for difference in differences {
        let steps = difference.path.steps();
        let field = path::pattern(steps.get(1..).unwrap_or_default()).replace("[]", "");
        let field = field.trim_start_matches("rows").trim_start_matches('.').to_owned();
        let key = difference.path.last_key();
        match fields.iter_mut().find(|(name, _)| *name == field) {
            Some((_, keys)) => keys.extend(key),
            None => fields.push((field, key.into_iter().collect())),
        }
    }
    let texts: Vec<_> = fields
        .iter()
        .map(|(field, keys)| {
            let more = keys.len().saturating_sub(FEW);
            let shown: Vec<_> = keys.iter().take(FEW).map(|key| cut(&escape(key), SHORT)).collect();
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let keys = format!("{}{rest}", shown.join(", "));
            match (field.is_empty(), keys.is_empty()) {
                (true, _) => keys,
                (false, true) => field.clone(),
                (false, false) => format!("{field} ({keys})"),
            }
        })
        .collect();
    let mut text = String::new();
    for (at, field) in texts.iter().enumerate() {
        if at > 0 && text.chars().count() + field.chars().count() > SUMMARY {
            return format!("{text}; and {} more", texts.len() - at);
        }
        text.push_str(if at > 0 { "; " } else { "" });
        text.push_str(field);
    }
    text
}

fn label(path: &Path) -> String {
    let pattern = path.pattern();
    let Some((entry, label)) = LABELS.iter().find(|(entry, _)| alike(entry, &pattern)) else {
        return path.to_string();
    };
    let star = entry.split('.').position(|step| step == "*");
    let name = match star.and_then(|at| path.steps().get(at)) {
        Some(Step::Field(name)) => name,
        _ => path.last_key().unwrap_or_default(),
    };
    label.replace("{}", name)
}

fn alike(entry: &str, pattern: &str) -> bool {
    let (mut wanted, mut steps) = (entry.split('.'), pattern.split('.'));
    loop {
        match (wanted.next(), steps.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == "*" || a == b => {}
            _ => return false,
        }
    }
}

fn value(difference: &Difference, position: Position, limit: usize) -> String {
    let Some(own) = difference.on(position) else { return "not there".to_owned() };
    let Some(other) = difference.on(position.other()) else { return "there".to_owned() };
    let text = match difference.path.pattern().as_str() {
        "capabilities.effective" | "capabilities.bounding" => capabilities(own, other),
        "resources.memory.total"
        | "storage.data_roots[].space.available"
        | "storage.data_roots[].space.total" => own.as_u64().map(size),
        pattern if alike("identity.namespaces.*.initial", pattern) => match own.as_str() {
            Some("yes") => Some("the host's".to_owned()),
            Some("no") => Some("private".to_owned()),
            _ => None,
        },
        _ => None,
    };
    cut(&escape(&text.unwrap_or_else(|| plain(own, other))), limit)
}

fn plain(own: &Value, other: &Value) -> String {
    if let Some(why) = missing(own) {
        return match why {
            "not-found" => "not there".to_owned(),
            why => format!("not known ({why})"),
        };
    }
    match own {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let theirs = other.as_array().map(Vec::as_slice).unwrap_or_default();
            list(items.iter().filter(|item| !theirs.contains(item)), items.is_empty())
        }
        other => other.to_string(),
    }
}

/// What only this side has.
fn list<'a>(items: impl Iterator<Item = &'a Value>, empty: bool) -> String {
    let texts: Vec<_> =
        items.map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
    match (texts.is_empty(), empty) {
        (true, true) => "none".to_owned(),
        (true, false) => "without".to_owned(),
        _ => texts.join(", "),
    }
}

/// The capabilities that only this side has.
fn capabilities(own: &Value, other: &Value) -> Option<String> {
    let set = |value: &Value| u64::from_str_radix(value.as_str()?, 16).ok().map(CapabilitySet);
    let (own, other) = (set(own)?, set(other)?);
    let names: Vec<_> = own.without(other).iter().map(|c| c.to_string()).collect();
    Some(match names.len() {
        _ if own.is_empty() => "none".to_owned(),
        0 => "none of these".to_owned(),
        1..=4 => names.join(", "),
        n => format!("{n} more ({}, …)", names[..3].join(", ")),
    })
}

/// Bytes as GiB with one decimal.
fn size(bytes: u64) -> String {
    let tenths = bytes / (1 << 30) * 10 + bytes % (1 << 30) * 10 / (1 << 30);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// At most so many characters.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let start: String = text.chars().take(limit - 1).collect();
    start + "…"
}
