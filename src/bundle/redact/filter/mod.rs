//! Filters: what is kept of a file that holds more than is judged. Each takes the content and gives what
//! may be told of it; `None` if the file does not have the form that it should.

mod arguments;
mod config;
mod engine;
mod kernel;
mod mounts;
mod network;
mod process;
mod resolver;
mod values;

pub(super) use arguments::{command_line, flags};
pub(super) use config::{
    accounts, containerenv, containers_conf, daemon_json, forwarding, login_defs, os_release,
    packages, subordinate_id_source, subordinate_ids, ulimits,
};
pub(super) use engine::engine_version;
pub(super) use kernel::{
    builder, cgroup_file, compressed_config, config, kernel_parameters, kernel_version, numbers,
    processors,
};
pub(super) use mounts::{cgroup_mounts, mountinfo};
pub(super) use network::{
    device_counters, device_type, engine_sockets, if_inet6, ipv6_route, route,
};
pub(super) use process::{cgroup, comm, privileged, stat, status};
pub(super) use resolver::{endpoint, host_name, hosts, own_name, resolver};
pub(super) use values::values;

use super::{Kind, pseudonyms::Pseudonyms};

/// Goes through the lines of a text: what `line` gives is kept, with the line feed that was there.
fn lines(
    bytes: &[u8],
    names: &Pseudonyms,
    mut line: impl FnMut(&str) -> Option<String>,
) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut out = String::with_capacity(text.len());
    for whole in text.split_inclusive('\n') {
        let content = whole.strip_suffix('\n').unwrap_or(whole);
        match line(content) {
            Some(image) => {
                out.push_str(&image);
                out.push_str(&whole[content.len()..]);
            }
            None => names.dropped(Kind::Line),
        }
    }
    Some(out.into_bytes())
}
