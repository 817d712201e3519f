//! What the steps of trials do.

use serde::{Deserialize, Serialize};

/// What a step of a trial does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `mkdir(2)` where a daemon would make its own.
    MakeDirectory,
    /// `unshare(2)`.
    Unshare,
    /// Writing `uid_map` and `gid_map` of a new user namespace.
    MapIds,
    /// Removes what an earlier run left.
    Remove,
    /// Layers of a file system for an overlay.
    PrepareLayers,
    /// `mount(2)` of an overlay with an upper directory.
    MountOverlay,
    /// A new file in an overlay.
    WriteFile,
    /// A file of the lower layer is changed, which copies it.
    CopyUp,
    /// A file of the lower layer is removed, which leaves a whiteout.
    Whiteout,
    /// A directory of the lower layer is removed and made again, which is opaque then.
    OpaqueDirectory,
    /// A directory of the lower layer is renamed.
    RenameDirectory,
    /// An overlay on this overlay, as an engine inside a container would mount it.
    StackOverlay,
    /// `flock(2)` of a database, shared and without waiting.
    TakeLock,
    /// Whether a new cgroup has this controller.
    ChildController,
    /// Writing a limit of a new cgroup: none.
    SetLimit,
    /// A process moves itself into a new cgroup.
    EnterCgroup,
    /// `mount(2)` of cgroups in a new cgroup namespace.
    MountCgroup,
    /// Whether everything is in the root in a new cgroup namespace.
    ReadCgroup,
    /// A table of legacy iptables (`IPT_SO_GET_INFO`).
    LegacyTable,
    /// A dump of nf_tables.
    Nftables,
    /// dockerd's chain in the table nat.
    NatChain,
    /// A rule with the match addrtype.
    MatchAddrtype,
    /// A rule with the match conntrack.
    MatchConntrack,
    /// A rule with the target MASQUERADE.
    Masquerade,
    /// A rule in the table raw.
    RawTable,
    /// A pair of veth links, with addresses.
    MakeLinks,
    /// A packet that has to arrive with the rewritten source.
    SendPacket,
    /// Giving up the privileges of root.
    BecomeUser,
    /// `mount(2)` of a tmpfs.
    MountTmpfs,
    /// `mount(2)` of a proc.
    MountProc,
    /// `mknod(2)` of a character device.
    MakeDevice,
    /// `open(2)` of a device.
    OpenDevice,
    /// An orphan ends.
    ReapOrphan,
    /// `inotify_init1(2)`.
    MakeInotify,
    /// A table of nf_tables.
    MakeTable,
    /// A chain of nf_tables.
    MakeChain,
    /// A rule of nf_tables.
    MakeRule,
    /// `bpf(2)` with `BPF_PROG_QUERY` of `BPF_CGROUP_DEVICE`.
    QueryFilter,
    /// `bpf(2)` with `BPF_PROG_LOAD` of a filter that allows every device.
    LoadFilter,
    /// `bpf(2)` with `BPF_PROG_ATTACH` of that filter.
    AttachFilter,
    /// `keyctl(2)` with `KEYCTL_JOIN_SESSION_KEYRING`.
    JoinKeyring,
    /// `add_key(2)` of keyrings.
    MakeKeyrings,
    /// `setrlimit(2)` with a hard limit that an engine asks for.
    RaiseLimit,
    /// Writing a lower `oom_score_adj`.
    LowerOomScore,
    /// Writing a sysctl of a network namespace below `/proc/sys`.
    WriteSysctl,
    /// Opening a sysctl of a detached proc again for writing, as runc does.
    ReopenSysctl,
    /// Looking up the addresses of a name.
    ResolveName,
    /// A TCP connection to the target.
    ConnectTarget,
    /// Datagrams that may not be fragmented.
    ProbePath,
    /// Full-size segments that have to be acknowledged.
    SendSegments,
    /// A download by a connection that announces the segments of some MTU.
    Download,
    /// A connection to the engine that clients reach.
    ConnectEngine,
    /// A TLS handshake with it, by the client's certificates.
    BeginTls,
    /// `GET` of one path of its API.
    AskEngine,
    /// What it says of itself.
    KnowEngine,
    /// A system call with arguments that the kernel refuses: it worked if the kernel did.
    SystemCall,
    /// `newuidmap(1)` with the ranges of `/etc/subuid`.
    MapUserIds,
    /// `newgidmap(1)` with the ranges of `/etc/subgid`.
    MapGroupIds,
    /// Whether `uid_map` or `gid_map` of a new user namespace says what was asked for.
    ReadIdMap,
    /// Namespaces and covered directories in which an engine leaves nothing behind.
    PrepareRoom,
    /// The engine itself is started, and answers.
    StartEngine,
    /// The doctor becomes an image.
    ImportImage,
    /// A container of that image is made and started.
    RunContainer,
    /// The doctor in the container says what it sees.
    LookAround,
    /// A connection from the container to a listener beyond the engine's network.
    LeaveContainer,
    /// Whether a container gets no more than its limit.
    HoldLimit,
    /// A container is asked to end, by SIGTERM.
    StopContainer,
}

impl Action {
    /// What is done, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::MakeDirectory => "make a directory",
            Self::Unshare => "unshare",
            Self::MapIds => "map ids",
            Self::Remove => "remove",
            Self::PrepareLayers => "prepare layers",
            Self::MountOverlay => "mount overlay",
            Self::WriteFile => "write into overlay",
            Self::CopyUp => "change a file of the lower layer",
            Self::Whiteout => "remove a file of the lower layer",
            Self::OpaqueDirectory => "replace a directory of the lower layer",
            Self::RenameDirectory => "rename a directory of the lower layer",
            Self::StackOverlay => "mount an overlay on the overlay",
            Self::TakeLock => "lock a database",
            Self::ChildController => "find a controller in a new cgroup",
            Self::SetLimit => "set a limit of a new cgroup",
            Self::EnterCgroup => "move a process into a new cgroup",
            Self::MountCgroup => "mount cgroups in a cgroup namespace",
            Self::ReadCgroup => "be in the root of a cgroup namespace",
            Self::LegacyTable => "ask for a legacy table",
            Self::Nftables => "ask for nf_tables",
            Self::NatChain => "make a chain in the table nat",
            Self::MatchAddrtype => "make a rule with addrtype",
            Self::MatchConntrack => "make a rule with conntrack",
            Self::Masquerade => "make a rule with MASQUERADE",
            Self::RawTable => "make a rule in the table raw",
            Self::MakeLinks => "make a veth pair",
            Self::SendPacket => "send a packet that is masqueraded",
            Self::BecomeUser => "become an ordinary user",
            Self::MountTmpfs => "mount tmpfs",
            Self::MountProc => "mount proc",
            Self::MakeDevice => "make a device node",
            Self::OpenDevice => "open a device",
            Self::ReapOrphan => "let PID 1 reap an orphan",
            Self::MakeInotify => "make inotify instances",
            Self::MakeTable => "make a table",
            Self::MakeChain => "make a chain",
            Self::MakeRule => "make a rule",
            Self::QueryFilter => "ask for device filters",
            Self::LoadFilter => "load a device filter",
            Self::AttachFilter => "attach a device filter",
            Self::JoinKeyring => "join a session keyring",
            Self::MakeKeyrings => "make keyrings",
            Self::RaiseLimit => "set a limit",
            Self::LowerOomScore => "lower oom_score_adj",
            Self::WriteSysctl => "write a sysctl",
            Self::ReopenSysctl => "write a sysctl of a detached proc",
            Self::ResolveName => "look up an address",
            Self::ConnectTarget => "connect to the target",
            Self::ProbePath => "probe the path with packets that may not be fragmented",
            Self::SendSegments => "send full-size segments",
            Self::Download => "download",
            Self::ConnectEngine => "connect to the engine",
            Self::BeginTls => "do a TLS handshake",
            Self::AskEngine => "ask the engine",
            Self::KnowEngine => "know the engine",
            Self::SystemCall => "reach the kernel with a system call",
            Self::MapUserIds => "execute newuidmap",
            Self::MapGroupIds => "execute newgidmap",
            Self::ReadIdMap => "read the id map back",
            Self::PrepareRoom => "prepare a room",
            Self::StartEngine => "start the engine",
            Self::ImportImage => "import an image",
            Self::RunContainer => "run a container",
            Self::LookAround => "look around in the container",
            Self::LeaveContainer => "reach a listener from the container",
            Self::HoldLimit => "hold the container to its limit",
            Self::StopContainer => "end the container by SIGTERM",
        }
    }

    /// Whether the engine does it, and not the doctor for it.
    pub const fn is_of_engine(self) -> bool {
        matches!(
            self,
            Self::StartEngine
                | Self::ImportImage
                | Self::RunContainer
                | Self::LookAround
                | Self::LeaveContainer
                | Self::HoldLimit
                | Self::StopContainer
        )
    }
}
