//! Values of the configuration that are text with a meaning, the same as on the command line.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use clap::ValueEnum;
use dind_doctor_checks::{
    target::{Severities, Severity, Target},
    version::{Component, Version},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use crate::{
    cli::{
        arguments::{self, FailOn, Wanted},
        selection,
    },
    report::{Override, Selector},
};

/// Something that is written as text.
pub(super) trait Parse: Sized {
    /// Reads it, or says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

/// What [`Parse`] made of a string. The error is raised inside of the string's own deserializer, which
/// knows where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: Parse> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: Parse> Visitor<'_> for Text<T> {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::parse(text).map(Parsed).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl Parse for Wanted {
    fn parse(text: &str) -> Result<Self, String> {
        arguments::wanted(text)
    }
}

impl Parse for Target {
    fn parse(text: &str) -> Result<Self, String> {
        arguments::target(text)
    }
}

impl Parse for Component {
    fn parse(text: &str) -> Result<Self, String> {
        arguments::component(text)
    }
}

impl Parse for Version {
    fn parse(text: &str) -> Result<Self, String> {
        arguments::version(text)
    }
}

impl Parse for Selector {
    fn parse(text: &str) -> Result<Self, String> {
        selection::selector(text)
    }
}

impl Parse for FailOn {
    fn parse(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| "error or warning".to_owned())
    }
}

impl Parse for Severity {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|()| {
            "a severity is error, warning or info; what is not to count goes under [[ignore]]"
                .to_owned()
        })
    }
}

/// The id of a check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) &'static str);

impl Parse for Id {
    fn parse(text: &str) -> Result<Self, String> {
        selection::check(text).map(|(_, check)| Self(check.id))
    }
}

/// Why something is ignored; not blank.
#[derive(Debug, Clone)]
pub(super) struct Reason(pub(super) String);

impl Parse for Reason {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("say why it is ignored: whoever meets it next will ask".to_owned()),
            reason => Ok(Self(reason.to_owned())),
        }
    }
}

/// What a finding is about; not blank.
#[derive(Debug, Clone)]
pub(super) struct Subject(pub(super) String);

impl Parse for Subject {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("a subject as in the report, or none at all for every one".to_owned()),
            subject => Ok(Self(subject.to_owned())),
        }
    }
}

/// One severity for every target, or one for each.
#[derive(Debug)]
pub(super) struct Severe(pub(super) Severities);

impl<'de> Deserialize<'de> for Severe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Severe;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a severity in quotes, or a table with one for each target")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Severe, E> {
                let severity = Severity::parse(text).map_err(E::custom)?;
                Ok(Severe(Override::everywhere("", severity).severity))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Severe, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                let each = BTreeMap::<Parsed<Target>, Parsed<Severity>>::deserialize(map)?;
                let none = Severities::NONE;
                let all = each.into_iter().fold(none, |all, (t, s)| all.with(t.0, Some(s.0)));
                Ok(Severe(all))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
