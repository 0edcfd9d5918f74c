//! Checks an expression against descriptors, and turns what it reads into slots.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr, SourceInfo,
    operators,
};
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use regex::Regex;

use super::ExpressionError;
use super::parse::{fault, offset_of};
use super::program::{Slot, bounded, charging, finite, matching, reading};
use super::types::{Type, with_article};
use super::value::PRESENCE;
use super::{functions, names, operators as typed, well_known};

/// How deep an expression nests at most: CEL recurses over it, on the stack of whoever has it run.
const DEPTH: usize = 64;

/// A walk over an expression.
pub(super) struct Checker<'t> {
    text: &'t str,
    source: &'t SourceInfo,
    /// What the message is called; nothing where its fields are variables, and doubles have to be finite.
    variable: Option<&'t str>,
    message: &'t MessageDescriptor,
    /// The variables of comprehensions, innermost last.
    bound: Vec<(String, Type)>,
    within_comprehension: bool,
    depth: usize,
    pub(super) slots: Vec<Slot>,
}

/// What is known of a part. A path from the message on is not read yet: more of it may follow.
struct Checked {
    gives: Type,
    path: Option<Vec<FieldDescriptor>>,
}

type Result<T> = std::result::Result<T, ExpressionError>;

impl From<Type> for Checked {
    fn from(gives: Type) -> Self {
        Self { gives, path: None }
    }
}

impl<'t> Checker<'t> {
    pub(super) fn new(
        text: &'t str,
        source: &'t SourceInfo,
        variable: Option<&'t str>,
        message: &'t MessageDescriptor,
    ) -> Self {
        let (bound, slots) = (Vec::new(), Vec::new());
        Self { text, source, variable, message, bound, within_comprehension: false, depth: 0, slots }
    }

    /// Checks a part that is used as a value, and turns a path into the reading of it.
    pub(super) fn value(&mut self, part: &mut IdedExpr) -> Result<Type> {
        let checked = self.part(part)?;
        Ok(self.settle(part, checked))
    }

    fn settle(&mut self, part: &mut IdedExpr, checked: Checked) -> Type {
        if let Some(path) = checked.path {
            part.expr = reading(self.slot(Slot::Value(path)));
        }
        checked.gives
    }

    fn part(&mut self, part: &mut IdedExpr) -> Result<Checked> {
        self.depth += 1;
        if self.depth > DEPTH {
            let what = format!("the expression nests deeper than {DEPTH}");
            return Err(fault(what, "take it apart", self.offset(part.id)));
        }
        let id = part.id;
        let checked = match &mut part.expr {
            Expr::Literal(literal) => Ok(literal_type(literal).into()),
            Expr::Ident(_) | Expr::Select(_) => self.name(part),
            Expr::Call(_) => self.call(part).map(|gives| self.finite(part, gives).into()),
            Expr::List(list) => self.list(list).map(Checked::from),
            Expr::Map(map) => self.map(map, id).map(Checked::from),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, id).map(Checked::from),
            Expr::Struct(_) => Err(fault(
                "messages are not written with the name of their type here",
                "write a map of the fields, as in `{\"name\": old.name}`",
                self.offset(id),
            )),
            Expr::Unspecified => Err(fault("the expression is not complete", "complete it", self.offset(id))),
        };
        self.depth -= 1;
        checked
    }

    // Names.

    fn name(&mut self, part: &mut IdedExpr) -> Result<Checked> {
        let names = names::chain(&part.expr);
        if let Some(names) = names.filter(|names| !self.knows(names[0])) {
            return self.constant(&names, names::first(part).id).map(|number| {
                part.expr = Expr::Literal(LiteralValue::Int(i64::from(number).into()));
                Type::Int.into()
            });
        }
        match &mut part.expr {
            Expr::Ident(name) if Some(name.as_str()) == self.variable => {
                Ok(Checked { gives: Type::Message(self.message.clone()), path: Some(Vec::new()) })
            }
            Expr::Ident(name) => {
                let of = self.bound.iter().rev().find(|(bound, _)| bound == name).map(|(_, of)| of.clone());
                if of.is_none()
                    && let Some(field) = self.field_named(name)
                {
                    return Ok(Checked { gives: Type::of_field(&field), path: Some(vec![field]) });
                }
                Ok(of.unwrap_or(Type::Dynamic).into())
            }
            Expr::Select(select) => {
                let mut select = std::mem::take(select);
                let checked = self.select(&mut select, part.id)?;
                if !matches!(checked, Selected::Replaced(..)) {
                    part.expr = Expr::Select(select);
                }
                Ok(match checked {
                    Selected::Replaced(expression, gives) => {
                        part.expr = expression;
                        gives.into()
                    }
                    Selected::As(checked) => checked,
                })
            }
            _ => Ok(Type::Dynamic.into()),
        }
    }

    fn knows(&self, name: &str) -> bool {
        Some(name) == self.variable
            || self.bound.iter().any(|(bound, _)| bound == name)
            || self.field_named(name).is_some()
    }

    /// The field that is a variable of this name.
    fn field_named(&self, name: &str) -> Option<FieldDescriptor> {
        if self.variable.is_some() { None } else { self.message.get_field_by_name(name) }
    }

    /// Has a double that was calculated looked at, where that is wanted.
    fn finite(&self, part: &mut IdedExpr, gives: Type) -> Type {
        let Expr::Call(call) = &part.expr else { return gives };
        let open = gives.is_open() && matches!(call.func_name.as_str(), operators::DIVIDE | operators::MULTIPLY);
        if self.variable.is_none() && (gives == Type::Double || open) {
            let value = std::mem::take(part);
            *part = IdedExpr { id: value.id, expr: finite(value) };
        }
        gives
    }

    fn constant(&self, names: &[&str], id: u64) -> Result<i32> {
        let pool = self.message.parent_pool();
        names::constant(pool, names).ok_or_else(|| {
            let what = format!("there is no `{}`", names.join(".").trim_start_matches('.'));
            let advice = match self.variable {
                Some(variable) => names::unknown_name(pool, variable, names),
                None => names::unknown_variable(self.message, names.first().copied().unwrap_or_default()),
            };
            fault(what, advice, self.offset(id))
        })
    }

    fn select(&mut self, select: &mut SelectExpr, id: u64) -> Result<Selected> {
        let checked = self.part(&mut select.operand)?;
        let place = self.field_offset(id, &select.field);
        match &checked.gives {
            Type::Message(message) => {
                let field = field_of(message, &select.field, place)?;
                Ok(self.field(select, checked.path, field))
            }
            Type::Map(key, value) if key.is_open() || **key == Type::String => {
                let gives = if select.test { Type::Bool } else { (**value).clone() };
                self.settle(&mut select.operand, checked);
                Ok(Selected::As(gives.into()))
            }
            gives if gives.is_open() && !select.test => {
                if let Some(wrapper) = checked.path.as_ref().and_then(|path| path.last()) {
                    let what = format!("`{}` reads as its value, which has no field", wrapper.name());
                    return Err(fault(what, format!("leave `.{}` out", select.field), place));
                }
                self.settle(&mut select.operand, checked);
                Ok(Selected::As(Type::Dynamic.into()))
            }
            gives if gives.is_open() => Err(fault(
                format!(
                    "`has` cannot tell whether `{}` is there: what it is a field of is known only at run time",
                    select.field
                ),
                "ask for a field of a message or a key of a map",
                place,
            )),
            other => Err(fault(
                format!("{} has no `{}`", with_article(other), select.field),
                "use the value as a whole",
                place,
            )),
        }
    }

    fn field(
        &mut self,
        select: &mut SelectExpr,
        path: Option<Vec<FieldDescriptor>>,
        field: FieldDescriptor,
    ) -> Selected {
        let gives = Type::of_field(&field);
        let Some(mut path) = path else {
            if select.test {
                select.test = false;
                select.field.insert(0, PRESENCE);
                return Selected::As(Type::Bool.into());
            }
            return Selected::As(gives.into());
        };
        path.push(field);
        if select.test {
            return Selected::Replaced(reading(self.slot(Slot::Presence(path))), Type::Bool);
        }
        Selected::As(Checked { gives, path: Some(path) })
    }

    // Calls.

    fn call(&mut self, part: &mut IdedExpr) -> Result<Type> {
        let id = part.id;
        let Expr::Call(call) = &mut part.expr else { return Ok(Type::Dynamic) };
        let operator = call.func_name.as_str();
        match (call.target.is_some(), call.args.as_mut_slice()) {
            (false, [condition, one, other]) if operator == operators::CONDITIONAL => {
                self.bool(condition)?;
                Ok(self.value(one)?.join(self.value(other)?))
            }
            (false, [one, other]) if operator == operators::LOGICAL_AND || operator == operators::LOGICAL_OR => {
                self.bool(one)?;
                self.bool(other)?;
                Ok(Type::Bool)
            }
            (false, [one]) if operator == operators::LOGICAL_NOT || operator == operators::NOT_STRICTLY_FALSE => {
                self.bool(one)?;
                Ok(Type::Bool)
            }
            (false, [one]) if operator == operators::NEGATE => {
                let gives = self.value(one)?;
                match gives {
                    Type::Int | Type::Double => Ok(gives),
                    open if open.is_open() => Ok(Type::Dynamic),
                    other => Err(fault(format!("there is no negative {other}"), "convert it first", self.offset(id))),
                }
            }
            (false, [one, other]) if typed::is_binary(operator) => {
                // What a comprehension appends to its result is its own, and CEL knows it by its form.
                let grows =
                    operator == operators::ADD && !matches!(&one.expr, Expr::Ident(name) if name.starts_with('@'));
                let (left, right) = (self.value(one)?, self.value(other)?);
                let gives = typed::binary(operator, &left, &right)
                    .map_err(|(what, advice)| fault(what, advice, self.offset(id)))?;
                if grows && gives.may_be_long() {
                    self.charge(one, 1);
                    self.charge(other, 1);
                }
                Ok(gives)
            }
            _ => self.function(part),
        }
    }

    fn bool(&mut self, part: &mut IdedExpr) -> Result<()> {
        let id = part.id;
        match self.value(part)? {
            Type::Bool => Ok(()),
            open if open.is_open() => Ok(()),
            other => Err(fault(
                format!("a condition is a bool, and this is {}", with_article(other)),
                "compare it with something, as in `… != 0`",
                self.offset(id),
            )),
        }
    }

    fn function(&mut self, part: &mut IdedExpr) -> Result<Type> {
        let id = part.id;
        let Expr::Call(CallExpr { func_name: name, target, args }) = &mut part.expr else {
            return Ok(Type::Dynamic);
        };
        let method = target.is_some();
        if !functions::exists(name, method) {
            let what = format!("there is no function `{name}` that is called so");
            return Err(fault(what, names::unknown_function(name), self.offset(id)));
        }
        let subject = match (target.as_deref(), args.as_slice()) {
            (Some(subject), []) | (None, [subject]) => Some(subject),
            _ => None,
        };
        if name == "size"
            && let Some(subject) = subject
            && let Some(sized) = self.sized(subject)?
        {
            part.expr = sized;
            return Ok(Type::Int);
        }
        let Expr::Call(CallExpr { func_name: name, target, args }) = &mut part.expr else {
            return Ok(Type::Dynamic);
        };
        let mut takes = Vec::new();
        for argument in target.as_deref_mut().into_iter().chain(args.iter_mut()) {
            takes.push(self.value(argument)?);
        }
        let Some(gives) = functions::result(name, method, &takes) else {
            let takes = takes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let what = format!("`{name}` takes no ({takes})");
            return Err(fault(
                what,
                "give it what it takes, or convert with `string(…)`, `int(…)`, …",
                self.offset(id),
            ));
        };
        self.grows(part, &gives)?;
        let Expr::Call(CallExpr { func_name: name, target, args }) = &mut part.expr else {
            return Ok(gives);
        };
        if name == "matches" {
            let place = self.offset(id);
            let mut arguments = target.take().map(|target| *target).into_iter().chain(args.drain(..));
            let (text, pattern) = (arguments.next(), arguments.next());
            drop(arguments);
            part.expr = self.matches(text, pattern, place)?;
        }
        Ok(gives)
    }

    /// Charges a call that makes a text or a list.
    fn grows(&mut self, part: &mut IdedExpr, gives: &Type) -> Result<()> {
        let id = part.id;
        let Expr::Call(CallExpr { func_name: name, target, args }) = &mut part.expr else { return Ok(()) };
        let other = match args.last().map(|last| &last.expr) {
            None => Some(0),
            Some(Expr::Literal(LiteralValue::String(text))) => Some(text.inner().len()),
            Some(_) => None,
        };
        let times = functions::growth(name, gives, other);
        if times.is_none() && matches!(name.as_str(), "join" | "replace") {
            let what = format!("the last argument of `{name}` is not written out");
            return Err(fault(
                what,
                "write it as a text: one that a message brings could be of any length",
                self.offset(id),
            ));
        }
        if let (Some(times), Some(subject)) = (times, target.as_deref_mut().or(args.first_mut())) {
            self.charge(subject, times);
        }
        Ok(())
    }

    /// Has a part charged to the budget of the run.
    fn charge(&mut self, part: &mut IdedExpr, times: usize) {
        if matches!(part.expr, Expr::Literal(_)) && times == 1 {
            return;
        }
        let value = std::mem::take(part);
        *part = IdedExpr { id: value.id, expr: charging(value, times, self.slot(Slot::Budget)) };
    }

    /// How the size of a list or map of the message is read without reading its elements; nothing for other values.
    fn sized(&mut self, subject: &IdedExpr) -> Result<Option<Expr>> {
        if names::chain(&subject.expr).is_none_or(|names| Some(names[0]) != self.variable) {
            return Ok(None);
        }
        let checked = self.part(&mut subject.clone())?;
        Ok(match (checked.gives, checked.path) {
            (Type::List(_) | Type::Map(..), Some(path)) => Some(reading(self.slot(Slot::Size(path)))),
            _ => None,
        })
    }

    fn matches(&mut self, text: Option<IdedExpr>, pattern: Option<IdedExpr>, place: Option<usize>) -> Result<Expr> {
        let (Some(text), Some(IdedExpr { id, expr: Expr::Literal(LiteralValue::String(pattern)) })) = (text, pattern)
        else {
            let what = "the pattern of `matches` is not written out";
            return Err(fault(what, "write it as a text: patterns that messages bring could be anything", place));
        };
        match Regex::new(pattern.inner()) {
            Ok(pattern) => {
                self.slots.push(Slot::Pattern(Arc::new(pattern)));
                Ok(matching(text, self.slots.len() - 1))
            }
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let what = format!("the pattern of `matches` is no regular expression: {reason}");
                Err(fault(what, "correct the pattern; the syntax is that of RE2", self.offset(id)))
            }
        }
    }

    // What is written out.

    fn list(&mut self, list: &mut ListExpr) -> Result<Type> {
        let mut element = Type::Never;
        for part in &mut list.elements {
            let gives = self.value(part)?;
            self.copied(part, &gives);
            element = element.join(gives);
        }
        Ok(Type::List(Box::new(element)))
    }

    fn map(&mut self, map: &mut MapExpr, id: u64) -> Result<Type> {
        let (mut keys, mut values) = (Type::Never, Type::Never);
        for entry in &mut map.entries {
            let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                return Err(fault("a map holds keys and values", "write `{key: value}`", self.offset(id)));
            };
            let place = entry.key.id;
            let key = self.value(&mut entry.key)?;
            if !(key.is_open() || matches!(key, Type::String | Type::Int | Type::Uint | Type::Bool)) {
                let what = format!("a {key} is no key");
                return Err(fault(what, "use a string, an int, a uint or a bool", self.offset(place)));
            }
            keys = keys.join(key);
            let value = self.value(&mut entry.value)?;
            self.copied(&mut entry.value, &value);
            values = values.join(value);
        }
        Ok(Type::Map(Box::new(keys), Box::new(values)))
    }

    /// Charges a list or map that is copied into another, for each element that a comprehension runs over.
    fn copied(&mut self, part: &mut IdedExpr, gives: &Type) {
        if self.within_comprehension && (gives.is_open() || matches!(gives, Type::List(_) | Type::Map(..))) {
            self.charge(part, 1);
        }
    }

    fn comprehension(&mut self, comprehension: &mut ComprehensionExpr, id: u64) -> Result<Type> {
        if self.within_comprehension {
            let what = "a comprehension stands within another";
            return Err(fault(what, "write one after the other, or a transform function in code", self.offset(id)));
        }
        if Some(comprehension.iter_var.as_str()) == self.variable {
            let what = format!("`{}` is the message, and cannot name elements", comprehension.iter_var);
            return Err(fault(what, "give the elements another name", self.offset(id)));
        }
        let place = comprehension.iter_range.id;
        let element = match self.value(&mut comprehension.iter_range)? {
            Type::List(element) => *element,
            Type::Map(key, _) => *key,
            open if open.is_open() => open,
            other => {
                let what = format!("{} has no elements to run over", with_article(other));
                return Err(fault(what, "run over a list or a map", self.offset(place)));
            }
        };
        let range = std::mem::take(&mut comprehension.iter_range);
        comprehension.iter_range = IdedExpr { id: range.id, expr: bounded(range) };
        let result = self.value(&mut comprehension.accu_init)?;

        let depth = self.bound.len();
        self.bound.push((comprehension.accu_var.clone(), result.clone()));
        self.bound.push((comprehension.iter_var.clone(), element));
        self.within_comprehension = true;
        self.value(&mut comprehension.loop_cond)?;
        let step = self.value(&mut comprehension.loop_step)?;
        self.within_comprehension = false;
        self.bound.truncate(depth);

        self.bound.push((comprehension.accu_var.clone(), result.join(step)));
        let gives = self.value(&mut comprehension.result);
        self.bound.truncate(depth);
        gives
    }

    // Places.

    fn slot(&mut self, slot: Slot) -> usize {
        let same = self.slots.iter().position(|other| slot.is_same(other));
        same.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        })
    }

    fn offset(&self, id: u64) -> Option<usize> {
        let (start, _) = self.source.offset_for(id)?;
        Some(offset_of(self.text, usize::try_from(start).ok()?))
    }

    /// Where the name of a field stands; CEL knows where the dot before it does, and of `has` only the bracket.
    fn field_offset(&self, id: u64, name: &str) -> Option<usize> {
        let dot = self.offset(id)?;
        let rest = self.text.get(dot..)?;
        rest.find(name).map(|distance| dot + distance)
    }
}

/// What has become of a selection.
enum Selected {
    As(Checked),
    Replaced(Expr, Type),
}

fn field_of(message: &MessageDescriptor, name: &str, place: Option<usize>) -> Result<FieldDescriptor> {
    if well_known::is_opaque(message) {
        let what = format!("a {} cannot be read here", message.full_name());
        return Err(fault(what, "copy it as a whole, or write a transform function in code", place));
    }
    message.get_field_by_name(name).ok_or_else(|| {
        let what = format!("{} has no field `{name}`", message.full_name());
        fault(what, names::unknown_field(message, name), place)
    })
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

impl Slot {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other))
            | (Self::Presence(one), Self::Presence(other))
            | (Self::Size(one), Self::Size(other)) => one == other,
            (Self::Budget, Self::Budget) => true,
            _ => false,
        }
    }

    /// The names of the path, unless it reads no field.
    pub(super) fn path(&self) -> Option<Vec<String>> {
        match self {
            Self::Value(path) | Self::Presence(path) | Self::Size(path) => {
                Some(path.iter().map(|field| field.name().to_owned()).collect())
            }
            Self::Pattern(_) | Self::Budget => None,
        }
    }
}
