//! What stands in a configuration.

use std::collections::BTreeMap;

use dind_doctor_checks::version::{Component, Version};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{
    fault::Fault,
    value::{Id, Parsed, Reason, Severe, Subject},
};
use crate::{
    cli::arguments::{FailOn, Wanted},
    report::{Day, Ignore, Override, Selector},
};

/// What stands in a configuration.
#[derive(Debug, Default)]
pub(in crate::cli) struct File {
    pub(in crate::cli) targets: Option<Vec<Wanted>>,
    pub(in crate::cli) assume: Vec<(Component, Version)>,
    pub(in crate::cli) select: Option<Vec<Selector>>,
    pub(in crate::cli) ignore: Vec<Ignore>,
    pub(in crate::cli) overrides: Vec<Override>,
    pub(in crate::cli) fail_on: Option<FailOn>,
    pub(in crate::cli) strict: bool,
}

/// A list that, if it is there, holds something.
type List<T> = Option<Spanned<Vec<Parsed<T>>>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    #[serde(rename = "for")]
    targets: List<Wanted>,
    assume: BTreeMap<Parsed<Component>, Parsed<Version>>,
    select: List<Selector>,
    ignore: Vec<RawIgnore>,
    severity: BTreeMap<Parsed<Id>, Severe>,
    fail_on: Option<Parsed<FailOn>>,
    strict: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIgnore {
    id: Parsed<Selector>,
    subject: Option<Parsed<Subject>>,
    reason: Parsed<Reason>,
    until: Option<Spanned<Value>>,
}

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let raw: Raw = toml::from_str(text)?;
        Ok(Self {
            targets: list(
                raw.targets,
                "no target is no question: leave `for` out for the default",
            )?,
            assume: raw.assume.into_iter().map(|(name, version)| (name.0, version.0)).collect(),
            select: list(raw.select, "no check is no answer: leave `select` out for all")?,
            ignore: raw.ignore.into_iter().map(ignore).collect::<Result<_, _>>()?,
            overrides: raw
                .severity
                .into_iter()
                .map(|(id, severity)| Override { check: id.0.0.to_owned(), severity: severity.0 })
                .collect(),
            fail_on: raw.fail_on.map(|level| level.0),
            strict: raw.strict,
        })
    }
}

fn list<T>(list: List<T>, if_empty: &str) -> Result<Option<Vec<T>>, Fault> {
    let Some(list) = list else { return Ok(None) };
    if list.as_ref().is_empty() {
        return Err(Fault { span: list.span(), message: if_empty.to_owned() });
    }
    Ok(Some(list.into_inner().into_iter().map(|item| item.0).collect()))
}

fn ignore(raw: RawIgnore) -> Result<Ignore, Fault> {
    let until = raw.until.map(|value| day(&value)).transpose()?;
    Ok(Ignore {
        selector: raw.id.0,
        subject: raw.subject.map(|subject| subject.0.0),
        reason: raw.reason.0.0,
        until,
    })
}

fn day(value: &Spanned<Value>) -> Result<Day, Fault> {
    let date = value.as_ref().as_datetime().filter(|d| d.time.is_none()).and_then(|d| d.date);
    date.map(|date| Day::new(date.year, date.month, date.day)).ok_or_else(|| Fault {
        span: value.span(),
        message: "a day without quotes, for instance until = 2027-03-01".to_owned(),
    })
}
