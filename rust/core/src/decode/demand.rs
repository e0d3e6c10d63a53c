//! What later stages need of a record, so that nothing else is built.

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;
use arrow_schema::ArrowError;

/// Which records become rows, told from a few of their columns before the others are touched.
pub trait Predicate: std::fmt::Debug + Send + Sync {
    /// The columns it reads, by their number in the configuration.
    fn columns(&self) -> &[usize];

    /// A verdict on each of `records`. `columns` and `drifted` are in the order of [`Self::columns`]; `drifted` is set
    /// where a record has a value that did not fit.
    ///
    /// # Errors
    /// Never because of what the columns hold.
    fn verdict(
        &self,
        columns: &[ArrayRef],
        drifted: &[BooleanBuffer],
        records: usize,
    ) -> Result<Verdict, ArrowError>;
}

/// What becomes of some records.
#[derive(Debug)]
pub struct Verdict {
    /// Set for those that stay.
    pub stays: BooleanBuffer,
    /// How many stay only because a value that drifted left it open.
    pub undecided: u64,
}

/// What to do with one column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnDemand {
    /// Make an array of it.
    pub built: bool,
    /// It is in the table: what does not fit it is kept in the residue. Otherwise it is gone whole.
    pub kept: bool,
    /// Say for each row whether its value drifted.
    pub watched: bool,
}

/// What to make of records.
#[derive(Debug)]
pub struct Demand {
    /// By the column's number in the configuration.
    pub columns: Vec<ColumnDemand>,
    /// Whether the residue is built, if the configuration has it.
    pub residue: bool,
    /// Which records become rows; all if there is none.
    pub predicate: Option<Box<dyn Predicate>>,
}

impl Demand {
    /// Every column and the residue of every record.
    #[must_use]
    pub fn everything(columns: usize) -> Self {
        let column = ColumnDemand {
            built: true,
            kept: true,
            watched: false,
        };
        Self {
            columns: vec![column; columns],
            residue: true,
            predicate: None,
        }
    }
}
