//! Names of enum values in expressions, and help with names that are not there.

use cel::common::ast::{Expr, IdedExpr};
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};

use super::functions;
use crate::nearest::nearest;

/// The parts of `a.b.c`, where an expression is just names and dots.
pub(super) fn chain(expression: &Expr) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut expression = expression;
    loop {
        match expression {
            Expr::Ident(name) => {
                names.push(name.as_str());
                names.reverse();
                return Some(names);
            }
            Expr::Select(select) if !select.test => {
                names.push(&select.field);
                expression = &select.operand.expr;
            }
            _ => return None,
        }
    }
}

/// The part that stands first in a chain.
pub(super) fn first(mut expression: &IdedExpr) -> &IdedExpr {
    while let Expr::Select(select) = &expression.expr {
        expression = &select.operand;
    }
    expression
}

/// The number of an enum's value, by the full name of the enum and the name of the value.
pub(super) fn constant(pool: &DescriptorPool, names: &[&str]) -> Option<i32> {
    let (value, of) = names.split_last()?;
    let of = of.join(".");
    let found = pool.get_enum_by_name(of.trim_start_matches('.'))?;
    found.get_value_by_name(value).map(|value| value.number())
}

/// What to do about names that are neither the variable nor an enum's value.
pub(super) fn unknown_name(pool: &DescriptorPool, variable: &str, names: &[&str]) -> String {
    let name = names.join(".");
    let name = name.trim_start_matches('.');
    if let Some((of, value)) = name.rsplit_once('.').and_then(|(of, value)| Some((pool.get_enum_by_name(of)?, value))) {
        return unknown_value(&of, value);
    }
    // Protobuf puts values beside their enum, so `package.VALUE` is a name to it.
    let beside = pool.all_enums().find_map(|of| {
        let value = of.values().find(|value| value.full_name() == name)?;
        Some(format!("{}.{}", of.full_name(), value.name()))
    });
    if let Some(full) = beside {
        return format!("write `{full}`");
    }
    let values: Vec<String> = pool
        .all_enums()
        .flat_map(|of| of.values().map(|value| format!("{}.{}", of.full_name(), value.name())).collect::<Vec<_>>())
        .collect();
    if let Some(near) = nearest(name, values.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    let field = if names.len() == 1 { format!("`{variable}.{name}` for a field, ") } else { String::new() };
    format!(
        "write `{variable}` for the message, {field}or the full name of an enum's value, as in `package.Enum.VALUE`"
    )
}

fn unknown_value(of: &EnumDescriptor, value: &str) -> String {
    let values: Vec<String> = of.values().map(|value| value.name().to_owned()).collect();
    match nearest(value, values.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}.{near}`?", of.full_name()),
        None => format!("the values of {} are {}", of.full_name(), some_of(&values)),
    }
}

/// What to do about a field that a message does not have.
pub(super) fn unknown_field(message: &MessageDescriptor, name: &str) -> String {
    let fields: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
    if let Some(field) = message.get_field_by_json_name(name) {
        return format!("fields go by their names in the proto: write `{}`", field.name());
    }
    match nearest(name, fields.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if fields.is_empty() => format!("{} has no fields", message.full_name()),
        None => format!("the fields of {} are {}", message.full_name(), some_of(&fields)),
    }
}

/// What to do about a name that is no variable, where fields are variables.
pub(super) fn unknown_variable(message: &MessageDescriptor, name: &str) -> String {
    let fields: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
    if let Some(near) = nearest(name, fields.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    format!("the variables are {}", all.join(", "))
}

/// What to do about a function that there is not.
pub(super) fn unknown_function(name: &str) -> String {
    if functions::exists(name, true) {
        return format!("it is called on a value, as in `value.{name}(…)`");
    }
    if functions::exists(name, false) {
        return format!("it is called with its argument in brackets, as in `{name}(value)`");
    }
    match name {
        "has" => "it takes a field, as in `has(old.name)`".to_owned(),
        "map" => "it takes a name and what each element becomes, as in `list.map(x, x + 1)`".to_owned(),
        name if functions::is_macro(name) => {
            format!("it takes a name and a condition, as in `list.{name}(x, x > 1)`")
        }
        name => match nearest(name, functions::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "use the functions of CEL, or a transform function in code".to_owned(),
        },
    }
}

/// The first names of a list that may be long.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, …") } else { shown }
}
