//! What operators give, and which operands they never take.
//!
//! CEL finds out at run time, and `==` of a number and a text is just false; an author is better served before.

use cel::common::ast::operators;

use super::types::{Type, with_article};

/// What a binary operator gives; else what is wrong, and what to do.
pub(super) fn binary(operator: &str, left: &Type, right: &Type) -> Result<Type, (String, String)> {
    match operator {
        operators::EQUALS | operators::NOT_EQUALS => equality(left, right),
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            ordering(operator, left, right)
        }
        operators::IN => membership(left, right),
        operators::INDEX => index(left, right),
        _ => arithmetic(operator, left, right),
    }
}

/// Whether there is such an operator of two operands, `&&` and `||` aside.
pub(super) fn is_binary(operator: &str) -> bool {
    matches!(
        operator,
        operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
            | operators::IN
            | operators::INDEX
            | operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
    )
}

fn equality(left: &Type, right: &Type) -> Result<Type, (String, String)> {
    if left.may_equal(right) {
        return Ok(Type::Bool);
    }
    let advice = match (left, right) {
        (Type::Null, _) | (_, Type::Null) => "an absent field reads as its default; ask `has(…)` instead".to_owned(),
        (Type::Int, Type::String) | (Type::String, Type::Int) => {
            "convert one of them, as with `string(…)`; the values of enums are integers and go by their full names, as in \
             `package.Enum.VALUE`"
                .to_owned()
        }
        _ => "compare values of one type, or convert one of them".to_owned(),
    };
    Err((format!("{left} never equals {right}"), advice))
}

fn ordering(operator: &str, left: &Type, right: &Type) -> Result<Type, (String, String)> {
    let ordered = |of: &Type| {
        let others = matches!(of, Type::Bool | Type::String | Type::Bytes | Type::Timestamp | Type::Duration);
        of.is_open() || of.is_number() || others
    };
    if left.may_equal(right) && ordered(left) && ordered(right) {
        return Ok(Type::Bool);
    }
    Err(mismatch(operator, left, right))
}

fn membership(left: &Type, right: &Type) -> Result<Type, (String, String)> {
    let fits = match right {
        Type::List(element) => element.may_equal(left),
        Type::Map(key, _) => key.may_equal(left),
        other => other.is_open(),
    };
    if fits { Ok(Type::Bool) } else { Err(mismatch(operators::IN, left, right)) }
}

fn index(container: &Type, index: &Type) -> Result<Type, (String, String)> {
    match container {
        Type::List(element) if index.is_open() || matches!(index, Type::Int | Type::Uint) => Ok((**element).clone()),
        Type::Map(key, value) if key.may_equal(index) => Ok((**value).clone()),
        open if open.is_open() => Ok(Type::Dynamic),
        Type::Message(_) => Err((
            format!("{} has no index", with_article(container)),
            "write the name of the field after a dot".to_owned(),
        )),
        _ => Err(mismatch(operators::INDEX, container, index)),
    }
}

fn arithmetic(operator: &str, left: &Type, right: &Type) -> Result<Type, (String, String)> {
    use operators::{ADD, SUBSTRACT};
    match (operator, left, right) {
        (_, left, right) if left.is_open() || right.is_open() => Ok(Type::Dynamic),
        (operators::MODULO, Type::Double, _) => Err(mismatch(operator, left, right)),
        (_, left, right) if left == right && left.is_number() => Ok(left.clone()),
        (ADD, Type::String, Type::String) => Ok(Type::String),
        (ADD, Type::Bytes, Type::Bytes) => Ok(Type::Bytes),
        (ADD, Type::List(_), Type::List(_)) => Ok(left.clone().join(right.clone())),
        (ADD | SUBSTRACT, Type::Duration, Type::Duration) | (SUBSTRACT, Type::Timestamp, Type::Timestamp) => {
            Ok(Type::Duration)
        }
        (ADD | SUBSTRACT, Type::Timestamp, Type::Duration) | (ADD, Type::Duration, Type::Timestamp) => {
            Ok(Type::Timestamp)
        }
        _ => Err(mismatch(operator, left, right)),
    }
}

fn mismatch(operator: &str, left: &Type, right: &Type) -> (String, String) {
    let advice = match (left, right) {
        (Type::Uint, Type::Int) | (Type::Int, Type::Uint) => {
            "unsigned fields are uint: write constants as `2u`, or convert with `int(…)` or `uint(…)`"
        }
        (Type::Double, Type::Int | Type::Uint) | (Type::Int | Type::Uint, Type::Double) => {
            "write constants as `2.0`, or convert with `double(…)`"
        }
        (Type::String, _) | (_, Type::String) => "convert the other one with `string(…)`",
        _ => "use values that the operator takes, or convert them",
    };
    (format!("`{}` takes no {left} and {right}", sign(operator)), advice.to_owned())
}

/// The operator as authors write it.
pub(super) fn sign(operator: &str) -> &str {
    match operator {
        operators::INDEX => "[]",
        operators::IN => "in",
        operator => operator.trim_matches('_').trim_start_matches('@'),
    }
}
