//! The directory `kubelet` of each version 1 hierarchy.

use std::collections::BTreeSet;

use dind_doctor_checks::facts::{
    CgroupMount, Cpuset, Fact, Hierarchy, KubeletRoot, Missing, Text, Why,
};

use crate::probe::Reader;

pub(super) fn roots(reader: &Reader, mounts: &[CgroupMount]) -> Vec<KubeletRoot> {
    let places: BTreeSet<Place> = mounts.iter().map(|m| (&m.hierarchy, &*m.mount_point)).collect();
    let v1 = mounts.iter().filter(|mount| mount.hierarchy != Hierarchy::Unified);
    v1.filter(|mount| !is_below_itself(mount, &places)).map(|mount| root(reader, mount)).collect()
}

type Place<'a> = (&'a Hierarchy, &'a str);

/// Node images mount that very directory onto itself.
fn is_below_itself(mount: &CgroupMount, places: &BTreeSet<Place>) -> bool {
    let mut above = mount.mount_point.match_indices('/').map(|(at, _)| &mount.mount_point[..at]);
    above.any(|directory| places.contains(&(&mount.hierarchy, directory)))
}

fn root(reader: &Reader, mount: &CgroupMount) -> KubeletRoot {
    let path = format!("{}/kubelet", mount.mount_point);
    let exists = match reader.stat(&path) {
        Ok(_) => Fact::Known(true),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    };
    let text = |name: &str| {
        let bytes = reader.bytes(&format!("{path}/{name}"));
        bytes.map(|bytes| Text::from_bytes(bytes.trim_ascii())).into()
    };
    let has_cpuset = mount.hierarchy.has("cpuset") && exists == Fact::Known(true);
    let cpuset =
        has_cpuset.then(|| Cpuset { cpus: text("cpuset.cpus"), mems: text("cpuset.mems") });
    KubeletRoot { hierarchy: mount.hierarchy.clone(), path: path.into(), exists, cpuset }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    fn mount(controller: &str, place: &str) -> CgroupMount {
        CgroupMount {
            hierarchy: Hierarchy::Controllers(vec![controller.to_owned()]),
            mount_point: place.into(),
            root: "/".into(),
            read_only: false,
            super_options: vec![],
        }
    }

    #[test]
    fn each_hierarchy_is_asked_once_and_cpusets_are_read() {
        let source = Fixed::new()
            .directory("/c/cpuset/kubelet", &[])
            .file("/c/cpuset/kubelet/cpuset.cpus", "0-3\n")
            .file("/c/cpuset/kubelet/cpuset.mems", "\n");
        let mounts = [
            mount("cpuset", "/c/cpuset"),
            mount("cpuset", "/c/cpuset/kubelet"),
            mount("memory", "/c/memory"),
        ];
        let roots = roots(&Reader::new(&source), &mounts);
        assert_eq!(roots.len(), 2);
        let cpuset = Cpuset { cpus: Fact::Known("0-3".into()), mems: Fact::Known("".into()) };
        assert_eq!(roots[0].cpuset, Some(cpuset));
        assert_eq!((&roots[1].exists, &roots[1].cpuset), (&Fact::Known(false), &None));
    }
}
