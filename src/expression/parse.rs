//! From text to CEL's tree, within limits.

use std::thread;

use cel::ParseErrors;
use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::Parser;

use super::ExpressionError;

/// The longest expression, in bytes.
pub(super) const LENGTH: usize = 16 * 1024;
/// How deep brackets nest at most.
pub(super) const BRACKETS: usize = 32;
/// The stack that the parser needs at most for a text of these limits, in bytes, several times over: it recurses for
/// each bracket and each operator, with about 200 KiB a bracket in builds without optimisation.
const STACK: usize = 128 << 20;

/// Does `work` on a thread with a stack that is deep enough for any text within the limits.
pub(super) fn on_deep_stack<T: Send>(
    text: &str,
    work: impl FnOnce() -> Result<T, ExpressionError> + Send,
) -> Result<T, ExpressionError> {
    limits(text)?;
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work).map(thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(fault("the parser of CEL panicked", "write the expression in another way", None)),
            Err(error) => Err(fault(
                format!("no thread could be started to compile the expression: {error}"),
                "free memory, or raise the limit of threads",
                None,
            )),
        }
    })
}

/// The tree of a text, and where its parts stand.
pub(super) fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), ExpressionError> {
    Parser::new()
        .enable_ident_escape_syntax(true)
        .parse_with_source_info(text)
        .map_err(|errors| parse_fault(text, &errors))
}

/// The byte offset of a character.
pub(super) fn offset_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(offset, _)| offset)
}

pub(super) fn fault(what: impl Into<String>, advice: impl Into<String>, offset: Option<usize>) -> ExpressionError {
    ExpressionError { what: what.into(), advice: advice.into(), offset }
}

fn limits(text: &str) -> Result<(), ExpressionError> {
    if text.len() > LENGTH {
        let what = format!("the expression has {} bytes, of at most {LENGTH}", text.len());
        return Err(fault(what, "write a transform function in code instead", None));
    }
    // Brackets in texts count too: that is simpler than telling them apart, and the limit is far from what people write.
    let mut depth = 0_usize;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS {
            let what = format!("brackets nest deeper than {BRACKETS}");
            return Err(fault(what, "take the expression apart", Some(offset)));
        }
    }
    Ok(())
}

fn parse_fault(text: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(error) = errors.errors.first() else {
        return fault("the expression is no CEL", ADVICE, None);
    };
    if error.msg.contains("Recursion limit") {
        return fault("the expression nests too deep", "take it apart", None);
    }
    // What the parser expected is a list of all tokens: no help.
    let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    let message = message.split(" expecting {").next().unwrap_or(message);
    let message = message.replace("'<EOF>'", "the end");
    fault(format!("the expression is no CEL: {message}"), ADVICE, position(text, error.pos))
}

const ADVICE: &str = "correct the expression; https://cel.dev tells how CEL is written";

/// The byte offset of a line and a column, both from 1, in characters.
fn position(text: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    text.get(start..).map(|rest| start + offset_of(rest, column))
}
