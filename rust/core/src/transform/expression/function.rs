//! Calls of functions: names, number and types of arguments.

use regex::RegexBuilder;
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::compile::{Compiler, literal_number, truth};
use super::operand::{Literal, Operand, comparable};
use super::{Expression, Function};
use crate::columns::ScalarKind;
use crate::transform::problem::did_you_mean;

const NAMES: [&str; 12] = [
    "lower",
    "upper",
    "length",
    "coalesce",
    "substr",
    "trim",
    "starts_with",
    "abs",
    "round",
    "cast",
    "concat",
    "regexp_like",
];
/// Largest compiled regular expression.
pub const REGEX_BYTES: usize = 1 << 20;
/// Most digits that `round` keeps: float64 has no more.
const MOST_DIGITS: u8 = 15;

impl Compiler<'_> {
    /// A call, in whichever form the parser gives it; anything else is not available.
    pub fn function_or_unknown(&mut self, tree: &Expr) -> Option<Operand> {
        match tree {
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                let plain = function.over.is_none()
                    && function.filter.is_none()
                    && function.within_group.is_empty();
                match arguments(&function.args) {
                    Some(arguments) if plain => self.call(tree, &name, &arguments),
                    _ => self.wrong(
                        tree,
                        format!("`{name}` takes plain arguments only, like {name}(a, b)"),
                    ),
                }
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let more = [substring_from, substring_for]
                    .into_iter()
                    .flatten()
                    .map(AsRef::as_ref);
                let all: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(more).collect();
                self.call(tree, "substr", &all)
            }
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr,
                trim_characters: None,
            } => self.call(tree, "trim", &[expr]),
            Expr::CompoundIdentifier(parts) => {
                let name = parts
                    .iter()
                    .map(|part| part.value.as_str())
                    .collect::<Vec<_>>()
                    .join(".");
                let message = format!(
                    "`{name}` is not a column; declare one with that path, and write its name here"
                );
                self.wrong(tree, message)
            }
            other => self.wrong(tree, format!("`{other}` is not available in a filter")),
        }
    }

    fn call(&mut self, tree: &Expr, name: &str, arguments: &[&Expr]) -> Option<Operand> {
        match (name, arguments) {
            ("lower", [text]) => self.text_function(name, Function::Lower, text),
            ("upper", [text]) => self.text_function(name, Function::Upper, text),
            ("trim", [text]) => self.text_function(name, Function::Trim, text),
            ("length", [text]) => {
                let call = Expression::Call(Function::Length, vec![self.text(text, name)?]);
                Some(Operand::computed(call, ScalarKind::Int64, name))
            }
            ("substr" | "substring", [text, positions @ ..])
                if (1..=2).contains(&positions.len()) =>
            {
                self.substr(text, positions)
            }
            ("starts_with", [text, prefix]) => {
                let (text, prefix) = (self.text(text, name), self.text(prefix, name));
                Some(truth(Expression::StartsWith(
                    Box::new(text?),
                    Box::new(prefix?),
                )))
            }
            ("regexp_like", [text, pattern]) => self.regexp_like(text, pattern),
            ("concat", [_, ..]) => {
                let texts: Vec<_> = arguments.iter().map(|text| self.text(text, name)).collect();
                let call =
                    Expression::Call(Function::Concat, texts.into_iter().collect::<Option<_>>()?);
                Some(Operand::computed(call, ScalarKind::String, name))
            }
            ("coalesce", [_, ..]) => self.coalesce(tree, arguments),
            ("abs", [number]) => {
                let number = self.number(number, name)?;
                let kind = number.kind;
                Some(Operand::computed(
                    Expression::Call(Function::Abs, vec![number.expression]),
                    kind,
                    name,
                ))
            }
            ("round", [number]) => self.round(number, None),
            ("round", [number, digits]) => self.round(number, Some(digits)),
            _ if NAMES.contains(&name) || name == "substring" => self.wrong(
                tree,
                format!(
                    "`{name}` does not take {} arguments; {}",
                    arguments.len(),
                    form(name)
                ),
            ),
            _ => {
                let hint = did_you_mean(name, NAMES);
                self.wrong(
                    tree,
                    format!(
                        "there is no function `{name}`{hint}; functions: {}",
                        NAMES.join(", ")
                    ),
                )
            }
        }
    }

    fn text_function(&mut self, name: &str, function: Function, text: &Expr) -> Option<Operand> {
        let call = Expression::Call(function, vec![self.text(text, name)?]);
        Some(Operand::computed(call, ScalarKind::String, name))
    }

    fn substr(&mut self, text: &Expr, positions: &[&Expr]) -> Option<Operand> {
        let mut all = vec![self.text(text, "substr")];
        for position in positions {
            let operand = self
                .operand(position)
                .map(|operand| operand.or_null_of(ScalarKind::Int64));
            all.push(match operand {
                Some(operand) if operand.kind == ScalarKind::Int64 => Some(operand.expression),
                Some(operand) => self.wrong(
                    position,
                    format!("substr needs whole numbers, and {} is none", operand.shown),
                ),
                None => None,
            });
        }
        let call = Expression::Call(Function::Substr, all.into_iter().collect::<Option<_>>()?);
        Some(Operand::computed(call, ScalarKind::String, "substr"))
    }

    fn regexp_like(&mut self, text: &Expr, pattern: &Expr) -> Option<Operand> {
        let text = self.text(text, "regexp_like");
        let operand = self.operand(pattern)?;
        let Some(Literal::Text(source)) = &operand.literal else {
            return self.wrong(
                pattern,
                "the pattern of regexp_like must be 'text' written here",
            );
        };
        match RegexBuilder::new(source).size_limit(REGEX_BYTES).build() {
            Ok(regex) => Some(truth(Expression::Regex(Box::new(text?), regex))),
            Err(error) => self.wrong(pattern, regex_mistake(&error)),
        }
    }

    fn coalesce(&mut self, tree: &Expr, arguments: &[&Expr]) -> Option<Operand> {
        let operands: Vec<_> = arguments
            .iter()
            .map(|argument| self.operand(argument))
            .collect();
        let operands = operands.into_iter().collect::<Option<Vec<_>>>()?;
        let kind = operands
            .iter()
            .find(|operand| !operand.is_null())
            .map_or(ScalarKind::Bool, |operand| operand.kind);
        // Numbers of different types meet in float64.
        let mut present = operands.iter().filter(|operand| !operand.is_null());
        let numbers = present.clone().all(Operand::is_number);
        let mixed = numbers && present.any(|operand| operand.kind != kind);
        let mut all = Vec::with_capacity(operands.len());
        for operand in operands {
            let operand = operand.or_null_of(kind);
            if mixed && operand.is_number() {
                all.push(operand.into_float());
                continue;
            }
            if operand.kind == kind {
                all.push(operand);
                continue;
            }
            // A literal takes the type of what it stands beside.
            let model = Operand::computed(Expression::Column(0), kind, "the first argument");
            let shown = operand.shown.clone();
            match (operand.literal.is_some(), comparable(&operand, &model)) {
                (true, Ok((expression, Expression::Column(_)))) => {
                    all.push(Operand::computed(expression, kind, "literal"));
                }
                _ => {
                    return self.wrong(
                        tree,
                        format!(
                            "coalesce needs arguments of one type, and {shown} differs; cast it"
                        ),
                    );
                }
            }
        }
        let kind = if mixed { ScalarKind::Float64 } else { kind };
        let call = Expression::Call(
            Function::Coalesce,
            all.into_iter().map(|operand| operand.expression).collect(),
        );
        Some(Operand::computed(call, kind, "coalesce"))
    }

    fn round(&mut self, number: &Expr, digits: Option<&Expr>) -> Option<Operand> {
        let operand = self.number(number, "round");
        let digits = match digits {
            None => Some(0),
            Some(tree) => {
                let operand = self.operand(tree)?;
                let digits = literal_number(&operand).and_then(|digits| digits.parse().ok());
                match digits.filter(|&digits| digits <= MOST_DIGITS) {
                    Some(digits) => Some(digits),
                    None => self.wrong(
                        tree,
                        format!("round needs a number of digits from 0 to {MOST_DIGITS}"),
                    ),
                }
            }
        };
        let (operand, digits) = (operand?, digits?);
        let call = Expression::Call(Function::Round(digits), vec![operand.expression]);
        Some(Operand::computed(call, operand.kind, "round"))
    }

    fn number(&mut self, tree: &Expr, what: &str) -> Option<Operand> {
        let operand = self.operand(tree)?.or_null_of(ScalarKind::Int64);
        if operand.is_number() {
            return Some(operand);
        }
        self.wrong(
            tree,
            format!("{what} needs a number, and {} is none", operand.shown),
        )
    }
}

fn arguments(arguments: &FunctionArguments) -> Option<Vec<&Expr>> {
    let FunctionArguments::List(list) = arguments else {
        return matches!(arguments, FunctionArguments::None).then(Vec::new);
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}

fn form(name: &str) -> &'static str {
    match name {
        "substr" | "substring" => "write substr(text, start) or substr(text, start, length)",
        "starts_with" => "write starts_with(text, prefix)",
        "regexp_like" => "write regexp_like(text, 'pattern')",
        "round" => "write round(number) or round(number, digits)",
        "cast" => "write cast(value AS type)",
        "concat" | "coalesce" => "write at least one",
        _ => "it takes one",
    }
}

/// The last line of what the library says: the pattern itself is above it.
pub fn regex_mistake(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    format!(
        "is not a regular expression: {reason} (look-around and back references are not available)"
    )
}
