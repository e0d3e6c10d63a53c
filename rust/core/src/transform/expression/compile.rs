//! Syntax tree to typed expression, all mistakes at once.

use std::collections::BTreeSet;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Ident, InTarget, Spanned, TypedString, UnaryOperator,
    Value,
};

use super::operand::{Literal, Operand, comparable, date, timestamp};
use super::{Comparison, Expression, Function, Mistake, Named, Operator, parse, sql_type};
use crate::columns::{ColumnKind, ScalarKind};
use crate::transform::cast;
use crate::transform::problem::did_you_mean;
use arrow_schema::TimeUnit;

/// Most operators around an operand: the trees are walked by recursion, on threads with small stacks.
const DEEPEST: usize = 200;

/// The condition `text`, and the slots it reads.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(
    text: &str,
    columns: &[Named<'_>],
) -> Result<(Expression, Vec<usize>), Vec<Mistake>> {
    let tree = parse::parse(text).map_err(|mistake| vec![mistake])?;
    let mut compiler = Compiler {
        columns,
        used: BTreeSet::new(),
        mistakes: Vec::new(),
        depth: 0,
    };
    let condition = compiler.condition(&tree);
    match condition {
        Some(condition) if compiler.mistakes.is_empty() => {
            Ok((condition, compiler.used.into_iter().collect()))
        }
        _ => Err(compiler.mistakes),
    }
}

/// Goes on after a mistake; `None` says that one has been noted.
pub struct Compiler<'a> {
    columns: &'a [Named<'a>],
    used: BTreeSet<usize>,
    mistakes: Vec<Mistake>,
    depth: usize,
}

impl Compiler<'_> {
    /// Notes what is wrong at `at`.
    pub fn wrong<T>(&mut self, at: &Expr, message: impl Into<String>) -> Option<T> {
        let start = at.span().start;
        self.wrong_at(start.line.max(1), start.column.max(1), message)
    }

    fn wrong_at<T>(&mut self, line: u64, column: u64, message: impl Into<String>) -> Option<T> {
        self.mistakes.push(Mistake {
            line,
            column,
            message: message.into(),
        });
        None
    }

    /// An expression that is true, false or NULL.
    fn condition(&mut self, tree: &Expr) -> Option<Expression> {
        let operand = self.operand(tree)?.or_null_of(ScalarKind::Bool);
        if operand.kind == ScalarKind::Bool {
            return Some(operand.expression);
        }
        let shown = operand.shown;
        self.wrong(
            tree,
            format!("{shown} is not a condition; compare it with something"),
        )
    }

    /// Any expression.
    pub fn operand(&mut self, tree: &Expr) -> Option<Operand> {
        if self.depth == DEEPEST {
            let message = format!(
                "has more than {DEEPEST} operators in a row; use IN, or split it into several filters"
            );
            return self.wrong_at(1, 1, message);
        }
        self.depth += 1;
        let operand = self.operand_of(tree);
        self.depth -= 1;
        operand
    }

    fn operand_of(&mut self, tree: &Expr) -> Option<Operand> {
        match tree {
            Expr::Nested(inner) => self.operand(inner),
            Expr::Identifier(name) => self.column(tree, name),
            Expr::Value(value) => self.literal(tree, &value.value),
            Expr::TypedString(typed) => self.typed_literal(tree, typed),
            Expr::UnaryOp { op, expr } => self.unary(tree, *op, expr),
            Expr::BinaryOp { left, op, right } => self.binary(tree, left, op, right),
            Expr::IsNull(of) => self.is_null(of),
            Expr::IsNotNull(of) => self.is_null(of).map(negated),
            Expr::IsTrue(of) => self.is_truth(of, true),
            Expr::IsNotTrue(of) => self.is_truth(of, true).map(negated),
            Expr::IsFalse(of) => self.is_truth(of, false),
            Expr::IsNotFalse(of) => self.is_truth(of, false).map(negated),
            Expr::IsUnknown(of) => self
                .condition(of)
                .map(|of| truth(Expression::IsNull(Box::new(of)))),
            Expr::IsNotUnknown(of) => {
                let unknown = self
                    .condition(of)
                    .map(|of| truth(Expression::IsNull(Box::new(of))));
                unknown.map(negated)
            }
            Expr::IsDistinctFrom(left, right) => {
                self.compare(tree, left, Comparison::Distinct, right)
            }
            Expr::IsNotDistinctFrom(left, right) => {
                self.compare(tree, left, Comparison::NotDistinct, right)
            }
            Expr::In {
                expr,
                target: InTarget::List(list),
                negated: not,
                global: false,
            } => self
                .in_list(expr, list)
                .map(|found| negated_if(*not, found)),
            Expr::Between {
                expr,
                negated: not,
                low,
                high,
            } => self
                .between(expr, low, high)
                .map(|between| negated_if(*not, between)),
            Expr::Like {
                negated: not,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self
                .like(expr, pattern, false)
                .map(|like| negated_if(*not, like)),
            Expr::ILike {
                negated: not,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self
                .like(expr, pattern, true)
                .map(|like| negated_if(*not, like)),
            Expr::Cast {
                kind: CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
            } => self.cast(tree, expr, data_type),
            _ => self.function_or_unknown(tree),
        }
    }

    fn column(&mut self, tree: &Expr, name: &Ident) -> Option<Operand> {
        let found = self.columns.iter().find(|column| column.name == name.value);
        if let Some(&Named { name, kind, slot }) = found {
            let ColumnKind::Scalar(kind) = *kind else {
                let message = format!(
                    "`{name}` is {kind}, of which only IS NULL can be asked; declare a column for what is inside"
                );
                return self.wrong(tree, message);
            };
            self.used.insert(slot);
            return Some(Operand::column(name, kind, slot));
        }
        let names = self.columns.iter().map(|column| column.name);
        let hint = did_you_mean(&name.value, names.clone());
        let text = if name.quote_style == Some('"') && hint.is_empty() {
            " (text is written in single quotes)"
        } else {
            ""
        };
        let declared = names.collect::<Vec<_>>().join(", ");
        self.wrong(
            tree,
            format!(
                "there is no column `{}`{text}{hint}; columns here: {declared}",
                name.value
            ),
        )
    }

    fn literal(&mut self, tree: &Expr, value: &Value) -> Option<Operand> {
        let operand = match value {
            Value::Number(digits, false) => Operand::number(digits),
            Value::SingleQuotedString(text) => Some(Operand::text(text)),
            Value::Boolean(value) => Some(Operand::bool(*value)),
            Value::Null => Some(Operand::null()),
            _ => None,
        };
        match operand {
            Some(operand) => Some(operand),
            None => self.wrong(tree, format!("`{value}` is not a value that can be used here; write a number, 'text', TRUE, FALSE or NULL")),
        }
    }

    fn typed_literal(&mut self, tree: &Expr, typed: &TypedString) -> Option<Operand> {
        let text = match &typed.value.value {
            Value::SingleQuotedString(text) => text.as_str(),
            _ => "",
        };
        let made = match &typed.data_type {
            DataType::Date => date(text),
            DataType::Timestamp(None, _) => timestamp(text, TimeUnit::Microsecond),
            other => Err(format!(
                "{other} '...' can't be used here; write DATE '...' or TIMESTAMP '...'"
            )),
        };
        made.map_or_else(|message| self.wrong(tree, message), Some)
    }

    fn unary(&mut self, tree: &Expr, operator: UnaryOperator, of: &Expr) -> Option<Operand> {
        match operator {
            UnaryOperator::Not => self
                .condition(of)
                .map(|of| truth(Expression::Not(Box::new(of)))),
            UnaryOperator::Plus => self.operand(of),
            UnaryOperator::Minus => {
                if let Expr::Value(value) = of
                    && let Value::Number(digits, false) = &value.value
                {
                    return Operand::number(&format!("-{digits}"));
                }
                let of_number = self.operand(of)?;
                let zero = Operand::number("0")?;
                self.arithmetic(tree, Operator::Minus, &zero, &of_number)
            }
            other => self.wrong(
                tree,
                format!("the operator `{other}` is not available; there are NOT, + and -"),
            ),
        }
    }

    fn binary(
        &mut self,
        tree: &Expr,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
    ) -> Option<Operand> {
        let comparison = match operator {
            BinaryOperator::And | BinaryOperator::Or => {
                let (one, other) = (self.condition(left), self.condition(right));
                let (one, other) = (Box::new(one?), Box::new(other?));
                return Some(truth(if *operator == BinaryOperator::And {
                    Expression::And(one, other)
                } else {
                    Expression::Or(one, other)
                }));
            }
            BinaryOperator::StringConcat => return self.join(tree, left, right),
            BinaryOperator::Eq => Ok(Comparison::Equal),
            BinaryOperator::NotEq => Ok(Comparison::NotEqual),
            BinaryOperator::Lt => Ok(Comparison::Less),
            BinaryOperator::LtEq => Ok(Comparison::LessOrEqual),
            BinaryOperator::Gt => Ok(Comparison::Greater),
            BinaryOperator::GtEq => Ok(Comparison::GreaterOrEqual),
            BinaryOperator::Plus => Err(Operator::Plus),
            BinaryOperator::Minus => Err(Operator::Minus),
            BinaryOperator::Multiply => Err(Operator::Times),
            BinaryOperator::Divide => Err(Operator::Divide),
            BinaryOperator::Modulo => Err(Operator::Remainder),
            other => {
                let message = format!(
                    "the operator `{other}` is not available; there are = <> < <= > >= + - * / % || AND OR NOT, \
                     IN, BETWEEN, LIKE, ILIKE, IS"
                );
                return self.wrong(tree, message);
            }
        };
        match comparison {
            Ok(comparison) => self.compare(tree, left, comparison, right),
            Err(operator) => {
                let (one, other) = (self.operand(left), self.operand(right));
                self.arithmetic(tree, operator, &one?, &other?)
            }
        }
    }

    fn compare(
        &mut self,
        tree: &Expr,
        left: &Expr,
        comparison: Comparison,
        right: &Expr,
    ) -> Option<Operand> {
        let (left, right) = (self.operand(left), self.operand(right));
        self.compare_operands(tree, &left?, comparison, &right?)
    }

    fn compare_operands(
        &mut self,
        at: &Expr,
        left: &Operand,
        comparison: Comparison,
        right: &Operand,
    ) -> Option<Operand> {
        match comparable(left, right) {
            Ok((left, right)) => Some(truth(Expression::Compare(
                comparison,
                Box::new(left),
                Box::new(right),
            ))),
            Err(message) => self.wrong(at, message),
        }
    }

    fn is_null(&mut self, of: &Expr) -> Option<Operand> {
        let column = match of {
            Expr::Identifier(name) => self.columns.iter().find(|column| column.name == name.value),
            _ => None,
        };
        let of = if let Some(column) = column {
            self.used.insert(column.slot);
            Expression::Column(column.slot)
        } else {
            self.operand(of)?.expression
        };
        Some(truth(Expression::IsNull(Box::new(of))))
    }

    fn is_truth(&mut self, of: &Expr, value: bool) -> Option<Operand> {
        let of = self.condition(of)?;
        Some(truth(Expression::IsTruth(Box::new(of), value)))
    }

    /// `x IN (a, b)` is `x = a OR x = b`, with SQL's own NULLs.
    fn in_list(&mut self, of: &Expr, list: &[Expr]) -> Option<Operand> {
        let of_operand = self.operand(of);
        let items: Vec<_> = list.iter().map(|item| (item, self.operand(item))).collect();
        let of_operand = of_operand?;
        let mut equal = Vec::with_capacity(items.len());
        for (item, operand) in items {
            equal.push(
                self.compare_operands(item, &of_operand, Comparison::Equal, &operand?)?
                    .expression,
            );
        }
        match any_of(equal) {
            Some(found) => Some(truth(found)),
            None => self.wrong(of, "IN () has no values; write at least one"),
        }
    }

    fn between(&mut self, of: &Expr, low: &Expr, high: &Expr) -> Option<Operand> {
        let (operand, least, most) = (self.operand(of), self.operand(low), self.operand(high));
        let operand = operand?;
        let above = self.compare_operands(low, &operand, Comparison::GreaterOrEqual, &least?);
        let below = self.compare_operands(high, &operand, Comparison::LessOrEqual, &most?);
        Some(truth(Expression::And(
            Box::new(above?.expression),
            Box::new(below?.expression),
        )))
    }

    fn like(&mut self, of: &Expr, pattern: &Expr, any_case: bool) -> Option<Operand> {
        let (text, pattern) = (self.text(of, "LIKE"), self.text(pattern, "LIKE"));
        Some(truth(Expression::Like {
            text: Box::new(text?),
            pattern: Box::new(pattern?),
            any_case,
        }))
    }

    fn join(&mut self, _tree: &Expr, left: &Expr, right: &Expr) -> Option<Operand> {
        let (one, other) = (self.text(left, "||"), self.text(right, "||"));
        let joined = Expression::Call(Function::Join, vec![one?, other?]);
        Some(Operand::computed(joined, ScalarKind::String, "||"))
    }

    /// An operand that must be text, for the operation that messages call `what`.
    pub fn text(&mut self, tree: &Expr, what: &str) -> Option<Expression> {
        let operand = self.operand(tree)?.or_null_of(ScalarKind::String);
        if operand.is_text() {
            return Some(operand.expression);
        }
        self.wrong(
            tree,
            format!(
                "{what} needs text, and {} is none; cast it to string",
                operand.shown
            ),
        )
    }

    fn arithmetic(
        &mut self,
        at: &Expr,
        operator: Operator,
        left: &Operand,
        right: &Operand,
    ) -> Option<Operand> {
        let (left, right) = (
            left.clone().or_null_of(right.kind),
            right.clone().or_null_of(left.kind),
        );
        for operand in [&left, &right] {
            if !operand.is_number() {
                let message = format!("can't calculate with {}; it is not a number", operand.shown);
                return self.wrong(at, message);
            }
        }
        Some(super::arithmetic::operation(operator, left, right))
    }

    fn cast(&mut self, tree: &Expr, of: &Expr, data_type: &DataType) -> Option<Operand> {
        let operand = self.operand(of)?;
        let Some(to) = sql_type::kind_of(data_type) else {
            let message = format!(
                "can't cast to {data_type}; there are BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BOOLEAN, DATE, TIMESTAMP"
            );
            return self.wrong(tree, message);
        };
        if operand.is_null() {
            return Some(operand.or_null_of(to));
        }
        if !cast::possible(operand.kind, to) {
            let message = format!("can't cast {} to {}", operand.shown, to);
            return self.wrong(tree, message);
        }
        let expression = Expression::Cast {
            of: Box::new(operand.expression),
            from: operand.kind,
            to,
        };
        Some(Operand::computed(expression, to, "CAST"))
    }
}

/// Whether any is true, as a tree that is no deeper than it must be; `None` if there are none.
fn any_of(mut conditions: Vec<Expression>) -> Option<Expression> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    let rest = conditions.split_off(conditions.len() / 2);
    let (left, right) = (any_of(conditions)?, any_of(rest)?);
    Some(Expression::Or(Box::new(left), Box::new(right)))
}

/// A condition's operand.
pub fn truth(expression: Expression) -> Operand {
    Operand::computed(expression, ScalarKind::Bool, "a condition")
}

fn negated(condition: Operand) -> Operand {
    truth(Expression::Not(Box::new(condition.expression)))
}

fn negated_if(not: bool, condition: Operand) -> Operand {
    if not { negated(condition) } else { condition }
}

/// Whether the operand is a number that stands in the text.
pub fn literal_number(operand: &Operand) -> Option<&str> {
    match &operand.literal {
        Some(Literal::Number(digits)) => Some(digits),
        _ => None,
    }
}
