//! Where a value is in the facts.

use std::fmt;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// An element of a list, by its natural key.
    Element(String),
}

/// The steps from the top of the facts to a value. As text: `mounts.rows[/proc].options`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of a field below this one.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.with(Step::Field(name.to_owned()))
    }

    /// The path of an element below this one.
    #[must_use]
    pub fn element(&self, key: &str) -> Self {
        self.with(Step::Element(key.to_owned()))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The section of the facts that it is in; empty for the top.
    pub fn section(&self) -> &str {
        match self.0.first() {
            Some(Step::Field(name)) => name,
            _ => "",
        }
    }

    /// Without the keys of elements, as tables have it: `mounts.rows[].options`.
    pub fn pattern(&self) -> String {
        pattern(&self.0)
    }

    /// The key of the last element on the way.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Element(key) => Some(key.as_str()),
            Step::Field(_) => None,
        })
    }
}

/// [`Path::pattern`] of the path that has these steps.
pub fn pattern(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Field(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Step::Element(_) => text.push_str("[]"),
        }
    }
    text
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Element(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_path_as_text_and_as_pattern() {
        let path = Path::default().field("mounts").field("rows").element("/proc").field("options");
        assert_eq!(path.to_string(), "mounts.rows[/proc].options");
        assert_eq!(path.pattern(), "mounts.rows[].options");
        assert_eq!((path.section(), path.last_key()), ("mounts", Some("/proc")));
    }
}
