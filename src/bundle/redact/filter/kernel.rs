//! What the kernel writes.

use std::io::{Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{Kind, Pseudonyms, lines};
use crate::bundle::redact::names::listed;

/// A kernel's configuration, unpacked, is smaller.
const CONFIG_LIMIT: u64 = 4 * 1024 * 1024;

/// Parameters of the kernel's command line that checks judge.
const PARAMETERS: &str = "\
    apparmor audit cgroup_disable cgroup_enable cgroup_favordynmods cgroup_memory cgroup_no_v1 \
    enforcing ipv6.disable ipv6.disable_ipv6 lsm namespace.unpriv_enable overlay.metacopy psi ro \
    rw security selinux swapaccount systemd.unified_cgroup_hierarchy \
    SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE systemd.legacy_systemd_cgroup_controller \
    user_namespace.enable";

/// Numbers and switches: anything else, a key for instance, is refused.
pub(in super::super) fn numbers(bytes: &[u8], _: &Pseudonyms) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = |word: &str| {
        word.trim_start_matches('-').parse::<u64>().is_ok() || matches!(word, "Y" | "N" | "max")
    };
    text.split_ascii_whitespace().all(number).then(|| bytes.to_vec())
}

/// PIDs, controllers, `domain threaded`, `populated 1`.
pub(in super::super) fn cgroup_file(bytes: &[u8], _: &Pseudonyms) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = |word: &str| {
        word.len() <= 24
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && word.bytes().all(|b| b.is_ascii_digit()) | !word.bytes().any(|b| b.is_ascii_digit())
    };
    text.split_ascii_whitespace().all(plain).then(|| bytes.to_vec())
}

/// `Linux version … (user@machine) (compiler) #1 SMP …` without user and machine.
pub(in super::super) fn builder(text: &str, names: &Pseudonyms) -> String {
    let mut before = "";
    let word = |word| {
        // A release can have four numbers, as WSL's has, and is no address.
        let is_release = std::mem::replace(&mut before, word) == "version";
        match word {
            _ if word.find('@') > Some(0) => "(build@host)".to_owned(),
            _ if is_release => word.to_owned(),
            _ => names.text(word),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// `/proc/version`, and its parts in files of their own.
pub(in super::super) fn kernel_version(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| Some(builder(line, names)))
}

/// Those parameters that are judged.
pub(in super::super) fn kernel_parameters(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let judged = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        let judged = listed(PARAMETERS, name);
        if !judged {
            names.dropped(Kind::Setting);
        }
        judged
    };
    let kept: Vec<&str> = text.split_ascii_whitespace().filter(judged).collect();
    Some((kept.join(" ") + "\n").into_bytes())
}

/// `/proc/cpuinfo` without serial numbers.
pub(in super::super) fn processors(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| (!line.starts_with("Serial")).then(|| names.text(line)))
}

/// What is built in, a module, or not there; of the other options only numbers.
pub(in super::super) fn config(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let option = |name: &str| {
            name.strip_prefix("CONFIG_")
                .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        };
        let unset = |line: &str| line.strip_prefix("# ")?.strip_suffix(" is not set").map(option);
        let set = |line: &str| {
            let (name, value) = line.split_once('=')?;
            let plain = matches!(value, "y" | "m") || value.parse::<u64>().is_ok();
            Some(option(name) && plain)
        };
        let kept = unset(line) == Some(true) || set(line) == Some(true);
        kept.then(|| line.to_owned())
    })
}

/// The same, compressed.
pub(in super::super) fn compressed_config(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).take(CONFIG_LIMIT).read_to_end(&mut content).ok()?;
    let kept = config(&content, names)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&kept).ok()?;
    encoder.finish().ok()
}
