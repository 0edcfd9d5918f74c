//! Plans, walked through beside a message.

use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::row::{Fate, Row};
use super::{place, values, wording};
use crate::expression::Failed;
use crate::protocol::plan::{
    Beyond, Condition, Conversion, Loss, Made, MessagePlan, Move, Origin, Path, Plans, Policy, ScalarConversion, Use,
    ValueConversion,
};

/// Collects what becomes of the fields of a message.
pub(super) struct Walk<'a> {
    plans: &'a Plans,
    used: Use,
    rows: Vec<Row>,
}

/// Two messages side by side: what came in, and what came of it.
#[derive(Clone, Copy)]
struct Pair<'a> {
    plan: &'a MessagePlan,
    source: &'a DynamicMessage,
    /// None where it was refused, or cannot be told which it is.
    target: Option<&'a DynamicMessage>,
    /// What stands before the names of their fields.
    from: &'a str,
    to: &'a str,
}

impl<'a> Walk<'a> {
    pub(super) fn new(plans: &'a Plans, used: Use) -> Self {
        Self { plans, used, rows: Vec::new() }
    }

    /// What becomes of a message between two names; nothing where no plan is needed.
    pub(super) fn rows(
        mut self,
        message: &str,
        target_name: &str,
        source: &DynamicMessage,
        target: Option<&DynamicMessage>,
    ) -> Vec<Row> {
        if let Some(plan) = self.plans.get(message, target_name, self.used) {
            self.message(Pair { plan, source, target, from: "", to: "" });
        }
        self.rows
    }

    fn message(&mut self, pair: Pair<'_>) {
        self.checks(pair);
        self.fields(pair, pair.source, &mut Vec::new());
        self.absent(pair);
        self.constants(pair);
        self.unknown(pair, pair.source, pair.target, "");
    }

    fn checks(&mut self, pair: Pair<'_>) {
        for check in &pair.plan.checks {
            let how = match applies(&check.condition, check.path.as_ref(), pair.source) {
                Ok(true) => check.reason.clone(),
                Ok(false) => continue,
                Err(failed) => failed.to_string(),
            };
            let path = check.path.as_ref();
            self.rows.push(Row {
                path: path.map(|path| format!("{}{path}", pair.from)),
                value: path.and_then(|path| values::json_at(pair.source, path.fields())),
                fate: Fate::Refused,
                to: None,
                result: None,
                how,
                origin: check.origin.clone(),
            });
        }
    }

    /// Each field that is set in `within`, which lies at `trail` in the source.
    fn fields(&mut self, pair: Pair<'_>, within: &DynamicMessage, trail: &mut Vec<FieldDescriptor>) {
        for (field, value) in within.fields() {
            trail.push(field);
            self.field(pair, value, trail);
            trail.pop();
        }
    }

    fn field(&mut self, pair: Pair<'_>, value: &Value, trail: &mut Vec<FieldDescriptor>) {
        let plan = pair.plan;
        let dropped = plan.drops.iter().filter(|dropped| place::is(&dropped.path, trail));
        for dropped in dropped {
            let (fate, how) = match applies(&dropped.condition, Some(&dropped.path), pair.source) {
                Ok(true) => (Fate::Dropped, wording::condition(&dropped.condition)),
                Ok(false) => continue,
                Err(failed) => (Fate::Refused, failed.to_string()),
            };
            return self.push(pair, trail, value, fate, how, &dropped.origin);
        }
        let before = self.rows.len();
        for moved in plan.moves.iter().filter(|moved| place::is(&moved.from, trail)) {
            self.moved(pair, moved, value, trail);
        }
        self.read(pair, value, trail);
        if let Value::Message(inner) = value
            && place::leads_within(plan, trail)
        {
            self.fields(pair, inner, trail);
        }
        if self.rows.len() == before && !is_present_container(plan, trail) {
            self.lost(pair, value, trail);
        }
    }

    fn moved(&mut self, pair: Pair<'_>, moved: &Move, value: &Value, trail: &[FieldDescriptor]) {
        let condition = moved.when.as_ref().map(|when| when.holds(pair.source));
        let how = match condition {
            Some(Ok(false)) => return,
            Some(Err(failed)) => {
                return self.push(pair, trail, value, Fate::Refused, failed.to_string(), &moved.origin);
            }
            Some(Ok(true)) | None => wording::conversion(&moved.conversion, moved.when.as_ref()),
        };
        let before = self.rows.len();
        let target = pair.target.and_then(|target| values::at(target, moved.to.fields()));
        let from = format!("{}{}", pair.from, moved.from);
        let to = format!("{}{}", pair.to, moved.to);
        self.within(&moved.conversion, (&from, value), (&to, target.as_ref()));
        // What lies within a message tells of the message as well, unless somebody wrote a rule for it.
        if self.rows.len() > before && !matches!(moved.origin, Origin::Line(_)) {
            return;
        }
        let row = Row {
            path: Some(from),
            value: trail.last().map(|field| values::json_of(field, value.clone())),
            fate: Fate::Moved,
            to: Some(to),
            result: target.map(|target| values::json_of(moved.to.leaf(), target)),
            how,
            origin: moved.origin.clone(),
        };
        self.rows.insert(before, row);
    }

    /// The messages in a value that have plans of their own.
    fn within(&mut self, conversion: &Conversion, from: (&str, &Value), to: (&str, Option<&Value>)) {
        match (conversion, from.1) {
            (Conversion::One(inner), Value::Message(message)) => {
                self.inner(inner, (from.0, message), (to.0, to.1.and_then(Value::as_message)));
            }
            (Conversion::Each(inner), Value::List(elements)) => {
                let targets = to.1.and_then(Value::as_list).unwrap_or_default();
                for (index, element) in elements.iter().enumerate() {
                    let Some(element) = element.as_message() else { return };
                    let (from, to) = (format!("{}[{index}]", from.0), format!("{}[{index}]", to.0));
                    self.inner(inner, (&from, element), (&to, targets.get(index).and_then(Value::as_message)));
                }
            }
            (Conversion::IntoList(inner), Value::Message(message)) => {
                let target = to.1.and_then(Value::as_list).and_then(<[Value]>::first);
                let to = format!("{}[0]", to.0);
                self.inner(inner, (from.0, message), (&to, target.and_then(Value::as_message)));
            }
            (Conversion::FromList { value: inner, beyond }, Value::List(elements)) => {
                let index = if *beyond == Beyond::Last { elements.len().saturating_sub(1) } else { 0 };
                let Some(message) = elements.get(index).and_then(Value::as_message) else { return };
                let from = format!("{}[{index}]", from.0);
                self.inner(inner, (&from, message), (to.0, to.1.and_then(Value::as_message)));
            }
            (Conversion::Map { key, value: inner }, Value::Map(entries)) => {
                let targets = to.1.and_then(Value::as_map);
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| values::key(key));
                for (name, value) in entries {
                    let Some(value) = value.as_message() else { return };
                    let (from, to) = (format!("{}{}", from.0, values::key(name)), format!("{}[…]", to.0));
                    // Under another key it cannot be told which entry it has become.
                    let target = targets.filter(|_| matches!(key, ValueConversion::Copy));
                    let target = target.and_then(|targets| targets.get(name)).and_then(Value::as_message);
                    self.inner(inner, (&from, value), (&to, target));
                }
            }
            _ => {}
        }
    }

    fn inner(
        &mut self,
        conversion: &ValueConversion,
        from: (&str, &DynamicMessage),
        to: (&str, Option<&DynamicMessage>),
    ) {
        if let ValueConversion::Message { source, target } = conversion
            && let Some(plan) = self.plans.get(source, target, self.used)
        {
            let (names, target) = ((format!("{}.", from.0), format!("{}.", to.0)), to.1);
            self.message(Pair { plan, source: from.1, target, from: &names.0, to: &names.1 });
        }
    }

    /// What is made of the field.
    fn read(&mut self, pair: Pair<'_>, value: &Value, trail: &[FieldDescriptor]) {
        for make in &pair.plan.makes {
            let reads = match &make.value {
                Made::Constant { .. } => false,
                Made::Expression(expression) => place::reads(expression, trail),
                Made::Join { from, .. } => from.iter().any(|from| place::is(from, trail)),
                Made::Split { from, .. } => place::is(from, trail),
            };
            let how = match make.when.as_ref().map(|when| when.holds(pair.source)) {
                _ if !reads => continue,
                Some(Ok(false)) => continue,
                Some(Err(failed)) => {
                    self.push(pair, trail, value, Fate::Refused, failed.to_string(), &make.origin);
                    continue;
                }
                Some(Ok(true)) | None => wording::made(&make.value),
            };
            self.push(pair, trail, value, Fate::Read, how, &make.origin);
            if let Some(row) = self.rows.last_mut() {
                row.to = Some(format!("{}{}", pair.to, make.to));
                row.result = pair.target.and_then(|target| values::json_at(target, make.to.fields()));
            }
        }
    }

    /// A field that no part of the plan carried over.
    fn lost(&mut self, pair: Pair<'_>, value: &Value, trail: &[FieldDescriptor]) {
        // What is said of a message speaks of all in it.
        let losses = pair.plan.losses.iter().filter(|loss| place::begins(trail, loss.path.fields()));
        let Some(loss) = losses.max_by_key(|loss| loss.path.fields().len()) else {
            let how = "no part of the step's plan speaks of it".to_owned();
            return self.push(pair, trail, value, Fate::Unsaid, how, &Origin::Schema);
        };
        let passed = pair.target.map(|target| passed(target, pair.plan, trail));
        let (fate, how) = loses(loss, self.used, passed);
        self.push(pair, trail, value, fate, how, &loss.origin);
    }

    /// What an absent field of the source comes to, where that is not an absent field.
    fn absent(&mut self, pair: Pair<'_>) {
        for moved in &pair.plan.moves {
            let Some(scalar) = scalar(&moved.conversion) else { continue };
            let holds = moved.when.as_ref().is_none_or(|when| matches!(when.holds(pair.source), Ok(true)));
            if !holds || values::at(pair.source, moved.from.fields()).is_some() {
                continue;
            }
            let result = pair.target.and_then(|target| values::json_at(target, moved.to.fields()));
            let (fate, how) = match (&scalar.absent, &result) {
                (Some(_), Some(_)) => (Fate::Made, "what its absence means"),
                _ if scalar.refuse_absent && pair.target.is_none() => {
                    (Fate::Refused, "what its absence means has no counterpart")
                }
                _ => continue,
            };
            self.rows.push(Row {
                path: Some(format!("{}{}", pair.from, moved.from)),
                value: None,
                fate,
                to: result.as_ref().map(|_| format!("{}{}", pair.to, moved.to)),
                result,
                how: how.to_owned(),
                origin: moved.origin.clone(),
            });
        }
    }

    /// Values that are made of no field.
    fn constants(&mut self, pair: Pair<'_>) {
        for make in &pair.plan.makes {
            let of_nothing = match &make.value {
                Made::Constant { .. } => true,
                Made::Expression(expression) => expression.reads().is_empty(),
                Made::Join { .. } | Made::Split { .. } => false,
            };
            let holds = make.when.as_ref().is_none_or(|when| matches!(when.holds(pair.source), Ok(true)));
            let Some(target) = pair.target.filter(|_| of_nothing && holds) else { continue };
            let Some(result) = values::json_at(target, make.to.fields()) else { continue };
            self.rows.push(Row {
                path: None,
                value: None,
                fate: Fate::Made,
                to: Some(format!("{}{}", pair.to, make.to)),
                result: Some(result),
                how: wording::made(&make.value),
                origin: make.origin.clone(),
            });
        }
    }

    /// Fields that the source's version does not declare.
    fn unknown(&mut self, pair: Pair<'_>, source: &DynamicMessage, target: Option<&DynamicMessage>, names: &str) {
        for number in source.unknown_fields().map(prost_reflect::UnknownField::number) {
            let path = format!("{}{names}{number}", pair.from);
            let there = target.map(|target| target.unknown_fields().any(|field| field.number() == number));
            let (fate, how) = match there {
                Some(true) => (Fate::Passed, "not declared here; its number is free"),
                Some(false) => (Fate::Dropped, "not declared here; its number has another meaning elsewhere"),
                None => (Fate::Unsaid, "not declared here; it passes where its number is free"),
            };
            self.rows.push(Row {
                to: Some(path.clone()).filter(|_| fate == Fate::Passed),
                path: Some(path),
                value: None,
                fate,
                result: None,
                how: how.to_owned(),
                origin: Origin::Schema,
            });
        }
        for container in pair.plan.containers.iter().filter(|_| names.is_empty()) {
            let inner = values::at(source, container.from.fields());
            let Some(inner) = inner.as_ref().and_then(Value::as_message) else { continue };
            let beside = target.and_then(|target| values::at(target, container.to.fields()));
            let beside = beside.as_ref().and_then(Value::as_message);
            self.unknown(pair, inner, beside, &format!("{}.", container.from));
        }
    }

    fn push(
        &mut self,
        pair: Pair<'_>,
        trail: &[FieldDescriptor],
        value: &Value,
        fate: Fate,
        how: String,
        origin: &Origin,
    ) {
        let names: Vec<&str> = trail.iter().map(FieldDescriptor::name).collect();
        self.rows.push(Row {
            path: Some(format!("{}{}", pair.from, names.join("."))),
            value: trail.last().map(|field| values::json_of(field, value.clone())),
            fate,
            to: None,
            result: None,
            how,
            origin: origin.clone(),
        });
    }
}

/// The conversion of a scalar that stands by itself on one side.
fn scalar(conversion: &Conversion) -> Option<&ScalarConversion> {
    match conversion {
        Conversion::One(ValueConversion::Scalar(scalar))
        | Conversion::IntoList(ValueConversion::Scalar(scalar))
        | Conversion::FromList { value: ValueConversion::Scalar(scalar), .. } => Some(scalar),
        _ => None,
    }
}

/// Whether the field is a message that is carried over by what is in it; if that is nothing, by being there.
fn is_present_container(plan: &MessagePlan, trail: &[FieldDescriptor]) -> bool {
    plan.containers.iter().any(|container| place::is(&container.from, trail))
}

/// Whether the field is in the target under its number, as an unknown field of the message that it lay in.
fn passed(target: &DynamicMessage, plan: &MessagePlan, trail: &[FieldDescriptor]) -> bool {
    let Some((field, parents)) = trail.split_last() else { return false };
    let inner = if parents.is_empty() {
        Some(Value::Message(target.clone()))
    } else {
        let container = plan.containers.iter().find(|container| place::is(&container.from, parents));
        container.and_then(|container| values::at(target, container.to.fields()))
    };
    let inner = inner.as_ref().and_then(Value::as_message);
    inner.is_some_and(|inner| inner.unknown_fields().any(|unknown| unknown.number() == field.number()))
}

/// What becomes of a loss. `passed` says whether it came through, where that is known.
fn loses(loss: &Loss, used: Use, passed: Option<bool>) -> (Fate, String) {
    let reason = loss.reason.clone();
    let policy = wording::used(used);
    match (loss.policies.of(used), passed) {
        (Policy::Refuse, _) => {
            (Fate::Refused, reason.unwrap_or_else(|| format!("no counterpart; loss of {policy} is refused")))
        }
        (Policy::Drop, _) => (Fate::Dropped, format!("no counterpart; loss of {policy} is dropped")),
        (Policy::Pass, Some(true)) => (Fate::Passed, format!("no counterpart; loss of {policy} passes")),
        (Policy::Pass, Some(false)) => {
            (Fate::Dropped, format!("no counterpart; loss of {policy} passes, but its number is taken"))
        }
        (Policy::Pass, None) if used == Use::Response => {
            (Fate::Passed, format!("no counterpart; loss of {policy} passes where its number is free"))
        }
        (Policy::Pass, None) => {
            (Fate::Passed, format!("no counterpart; loss of {policy} passes where its number is free, else it refuses"))
        }
    }
}

/// Whether a condition applies; `path` is what it speaks of.
fn applies(condition: &Condition, path: Option<&Path>, source: &DynamicMessage) -> Result<bool, Failed> {
    let value = path.map(|path| values::at(source, path.fields()));
    Ok(match condition {
        Condition::Always => value.is_none_or(|value| value.is_some()),
        Condition::Empty => match (value.flatten(), path) {
            (Some(Value::Message(message)), _) => {
                message.fields().next().is_none() && message.unknown_fields().next().is_none()
            }
            (Some(value), Some(path)) => value.is_default_for_field(path.leaf()),
            _ => true,
        },
        Condition::Is(wanted) => value.flatten().as_ref() == Some(wanted),
        Condition::Holds(expression) => return expression.holds(source),
    })
}
