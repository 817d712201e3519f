//! The `iptables` and `nft` that a daemon would find on its PATH.

use std::collections::BTreeSet;

use dind_doctor_checks::facts::{Fact, IptablesTool, Missing, Text, ToolFlavour, Why};

use crate::{probe::Reader, source::Access};

/// As the kernel: more links in a row are a loop.
const LINKS: usize = 40;

const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// The first `nft` on the PATH.
pub(super) fn nft(reader: &Reader<'_>, path: &str) -> Result<Option<Text>, Missing> {
    Ok(first(reader, path, "nft")?.map(Text::from))
}

/// The first `iptables` on the PATH, and which kernel interface it talks to.
pub(super) fn iptables(reader: &Reader<'_>, path: &str) -> Result<Option<IptablesTool>, Missing> {
    let Some(tool) = first(reader, path, "iptables")? else { return Ok(None) };
    let resolved = reader.resolve(&tool).unwrap_or_else(|_| tool.clone());
    let flavour = flavour(reader, &tool, &resolved);
    let beside = [directory(&tool), directory(&resolved)].into_iter();
    let places: Vec<_> = beside.chain(directories(path)).collect();
    let alternatives = [ToolFlavour::Legacy, ToolFlavour::Nft].into_iter().filter(|flavour| {
        let name = format!("iptables-{}", flavour.name());
        let mut seen = BTreeSet::new();
        let mut places = places.iter().filter(|place| seen.insert(**place));
        places.any(|place| is_program(reader, &format!("{place}/{name}")) == Ok(true))
    });
    let alternatives = alternatives.collect();
    Ok(Some(IptablesTool { path: tool.into(), resolved: resolved.into(), flavour, alternatives }))
}

/// By the name of what it is in the end, else of a link on the way there. Both programs do what they
/// are called as, and which interface that goes to is in their own name.
fn flavour(reader: &Reader<'_>, tool: &str, resolved: &str) -> Fact<ToolFlavour> {
    if let Some(flavour) = flavour_of(resolved) {
        return Fact::Known(flavour);
    }
    let mut path = tool.to_owned();
    for _ in 0..LINKS {
        if let Some(flavour) = flavour_of(&path) {
            return Fact::Known(flavour);
        }
        match reader.link(&path) {
            Ok(target) if target.starts_with('/') => path = target,
            Ok(target) => path = format!("{}/{target}", directory(&path)),
            Err(_) => break,
        }
    }
    Fact::missing(resolved, Why::Malformed)
}

fn flavour_of(path: &str) -> Option<ToolFlavour> {
    let name = path.rsplit('/').next()?;
    // Before 1.8 there was one program, for both families or for one.
    let legacy = ["xtables-legacy-multi", "xtables-multi", "iptables-multi"];
    if name == "xtables-nft-multi" || name.starts_with("iptables-nft") {
        Some(ToolFlavour::Nft)
    } else if legacy.contains(&name) || name.starts_with("iptables-legacy") {
        Some(ToolFlavour::Legacy)
    } else {
        None
    }
}

/// Where a program of this name is found first.
fn first(reader: &Reader<'_>, path: &str, name: &str) -> Result<Option<String>, Missing> {
    let mut closed = None;
    for directory in directories(path) {
        let program = format!("{directory}/{name}");
        match is_program(reader, &program) {
            Ok(true) => return Ok(Some(program)),
            Ok(false) => {}
            // A shell goes on behind what it may not look at.
            Err(missing) if missing.why == Why::NotPermitted => {
                closed.get_or_insert(missing);
            }
            Err(missing) => return Err(closed.unwrap_or(missing)),
        }
    }
    closed.map_or(Ok(None), Err)
}

/// Directories of a PATH. Relative ones depend on where the daemon is started, and Go, in which
/// daemons are written, refuses to run what it finds there.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    let absolute = path.split(':').filter(|directory| directory.starts_with('/'));
    absolute.map(|directory| directory.trim_end_matches('/'))
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Whether this is a file that may be executed. Missing if the search cannot go on, since what comes
/// later on the PATH might not be the first.
fn is_program(reader: &Reader<'_>, path: &str) -> Result<bool, Missing> {
    match reader.stat(path) {
        Ok(stat) if stat.mode & TYPE == REGULAR => {
            let by_mode = stat.mode & 0o111 != 0;
            match reader.access(path, Access::Execute) {
                Fact::Known(executable) => Ok(executable),
                Fact::Missing(missing) if missing.why.is_failure() => Err(missing),
                Fact::Missing(_) => Ok(by_mode),
            }
        }
        Ok(_) => Ok(false),
        Err(missing) => match missing.why {
            Why::NotFound | Why::Unsupported => Ok(false),
            _ => Err(missing),
        },
    }
}

#[cfg(test)]
mod tests;
