//! The mount table.

use super::{Kind, Pseudonyms};
use crate::{bundle::redact::names::listed, source::path};

/// Filesystems whose sources and options can be anything.
fn is_remote(fstype: &str) -> bool {
    const REMOTE: &str = "\
        afs beegfs ceph cifs davfs glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb3 smbfs \
        coda curlftpfs";
    // Of the others by FUSE those are known that engines and sandboxes mount.
    const LOCAL: &[&str] = &["fuse.fuse-overlayfs", "fuse.lxcfs", "fuse.sysboxfs", "fuseblk"];
    listed(REMOTE, fstype) || (fstype.starts_with("fuse.") && !LOCAL.contains(&fstype))
}

/// Options of remote filesystems that say how, and not where or who.
const REMOTE_OPTIONS: &str = "\
    access actimeo cache default_permissions allow_other group_id hard local_lock lookupcache \
    max_read msize namlen nolock proto rdirplus retrans ro rsize rw sec soft timeo user_id vers \
    wsize";

/// Options that hold names and passwords on any filesystem.
const SECRET_OPTIONS: &str = "\
    cred credentials dom domain key mon_addr name pass passwd password password2 secret secretfile \
    user username";

/// `/proc/PID/mountinfo`. A line without the separator stays one.
pub(in super::super) fn mountinfo(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for whole in bytes.split_inclusive(|b| *b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        if !line.is_empty() {
            out.extend(mount(line, names).unwrap_or_else(|| {
                names.dropped(Kind::Line);
                b"redacted".to_vec()
            }));
        }
        out.extend_from_slice(&whole[line.len()..]);
    }
    out
}

fn mount(line: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = line.split(|b| *b == b' ').map(<[u8]>::to_vec).collect();
    let separator = fields.iter().position(|field| field == b"-").filter(|at| *at >= 6)?;
    if fields.len() < separator + 3 {
        return None;
    }
    let fstype = String::from_utf8_lossy(&fields[separator + 1]).into_owned();
    for (at, field) in fields.iter_mut().enumerate() {
        let text = unescape(field);
        *field = escape(&match at.checked_sub(separator) {
            None | Some(0 | 1) => names.bytes(&text),
            Some(2) => source(&fstype, &text, names),
            Some(_) => options(&fstype, &text, names),
        });
    }
    Some(fields.join(&b' '))
}

fn source(fstype: &str, source: &[u8], names: &Pseudonyms) -> Vec<u8> {
    if !is_remote(fstype) || source == b"none" || source == fstype.as_bytes() {
        return names.bytes(source);
    }
    let text = String::from_utf8_lossy(source);
    let text = text.trim_start_matches(['/', '\\']);
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let bracket = text.find(']').map_or(0, |at| at + 1);
    let end = text[bracket..].find([':', '/', '\\', ',']).map_or(text.len(), |at| bracket + at);
    // One form for all of them: what is exported is not judged.
    (names.text(&names.host(&text[..end])) + ":/redacted").into_bytes()
}

fn options(fstype: &str, options: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let kept = |option: &&[u8]| {
        let key = option.split(|b| *b == b'=').next().unwrap_or_default();
        let key = String::from_utf8_lossy(key);
        // `name=systemd` names a hierarchy of cgroups.
        let secret = listed(SECRET_OPTIONS, &key) && !fstype.starts_with("cgroup");
        let kept = !secret && (!is_remote(fstype) || listed(REMOTE_OPTIONS, &key));
        if !kept {
            names.dropped(Kind::Setting);
        }
        kept
    };
    let kept: Vec<&[u8]> = options.split(|b| *b == b',').filter(kept).collect();
    names.bytes(&kept.join(&b','))
}

/// Undoes the kernel's `\040`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let value = octal
            .filter(|digits| digits.iter().all(|b| (b'0'..=b'7').contains(b)))
            .map(|digits| digits.iter().fold(0, |n, b| n * 8 + u32::from(b - b'0')));
        if let Some(byte) = value.and_then(|value| u8::try_from(value).ok()) {
            out.push(byte);
            rest = &after[3..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => out.extend(format!("\\{byte:03o}").into_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

/// Mount points of cgroups, as text.
pub(in super::super) fn cgroup_mounts(bytes: &[u8]) -> Vec<String> {
    let mount_point = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
        let separator = fields.iter().position(|field| *field == b"-")?;
        let fstype = fields.get(separator + 1)?;
        let mount_point = path::encode(&unescape(fields.get(4)?));
        let cgroups = matches!(*fstype, b"cgroup" | b"cgroup2");
        (cgroups && mount_point.len() > 1).then_some(mount_point)
    };
    bytes.split(|b| *b == b'\n').filter_map(mount_point).collect()
}
