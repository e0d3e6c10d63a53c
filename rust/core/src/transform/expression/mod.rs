//! SQL expressions over columns: text to a typed tree once, the tree to arrays for every batch.
//!
//! Types are settled when the text is compiled: both sides of a comparison come out as the same Arrow type, literals
//! as arrays of length 1. So evaluation can't fail because of what records say: what has no value (division by zero,
//! overflow, a cast that does not fit) is NULL.

mod arithmetic;
mod compile;
mod evaluate;
mod function;
mod operand;
mod parse;
mod sql_type;
#[cfg(test)]
mod tests;

use arrow_array::ArrayRef;
use regex::Regex;

use crate::columns::{ColumnKind, ScalarKind};

pub use compile::compile;
pub use evaluate::evaluate;
pub use function::{REGEX_BYTES, regex_mistake};

/// A column that an expression may name.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type. Of lists, structs and maps it can only be asked whether they are null.
    pub kind: &'a ColumnKind,
    /// Which of the arrays given to [`evaluate`] it is.
    pub slot: usize,
}

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// What to write.
    pub message: String,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub enum Expression {
    /// An array of [`evaluate`]'s.
    Column(usize),
    /// One value, or null, as an array of length 1.
    Literal(ArrayRef),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    IsNull(Box<Expression>),
    /// True where the operand is exactly this; never NULL.
    IsTruth(Box<Expression>, bool),
    /// Of one type.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Like {
        text: Box<Expression>,
        pattern: Box<Expression>,
        any_case: bool,
    },
    Regex(Box<Expression>, Regex),
    StartsWith(Box<Expression>, Box<Expression>),
    /// Both int64, both float64, or both decimals.
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
    /// Exactly, or NULL.
    Cast {
        of: Box<Expression>,
        from: ScalarKind,
        to: ScalarKind,
    },
    /// A number as a decimal of this scale that any other number's decimal can be compared with.
    Wide(Box<Expression>, i8),
    /// A timestamp or date as a decimal number of nanoseconds, which holds them all.
    Nanoseconds(Box<Expression>),
    Call(Function, Vec<Expression>),
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `IS DISTINCT FROM`: NULL is a value.
    Distinct,
    /// `IS NOT DISTINCT FROM`.
    NotDistinct,
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

/// A function whose arguments have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Lower,
    Upper,
    Length,
    Trim,
    Substr,
    Abs,
    /// To this many digits after the point.
    Round(u8),
    /// NULL if any argument is.
    Join,
    /// Arguments that are NULL are left out.
    Concat,
    Coalesce,
    /// A number as float64, rounded to the nearest.
    Float,
}
