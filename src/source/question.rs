//! What can be asked of a source: each question, the type of its answer, and how the live machine answers, in one
//! table.
//!
//! A new question is a row here, and a line in `answer.rs` if no other has an answer of its type. What may leave the
//! machine of it is said in `bundle/redact`, where nothing does unless it is.

use std::{net::IpAddr, sync::Arc};

use dind_doctor_checks::facts::{
    Address, EngineVersion, InotifyUse, Link, NftTable, Reading, Route,
};
use serde::{Deserialize, Serialize};

use super::{
    answer::{Answer, Answered, Ask, Ids, Listing, Package, Refusal, Stat, StatFs, Tried, Uname},
    argument, document,
    live::{Risk, Within, call, clocks, engine, file, inotify, paragraphs, process, rpm},
    nfnetlink, rtnetlink, socket,
};

questions! {
    /// The content of a file, unless that is larger than the source reads.
    Read {
        /// Absolute path.
        path: String,
    } -> Arc<Vec<u8>> {
        looks_at: path,
        live: |within| file::read(path, within.limits.bytes(path), within.deadline).map(Arc::new),
    }

    /// Of a file of paragraphs separated by empty lines, those that have one of `lines` as a whole line:
    /// the records of a few packages out of a package database.
    Paragraphs {
        /// Absolute path.
        path: String,
        /// Lines to look for.
        lines: Vec<String>,
    } -> Arc<Vec<u8>> {
        looks_at: path,
        live: |within| paragraphs::paragraphs(path, lines, within.deadline).map(Arc::new),
    }

    /// Of a database of rpm, those of `names` that are installed. It may have 100 MiB, and names nothing in
    /// plain text.
    RpmPackages {
        /// Absolute path of `rpmdb.sqlite`, `Packages.db` or `Packages`.
        path: String,
        /// Names of packages.
        names: Vec<String>,
    } -> Vec<Package> {
        looks_at: path,
        live: |within| rpm::packages(path, names, within.deadline),
    }

    /// Of a JSON or YAML file, the values at these places, as JSON, and nothing else: client configuration
    /// holds credentials beside what is judged, and they never leave the source.
    Values {
        /// Absolute path.
        path: String,
        /// Keys joined by `/`; `*` stands for each element of an array: `clusters/*/name`.
        keys: Vec<String>,
    } -> Arc<Vec<u8>> {
        looks_at: path,
        live: |within| document::read(path, keys, within.deadline).map(Arc::new),
    }

    /// The target of a symbolic link.
    ReadLink {
        /// Absolute path.
        path: String,
    } -> String {
        looks_at: path,
        live: |_| file::read_link(path),
    }

    /// `realpath(3)`: all links resolved; everything must exist.
    Resolve {
        /// Absolute path.
        path: String,
    } -> String {
        looks_at: path,
        live: |_| file::resolve(path),
    }

    /// Names in a directory, sorted, with their types: as many as the source lists.
    List {
        /// Absolute path.
        path: String,
    } -> Listing {
        looks_at: path,
        live: |within| file::list(path, within.limits.names(path)),
    }

    /// `stat(2)`, links followed.
    Stat {
        /// Absolute path.
        path: String,
    } -> Stat {
        looks_at: path,
        live: |_| file::stat(path),
    }

    /// `statfs(2)`, links followed.
    StatFs {
        /// Absolute path.
        path: String,
    } -> StatFs {
        looks_at: path,
        risk: Risk::OfClass("statfs"),
        live: |_| file::statfs(path),
    }

    /// `faccessat2(AT_EACCESS)`: would this be allowed? Nothing is opened.
    Access {
        /// Absolute path.
        path: String,
        /// What for.
        access: argument::Access,
    } -> () {
        looks_at: path,
        risk: Risk::OfClass("faccessat2"),
        live: |_| file::access(path, *access),
    }

    /// Whether a file has an extended attribute (`getxattr(2)`, links followed); its value is not kept.
    Attribute {
        /// Absolute path.
        path: String,
        /// `security.capability`.
        name: String,
    } -> () {
        looks_at: path,
        about: format!("{name} of {path}"),
        risk: Risk::OfClass("getxattr"),
        live: |_| file::attribute(path, name),
    }

    /// The error number of a system call whose arguments the kernel refuses, so that nothing happens: a
    /// seccomp filter answers before the kernel looks at them. Asked in the forked helper, since a filter
    /// may kill the caller.
    SystemCall {
        /// Which.
        call: argument::SystemCall,
    } -> u32 {
        about: format!("seccomp: {}", call.name()),
        risk: Risk::Each,
        live: |_| Ok(call::errno(*call)),
    }

    /// The doctor's own ids.
    Ids -> Ids {
        about: "ids",
        live: |_| process::ids(),
    }

    /// `uname(2)`.
    Uname -> Uname {
        about: "uname",
        live: |_| process::uname(),
    }

    /// The value of one environment variable, and of no other: of the doctor itself, or of a process.
    Variable {
        /// The process; `None` for the doctor itself.
        pid: Option<u32>,
        /// Its name.
        name: String,
    } -> Option<String> {
        about: process::environment(*pid),
        live: |within| process::variable(*pid, name, within.deadline),
    }

    /// Open inotify instances by user: the descriptors of this PID namespace's processes that are one. A
    /// link per descriptor would fill a bundle.
    InotifyInstances -> InotifyUse {
        about: "inotify instances in /proc/PID/fd",
        risk: Risk::OfClass("descriptors"),
        live: |within| inotify::instances(within.deadline),
    }

    /// The system's clocks, and when the doctor that reads them was released.
    Clocks -> Reading {
        about: "clock_gettime",
        risk: Risk::OfClass("adjtimex"),
        live: |_| clocks::read(),
    }

    /// Waits, so that what is asked next is a second sample. A bundle does not wait.
    Pause {
        /// How long.
        milliseconds: u32,
    } -> () {
        about: "a second sample",
        live: |within| clocks::pause(*milliseconds, within.deadline),
    }

    /// `GET /version` of the Engine API. Connects only if nothing is started by it: the process is in the
    /// doctor's own mount namespace and root, and holds the listening socket; else it is not probed.
    EngineVersion {
        /// The engine's process.
        pid: u32,
        /// Absolute path of its socket.
        socket: String,
    } -> EngineVersion {
        looks_at: socket,
        about: format!("GET /version of {socket}"),
        risk: Risk::OfClass("engine"),
        live: |within| engine::version(*pid, socket, within.deadline),
    }

    /// Links of this network namespace, by rtnetlink.
    Links -> Vec<Link> {
        about: "netlink: links",
        risk: Risk::OfClass("rtnetlink"),
        live: |within| rtnetlink::links(within.deadline),
    }

    /// Addresses, by rtnetlink.
    Addresses -> Vec<Address> {
        about: "netlink: addresses",
        risk: Risk::OfClass("rtnetlink"),
        live: |within| rtnetlink::addresses(within.deadline),
    }

    /// Routes of all tables, by rtnetlink.
    Routes -> Vec<Route> {
        about: "netlink: routes",
        risk: Risk::OfClass("rtnetlink"),
        live: |within| rtnetlink::routes(within.deadline),
    }

    /// `getsockopt(IP_MTU)` of a UDP socket connected to the destination; nothing is sent.
    PathMtu {
        /// Towards where.
        destination: IpAddr,
    } -> u32 {
        about: format!("getsockopt: path MTU to {destination}"),
        risk: socket::risk_of_path(*destination),
        live: |_| socket::path_mtu(*destination),
    }

    /// Tables of nf_tables with their chains and numbers of rules, by nfnetlink. Only asked where that
    /// cannot load a module.
    NftTables -> Vec<NftTable> {
        about: "netlink: nf_tables",
        risk: Risk::OfClass("nfnetlink"),
        live: |within| nfnetlink::nft_tables(within.deadline),
    }

    /// `IPT_SO_GET_INFO` of a legacy table: its number of entries. Only asked of registered tables.
    LegacyEntries {
        /// 4 or 6.
        family: u8,
        /// `nat`, `filter`, …
        table: String,
    } -> u32 {
        about: format!("getsockopt: IPv{family} table {table}"),
        risk: socket::risk_of_table(*family),
        live: |_| socket::legacy_entries(*family, table),
    }

    /// What `--active` tried, and what came of it. Only a recording knows: a source writes nothing, so whoever tries
    /// tells the recorder.
    Trials -> Tried {
        about: "trials",
        live: |_| Err(Refusal::NotProbed),
    }
}
