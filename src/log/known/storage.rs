//! Graph drivers, snapshotters, overlays, disks.

use super::{Entry, Table};

pub(super) const TABLE: Table = Table {
    causes: &[
        (
            "failed to mount rootfs component …: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "failed to mount rootfs component …: no such device",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "failed to mount rootfs component …: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        (
            "crun: open `/…/merged`: Permission denied",
            &["data-root-not-reachable", "selinux-denials"],
        ),
        (
            "crun: make `…` private: Permission denied",
            &["data-root-not-reachable", "selinux-denials"],
        ),
        (
            "error preparing rootfs: …/merged…: permission denied",
            &["data-root-not-reachable", "selinux-denials"],
        ),
        (
            "failed to mount overlay: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "failed to mount …/containerd-mount…: …invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported", "image-store-nested-snapshotter"],
        ),
        (
            "failed to mount /tmp/containerd-mount",
            &["dataroot-on-overlay", "image-store-nested-snapshotter", "storage-fs-unsupported"],
        ),
        (
            "mount source: \"overlay\", …err: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "fstype: overlay, …err: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "\"overlayfs\" snapshotter cannot be enabled for …failed to mount overlay: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        (
            "\"overlayfs\" snapshotter cannot be enabled for …failed to mount overlay: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "\"overlayfs\" snapshotter cannot be enabled",
            &["dataroot-on-overlay", "storage-fs-unsupported", "privilege-missing"],
        ),
        (
            "\"fuse-overlayfs\" snapshotter cannot be enabled",
            &["dev-nodes-missing", "engine-helper-missing"],
        ),
        (
            "error creating overlay mount to …: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "error creating overlay mount to …: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        (
            "error creating overlay mount to …: no such device",
            &["kernel-modules-unloadable", "kernel-too-old-or-feature-missing"],
        ),
        (
            "error creating overlay mount to …: too many levels of symbolic links",
            &["image-data-damaged"],
        ),
        (
            "error creating overlay mount to …: no such file or directory",
            &["image-data-damaged", "shared-docker-root"],
        ),
        (
            "error creating overlay mount to …: device or resource busy",
            &["shared-docker-root", "mount-in-use"],
        ),
        (
            "creating overlay mount to …: invalid argument",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        (
            "creating overlay mount to …: permission denied",
            &["userns-overlay-without-userxattr", "selinux-denials"],
        ),
        (
            "creating overlay mount to …: operation not permitted",
            &["privilege-missing", "userns-overlay-without-userxattr"],
        ),
        (
            "kernel does not support overlay fs: …'overlay' is not supported over overlayfs",
            &["dataroot-on-overlay"],
        ),
        (
            "kernel does not support overlay fs: ",
            &[
                "dataroot-on-overlay",
                "userns-overlay-without-userxattr",
                "kernel-too-old-or-feature-missing",
            ],
        ),
        ("'overlay' is not supported over overlayfs", &["dataroot-on-overlay"]),
        (
            "'overlay' is not supported over overlayfs, a mount_program is required",
            &["dataroot-on-overlay"],
        ),
        ("'overlay' is not supported over extfs", &["kernel-too-old-or-feature-missing"]),
        (
            "'overlay' is not supported over …, a mount_program is required",
            &["storage-fs-unsupported", "dataroot-on-overlay", "userns-overlay-without-userxattr"],
        ),
        ("'overlay' is not supported over", &["storage-fs-unsupported", "dataroot-on-overlay"]),
        ("'overlay2' is not supported over", &["storage-fs-unsupported", "dataroot-on-overlay"]),
        ("is not supported over overlayfs", &["dataroot-on-overlay"]),
        (
            "a network file system with user namespaces is not supported",
            &["storage-fs-unsupported"],
        ),
        (
            "backing file system is unsupported for this graph driver",
            &["storage-fs-unsupported", "dataroot-on-overlay"],
        ),
        (
            "does not support d_type. If the backing filesystem is xfs, please reformat with ftype=1",
            &["storage-fs-unsupported"],
        ),
        ("overlayfs: upper fs does not support tmpfile", &["storage-fs-unsupported"]),
        ("overlayfs: upper fs does not support xattr", &["storage-fs-unsupported"]),
        ("overlayfs: upper fs does not support RENAME_WHITEOUT", &["storage-fs-unsupported"]),
        (
            "overlayfs: failed to set xattr on upper",
            &["storage-fs-unsupported", "userns-overlay-without-userxattr"],
        ),
        (
            "overlayfs: upperdir is in-use as upperdir/workdir of another mount",
            &["shared-docker-root"],
        ),
        (
            "filesystem on … not supported as upperdir",
            &["dataroot-on-overlay", "storage-fs-unsupported"],
        ),
        ("filesystem on … not supported as lowerdir", &["storage-fs-unsupported"]),
        (
            "overlayfs: idmapped layers are currently not supported",
            &["kernel-too-old-or-feature-missing"],
        ),
        ("probably the kernel does not support userxattr", &["userns-overlay-without-userxattr"]),
        ("cannot mount overlay with \"userxattr\"", &["userns-overlay-without-userxattr"]),
        (
            "lsetxattr user.overlay.",
            &["userns-overlay-without-userxattr", "storage-fs-unsupported"],
        ),
        (
            "lsetxattr …: operation not supported",
            &["storage-fs-unsupported", "userns-overlay-without-userxattr"],
        ),
        (
            "lsetxattr security.capability …: operation not permitted",
            &["privilege-missing", "subid-mapping-broken"],
        ),
        (
            "mknod …: failed to convert whiteout file",
            &["userns-overlay-without-userxattr", "privilege-missing"],
        ),
        (
            "failed to convert whiteout file",
            &["userns-overlay-without-userxattr", "privilege-missing", "storage-fs-unsupported"],
        ),
        ("rm: cannot remove …: Input/output error", &["userns-overlay-without-userxattr"]),
        ("unlinkat …: input/output error", &["userns-overlay-without-userxattr", "disk-failing"]),
        ("I/O error, dev sd", &["disk-failing"]),
        ("I/O error, dev vd", &["disk-failing"]),
        ("I/O error, dev nvme", &["disk-failing"]),
        ("I/O error, dev dm-", &["disk-failing"]),
        ("EXT4-fs error (device", &["disk-failing"]),
        ("Remounting filesystem read-only", &["disk-failing"]),
        ("rename … invalid cross-device link", &["storage-fs-unsupported", "dataroot-on-overlay"]),
        (
            "exec: \"fuse-overlayfs\": executable file not found in $PATH",
            &["dataroot-on-overlay", "vfs-fallback", "engine-helper-missing"],
        ),
        (
            "failed to mount overlay: exec: \"fuse-overlayfs\"",
            &["dataroot-on-overlay", "engine-helper-missing"],
        ),
        ("fuse-overlayfs: mount failed: No such device", &["dev-nodes-missing"]),
        (
            "fuse-overlayfs: cannot mount: Operation not permitted",
            &["dev-nodes-missing", "userns-blocked"],
        ),
        ("database graph driver … does not match our graph driver", &["podman-database-mismatch"]),
        (
            "database … does not match our …: database configuration mismatch",
            &["podman-database-mismatch"],
        ),
        ("database configuration mismatch", &["podman-database-mismatch"]),
        (
            "User-selected graph driver … overwritten by graph driver … from database",
            &["podman-database-mismatch", "vfs-fallback"],
        ),
        (
            "graph driver … overwritten by graph driver … from database",
            &["podman-database-mismatch", "vfs-fallback"],
        ),
        ("Runtime paths differ from those stored in database", &["podman-database-mismatch"]),
        ("a BoltDB database exists but is no longer being used", &["podman-database-mismatch"]),
        (
            "database has schema version … while this libpod version only supports version",
            &["podman-database-mismatch"],
        ),
        ("prior storage driver … failed: ", &["storage-driver-changed"]),
        ("contains several valid graphdrivers", &["storage-driver-changed"]),
        ("error initializing graphdriver: …driver not supported", &["storage-driver-changed"]),
        ("configured driver … not available", &["storage-driver-changed", "dataroot-on-overlay"]),
        ("Preferred snapshotter not available in containerd", &["storage-driver-changed"]),
        ("snapshotter not loaded: ", &["image-store-nested-snapshotter", "storage-driver-changed"]),
        (
            "unable to initialize unpacker: no unpack platforms defined",
            &["image-store-nested-snapshotter"],
        ),
        (
            "containerd-snapshotter is explicitly enabled, but is not compatible with userns remapping",
            &["image-store-nested-snapshotter"],
        ),
        ("ctr: content digest …: not found", &["image-store-nested-snapshotter"]),
        ("layer does not exist", &["image-data-damaged"]),
        ("Can't stat lower layer … because it does not exist", &["image-data-damaged"]),
        ("A storage corruption might have occurred", &["image-data-damaged"]),
        ("could not verify layer data for", &["image-data-damaged"]),
        ("failed to register layer: …: unexpected EOF", &["image-data-damaged"]),
        ("failed commit on ref …: unexpected commit digest", &["image-data-damaged"]),
        ("unexpected commit digest", &["image-data-damaged"]),
        ("filesystem layer verification failed for digest", &["image-data-damaged"]),
        ("input/output error: database", &["disk-failing"]),
        (
            "a subdirectory in your graphroot path … restricts access to the remapped root uid/gid",
            &["data-root-not-reachable"],
        ),
        ("read-only file system: /var/lib/docker", &["data-root-read-only"]),
        ("mkdir /var/lib/docker…: read-only file system", &["data-root-read-only"]),
        ("mkdir /var/lib/containerd…: read-only file system", &["data-root-read-only"]),
        ("mkdir /var/lib/containers…: read-only file system", &["data-root-read-only"]),
        ("mkdir /var/lib/rancher…: read-only file system", &["data-root-read-only"]),
        ("mkdir /var/lib/kubelet…: read-only file system", &["data-root-read-only"]),
        ("/var/lib/docker: permission denied", &["data-root-not-reachable"]),
        ("failed to chown root path", &["data-root-not-reachable"]),
        ("driver … failed to remove root filesystem: …device or resource busy", &["mount-in-use"]),
        ("unlinkat …: device or resource busy", &["mount-in-use"]),
        ("failed to remove …: device or resource busy", &["mount-in-use"]),
        ("umount: …: target is busy", &["mount-in-use"]),
        ("failed to open boltdb", &["shared-docker-root"]),
        ("could not lock …, another instance running?", &["shared-docker-root"]),
        ("failed to lock …: resource temporarily unavailable", &["shared-docker-root"]),
        ("metadata.db: resource temporarily unavailable", &["shared-docker-root"]),
        ("is already locked by another process", &["shared-docker-root"]),
    ],
    symptoms: &[
        (
            "error initializing graphdriver: ",
            &["dataroot-on-overlay", "storage-fs-unsupported", "privilege-missing"],
        ),
        ("failed to GetDriver graph", &["dataroot-on-overlay", "storage-fs-unsupported"]),
    ],
    entries: &[
        Entry {
            id: "podman-database-mismatch",
            title: "podman's database remembers other storage than is set now",
            cause: "podman keeps the graph driver and its directories in a database; they were changed in storage.conf since, or the database is another podman's.",
            fix: &[
                "podman info --format '{{.Store.GraphDriverName}} {{.Store.ConfigFile}}'",
                "podman system reset  starts anew: it deletes all containers, images and volumes of this user",
                "Or set the old driver and graphroot in storage.conf again.",
            ],
            symptom: false,
        },
        Entry {
            id: "storage-driver-changed",
            title: "The data root holds data of a driver that is not there now",
            cause: "An earlier daemon used another storage driver (aufs, devicemapper, a snapshotter): this one does not start rather than lose sight of its images.",
            fix: &[
                "Move the data root aside: mv /var/lib/docker /var/lib/docker.old; images have to be pulled again",
                "Or name the driver to use: dockerd --storage-driver=overlay2",
            ],
            symptom: false,
        },
        Entry {
            id: "image-data-damaged",
            title: "Image data are damaged or half there",
            cause: "A layer is missing or differs from its digest: a full disk, a kill in the middle of a pull, a cache that was copied in part, or two engines on one data root.",
            fix: &[
                "docker image rm -f IMAGE && docker pull IMAGE",
                "docker system prune -af; podman system check --repair",
                "As a last step a new, empty data root.",
            ],
            symptom: false,
        },
        Entry {
            id: "data-root-not-reachable",
            title: "The engine's user may not enter its data root",
            cause: "A directory on the way has no x bit for others, and with userns-remap or rootless the engine is another user than its owner.",
            fix: &[
                "namei -l DATA-ROOT  shows each directory on the way",
                "chmod o+x on those above; chown -R USER DATA-ROOT where it ought to be the user's own",
            ],
            symptom: false,
        },
    ],
};
