//! What files are for: which table, and which assignment.

use std::fmt;
use std::str::FromStr;

use crate::encode::Layout;
use crate::error::EngineError;

/// A table of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The rows.
    Main,
    /// The records that are not rows.
    DeadLetter,
}

impl Table {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 2] = [Self::Main, Self::DeadLetter];

    /// Its name outside the core.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::DeadLetter => "dead_letter",
        }
    }

    pub(super) const fn layout(self) -> Layout {
        match self {
            Self::Main => Layout {
                repeated: &["kafka_topic"],
                long: &["_residue"],
            },
            Self::DeadLetter => Layout {
                repeated: &["kafka_topic", "stage", "code"],
                long: &["value", "kafka_headers"],
            },
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let table = Self::ALL.into_iter().find(|table| table.name() == name);
        table.ok_or_else(|| EngineError::UnknownTable(name.into()))
    }
}

/// A partition in one epoch. Written `topic-partition, epoch n`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssignmentId {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// Grows each time the partition is assigned or sought.
    pub epoch: i64,
}

impl fmt::Display for AssignmentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}-{}, epoch {}",
            self.topic, self.partition, self.epoch
        )
    }
}
