//! What would be started for each target: by whom, where, as whom. Nothing here judges.

use alloc::vec::Vec;

use crate::{facts::Facts, target::Target};

/// What would happen for one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The target.
    pub target: Target,
}

/// A plan for each target, in report order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plans(Vec<Plan>);

impl Plans {
    /// The plans that these facts give.
    pub fn of(_facts: &Facts) -> Self {
        Self(Target::ALL.into_iter().map(|target| Plan { target }).collect())
    }

    /// The plans, in report order.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.iter()
    }
}
