//! User, groups, namespaces and id mappings.

use dind_doctor_checks::facts::{
    Fact, IdMapping, Identity, Missing, Namespace, Namespaces, Tri, Why,
};

use super::Reader;
use crate::source::ask;

/// Present in the initial network namespace only (`net/core/sysctl_net_core.c`, `netns_core_table` and
/// `net_core_table`).
const INITIAL_NET_SYSCTL: &str = "/proc/sys/net/core/netdev_budget";

pub(super) fn probe(reader: &Reader) -> Identity {
    let ids = reader.ask(ask::Ids);
    let uid_map = mapping(reader, "/proc/self/uid_map");
    let id = |pick: fn(&crate::source::Ids) -> u32| {
        Fact::from(ids.as_ref().map(pick).map_err(Clone::clone))
    };
    Identity {
        pid: id(|i| i.pid),
        euid: id(|i| i.euid),
        egid: id(|i| i.egid),
        groups: ids.clone().map(|i| i.groups).into(),
        namespaces: namespaces(reader, &uid_map),
        uid_map,
        gid_map: mapping(reader, "/proc/self/gid_map"),
    }
}

fn namespaces(reader: &Reader, uid_map: &Fact<Vec<IdMapping>>) -> Namespaces {
    let namespace = |name: &str, initial: Option<u64>| -> Fact<Namespace> {
        let path = format!("/proc/self/ns/{name}");
        let inode = reader
            .link(&path)
            .and_then(|target| inode(&target).ok_or_else(|| Missing::new(path, Why::Malformed)));
        inode.map(|inode| Namespace { inode, initial: initial.map(|i| i == inode).into() }).into()
    };
    let mut net = namespace("net", None);
    if let Fact::Known(net) = &mut net {
        net.initial = match reader.stat(INITIAL_NET_SYSCTL) {
            Ok(_) => Tri::Yes,
            Err(Missing { why: Why::NotFound, .. }) if reader.stat("/proc/sys/net").is_ok() => {
                Tri::No
            }
            Err(_) => Tri::Unknown,
        };
    }
    let mut user = namespace("user", Some(4_026_531_837));
    if let Fact::Known(user) = &mut user
        && user.inode < LINUX_NAMESPACES
    {
        user.initial = uid_map.known().map(Vec::as_slice).map(maps_everything).into();
    }
    Namespaces {
        cgroup: namespace("cgroup", Some(4_026_531_835)),
        ipc: namespace("ipc", Some(4_026_531_839)),
        mnt: namespace("mnt", None),
        net,
        pid: namespace("pid", Some(4_026_531_836)),
        time: namespace("time", Some(4_026_531_834)),
        user,
        uts: namespace("uts", Some(4_026_531_838)),
    }
}

/// Numbers of Linux namespaces begin here (`fs/proc/generic.c`, and below that `PROC_*_INIT_INO`). gVisor counts
/// from 1: which of its namespaces is the first one does not show.
const LINUX_NAMESPACES: u64 = 0xEFFF_FF00;

/// What the map of the first user namespace says, and that of no other one that gVisor makes.
fn maps_everything(map: &[IdMapping]) -> bool {
    matches!(map, [IdMapping { inside: 0, outside: 0, count: 4_294_967_295 }])
}

/// The number in `cgroup:[4026531835]`.
fn inode(target: &str) -> Option<u64> {
    target.split_once('[')?.1.strip_suffix(']')?.parse().ok()
}

fn mapping(reader: &Reader, path: &str) -> Fact<Vec<IdMapping>> {
    let parse = |bytes: Vec<u8>| {
        let content = String::from_utf8_lossy(&bytes).into_owned();
        let extent = |line: &str| {
            let mut numbers = line.split_whitespace().map(|n| n.parse().ok());
            let mut next = || numbers.next().flatten();
            Some(IdMapping { inside: next()?, outside: next()?, count: next()? })
        };
        content
            .lines()
            .map(extent)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Missing::new(path, Why::Malformed))
    };
    reader.bytes(path).and_then(parse).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    #[test]
    fn the_inode_is_between_brackets() {
        assert_eq!(inode("cgroup:[4026531835]"), Some(4_026_531_835));
        assert_eq!(inode("cgroup:"), None);
    }

    #[test]
    fn where_numbers_are_not_those_of_linux_the_map_tells_the_first_user_namespace() {
        let all = IdMapping { inside: 0, outside: 0, count: 4_294_967_295 };
        let one = IdMapping { inside: 0, outside: 1000, count: 1 };
        for (link, map, initial) in [
            ("user:[176]", "0 0 4294967295\n", Tri::Yes),
            ("user:[278]", "", Tri::No),
            ("user:[4026532000]", "0 0 4294967295\n", Tri::No),
            ("user:[4026531837]", "0 0 4294967295\n", Tri::Yes),
        ] {
            let source =
                Fixed::new().link("/proc/self/ns/user", link).file("/proc/self/uid_map", map);
            let user = probe(&Reader::new(&source)).namespaces.user;
            assert_eq!(user.known().map(|n| n.initial), Some(initial), "{link} {map}");
        }
        assert!(
            maps_everything(&[all]) && !maps_everything(&[all, one]) && !maps_everything(&[one])
        );
    }
}
