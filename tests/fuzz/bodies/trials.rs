//! Facts of `--active`, which no bundle has.

use dind_doctor_checks::facts::{
    Action, CGROUP_NAMESPACE, IN_USER_NAMESPACE, NETWORK_NAMESPACE, NF_TABLES, PORT_START,
    TrialName,
};
use serde_json::{Value, json};

const OBJECTS: [&str; 7] =
    ["", "memory", IN_USER_NAMESPACE, CGROUP_NAMESPACE, NETWORK_NAMESPACE, PORT_START, "/dev/fuse"];
const SUBJECTS: [&str; 3] = ["", "/var/lib/docker", NF_TABLES];

/// A trial of every name about every kind of subject, in which everything was done: some of it worked.
pub(super) fn everything() -> Value {
    let mut runs = Vec::new();
    for name in TrialName::ALL.map(TrialName::name) {
        for (n, subject) in SUBJECTS.iter().enumerate() {
            let learned = match (name, n) {
                ("mtu", _) => path(),
                ("api", _) => engine(),
                _ => Value::Null,
            };
            runs.push(
                json!({"name": name, "subject": subject, "steps": steps(n), "ending": "complete",
                             "left_behind": ["/tmp/x: EBUSY"], "learned": learned}),
            );
        }
    }
    json!({"runs": runs, "mtu_target": "registry.example:443"})
}

/// Every action once; those of other subjects fail where those of the first one work.
fn steps(subject: usize) -> Vec<Value> {
    let step = |(n, action): (usize, String)| {
        let refused = json!({"errno": 1 + n % 130, "what": "EPERM"});
        let refused = if (n + subject).is_multiple_of(3) { refused } else { Value::Null };
        let object = OBJECTS[(n + subject) % OBJECTS.len()];
        json!({"action": action, "object": object, "needed": n % 2 == 0, "refused": refused})
    };
    actions().into_iter().enumerate().map(step).collect()
}

/// Their names, as the one who reads them tells whoever has none of them.
fn actions() -> Vec<String> {
    let error = serde_json::from_value::<Action>(json!("")).unwrap_err().to_string();
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

fn path() -> Value {
    let download = |mtu, stalled| json!({"mtu": mtu, "bytes": 20_000, "segment": mtu - 40, "stalled": stalled});
    json!({"path": {"outward": 1400, "downloads": [download(1500, true), download(1400, false)]}})
}

fn engine() -> Value {
    let version = json!({"version": "27.3.1", "api_version": "1.47", "minimum_api_version": "1.24",
                         "components": [["containerd", "1.7.22"], ["runc", "1.1.14"]]});
    let network =
        json!({"name": "bridge", "driver": "bridge", "mtu": 1500, "subnets": ["172.17.0.0/16"]});
    json!({"engine": {"version": version, "name": "host", "cgroup_driver": "systemd", "cgroup_version": "2",
                      "storage_driver": "overlay2", "networks": [network]}})
}
