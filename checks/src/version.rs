//! Versions of the software that is going to run here: given, read, or assumed.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use core::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{facts::Missing, outcome::Unknown};

/// Software on whose version a rule can depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// buildkitd.
    Buildkit,
    /// containerd.
    Containerd,
    /// Docker Engine.
    Docker,
    /// kind.
    Kind,
    /// Kubernetes: the kubelet of the node that is going to run here.
    Kubernetes,
    /// podman.
    Podman,
    /// runc.
    Runc,
    /// systemd.
    Systemd,
}

impl Component {
    /// Every component, in the order in which reports list them.
    pub const ALL: [Self; 8] = [
        Self::Buildkit,
        Self::Containerd,
        Self::Docker,
        Self::Kind,
        Self::Kubernetes,
        Self::Podman,
        Self::Runc,
        Self::Systemd,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buildkit => "buildkit",
            Self::Containerd => "containerd",
            Self::Docker => "docker",
            Self::Kind => "kind",
            Self::Kubernetes => "kubernetes",
            Self::Podman => "podman",
            Self::Runc => "runc",
            Self::Systemd => "systemd",
        }
    }

    /// The newest release that the rules of this build know; assumed where nothing better is known.
    pub const fn newest_known(self) -> Version {
        match self {
            Self::Buildkit => Version::new(0, 26, 0),
            Self::Containerd => Version::new(2, 2, 0),
            Self::Docker => Version::new(29, 5, 0),
            Self::Kind => Version::new(0, 32, 0),
            Self::Kubernetes => Version::new(1, 37, 0),
            Self::Podman => Version::new(5, 8, 0),
            Self::Runc => Version::new(1, 4, 0),
            Self::Systemd => Version::new(262, 0, 0),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Component {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|c| c.name() == name).ok_or(())
    }
}

/// A release: major, minor, patch, and of a release candidate its number. What distributions append is dropped, so that
/// `20.10.24+dfsg1` is 20.10.24 and `1.0.0~rc93+ds1` is 1.0.0-rc93.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number, 0 if there is none.
    pub minor: u32,
    /// Third number, 0 if there is none.
    pub patch: u32,
    /// Number of a release candidate, which comes before its release; [`Version::FINAL`] for that.
    pub candidate: u32,
}

impl Version {
    /// Of what is no release candidate.
    pub const FINAL: u32 = u32::MAX;

    /// `major.minor.patch`.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch, candidate: Self::FINAL }
    }

    /// The release candidate of this number.
    #[must_use]
    pub const fn candidate(self, number: u32) -> Self {
        Self { candidate: number, ..self }
    }

    /// Whether this is `major.minor` or later.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor).cmp(&(major, minor)) != Ordering::Less
    }
}

impl FromStr for Version {
    type Err = ();

    /// Reads the leading numbers, with an optional `v` before and a Debian epoch (`5:`) skipped.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let text = text.split_once(':').map_or(text, |(_, rest)| rest);
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = text.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            (part[..digits].parse::<u32>().ok(), digits == part.len())
        });
        let mut next = || numbers.next().unwrap_or((None, false));
        let (Some(major), whole) = next() else { return Err(()) };
        let (minor, whole) = if whole { next() } else { (None, false) };
        let (patch, _) = if whole { next() } else { (None, false) };
        let release = Self::new(major, minor.unwrap_or(0), patch.unwrap_or(0));
        Ok(candidate_in(text).map_or(release, |number| release.candidate(number)))
    }
}

/// The number behind `-rc` or `~rc`: `1.0.0-rc93`, `1.3.0-rc.1`, `1.0.0~rc93+ds1-5`.
fn candidate_in(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("-rc").or_else(|| text.split_once("~rc"))?;
    let rest = rest.trim_start_matches(['.', '-']);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.candidate == Self::FINAL { Ok(()) } else { write!(f, "-rc{}", self.candidate) }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom("no version"))
    }
}

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Nothing said it: the newest release that this build knows.
    Assumed,
    /// The user said it.
    Given,
    /// Read from this source.
    Read(String),
}

/// A version and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVersion {
    /// The version.
    pub version: Version,
    /// Where it comes from.
    pub origin: Origin,
}

impl KnownVersion {
    /// Whether nothing said it.
    pub fn is_assumed(&self) -> bool {
        self.origin == Origin::Assumed
    }
}

/// The Kubernetes of the node image that a release of kind takes by default, from its release notes; later ones are
/// not known.
fn kubernetes_of(kind: Version) -> Option<Version> {
    const MINORS: [(u32, u32); 28] = [
        (5, 15),
        (6, 16),
        (7, 17),
        (8, 18),
        (9, 19),
        (10, 20),
        (11, 21),
        (12, 23),
        (13, 24),
        (14, 24),
        (15, 25),
        (16, 25),
        (17, 25),
        (18, 26),
        (19, 27),
        (20, 27),
        (21, 29),
        (22, 29),
        (23, 30),
        (24, 31),
        (25, 31),
        (26, 32),
        (27, 32),
        (28, 33),
        (29, 33),
        (30, 34),
        (31, 35),
        (33, 36),
    ];
    let of = |(minor, kubernetes): &(u32, u32)| (*minor == kind.minor).then_some(*kubernetes);
    let minor = MINORS.iter().find_map(of).filter(|_| kind.major == 0)?;
    Some(Version::new(1, minor, 0))
}

/// The versions that are given or read; every other one is assumed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Versions {
    #[serde(flatten)]
    known: BTreeMap<Component, KnownVersion>,
    /// Databases of packages, and other files that name a version, that are here and could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Missing>,
}

impl Versions {
    /// The version of `component`, the newest known one if nothing said it.
    pub fn of(&self, component: Component) -> KnownVersion {
        let known = self.known.get(&component).cloned();
        known.or_else(|| self.derived(component)).unwrap_or_else(|| KnownVersion {
            version: component.newest_known(),
            origin: Origin::Assumed,
        })
    }

    /// What follows from a version that is known: a release of kind makes nodes of one of Kubernetes.
    fn derived(&self, component: Component) -> Option<KnownVersion> {
        let kind =
            self.known.get(&Component::Kind).filter(|_| component == Component::Kubernetes)?;
        let version = kubernetes_of(kind.version)?;
        Some(KnownVersion {
            version,
            origin: Origin::Read(alloc::format!("kind {}", kind.version)),
        })
    }

    /// The same for a verdict that turns on it: *unknown* where a database that may hold it could not be read. Kind
    /// is in none of them.
    pub fn sure(&self, component: Component) -> Result<KnownVersion, Unknown> {
        let version = self.of(component);
        if version.is_assumed() && component != Component::Kind && !self.unreadable.is_empty() {
            return Err(Unknown { missing: self.unreadable.clone(), remedy: None });
        }
        Ok(version)
    }

    /// What the user gives wins over what was read.
    pub fn give(&mut self, component: Component, version: Version) {
        self.known.insert(component, KnownVersion { version, origin: Origin::Given });
    }

    /// Notes what `source` says, unless something better is known already.
    pub fn read(&mut self, component: Component, version: Version, source: &str) {
        self.known
            .entry(component)
            .or_insert_with(|| KnownVersion { version, origin: Origin::Read(source.to_owned()) });
    }

    /// What is given or read, sorted by component.
    pub fn iter(&self) -> impl Iterator<Item = (Component, &KnownVersion)> {
        self.known.iter().map(|(c, v)| (*c, v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for (text, want) in [
            ("20.10.24+dfsg1-1+deb12u1+b2", Version::new(20, 10, 24)),
            ("5:29.1.3-1~debian.12~bookworm", Version::new(29, 1, 3)),
            ("v1.34.0", Version::new(1, 34, 0)),
            ("1.3.0-rc.1", Version::new(1, 3, 0).candidate(1)),
            ("1.0.0~rc93+ds1-5+deb11u3", Version::new(1, 0, 0).candidate(93)),
            ("252.39-1~deb12u2", Version::new(252, 39, 0)),
            ("0.11", Version::new(0, 11, 0)),
            ("29", Version::new(29, 0, 0)),
        ] {
            assert_eq!(text.parse(), Ok(want), "{text}");
        }
        assert_eq!("latest".parse::<Version>(), Err(()));
        let candidate = Version::new(1, 4, 0).candidate(3);
        assert!(candidate < Version::new(1, 4, 0) && candidate > Version::new(1, 3, 9));
        assert_eq!(alloc::format!("{candidate}").parse(), Ok(candidate));
    }

    #[test]
    fn given_wins_over_read_and_the_rest_is_assumed() {
        let mut versions = Versions::default();
        versions.give(Component::Docker, Version::new(20, 10, 0));
        versions.read(Component::Docker, Version::new(28, 0, 0), "dpkg");
        assert_eq!(versions.of(Component::Docker).origin, Origin::Given);
        assert!(versions.of(Component::Kind).is_assumed());
    }

    #[test]
    fn kubernetes_follows_kind() {
        let mut versions = Versions::default();
        versions.give(Component::Kind, Version::new(0, 10, 0));
        let node = versions.of(Component::Kubernetes);
        assert_eq!((node.version, node.is_assumed()), (Version::new(1, 20, 0), false));
        versions.read(Component::Kubernetes, Version::new(1, 19, 1), "/kind/version");
        assert_eq!(versions.of(Component::Kubernetes).version, Version::new(1, 19, 1));
        let mut newer = Versions::default();
        newer.give(Component::Kind, Version::new(0, 40, 0));
        assert!(newer.of(Component::Kubernetes).is_assumed());
    }
}
