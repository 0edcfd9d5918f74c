//! What keeps a method from being bridged: what its step leaves open, and responses that come too late to be refused.

use std::collections::BTreeSet;

use prost_reflect::Kind;

use crate::protocol::plan::{
    Beyond, Change, Condition, Conversion, Form, Made, MessagePlan, Open, Origin, Plans, Policy, Rounding,
    ScalarConversion, Table, Unknown, Use, ValueConversion,
};
use crate::protocol::schema::Schema;

/// The plans of one direction, looked at from one message on.
pub(in crate::protocol) struct OpenPoints<'p> {
    /// All that is open in the message and in what it leads to.
    pub(in crate::protocol) found: Vec<&'p Open>,
    /// Whether there is a plan at all.
    pub(in crate::protocol) planned: bool,
}

impl<'p> OpenPoints<'p> {
    /// What is open in turning `source` into `target`.
    pub(in crate::protocol) fn of(plans: &'p Plans, source: &str, target: &str, used: Use) -> Self {
        let mut found: Vec<&Open> = Vec::new();
        for plan in plans.reached(source, target, used) {
            found.extend(&plan.open);
        }
        Self { found, planned: plans.get(source, target, used).is_some() }
    }
}

/// A reason why a message of this use may be refused when `source` becomes `target`: the element, and why.
///
/// Numbers without a name count for nothing here: an object that answers in its version's schema does not send them.
/// `schema` is the version of the source.
pub(crate) fn refusals(
    plans: &Plans,
    source: &str,
    target: &str,
    used: Use,
    schema: &Schema,
) -> Option<(String, String)> {
    let plans_met = plans.reached(source, target, used);
    plans_met.iter().find_map(|plan| of_plan(plan, used)).or_else(|| {
        let holds_any = plans_met.iter().any(|plan| plan.moves.iter().any(|step| is_any(&step.conversion)));
        if holds_any { of_any(plans, used, schema) } else { None }
    })
}

/// Whether the step says something of what becomes of `source` on its way to `target`, so that a message does not pass
/// as it is even where the descriptors would let it. `ruled` are the enums that it says something of, and the messages that
/// it leaves undecided.
pub(in crate::protocol) fn say_more(
    plans: &Plans,
    source: &str,
    target: &str,
    used: Use,
    ruled: &BTreeSet<String>,
) -> bool {
    let of_enum = |kind: Kind| matches!(kind, Kind::Enum(declared) if ruled.contains(declared.full_name()));
    let said = |origin: &Origin| matches!(origin, Origin::Line(_));
    let says_more = |plan: &MessagePlan| {
        !plan.checks.is_empty()
            || !plan.drops.is_empty()
            || !plan.makes.is_empty()
            || plan.moves.iter().any(|step| said(&step.origin))
            || [&plan.source, &plan.target].into_iter().any(|message| ruled.contains(message.full_name()))
            || plan.losses.iter().any(|loss| said(&loss.origin) || loss.policies.of(used) != Policy::Pass)
            || plan.source.fields().any(|field| match field.kind() {
                Kind::Message(entry) if entry.is_map_entry() => of_enum(entry.map_entry_value_field().kind()),
                kind => of_enum(kind),
            })
    };
    let met = plans.reached(source, target, used);
    // An Any may hold whatever its version declares.
    let holds_any = met.iter().any(|plan| plan.moves.iter().any(|step| is_any(&step.conversion)));
    met.into_iter().any(says_more) || holds_any && plans.iter(used).any(|plan| says_more(plan))
}

fn is_any(conversion: &Conversion) -> bool {
    conversion.values().iter().any(|value| matches!(value, ValueConversion::Any))
}

/// An Any may hold whatever its version declares.
fn of_any(plans: &Plans, used: Use, schema: &Schema) -> Option<(String, String)> {
    let declared = schema.pool().all_messages();
    let declared = declared.filter(|message| !message.is_map_entry() && message.package_name() != "google.protobuf");
    for message in declared {
        let name = message.full_name();
        let Some(target) = plans.counterpart(name) else {
            return Some(("google.protobuf.Any".to_owned(), format!("may hold {name}, which is gone")));
        };
        for plan in plans.reached(name, target, used) {
            if let Some(open) = plan.open.first() {
                return Some((open.element.clone(), format!("{}, and an Any may hold it", open.what)));
            }
            if let Some((element, why)) = of_plan(plan, used) {
                return Some((element, format!("{why}, and an Any may hold it")));
            }
        }
    }
    None
}

fn of_plan(plan: &MessagePlan, used: Use) -> Option<(String, String)> {
    let name = plan.source.full_name();
    let at = |path: &dyn std::fmt::Display| format!("{name}.{path}");
    if let Some(check) = plan.checks.first() {
        let element = check.path.as_ref().map_or_else(|| name.to_owned(), |path| at(path));
        return Some((element, check.reason.clone()));
    }
    let expression = |text: &str| (name.to_owned(), format!("the expression `{text}` may fail"));
    for drop in &plan.drops {
        if let Condition::Holds(condition) = &drop.condition {
            return Some(expression(condition.text()));
        }
    }
    for step in &plan.moves {
        if let Some(condition) = &step.when {
            return Some(expression(condition.text()));
        }
        if let Some(why) = of_conversion(&step.conversion) {
            return Some((at(&step.from), why));
        }
    }
    for make in &plan.makes {
        if let Some(condition) = &make.when {
            return Some(expression(condition.text()));
        }
        match &make.value {
            Made::Constant { .. } | Made::Split { may_miss: true, .. } => {}
            Made::Expression(made) => return Some(expression(made.text())),
            Made::Join { from, separator, .. } => {
                let first = from.first().map_or_else(String::new, ToString::to_string);
                return Some((at(&first), format!("a part that holds {separator:?} cannot be joined with it")));
            }
            Made::Split { from, separator, .. } => {
                return Some((
                    at(from),
                    format!("a text may have parts that do not come back when {separator:?} joins them"),
                ));
            }
        }
    }
    let loss = plan.losses.iter().find(|loss| loss.policies.of(used) == Policy::Refuse)?;
    let reason = loss.reason.clone().unwrap_or_else(|| "has no counterpart, and its loss is refused".to_owned());
    Some((at(&loss.path), reason))
}

fn of_conversion(conversion: &Conversion) -> Option<String> {
    match conversion {
        Conversion::FromList { beyond: Beyond::Refuse, .. } => {
            return Some("more than one element cannot be said".to_owned());
        }
        Conversion::ListToMap { refuse_duplicates: true, .. } => return Some("a key may come twice".to_owned()),
        Conversion::Mask { .. } => return Some("a path may have no counterpart".to_owned()),
        _ => {}
    }
    conversion.values().into_iter().find_map(|value| match value {
        ValueConversion::Scalar(scalar) => of_scalar(scalar),
        ValueConversion::Copy
        | ValueConversion::Message { .. }
        | ValueConversion::Through { .. }
        | ValueConversion::Any => None,
    })
}

fn of_scalar(scalar: &ScalarConversion) -> Option<String> {
    if scalar.refuse_absent {
        return Some("its zero has no counterpart".to_owned());
    }
    if let Some(why) = scalar.changes.iter().find_map(of_change) {
        return Some(why);
    }
    if let (Form::Money { currency, .. }, _) | (_, Form::Money { currency, .. }) = (&scalar.read, &scalar.write) {
        return Some(format!("an amount may be none of {currency}, or too large"));
    }
    // Other programs than protobuf's own may write a time that nobody can.
    match (&scalar.read, &scalar.write) {
        (read, write) if read == write => None,
        (_, Form::Timestamp | Form::Duration) | (Form::Timestamp | Form::Duration, Form::Plain(Kind::String)) => {
            Some("a time may be out of range".to_owned())
        }
        _ => None,
    }
}

fn of_change(change: &Change) -> Option<String> {
    Some(match change {
        Change::Fit(kind) => format!("a value may be out of the range of {}", super::super::digest::kind_name(kind)),
        Change::NotZero => "a zero may have no counterpart".to_owned(),
        Change::Within { .. } => "a time may be out of range".to_owned(),
        Change::Scale { rounding: Rounding::Refuse, .. } => "a value may leave a remainder".to_owned(),
        Change::Table(table) => return of_table(table),
        Change::IntegerToFloat => "a float may not hold the integer".to_owned(),
        Change::FloatToInteger(_) => "a value may be no integer, or out of range".to_owned(),
        Change::ToSingle => "no float may equal the double".to_owned(),
        Change::Utf8 => "bytes may be no UTF-8".to_owned(),
        Change::Decode(_) => "a text may stand for no bytes".to_owned(),
        Change::ParseInteger | Change::ParseFloat { .. } => "a text may be no number".to_owned(),
        Change::ParseTime => "a text may be no time".to_owned(),
        Change::FloatToBillionths { .. } => "a price may have more than nine decimals".to_owned(),
        Change::BillionthsToFloat { .. } => "a price may have more digits than a float".to_owned(),
        Change::ParseBillionths => "a text may be no amount".to_owned(),
        Change::Scale { .. }
        | Change::AsBytes
        | Change::Encode(_)
        | Change::FormatInteger
        | Change::FormatFloat { .. }
        | Change::FormatTime
        | Change::FormatBillionths
        | Change::Settle => return None,
    })
}

fn of_table(table: &Table) -> Option<String> {
    if matches!(table.unknown, Unknown::To(_)) {
        return None;
    }
    if table.names.is_empty() {
        return Some("a value may be one that the table lacks".to_owned());
    }
    let known =
        |number: i64| table.entries.iter().any(|(from, _)| *from == crate::protocol::plan::Cell::Number(number));
    let (_, name) = table.names.iter().find(|(number, _)| !known(*number))?;
    Some(format!("the value {name} has no counterpart"))
}
