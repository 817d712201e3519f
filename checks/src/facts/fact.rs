//! A fact that can be missing.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error},
    ser::SerializeMap,
};
use serde_json::Value;

use super::errno;
use crate::outcome::Unknown;

/// Why a fact is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// EACCES or EPERM.
    NotPermitted,
    /// ENOENT and the like.
    NotFound,
    /// This kernel or sandbox does not offer it.
    Unsupported,
    /// It was read, and could not be understood.
    Malformed,
    /// More bytes or entries than a run reads.
    TooLarge,
    /// No answer before the deadline.
    TimedOut,
    /// Any other error number.
    Io(i32),
    /// The bundle is older than the probe.
    NotRecorded,
    /// Taken out when the bundle was made.
    Redacted,
    /// Asking would have changed the machine.
    NotProbed,
    /// It is not there, and neither is the filesystem of the kernel that would have it: another one is mounted
    /// there, or none.
    Hidden,
}

impl Why {
    /// All but [`Why::Io`].
    const NAMED: [Self; 10] = [
        Self::NotPermitted,
        Self::NotFound,
        Self::Unsupported,
        Self::Malformed,
        Self::TooLarge,
        Self::TimedOut,
        Self::NotRecorded,
        Self::Redacted,
        Self::NotProbed,
        Self::Hidden,
    ];
}

impl Why {
    /// Whether there may well be an answer, and the question failed. What does not exist, is not offered, was not
    /// recorded or was not asked is none.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::NotPermitted
            | Self::Malformed
            | Self::TooLarge
            | Self::TimedOut
            | Self::Hidden
            | Self::Io(_) => true,
            Self::NotFound
            | Self::Unsupported
            | Self::NotRecorded
            | Self::Redacted
            | Self::NotProbed => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::NotPermitted => "not-permitted",
            Self::NotFound => "not-found",
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::TimedOut => "timed-out",
            Self::Io(errno) => {
                return match errno::name(*errno) {
                    Some(name) => write!(f, "io({name})"),
                    None => write!(f, "io({errno})"),
                };
            }
            Self::NotRecorded => "not-recorded",
            Self::Redacted => "redacted",
            Self::NotProbed => "not-probed",
            Self::Hidden => "hidden",
        };
        f.write_str(name)
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Why {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let errno = name.strip_prefix("io(").and_then(|rest| rest.strip_suffix(')'));
        // Reports of before have the number.
        let number = |errno: &str| errno::number(errno).or_else(|| errno.parse().ok());
        if let Some(errno) = errno.and_then(number) {
            return Ok(Self::Io(errno));
        }
        let named = |why: &Self| why.to_string() == name;
        Self::NAMED
            .into_iter()
            .find(named)
            .ok_or_else(|| D::Error::custom("no reason of this name"))
    }
}

/// What could not be found out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What was asked: a path, `netlink: links`, …
    pub source: String,
    /// Why there is no answer.
    pub why: Why,
}

impl Missing {
    /// `source` gave no answer, because of `why`.
    pub fn new(source: impl Into<String>, why: Why) -> Self {
        Self { source: source.into(), why }
    }
}

/// Something that may not be readable here. Serialises as the value itself, or as
/// `{"missing": {"source", "why"}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is known.
    Known(T),
    /// It is not known.
    Missing(Missing),
}

impl<T> Fact<T> {
    /// Not known, because `source` gave no answer for the reason `why`.
    pub fn missing(source: impl Into<String>, why: Why) -> Self {
        Self::Missing(Missing::new(source, why))
    }

    /// The value, or *unknown* with what is missing; meant for `?` in a check.
    pub fn get(&self) -> Result<&T, Unknown> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Missing(missing) => Err(missing.clone().into()),
        }
    }

    /// The value if it is known; for what a verdict does not depend on.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// The value; nothing where there is none, or where an older recording does not have it; *unknown* where the
    /// question failed. For what has a documented default.
    pub fn told(&self) -> Result<Option<&T>, Unknown> {
        match self {
            Self::Known(value) => Ok(Some(value)),
            Self::Missing(missing) if missing.why.is_failure() => Err(missing.clone().into()),
            Self::Missing(_) => Ok(None),
        }
    }

    /// What is missing, if anything is.
    pub fn lack(&self) -> Option<Missing> {
        match self {
            Self::Known(_) => None,
            Self::Missing(missing) => Some(missing.clone()),
        }
    }

    /// Why it is not known.
    pub const fn why(&self) -> Option<Why> {
        match self {
            Self::Known(_) => None,
            Self::Missing(missing) => Some(missing.why),
        }
    }

    /// Whether it is known and `predicate` holds.
    pub fn is_known_and(&self, predicate: impl FnOnce(&T) -> bool) -> bool {
        self.known().is_some_and(predicate)
    }

    /// The same fact about something derived from the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Missing(missing) => Fact::Missing(missing),
        }
    }

    /// A fact that is known only if something further can be derived from the value.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Fact<U>) -> Fact<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Missing(missing) => Fact::Missing(missing),
        }
    }

    /// A fact that borrows the value.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Known(value) => Fact::Known(value),
            Self::Missing(missing) => Fact::Missing(missing.clone()),
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Missing(Missing::new("nothing".to_string(), Why::NotRecorded))
    }
}

impl<T> From<Result<T, Missing>> for Fact<T> {
    fn from(result: Result<T, Missing>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(missing) => Self::Missing(missing),
        }
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Missing(missing) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("missing", missing)?;
                map.end()
            }
        }
    }
}

/// By way of a value, as `#[serde(untagged)]` would do it, but of one kind: each fact is read by one piece of code,
/// whatever it is part of.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match lack(&value) {
            Some(missing) => Ok(Self::Missing(missing)),
            None => T::deserialize(&value).map(Self::Known).map_err(D::Error::custom),
        }
    }
}

/// What is missing, where `value` says that and nothing else.
fn lack(value: &Value) -> Option<Missing> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    Missing::deserialize(object.get("missing")?).ok()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn read_back<T: Serialize + for<'a> Deserialize<'a> + PartialEq + fmt::Debug>(fact: &Fact<T>) {
        let value = serde_json::to_value(fact).unwrap();
        assert_eq!(&serde_json::from_value::<Fact<T>>(value).unwrap(), fact);
    }

    #[test]
    fn what_is_written_is_read_back() {
        read_back(&Fact::Known(Some(7_u64)));
        read_back(&Fact::<Option<u64>>::Known(None));
        read_back(&Fact::Known(vec!["missing".to_string()]));
        for why in Why::NAMED.into_iter().chain([Why::Io(5)]) {
            read_back(&Fact::<u32>::missing("/proc/self", why));
        }
        assert!(
            serde_json::from_str::<Fact<u32>>("{\"missing\":{\"source\":\"a\",\"why\":\"new\"}}")
                .is_err()
        );
    }
}
