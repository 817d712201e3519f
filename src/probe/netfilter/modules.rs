//! Whether nf_tables and ip_tables are in this kernel, from files: asking the kernel can load them.

use std::{cell::OnceCell, io::Read};

use dind_doctor_checks::facts::{Fact, Kernel, Tri};
use flate2::read::GzDecoder;

use crate::probe::Reader;

const CONFIG: u64 = 8 * 1024 * 1024;

/// What this kernel has, and whether it can get more.
pub(super) struct Modules<'a, 's> {
    reader: &'a Reader<'s>,
    kernel: &'a Kernel,
    proc_net: bool,
    config: OnceCell<Option<Vec<u8>>>,
}

/// A line of a kernel configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    BuiltIn,
    Module,
    Off,
}

impl<'a, 's> Modules<'a, 's> {
    /// Evidence of `reader` about `kernel`.
    pub(super) fn new(reader: &'a Reader<'s>, kernel: &'a Kernel) -> Self {
        let proc_net = reader.stat("/proc/net/dev").is_ok();
        Self { reader, kernel, proc_net, config: OnceCell::new() }
    }

    /// Whether `/proc/net` can be seen, so that a file that is not there does not exist. A procfs that is
    /// mounted with `subset=pid` hides it, and `/proc/modules` too.
    pub(super) fn sees_proc_net(&self) -> bool {
        self.proc_net
    }

    /// Whether it is certain that no module can be loaded.
    pub(super) fn none_loadable(&self) -> bool {
        self.proc_net && self.kernel.modules_loadable == Fact::Known(false)
    }

    /// Whether nf_tables is loaded, or built in as the list of that says.
    pub(super) fn has_nf_tables(&self) -> bool {
        self.is_loaded("nf_tables") || self.is_built_in("nf_tables")
    }

    /// Whether nf_tables is built in, as the configuration says; no if it was left out.
    pub(super) fn nf_tables_configured(&self) -> Tri {
        match self.setting("CONFIG_NF_TABLES") {
            Some(Setting::BuiltIn) => Tri::Yes,
            Some(Setting::Off) => Tri::No,
            Some(Setting::Module) | None => Tri::Unknown,
        }
    }

    /// Whether nf_tables is a module on the disk which is not loaded and can be: nfnetlink has the kernel
    /// load it for whoever may make rules (`nfnetlink_rcv_batch`, alias `nfnetlink-subsys-10`).
    pub(super) fn nf_tables_is_to_come(&self) -> bool {
        let release = self.kernel.release.known().filter(|release| !release.contains('/'));
        let file = |release| format!("/lib/modules/{release}/kernel/net/netfilter/nf_tables.ko");
        let on_disk = |path: String| {
            // As they are, and as `modules_install` compresses them.
            ["", ".xz", ".zst", ".gz"]
                .iter()
                .any(|suffix| self.reader.stat(&format!("{path}{suffix}")).is_ok())
        };
        self.proc_net
            && self.kernel.modules_loadable == Fact::Known(true)
            && self.reader.bytes("/proc/modules").is_ok()
            && release.map(file).is_some_and(on_disk)
    }

    /// Whether the configuration says that ip_tables is neither built in nor a module. From Linux 6.17
    /// on, CONFIG_NETFILTER_XTABLES_LEGACY alone decides, and it is off by default.
    pub(super) fn legacy_is_left_out(&self) -> bool {
        self.setting("CONFIG_IP_NF_IPTABLES") == Some(Setting::Off)
            || ["CONFIG_IP_NF_IPTABLES_LEGACY", "CONFIG_NETFILTER_XTABLES_LEGACY"]
                .into_iter()
                .any(|option| self.says_not_set(option))
    }

    fn is_loaded(&self, module: &str) -> bool {
        let listed = |modules: Vec<u8>| {
            modules.split(|byte| *byte == b'\n').any(|line| {
                line.strip_prefix(module.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
            })
        };
        self.reader.bytes("/proc/modules").is_ok_and(listed)
            || self.reader.stat(&format!("/sys/module/{module}")).is_ok()
    }

    fn is_built_in(&self, module: &str) -> bool {
        let release = self.kernel.release.known().filter(|release| !release.contains('/'));
        let Some(release) = release else { return false };
        let file = format!("/{module}.ko");
        let listed = |modules: Vec<u8>| {
            modules.split(|byte| *byte == b'\n').any(|line| line.ends_with(file.as_bytes()))
        };
        self.reader.bytes(&format!("/lib/modules/{release}/modules.builtin")).is_ok_and(listed)
    }

    /// What the configuration says; an option that it does not name cannot be chosen in this kernel.
    pub(super) fn setting(&self, option: &str) -> Option<Setting> {
        let config = self.config()?;
        let line = config.split(|byte| *byte == b'\n').find_map(|line| {
            line.strip_prefix(option.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        });
        Some(match line {
            Some(b"y") => Setting::BuiltIn,
            Some(b"m") => Setting::Module,
            _ => Setting::Off,
        })
    }

    /// Whether the configuration names the option, and says that it is off.
    fn says_not_set(&self, option: &str) -> bool {
        let wanted = format!("# {option} is not set");
        let found = |config: &[u8]| {
            config.split(|byte| *byte == b'\n').any(|line| line == wanted.as_bytes())
        };
        self.config().is_some_and(found)
    }

    /// `/proc/config.gz`, unpacked; not if that is no configuration, or cut off.
    fn config(&self) -> Option<&[u8]> {
        let unpack = || {
            let packed = self.reader.bytes("/proc/config.gz").ok()?;
            let mut config = Vec::new();
            GzDecoder::new(&*packed).take(CONFIG).read_to_end(&mut config).ok()?;
            let whole = (config.len() as u64) < CONFIG;
            let named = config.windows(8).any(|bytes| bytes == b"\nCONFIG_");
            (whole && named).then_some(config)
        };
        self.config.get_or_init(unpack).as_deref()
    }
}
