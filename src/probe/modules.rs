//! Which modules are in this kernel, from files: asking the kernel can load them.

mod configuration;

use std::cell::OnceCell;

use configuration::Configuration;
pub(in crate::probe) use configuration::Setting;
use dind_doctor_checks::facts::{Fact, Kernel, Missing, Module, ModuleState, Text, Tri, Why};

use crate::probe::Reader;

/// What engines need: the name of the module, the options of which one brings it, its file below
/// `/lib/modules/RELEASE/kernel`.
const NEEDED: [(&str, &[&str], &str); 9] = [
    ("overlay", &["CONFIG_OVERLAY_FS"], "fs/overlayfs"),
    ("veth", &["CONFIG_VETH"], "drivers/net"),
    ("bridge", &["CONFIG_BRIDGE"], "net/bridge"),
    ("nf_tables", &["CONFIG_NF_TABLES"], "net/netfilter"),
    ("nft_compat", &["CONFIG_NFT_COMPAT"], "net/netfilter"),
    // Before 5.1 it was of IPv4 alone.
    ("nft_chain_nat", &["CONFIG_NFT_NAT", "CONFIG_NFT_CHAIN_NAT_IPV4"], "net/netfilter"),
    ("nf_nat", &["CONFIG_NF_NAT"], "net/netfilter"),
    ("ip_tables", &["CONFIG_IP_NF_IPTABLES"], "net/ipv4/netfilter"),
    ("iptable_nat", &["CONFIG_IP_NF_NAT"], "net/ipv4/netfilter"),
];

/// Modules by whose files it shows how all are compressed, the most usual first.
const COMMON: [&str; 3] =
    ["net/netfilter/nf_tables", "net/ipv4/netfilter/iptable_nat", "fs/overlayfs/overlay"];

/// As `modules_install` compresses them.
const SUFFIXES: [&str; 4] = ["", ".xz", ".zst", ".gz"];

/// Files that name the modules of the running kernel, each read when it is first needed.
#[derive(Default)]
pub(in crate::probe) struct Lists {
    loaded: OnceCell<Result<Vec<u8>, Missing>>,
    built_in: OnceCell<Option<Vec<u8>>>,
    configuration: OnceCell<Option<Configuration>>,
    suffix: OnceCell<Option<&'static str>>,
}

impl Lists {
    /// `/proc/modules`.
    pub(in crate::probe) fn loaded(&self, reader: &Reader<'_>) -> &Result<Vec<u8>, Missing> {
        self.loaded.get_or_init(|| reader.bytes("/proc/modules"))
    }
}

/// What this kernel has, and whether it can get more.
pub(in crate::probe) struct Modules<'a, 's> {
    reader: &'a Reader<'s>,
    kernel: &'a Kernel,
    lists: &'a Lists,
    proc_net: bool,
}

impl<'a, 's> Modules<'a, 's> {
    /// Evidence of `reader` about `kernel`, with the lists that others have read already.
    pub(in crate::probe) fn new(
        reader: &'a Reader<'s>,
        kernel: &'a Kernel,
        lists: &'a Lists,
    ) -> Self {
        let proc_net = reader.stat("/proc/net/dev").is_ok();
        Self { reader, kernel, lists, proc_net }
    }

    /// Whether `/proc/net` can be seen, so that a file that is not there does not exist. A procfs that is
    /// mounted with `subset=pid` hides it, and `/proc/modules` too.
    pub(in crate::probe) fn sees_proc_net(&self) -> bool {
        self.proc_net
    }

    /// Whether it is certain that no module can be loaded.
    pub(in crate::probe) fn none_loadable(&self) -> bool {
        self.proc_net && self.kernel.modules_loadable == Fact::Known(false)
    }

    /// Where each of the modules is that engines need.
    pub(in crate::probe) fn needed(&self) -> Vec<Module> {
        let state = |(name, options, directory): (&str, &[&str], &str)| Module {
            name: name.into(),
            state: self.state(name, options, directory),
        };
        NEEDED.map(state).into()
    }

    fn state(&self, name: &str, options: &[&str], directory: &str) -> ModuleState {
        if self.is_loaded(name) || self.is_built_in(name) {
            return ModuleState::Present;
        }
        let settings: Vec<_> = options.iter().filter_map(|option| self.setting(option)).collect();
        if settings.contains(&Setting::BuiltIn) {
            return ModuleState::Present;
        }
        if !settings.is_empty() && !settings.contains(&Setting::Module) {
            return ModuleState::LeftOut;
        }
        if !self.proc_net || self.loaded().is_none() {
            return ModuleState::Unknown;
        }
        let on_disk = self.kernel.modules_directory == Fact::Known(true)
            && self.is_on_disk(&format!("{directory}/{name}"));
        // Before Linux 5.1 its name ended in that of a family.
        let renamed = name == "nft_chain_nat"
            && !self.kernel.version.is_known_and(|version| version.at_least(5, 1));
        let installed = || {
            self.kernel.modules_directory != Fact::Known(true)
                || renamed
                || self.lacks_file(&format!("{directory}/{name}")).is_none()
        };
        match settings.is_empty() {
            _ if on_disk => ModuleState::OnDisk,
            _ if !installed() => ModuleState::NotInstalled,
            false => ModuleState::NotLoaded,
            // Not every file that a module can have is looked for, and what is built in need not be listed.
            true => ModuleState::NotSeen,
        }
    }

    fn is_on_disk(&self, module: &str) -> bool {
        self.installed_as(module).is_some()
    }

    /// How the installed file of a module is compressed, if there is one.
    fn installed_as(&self, module: &str) -> Option<&'static str> {
        let file = self.file(module)?;
        SUFFIXES.into_iter().find(|suffix| self.reader.stat(&format!("{file}{suffix}")).is_ok())
    }

    /// The file of a module that is neither loaded nor installed, though others of this kernel are: distributions leave
    /// some to a package of their own. As others are compressed, so is this one.
    pub(in crate::probe) fn lacks_file(&self, module: &str) -> Option<String> {
        let name = module.rsplit('/').next().unwrap_or(module);
        if self.loaded().is_none()
            || self.is_loaded(name)
            || self.built_in().is_none() && !self.shows_that_it_is_not_built_in(name)
            || self.is_built_in(name)
        {
            return None;
        }
        let suffix = match self.suffix() {
            Some(suffix) => suffix,
            // All that was installed is built in: whatever a file would be called, there is none.
            None if self.is_built_as_a_whole() && !self.is_on_disk(module) => "",
            None => return None,
        };
        let file = format!("{}{suffix}", self.file(module)?);
        let absent = |missing: &Missing| missing.why == Why::NotFound;
        self.reader.stat(&file).err().filter(absent).map(|_| file)
    }

    /// ip_tables makes a file in every network namespace, wherever it comes from.
    fn shows_that_it_is_not_built_in(&self, name: &str) -> bool {
        let file = self.reader.stat("/proc/net/ip_tables_names");
        name == "ip_tables"
            && self.proc_net
            && file.is_err_and(|missing| missing.why == Why::NotFound)
    }

    /// How the modules of this kernel are compressed, by one that is nearly everywhere.
    fn suffix(&self) -> Option<&'static str> {
        let known = || COMMON.into_iter().find_map(|module| self.installed_as(module));
        *self.lists.suffix.get_or_init(known)
    }

    /// Whether no module is loaded, and what rules are made with is in the list of what is built in.
    fn is_built_as_a_whole(&self) -> bool {
        self.loaded().is_some_and(<[u8]>::is_empty) && self.is_built_in("x_tables")
    }

    /// Whether nf_tables is loaded, or built in as the list of that says.
    pub(in crate::probe) fn has_nf_tables(&self) -> bool {
        self.is_loaded("nf_tables") || self.is_built_in("nf_tables")
    }

    /// Whether nf_tables is built in, as the configuration says; no if it was left out.
    pub(in crate::probe) fn nf_tables_configured(&self) -> Tri {
        match self.setting("CONFIG_NF_TABLES") {
            Some(Setting::BuiltIn) => Tri::Yes,
            Some(Setting::Off) => Tri::No,
            Some(Setting::Module) | None => Tri::Unknown,
        }
    }

    /// Whether nf_tables is a module on the disk which is not loaded and can be: nfnetlink has the kernel
    /// load it for whoever may make rules (`nfnetlink_rcv_batch`, alias `nfnetlink-subsys-10`).
    pub(in crate::probe) fn nf_tables_is_to_come(&self) -> bool {
        self.proc_net
            && self.kernel.modules_loadable == Fact::Known(true)
            && self.loaded().is_some()
            && self.is_on_disk("net/netfilter/nf_tables")
    }

    /// Whether the configuration says that ip_tables is neither built in nor a module. From Linux 6.17
    /// on, CONFIG_NETFILTER_XTABLES_LEGACY alone decides, and it is off by default.
    pub(in crate::probe) fn legacy_is_left_out(&self) -> bool {
        self.setting("CONFIG_IP_NF_IPTABLES") == Some(Setting::Off)
            || ["CONFIG_IP_NF_IPTABLES_LEGACY", "CONFIG_NETFILTER_XTABLES_LEGACY"]
                .into_iter()
                .any(|option| self.says_not_set(option))
    }

    fn loaded(&self) -> Option<&[u8]> {
        self.lists.loaded(self.reader).as_deref().ok()
    }

    /// Of which kernel modules are looked for.
    fn release(&self) -> Option<&Text> {
        self.kernel.release.known().filter(|release| !release.contains('/'))
    }

    /// The file of a module, as it is without compression.
    fn file(&self, module: &str) -> Option<String> {
        let release = self.release()?;
        Some(format!("/lib/modules/{release}/kernel/{module}.ko"))
    }

    fn is_loaded(&self, module: &str) -> bool {
        let is_it = |line: &[u8]| {
            line.strip_prefix(module.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
        };
        self.loaded().is_some_and(|modules| modules.split(|byte| *byte == b'\n').any(is_it))
            || self.reader.stat(&format!("/sys/module/{module}")).is_ok()
    }

    /// `modules.builtin` of the running kernel, asked for once.
    fn built_in(&self) -> Option<&[u8]> {
        let list = || {
            let release = self.release()?;
            self.reader.bytes(&format!("/lib/modules/{release}/modules.builtin")).ok()
        };
        self.lists.built_in.get_or_init(list).as_deref()
    }

    fn is_built_in(&self, module: &str) -> bool {
        let file = format!("/{module}.ko");
        let is_it = |line: &[u8]| line.ends_with(file.as_bytes());
        self.built_in().is_some_and(|modules| modules.split(|byte| *byte == b'\n').any(is_it))
    }

    /// What the configuration says.
    pub(in crate::probe) fn setting(&self, option: &str) -> Option<Setting> {
        Some(self.configuration()?.setting(option))
    }

    /// Whether the configuration names the option, and says that it is off.
    fn says_not_set(&self, option: &str) -> bool {
        self.configuration().is_some_and(|configuration| configuration.says_not_set(option))
    }

    /// The configuration of the running kernel: its own, else the file that its package has.
    fn configuration(&self) -> Option<&Configuration> {
        let read = || {
            let own = self.reader.bytes("/proc/config.gz").ok();
            own.and_then(|packed| Configuration::unpack(&packed)).or_else(|| self.installed())
        };
        self.lists.configuration.get_or_init(read).as_ref()
    }

    /// Debian, Fedora and their kin install it for each release.
    fn installed(&self) -> Option<Configuration> {
        let release = self.release()?;
        [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")]
            .iter()
            .filter_map(|path| self.reader.bytes(path).ok())
            .find_map(Configuration::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    const RELEASE: &str = "6.1.0";

    fn state(source: &Fixed, name: &str, directory: bool) -> ModuleState {
        let reader = Reader::new(source);
        let kernel = Kernel {
            release: Fact::Known(RELEASE.into()),
            modules_loadable: Fact::Known(true),
            modules_directory: Fact::Known(directory),
            ..Kernel::default()
        };
        let needed = Modules::new(&reader, &kernel, &Lists::default()).needed();
        needed.iter().find(|module| module.name == *name).unwrap().state
    }

    fn modular() -> Fixed {
        Fixed::new().file("/proc/net/dev", "").file("/proc/modules", "bridge 1 0 - Live 0x0\n")
    }

    #[test]
    fn what_is_loaded_built_in_or_on_the_disk() {
        assert_eq!(state(&modular(), "bridge", false), ModuleState::Present);
        assert_eq!(state(&modular(), "veth", false), ModuleState::NotSeen);
        let there = modular().file("/lib/modules/6.1.0/kernel/drivers/net/veth.ko.zst", "");
        assert_eq!(state(&there, "veth", true), ModuleState::OnDisk);
        let listed =
            modular().file("/lib/modules/6.1.0/modules.builtin", "kernel/drivers/net/veth.ko\n");
        assert_eq!(state(&listed, "veth", true), ModuleState::Present);
        let named = modular().directory("/sys/module/veth", &[]);
        assert_eq!(state(&named, "veth", false), ModuleState::Present);
        assert_eq!(state(&Fixed::new(), "veth", false), ModuleState::Unknown);
    }

    #[test]
    fn what_is_not_installed_where_others_are() {
        let nf_tables = "/lib/modules/6.1.0/kernel/net/netfilter/nf_tables.ko.xz";
        let others = || {
            modular()
                .file("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
                .file(nf_tables, "")
        };
        assert_eq!(state(&others(), "ip_tables", true), ModuleState::NotInstalled);
        assert_eq!(state(&others(), "nf_tables", true), ModuleState::OnDisk);
        assert_eq!(state(&others(), "ip_tables", false), ModuleState::NotSeen);
        assert_eq!(
            state(&others(), "nft_chain_nat", true),
            ModuleState::NotSeen,
            "of which release?"
        );
        let unlisted = modular().file(nf_tables, "");
        assert_eq!(state(&unlisted, "iptable_nat", true), ModuleState::NotSeen);
        assert_eq!(state(&unlisted, "ip_tables", true), ModuleState::NotInstalled);
        let registered = modular().file(nf_tables, "").file("/proc/net/ip_tables_names", "");
        assert_eq!(state(&registered, "ip_tables", true), ModuleState::NotSeen);
    }

    #[test]
    fn a_file_that_others_have_and_this_one_has_not() {
        let lacks = |source: &Fixed, module: &str| {
            let reader = Reader::new(source);
            let kernel = Kernel { release: Fact::Known(RELEASE.into()), ..Kernel::default() };
            Modules::new(&reader, &kernel, &Lists::default()).lacks_file(module).is_some()
        };
        let built_in = |lines: &str| modular().file("/lib/modules/6.1.0/modules.builtin", lines);
        let ext4 = || built_in("kernel/fs/ext4/ext4.ko\n");
        let nf_tables = "net/netfilter/nf_tables";
        assert!(!lacks(&ext4(), nf_tables), "nothing shows how files are called");
        let nat = "/lib/modules/6.1.0/kernel/net/ipv4/netfilter/iptable_nat.ko";
        assert!(lacks(&ext4().file(nat, ""), nf_tables));
        let packed = "/lib/modules/6.1.0/kernel/net/netfilter/nf_tables.ko.xz";
        assert!(!lacks(&ext4().file(nat, "").file(packed, ""), nf_tables));
        let whole = || built_in("kernel/net/netfilter/x_tables.ko\n").file("/proc/modules", "");
        let addrtype = "net/netfilter/xt_addrtype";
        assert!(lacks(&whole(), addrtype));
        let there = "/lib/modules/6.1.0/kernel/net/netfilter/xt_addrtype.ko.zst";
        assert!(!lacks(&whole().file(there, ""), addrtype));
        assert!(!lacks(&whole().file("/proc/modules", "veth 1 0 - Live 0x0\n"), addrtype));
        assert!(!lacks(&modular(), addrtype), "what is built in is not known");
    }

    #[test]
    fn the_installed_configuration_tells_as_the_kernels_own() {
        for path in ["/boot/config-6.1.0", "/lib/modules/6.1.0/config"] {
            let with = |lines: &str| modular().file(path, format!("#\nCONFIG_NET=y\n{lines}\n"));
            assert_eq!(state(&with("CONFIG_VETH=y"), "veth", true), ModuleState::Present);
            assert_eq!(state(&with("CONFIG_VETH=m"), "veth", true), ModuleState::NotLoaded);
            let off = with("# CONFIG_NFT_COMPAT is not set");
            assert_eq!(state(&off, "nft_compat", true), ModuleState::LeftOut);
        }
        let other = modular().file("/boot/config-6.1.1", "#\nCONFIG_NET=y\n");
        assert_eq!(state(&other, "veth", true), ModuleState::NotSeen);
    }
}
