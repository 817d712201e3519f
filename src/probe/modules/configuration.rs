//! The configuration that the kernel was built with.

use std::io::Read;

use flate2::read::GzDecoder;
use memchr::memmem;

/// Unpacked bytes; a distribution's has 300 KiB.
const MOST: u64 = 8 * 1024 * 1024;

/// What a line says of its option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::probe) enum Setting {
    BuiltIn,
    Module,
    Off,
}

/// Its text. A few options of thousands are looked up, so it is searched, and not taken apart.
#[derive(Debug)]
pub(super) struct Configuration(Vec<u8>);

impl Configuration {
    /// `/proc/config.gz`; `None` if that is no configuration, or cut off.
    pub(super) fn unpack(packed: &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        GzDecoder::new(packed).take(MOST).read_to_end(&mut text).ok()?;
        if (text.len() as u64) < MOST { Self::new(text) } else { None }
    }

    /// `None` if this is no configuration. Each begins with a comment.
    pub(super) fn new(text: Vec<u8>) -> Option<Self> {
        memmem::find(&text, b"\nCONFIG_").is_some().then_some(Self(text))
    }

    /// What is set for the option; one that is not named cannot be chosen in this kernel.
    pub(super) fn setting(&self, option: &str) -> Setting {
        let before = format!("\n{option}=");
        let value = memmem::find(&self.0, before.as_bytes()).map(|at| &self.0[at + before.len()..]);
        let value = value.and_then(|rest| rest.split(|byte| *byte == b'\n').next());
        match value {
            Some(b"y") => Setting::BuiltIn,
            Some(b"m") => Setting::Module,
            _ => Setting::Off,
        }
    }

    /// Whether it names the option, and says that it is off.
    pub(super) fn says_not_set(&self, option: &str) -> bool {
        let line = format!("\n# {option} is not set");
        memmem::find(&self.0, line.as_bytes())
            .is_some_and(|at| matches!(self.0.get(at + line.len()), None | Some(b'\n')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_and_whole_values_count() {
        let text =
            "#\nCONFIG_VETH_FAST=y\nCONFIG_VETH=m\nCONFIG_BRIDGE=yes\n# CONFIG_TUN is not set";
        let configuration = Configuration::new(text.into()).unwrap();
        assert_eq!(configuration.setting("CONFIG_VETH"), Setting::Module);
        assert_eq!(configuration.setting("CONFIG_VETH_FAST"), Setting::BuiltIn);
        for option in ["CONFIG_BRIDGE", "CONFIG_TUN", "VETH", "CONFIG_VET"] {
            assert_eq!(configuration.setting(option), Setting::Off, "{option}");
        }
        assert!(configuration.says_not_set("CONFIG_TUN"));
        assert!(
            !configuration.says_not_set("CONFIG_TU") && !configuration.says_not_set("CONFIG_VETH")
        );
        assert!(Configuration::new(b"no configuration\n".into()).is_none());
        assert!(Configuration::unpack(text.as_bytes()).is_none(), "it is not compressed");
    }
}
