//! One version 2 cgroup directory.

use dind_doctor_checks::facts::{
    CgroupChild, CgroupDirectory, CgroupType, Fact, Missing, Procs, Text, Why,
};

use crate::{
    probe::{Reader, process::pids},
    source::{Access, EntryKind},
};

/// Children whose type is looked at.
const CHILDREN: usize = 256;

/// PIDs that are kept of a `cgroup.procs`.
const PIDS: usize = 256;

pub(super) fn read(reader: &Reader, path: &str) -> CgroupDirectory {
    CgroupDirectory {
        path: path.into(),
        kind: kind(reader, path),
        controllers: words(reader, &format!("{path}/cgroup.controllers")),
        subtree_control: words(reader, &format!("{path}/cgroup.subtree_control")),
        procs: procs(reader, path),
        children: children(reader, path),
        writable: writable(reader, path),
    }
}

/// The root of the hierarchy has no `cgroup.type`.
fn kind(reader: &Reader, path: &str) -> Fact<CgroupType> {
    let file = format!("{path}/cgroup.type");
    match reader.text(&file) {
        Ok(text) => match text.as_str() {
            "domain" => Fact::Known(CgroupType::Domain),
            "domain threaded" => Fact::Known(CgroupType::DomainThreaded),
            "domain invalid" => Fact::Known(CgroupType::DomainInvalid),
            "threaded" => Fact::Known(CgroupType::Threaded),
            _ => Fact::missing(file, Why::Malformed),
        },
        // Every cgroup has this one.
        Err(Missing { why: Why::NotFound, .. }) => {
            match reader.bytes(&format!("{path}/cgroup.controllers")) {
                Err(missing) if missing.why.is_failure() || missing.why == Why::NotFound => {
                    Fact::Missing(missing)
                }
                _ => Fact::Known(CgroupType::Root),
            }
        }
        Err(missing) => Fact::Missing(missing),
    }
}

fn words(reader: &Reader, path: &str) -> Fact<Vec<Text>> {
    reader.text(path).map(|text| text.split_whitespace().map(Text::from).collect()).into()
}

pub(super) fn procs(reader: &Reader, path: &str) -> Fact<Procs> {
    let count = |bytes: Vec<u8>| {
        let mut procs = Procs::default();
        for pid in pids(&bytes) {
            procs.count += 1;
            if pid == 0 {
                procs.foreign += 1;
            } else if procs.pids.len() < PIDS {
                procs.pids.push(pid);
            }
        }
        procs.pids.sort_unstable();
        procs
    };
    reader.bytes(&format!("{path}/cgroup.procs")).map(count).into()
}

fn children(reader: &Reader, path: &str) -> Fact<Vec<CgroupChild>> {
    let listing = reader.list(path, CHILDREN * 8).map(|listing| {
        let directories = listing.entries.into_iter().filter(|e| e.kind == EntryKind::Directory);
        directories
            .take(CHILDREN)
            .map(|entry| CgroupChild {
                kind: kind(reader, &format!("{path}/{}", entry.name)),
                name: entry.name.into(),
            })
            .collect()
    });
    listing.into()
}

/// Engines make directories, move processes and enable controllers: all three must be allowed.
fn writable(reader: &Reader, path: &str) -> Fact<bool> {
    let files = ["", "/cgroup.procs", "/cgroup.subtree_control"];
    let mut missing = None;
    for file in files {
        match reader.access(&format!("{path}{file}"), Access::Write) {
            Fact::Known(false) => return Fact::Known(false),
            Fact::Known(true) => {}
            Fact::Missing(m) => missing = Some(m),
        }
    }
    missing.map_or(Fact::Known(true), Fact::Missing)
}
