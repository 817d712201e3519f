//! Values on the command line.

use std::time::Duration;

use dind_doctor_checks::{
    target::{Severity, Target},
    version::{Component, Version},
};

use super::selection::suggestion;

/// A target, with the version of its main component if that was given (`kind=0.11`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) target: Target,
    pub(super) version: Option<(Component, Version)>,
}

/// `kind`, `kind=0.11`.
pub(super) fn wanted(text: &str) -> Result<Wanted, String> {
    let (name, version) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
    let target = target(name)?;
    let Some(version) = version else { return Ok(Wanted { target, version: None }) };
    let component = match target {
        Target::Dockerd | Target::Docker => Component::Docker,
        Target::Kind => Component::Kind,
        Target::Systemd => Component::Systemd,
        Target::Buildkit => Component::Buildkit,
        Target::Podman => Component::Podman,
        Target::Sandbox => {
            return Err("no verdict about sandboxes depends on a version".to_owned());
        }
        Target::Rootless => {
            return Err("rootless is Docker or podman: --assume docker=V or podman=V".to_owned());
        }
    };
    Ok(Wanted { target, version: Some((component, self::version(version)?)) })
}

/// `kind`.
pub(super) fn target(name: &str) -> Result<Target, String> {
    name.parse().map_err(|()| {
        let known = Target::ALL.map(Target::name);
        let names = known.join(", ");
        format!("targets are {names}{}", suggestion(name, known.into_iter()))
    })
}

/// The targets in report order, and the versions given with them and beside them.
pub(super) fn judged(
    wanted: &[Wanted],
    assume: &[(Component, Version)],
) -> (Vec<Target>, Vec<(Component, Version)>) {
    let is_wanted = |target: &Target| wanted.iter().any(|w| w.target == *target);
    let versions = wanted.iter().filter_map(|w| w.version).chain(assume.iter().copied());
    (Target::ALL.into_iter().filter(is_wanted).collect(), versions.collect())
}

/// `docker=29.1`.
pub(super) fn assumption(text: &str) -> Result<(Component, Version), String> {
    let Some((name, version)) = text.split_once('=') else {
        return Err("say COMPONENT=VERSION, for instance docker=29.1".to_owned());
    };
    Ok((component(name)?, self::version(version)?))
}

/// `docker`.
pub(super) fn component(name: &str) -> Result<Component, String> {
    name.parse().map_err(|()| {
        let known = Component::ALL.map(Component::name);
        let names = known.join(", ");
        format!("components are {names}{}", suggestion(name, known.into_iter()))
    })
}

/// `29.1`.
pub(super) fn version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|()| "a version begins with a number, for instance 29.1".to_owned())
}

/// `registry.example:443`, `[2001:db8::1]:80`.
pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let good = parts.is_some_and(|(host, port)| {
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        let plain = |c: char| c.is_ascii_graphic() && c != '/' && c != '@';
        !host.is_empty()
            && host.chars().all(plain)
            && (in_brackets || !host.contains(':'))
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let advice = "say HOST:PORT, for instance registry-1.docker.io:443, without a scheme or a path";
    if good { Ok(text.to_owned()) } else { Err(advice.to_owned()) }
}

/// Seconds, more than none and at most an hour.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| *s > 0.0 && *s <= 3600.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "seconds, at most 3600".to_owned())
}

/// The level that makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// It will not work.
    Error,
    /// It works until it does not, or badly.
    Warning,
}

impl From<FailOn> for Severity {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_bring_its_version() {
        assert_eq!(wanted("kind").map(|w| w.version), Ok(None));
        let version = Some((Component::Kind, Version::new(0, 11, 0)));
        assert_eq!(wanted("kind=0.11"), Ok(Wanted { target: Target::Kind, version }));
        assert!(wanted("rootless=1").is_err());
        assert!(wanted("kind=new").is_err());
        assert!(wanted("kid").is_err_and(|e| e.ends_with("did you mean kind?")));
    }

    #[test]
    fn an_assumption_has_a_component_and_a_version() {
        assert_eq!(assumption("docker=29.1"), Ok((Component::Docker, Version::new(29, 1, 0))));
        assert!(assumption("docker").is_err());
        assert!(assumption("dokcer=1").is_err_and(|e| e.ends_with("did you mean docker?")));
    }

    #[test]
    fn a_target_has_a_host_and_a_port() {
        for good in ["registry-1.docker.io:443", "192.0.2.1:80", "[2001:db8::1]:5000"] {
            assert_eq!(host_and_port(good), Ok(good.to_owned()));
        }
        for bad in
            ["host", "host:", ":80", "host:0", "host:65536", "https://host:443", "a b:80", "::1:80"]
        {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_are_positive_and_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "NaN", "inf", "1e9", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
