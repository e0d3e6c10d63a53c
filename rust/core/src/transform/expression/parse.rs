//! Text to sqlparser's syntax tree.

use sqlparser::ast::Expr;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::Mistake;

/// Longest text: the tree is as deep as a chain of operators is long, and is walked by recursion.
const LONGEST: usize = 16 << 10;

/// The syntax tree of `text`.
///
/// # Errors
/// The first place at which it is no expression.
pub fn parse(text: &str) -> Result<Expr, Mistake> {
    if text.trim().is_empty() {
        return Err(start(
            "is empty; write a condition such as \"level <> 'debug'\"",
        ));
    }
    if text.len() > LONGEST {
        return Err(start(format!(
            "is longer than {LONGEST} bytes; split it into several filters"
        )));
    }
    let dialect = GenericDialect {};
    let mut parser = Parser::new(&dialect)
        .try_with_sql(text)
        .map_err(|error| mistake(text, &error))?;
    let tree = parser.parse_expr().map_err(|error| mistake(text, &error))?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(tree);
    }
    Err(Mistake {
        line: next.span.start.line,
        column: next.span.start.column,
        message: format!("expected an operator or the end, found `{}`", next.token),
    })
}

fn start(message: impl Into<String>) -> Mistake {
    Mistake {
        line: 1,
        column: 1,
        message: message.into(),
    }
}

/// The library puts the place at the end of its message, or nowhere if the text ends too early.
fn mistake(text: &str, error: &ParserError) -> Mistake {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            message.as_str()
        }
        ParserError::RecursionLimitExceeded => "is nested too deep; split it into several filters",
    };
    let (message, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let place = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
    let (line, column) = place
        .filter(|&(line, _): &(u64, u64)| line > 0)
        .unwrap_or_else(|| end(text));
    Mistake {
        line,
        column,
        message: message
            .replace("Expected: ", "expected ")
            .replace("found: EOF", "found the end")
            .replace("found: ", "found "),
    }
}

fn end(text: &str) -> (u64, u64) {
    let lines = text.split('\n').count() as u64;
    let last = text.rsplit('\n').next().unwrap_or_default();
    (lines, last.chars().count() as u64 + 1)
}
