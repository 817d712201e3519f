//! The filesystem under each data root.

mod image_stores;

use dind_doctor_checks::{
    facts::{
        DataRoot, DataRootOwner, Engines, Fact, Filesystem, ImageStores, Missing, MountTable,
        SourceDevice, Space, Storage, Text, Why,
    },
    version::Version,
};

use super::{Reader, search_path};
use crate::source::{EntryKind, StatFs, ask, path};

/// `XFS_SUPER_MAGIC`.
const XFS_MAGIC: u64 = 0x5846_5342;

/// Names of a data root that are kept.
const ENTRIES: usize = 64;

pub(super) fn probe(
    reader: &Reader,
    engines: &Engines,
    table: &Fact<MountTable>,
    path: &str,
) -> Storage {
    let roots = [
        docker(engines),
        containerd(engines),
        (DataRootOwner::Buildkit, "/var/lib/buildkit".to_owned(), "default"),
        podman(reader),
        in_home(reader, DataRootOwner::RootlessDocker, "docker"),
        in_home(reader, DataRootOwner::RootlessBuildkit, "buildkit"),
        (DataRootOwner::Kubelet, "/var/lib/kubelet".to_owned(), "default"),
    ];
    let data_roots: Vec<DataRoot> =
        roots.into_iter().map(|root| data_root(reader, root, table)).collect();
    Storage {
        source_devices: source_devices(reader, &data_roots),
        image_stores: image_stores(reader, &data_roots),
        containerd_was_here: containerd_was_here(reader),
        permit_mounts_in_userns: permit_mounts_in_userns(reader),
        data_roots,
        fuse_overlayfs: search_path::find(reader, path, "fuse-overlayfs"),
        zfs: zfs(reader),
    }
}

fn containerd_was_here(reader: &Reader) -> Fact<bool> {
    match reader.list("/var/lib/containerd", ENTRIES) {
        Ok(listing) => {
            let mut names = listing.entries.iter().map(|entry| &entry.name);
            Fact::Known(names.any(|name| name.starts_with("io.containerd.snapshotter.")))
        }
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}

/// The version of the module that is loaded.
fn zfs(reader: &Reader) -> Fact<Option<Version>> {
    const PATH: &str = "/sys/module/zfs/version";
    match reader.text(PATH).map(|text| text.parse()) {
        Ok(Ok(version)) => Fact::Known(Some(version)),
        Ok(Err(())) => Fact::missing(PATH, Why::Malformed),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        Err(missing) => Fact::Missing(missing),
    }
}

/// Whether overlays may be mounted in user namespaces, where the kernel has Debian's patch.
fn permit_mounts_in_userns(reader: &Reader) -> Fact<Option<bool>> {
    const PATH: &str = "/sys/module/overlay/parameters/permit_mounts_in_userns";
    match reader.bytes(PATH) {
        Ok(bytes) => match bytes.trim_ascii() {
            b"Y" | b"1" | b"2" => Fact::Known(Some(true)),
            b"N" | b"0" => Fact::Known(Some(false)),
            _ => Fact::missing(PATH, Why::Malformed),
        },
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(None),
        Err(missing) => Fact::Missing(missing),
    }
}

/// Only the kernel's own list of mounts names them, so that nothing but `/dev` is looked into.
fn source_devices(reader: &Reader, roots: &[DataRoot]) -> Vec<SourceDevice> {
    let mounts = roots.iter().filter_map(|root| root.filesystem.known()?.mount.as_ref());
    let mut paths: Vec<&Text> =
        mounts.map(|m| &m.source).filter(|source| source.starts_with("/dev/")).collect();
    paths.sort_unstable();
    paths.dedup();
    let exists = |path: &str| match reader.stat(path) {
        Ok(_) => Fact::Known(true),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    };
    paths
        .into_iter()
        .map(|path| SourceDevice {
            path: path.clone(),
            exists: exists(&path::encode(path.as_bytes())),
        })
        .collect()
}

fn image_stores(reader: &Reader, roots: &[DataRoot]) -> ImageStores {
    let docker = roots.iter().find(|root| root.owner == DataRootOwner::Docker);
    docker.map(|root| image_stores::probe(reader, &root.path)).unwrap_or_default()
}

type Configured = (DataRootOwner, String, &'static str);

/// A daemon that runs here knows best; then its configuration file; then the default.
fn docker(engines: &Engines) -> Configured {
    let owner = DataRootOwner::Docker;
    let argument = engines
        .here("dockerd")
        .find_map(|daemon| ["data-root", "graph"].iter().find_map(|name| daemon.flag(name)));
    if let Some(path) = argument.filter(|path| path.starts_with('/')) {
        return (owner, path, "dockerd --data-root");
    }
    let configured = ["data-root", "graph"].iter().find_map(|key| engines.configured(&[key]));
    match configured.and_then(serde_json::Value::as_str) {
        Some(path) if path.starts_with('/') => {
            (owner, path::encode(path.as_bytes()), "daemon.json")
        }
        _ => (owner, "/var/lib/docker".to_owned(), "default"),
    }
}

fn containerd(engines: &Engines) -> Configured {
    let argument = engines.here("containerd").find_map(|daemon| daemon.flag("root"));
    match argument.filter(|path| path.starts_with('/')) {
        Some(path) => (DataRootOwner::Containerd, path, "containerd --root"),
        None => (DataRootOwner::Containerd, "/var/lib/containerd".to_owned(), "default"),
    }
}

fn podman(reader: &Reader) -> Configured {
    if reader.ask(ask::Ids).is_ok_and(|ids| ids.euid == 0) {
        (DataRootOwner::Podman, "/var/lib/containers/storage".to_owned(), "default")
    } else {
        in_home(reader, DataRootOwner::Podman, "containers/storage")
    }
}

/// Below the user's data directory (XDG base directory specification).
fn in_home(reader: &Reader, owner: DataRootOwner, name: &str) -> Configured {
    let variables = reader.variables(None, &["HOME", "XDG_DATA_HOME"]).unwrap_or_default();
    let set = |name: &str| variables.get(name).filter(|value| value.starts_with('/'));
    let data = match (set("XDG_DATA_HOME"), set("HOME")) {
        (Some(data), _) => data.clone(),
        (None, Some(home)) => format!("{}/.local/share", home.trim_end_matches('/')),
        (None, None) => "/root/.local/share".to_owned(),
    };
    (owner, path::encode(format!("{data}/{name}").as_bytes()), "default")
}

fn data_root(
    reader: &Reader,
    (owner, path, configured_by): Configured,
    table: &Fact<MountTable>,
) -> DataRoot {
    let (exists, hidden) = match reader.stat(&path) {
        Ok(_) => (true, None),
        Err(missing) => (false, Some(missing).filter(|missing| missing.why.is_failure())),
    };
    // Of what cannot be looked at, the nearest ancestor that can is no answer.
    let resolved = hidden.map_or_else(|| nearest(reader, &path), Fact::Missing);
    let entries = match (&resolved, exists) {
        (Fact::Known(directory), true) => reader
            .list(directory, ENTRIES)
            .and_then(|listing| {
                if listing.truncated {
                    Err(Missing::new(directory, Why::TooLarge))
                } else {
                    Ok(listing)
                }
            })
            .map(|listing| listing.entries.into_iter().map(|e| e.name.into()).collect())
            .into(),
        (Fact::Missing(missing), _) => Fact::Missing(missing.clone()),
        (_, false) => Fact::Known(Vec::new()),
    };
    DataRoot {
        owner,
        path: path.into(),
        configured_by: configured_by.into(),
        exists,
        filesystem: match &resolved {
            Fact::Known(directory) => filesystem(reader, directory, exists, table),
            Fact::Missing(missing) => Fact::Missing(missing.clone()),
        },
        space: resolved.as_ref().and_then(|directory| reader.statfs(directory).map(space).into()),
        resolved: resolved.map(Text::from),
        entries,
    }
}

/// The nearest existing ancestor, links resolved.
fn nearest(reader: &Reader, path: &str) -> Fact<String> {
    let mut candidate = path;
    loop {
        match reader.resolve(candidate) {
            Ok(resolved) => return Fact::Known(resolved),
            Err(missing) if missing.why != Why::NotFound => {
                return Fact::Missing(missing);
            }
            Err(missing) => match candidate.trim_end_matches('/').rfind('/') {
                Some(0) if candidate != "/" => candidate = "/",
                Some(at) if at > 0 => candidate = &candidate[..at],
                _ => return Fact::Missing(missing),
            },
        }
    }
}

/// What of an existing data root, or of the ancestor that it will be made in. Of an ancestor, which can be
/// somebody's home, names are listed only on the one filesystem that may lack types.
fn filesystem(
    reader: &Reader,
    directory: &str,
    exists: bool,
    table: &Fact<MountTable>,
) -> Fact<Filesystem> {
    let filesystem = reader.statfs(directory).map(|fs| Filesystem {
        magic: fs.magic,
        mount: table.known().and_then(|table| table.holding(directory)).cloned(),
        d_type: fs.d_type.or_else(|| {
            (exists || fs.magic == XFS_MAGIC).then(|| d_type(reader, directory)).flatten()
        }),
    });
    filesystem.into()
}

fn space(fs: StatFs) -> Space {
    Space {
        total: fs.blocks.saturating_mul(fs.block_size),
        available: fs.available.saturating_mul(fs.block_size),
        inodes: fs.files,
        inodes_free: fs.files_free,
    }
}

/// XFS made with `ftype=0` gives no types, except of `.` and `..`, which are not listed.
fn d_type(reader: &Reader, directory: &str) -> Option<bool> {
    let listing = reader.list(directory, ENTRIES).ok()?;
    let known = |kind: EntryKind| kind != EntryKind::Unknown;
    (!listing.entries.is_empty()).then(|| listing.entries.iter().any(|e| known(e.kind)))
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::Mount;

    use super::*;
    use crate::source::fixed::Fixed;

    const PARAMETER: &str = "/sys/module/overlay/parameters/permit_mounts_in_userns";

    #[test]
    fn debians_parameter_is_read_and_need_not_be_there() {
        let read = |source: Fixed| permit_mounts_in_userns(&Reader::new(&source));
        assert_eq!(read(Fixed::new()), Fact::Known(None));
        assert_eq!(read(Fixed::new().file(PARAMETER, "Y\n")), Fact::Known(Some(true)));
        assert_eq!(read(Fixed::new().file(PARAMETER, "N\n")), Fact::Known(Some(false)));
        assert_eq!(read(Fixed::new().file(PARAMETER, b"\xff")).why(), Some(Why::Malformed));
    }

    #[test]
    fn each_source_below_dev_is_looked_up_once() {
        let root = |source: &str| DataRoot {
            owner: DataRootOwner::Docker,
            path: "/r".into(),
            configured_by: "default".into(),
            exists: true,
            resolved: Fact::Known("/r".into()),
            filesystem: Fact::Known(Filesystem {
                magic: 0,
                mount: Some(Mount { source: source.into(), ..Mount::default() }),
                d_type: None,
            }),
            entries: Fact::Known(vec![]),
            space: Fact::default(),
        };
        let roots = [root("/dev/sda1"), root("/dev/mapper/x"), root("/dev/sda1"), root("overlay")];
        let source = Fixed::new().file("/dev/sda1", "");
        let found = source_devices(&Reader::new(&source), &roots);
        let device =
            |path: &str, exists| SourceDevice { path: path.into(), exists: Fact::Known(exists) };
        assert_eq!(found, [device("/dev/mapper/x", false), device("/dev/sda1", true)]);
    }
}
