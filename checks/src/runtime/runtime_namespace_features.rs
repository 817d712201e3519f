use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use crate::{
    facts::{Facts, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Remedy},
    target::Severity,
    version::Component,
};

check! {
    /// ## What it looks at
    /// The default runtime of dockerd (daemon.json, its command line), its version, whether the kernel has
    /// time namespaces (`/proc/self/ns/time`), and the feature `time-namespaces`.
    ///
    /// ## Why it matters
    /// Docker 29.5 gives each container a time namespace of its own. Runtimes that do not know it refuse:
    /// sysbox-runc up to 0.7, youki and Kata before they learnt it. No container starts.
    ///
    /// ## When it is fine
    /// With runc, crun, gVisor and runtimes that wrap runc, such as NVIDIA's. On kernels without time
    /// namespaces. With the feature turned off. A runtime that is only configured, and not the default, is not
    /// judged.
    ///
    /// ## How to fix
    /// Update the runtime, or `"features": {"time-namespaces": false}` in daemon.json.
    ///
    /// ## References
    /// moby pull requests 52326 and 52577; nestybox/sysbox issue 1011; youki issue 3538; kata-containers issue 13080.
    "runtime-namespace-features",
    "A runtime does not know time namespaces",
    Docker,
    { dockerd: Error, kind: Error },
    ["namespace {\"time\" \"\"} does not exist", "Namespace type not supported: time"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let docker = facts.versions.sure(Component::Docker)?;
    if !docker.version.at_least(29, 5) {
        return Ok(Outcome::not_applicable("Docker before 29.5 makes no time namespaces"));
    }
    let time = &facts.identity.namespaces.time;
    if time.why() == Some(Why::NotFound) {
        return Ok(Outcome::not_applicable("this kernel has no time namespaces"));
    }
    let (runtime, source) = default_runtime(facts)?;
    let others = configured(facts);
    let of_default = unaware(facts, &runtime).map(|kind| (runtime.clone(), kind));
    let of_other = || others.iter().find_map(|name| Some((name.clone(), unaware(facts, name)?)));
    let default = of_default.is_some();
    let Some((runtime, kind)) = of_default.or_else(of_other) else {
        return Ok(Outcome::pass());
    };
    if is_disabled(facts) {
        return Ok(Outcome::pass());
    }
    time.get()?;
    let severity = match (default, docker.is_assumed()) {
        (true, false) => CHECK.worst,
        (true, true) => CHECK.worst.at_most(Severity::Warning),
        // kind's nodes and what names no runtime have the default one.
        (false, assumed) => {
            let ceiling = if assumed { Severity::Info } else { Severity::Warning };
            severities!(dockerd: Warning).at_most(ceiling)
        }
    };
    let role = if default { "the default runtime is" } else { "a runtime is" };
    let option = DaemonOption {
        argument: "--feature=time-namespaces=false".into(),
        keys: ["features", "time-namespaces"].into(),
        value: false.into(),
    };
    Ok(Finding::new(
        runtime.as_str(),
        severity,
        format!("{role} {runtime}: {kind} refuses Docker {}'s time namespaces", docker.version),
    )
    .evidence(source, runtime.as_str())
    .evidence("/proc/self/ns/time", "exists")
    .rests_on(Component::Docker, &docker)
    .remedy(Remedy::daemon(
        "until the runtime is updated, start containers without a time namespace",
        [option],
    ))
    .into())
}

/// A daemon that runs here knows best; then its configuration; then runc.
fn default_runtime(facts: &Facts) -> Result<(String, String), Unknown> {
    let flag = facts.engines.here("dockerd").find_map(|daemon| daemon.flag("default-runtime"));
    if let Some(name) = flag {
        return Ok((name, "dockerd --default-runtime".into()));
    }
    let config = facts.engines.daemon_json.get()?;
    let name = config.content.get("default-runtime").and_then(Value::as_str).unwrap_or("runc");
    Ok((name.into(), config.path.as_str().into()))
}

/// Names of runtimes that are configured beside runc.
fn configured(facts: &Facts) -> Vec<String> {
    let runtimes = facts.engines.configured(&["runtimes"]).and_then(Value::as_object);
    runtimes.into_iter().flat_map(|runtimes| runtimes.keys().cloned()).collect()
}

/// Runtimes that are known to have refused, by name, program or shim.
fn unaware(facts: &Facts, runtime: &str) -> Option<&'static str> {
    let configured = |key| {
        let value = facts.engines.configured(&["runtimes", runtime, key]);
        value.and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
    };
    let names = [Some(runtime), configured("path"), configured("runtimeType")];
    [
        ("sysbox", "sysbox-runc up to 0.7"),
        ("youki", "youki before 0.6"),
        ("kata", "Kata Containers"),
    ]
    .into_iter()
    .find(|(sign, _)| names.iter().flatten().any(|name| name.contains(sign)))
    .map(|(_, kind)| kind)
}

fn is_disabled(facts: &Facts) -> bool {
    let in_file = facts.engines.configured(&["features", "time-namespaces"]);
    let mut daemons = facts.engines.here("dockerd");
    in_file.and_then(Value::as_bool) == Some(false)
        || daemons.any(|d| d.flag("feature").as_deref() == Some("time-namespaces=false"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        facts::{DaemonConfig, Fact, Fact::Known},
        testing::{healthy_container, healthy_vm},
        version::Version,
    };

    fn with(content: Value) -> Facts {
        let mut facts = healthy_container();
        facts.engines.daemon_json =
            Known(DaemonConfig { path: "/etc/docker/daemon.json".into(), content });
        facts
    }

    fn worst(facts: &Facts) -> Option<Severity> {
        match judged(facts) {
            Ok(Outcome::Found(findings)) => findings[0].severity.worst(&crate::target::Target::ALL),
            Ok(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sysbox_is_an_error_where_the_version_is_known() {
        let mut facts = with(json!({"default-runtime": "sysbox-runc"}));
        assert_eq!(worst(&facts), Some(Severity::Warning));
        facts.versions.read(Component::Docker, Version::new(29, 5, 1), "dpkg");
        assert_eq!(worst(&facts), Some(Severity::Error));
        facts.versions.give(Component::Docker, Version::new(28, 0, 0));
        assert_eq!(worst(&facts), None);
    }

    #[test]
    fn a_runtime_is_known_by_its_shim_too() {
        let kata = json!({"runtimes": {"vm": {"runtimeType": "/opt/containerd-shim-kata-v2"}},
            "default-runtime": "vm"});
        assert_eq!(worst(&with(kata)), Some(Severity::Warning));
    }

    #[test]
    fn one_that_is_only_configured_is_a_warning_for_who_asks_for_it() {
        let mut facts =
            with(json!({"runtimes": {"sysbox-runc": {"path": "/usr/bin/sysbox-runc"}}}));
        assert_eq!(worst(&facts), Some(Severity::Info));
        facts.versions.read(Component::Docker, Version::new(29, 5, 0), "dpkg");
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity, severities!(dockerd: Warning));
    }

    #[test]
    fn runc_and_what_wraps_it_pass() {
        let nvidia = json!({"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}},
            "default-runtime": "nvidia"});
        assert_eq!(worst(&with(nvidia)), None);
        assert_eq!(worst(&healthy_vm()), None);
    }

    #[test]
    fn the_feature_can_be_off_and_the_kernel_can_lack_it() {
        let off = json!({"default-runtime": "youki", "features": {"time-namespaces": false}});
        assert_eq!(worst(&with(off)), None);
        let mut facts = with(json!({"default-runtime": "youki"}));
        facts.identity.namespaces.time = Fact::missing("/proc/self/ns/time", Why::NotFound);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_configuration_it_is_unknown() {
        let mut facts = healthy_container();
        facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::Malformed);
        assert!(judged(&facts).is_err());
    }
}
