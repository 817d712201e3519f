//! The configuration of a rehearsed dockerd: the one in force, with what is the daemon's own place replaced.

use dind_doctor_checks::facts::Text;
use serde_json::{Map, Value, json};

/// What would lead out of the room, or to others; and what belongs to it, but is in the flags below.
const LEFT_OUT: [&str; 29] = [
    "api-cors-header",
    "authorization-plugins",
    "bridge",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "containerd",
    "containerd-namespace",
    "containerd-plugin-namespace",
    "data-root",
    "debug",
    "exec-root",
    "graph",
    "hosts",
    "live-restore",
    "log-driver",
    "log-format",
    "log-level",
    "log-opts",
    "metrics-addr",
    "pidfile",
    "swarm-default-advertise-addr",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "node-generic-resources",
];

/// Of these it is not worth saying that they are replaced: they are where the daemon is.
const SILENT: [&str; 7] =
    ["cgroup-parent", "data-root", "exec-root", "graph", "hosts", "pidfile", "debug"];

/// Where the rehearsed daemon has its things.
pub(super) struct Places<'a> {
    pub(super) data: &'a str,
    pub(super) socket: &'a str,
    pub(super) cgroup_parent: &'a str,
}

/// Why this configuration is not rehearsed: what it works on is not in the data root.
pub(super) fn refused(configured: &Value) -> Option<String> {
    let driver = configured.get("storage-driver").and_then(Value::as_str).unwrap_or_default();
    if ["devicemapper", "zfs", "btrfs"].contains(&driver) {
        return Some(format!("the storage driver {driver} works on more than a directory"));
    }
    let remap = configured.get("userns-remap").and_then(Value::as_str).unwrap_or_default();
    (remap == "default").then(|| "with userns-remap: default, dockerd makes a user".to_owned())
}

/// The file, and what of the configuration was replaced.
pub(super) fn rehearsed(configured: &Value, places: &Places<'_>) -> (Value, Vec<Text>) {
    let mut all: Map<String, Value> = configured.as_object().cloned().unwrap_or_default();
    let mut replaced: Vec<Text> = Vec::new();
    for key in LEFT_OUT {
        if all.remove(key).is_some() && !SILENT.contains(&key) {
            replaced.push(format!("{key} of daemon.json").into());
        }
    }
    let mut options: Vec<Value> =
        all.get("exec-opts").and_then(Value::as_array).cloned().unwrap_or_default();
    let drives = |option: &Value| option.as_str().is_some_and(|o| o.contains("cgroupdriver"));
    options.retain(|option| !drives(option));
    options.push("native.cgroupdriver=cgroupfs".into());
    let own = json!({
        "cgroup-parent": places.cgroup_parent,
        "data-root": places.data,
        "exec-opts": options,
        "exec-root": "/run/docker",
        "hosts": [format!("unix://{}", places.socket)],
        "pidfile": "/run/docker.pid",
    });
    if let Value::Object(own) = own {
        all.extend(own);
    }
    (Value::Object(all), replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places<'_> = Places { data: "/d", socket: "/s", cgroup_parent: "/c" };

    #[test]
    fn what_is_configured_is_kept_but_for_where_the_daemon_is() {
        let configured = json!({
            "data-root": "/var/lib/docker", "hosts": ["tcp://0.0.0.0:2375"], "live-restore": true,
            "storage-driver": "overlay2", "default-runtime": "other", "mtu": 1400,
            "exec-opts": ["native.cgroupdriver=systemd", "isolation=x"],
        });
        let (all, replaced) = rehearsed(&configured, &PLACES);
        assert_eq!(all["data-root"], "/d");
        assert_eq!(all["hosts"], json!(["unix:///s"]));
        assert_eq!(all["exec-opts"], json!(["isolation=x", "native.cgroupdriver=cgroupfs"]));
        assert_eq!((&all["mtu"], &all["default-runtime"]), (&json!(1400), &json!("other")));
        assert_eq!(all.get("live-restore"), None);
        assert_eq!(replaced, [Text::from("live-restore of daemon.json")]);
        assert_eq!(rehearsed(&Value::Null, &PLACES).0["cgroup-parent"], "/c", "there is no file");
    }

    #[test]
    fn what_would_work_on_more_than_its_directory_is_not_rehearsed() {
        assert!(refused(&json!({"storage-driver": "devicemapper"})).is_some());
        assert!(refused(&json!({"userns-remap": "default"})).is_some());
        assert!(refused(&json!({"userns-remap": "1000:1000"})).is_none());
        assert!(refused(&Value::Null).is_none());
    }
}
