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

/// Something of a message that is refused where its value has no counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusable {
    /// The field as the source's version names it; the message itself where an expression reads more of it.
    pub(crate) element: String,
    /// The field of the target's version that is made of it, where something is made.
    pub(crate) target: Option<String>,
    /// Why.
    pub(crate) why: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Whether it has no counterpart at all.
    pub(crate) is_loss: bool,
}

/// How many reasons a sentence names.
const NAMED: usize = 5;

impl Refusable {
    /// Several of them in one sentence, element by element, the first ones by name.
    pub(crate) fn told(all: &[Self]) -> String {
        let causes = Self::causes(all);
        if let [(_, whys)] = causes.as_slice() {
            return whys.join(", or ");
        }
        let mut named: Vec<String> =
            causes.iter().take(NAMED).map(|(element, whys)| format!("`{element}`: {}", whys.join(", or "))).collect();
        if causes.len() > NAMED {
            named.push(format!("and {} more", causes.len() - NAMED));
        }
        named.join("; ")
    }

    /// The elements, each with all its reasons.
    pub(crate) fn causes(all: &[Self]) -> Vec<(&str, Vec<&str>)> {
        let mut causes: Vec<(&str, Vec<&str>)> = Vec::new();
        for one in all {
            match causes.iter_mut().find(|(element, _)| *element == one.element) {
                Some((_, whys)) => whys.push(&one.why),
                None => causes.push((&one.element, vec![&one.why])),
            }
        }
        causes
    }
}

/// The reasons why a message of this use may be refused when `source` becomes `target`, each once, the message's own first.
///
/// Numbers without a name count for nothing here: an object that answers in its version's schema does not send them.
/// `schema` is the version of the source.
pub(crate) fn refusals(plans: &Plans, source: &str, target: &str, used: Use, schema: &Schema) -> Vec<Refusable> {
    let plans_met = plans.reached(source, target, used);
    let mut found = Vec::new();
    for plan in &plans_met {
        for one in of_plan(plan, used) {
            add(&mut found, one);
        }
    }
    if plans_met.iter().any(|plan| plan.moves.iter().any(|step| is_any(&step.conversion))) {
        for one in of_any(plans, used, schema) {
            add(&mut found, one);
        }
    }
    found
}

fn add(found: &mut Vec<Refusable>, one: Refusable) {
    if !found.iter().any(|known| known.element == one.element && known.why == one.why) {
        found.push(one);
    }
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
fn of_any(plans: &Plans, used: Use, schema: &Schema) -> Vec<Refusable> {
    let declared = schema.pool().all_messages();
    let declared = declared.filter(|message| !message.is_map_entry() && message.package_name() != "google.protobuf");
    let mut found = Vec::new();
    for message in declared {
        let name = message.full_name();
        let Some(target) = plans.counterpart(name) else {
            let why = format!("may hold {name}, which is gone");
            found.push(refusable("google.protobuf.Any".to_owned(), why, &Origin::Name));
            continue;
        };
        for plan in plans.reached(name, target, used) {
            let open = plan.open.iter().map(|open| refusable(open.element.clone(), open.what.clone(), &Origin::Name));
            for mut one in open.chain(of_plan(plan, used)) {
                one.why.push_str(", and an Any may hold it");
                add(&mut found, one);
            }
        }
    }
    found
}

fn refusable(element: String, why: String, origin: &Origin) -> Refusable {
    Refusable { element, target: None, why, origin: origin.clone(), is_loss: false }
}

/// All that a plan may refuse in a message of this use, but for what lies deeper.
pub(crate) fn of_plan(plan: &MessagePlan, used: Use) -> Vec<Refusable> {
    let name = plan.source.full_name();
    let at = |path: &dyn std::fmt::Display| format!("{name}.{path}");
    let may_fail = |text: &str| format!("the expression `{text}` may fail");
    let mut found = Vec::new();
    for check in &plan.checks {
        let element = check.path.as_ref().map_or_else(|| name.to_owned(), |path| at(path));
        found.push(refusable(element, check.reason.clone(), &check.origin));
    }
    for drop in &plan.drops {
        if let Condition::Holds(condition) = &drop.condition {
            found.push(refusable(at(&drop.path), may_fail(condition.text()), &drop.origin));
        }
    }
    for step in &plan.moves {
        let condition = step.when.iter().map(|condition| may_fail(condition.text()));
        let whys = condition.chain(of_conversion(&step.conversion));
        found.extend(whys.map(|why| refusable(at(&step.from), why, &step.origin)));
    }
    for make in &plan.makes {
        let condition = make.when.iter().map(|condition| (name.to_owned(), may_fail(condition.text())));
        let value = match &make.value {
            Made::Constant { .. } | Made::Split { may_miss: true, .. } => None,
            Made::Expression(made) => Some((name.to_owned(), may_fail(made.text()))),
            Made::Join { from, separator, .. } => {
                let first = from.first().map_or_else(String::new, ToString::to_string);
                Some((at(&first), format!("a part that holds {separator:?} cannot be joined with it")))
            }
            Made::Split { from, separator, .. } => {
                Some((at(from), format!("a text may have parts that do not come back when {separator:?} joins them")))
            }
        };
        let target = Some(format!("{}.{}", plan.target.full_name(), make.to));
        let whys = condition.chain(value);
        found.extend(
            whys.map(|(element, why)| Refusable { target: target.clone(), ..refusable(element, why, &make.origin) }),
        );
    }
    for loss in plan.losses.iter().filter(|loss| loss.policies.of(used) == Policy::Refuse) {
        let reason = loss.reason.clone().unwrap_or_else(|| "has no counterpart, and its loss is refused".to_owned());
        found.push(Refusable { is_loss: true, ..refusable(at(&loss.path), reason, &loss.origin) });
    }
    found
}

fn of_conversion(conversion: &Conversion) -> Vec<String> {
    let whole = match conversion {
        Conversion::FromList { beyond: Beyond::Refuse, .. } => Some("more than one element cannot be said"),
        Conversion::ListToMap { refuse_duplicates: true, .. } => Some("a key may come twice"),
        Conversion::Mask { .. } => Some("a path may have no counterpart"),
        _ => None,
    };
    let mut found: Vec<String> = whole.into_iter().map(str::to_owned).collect();
    for value in conversion.values() {
        if let ValueConversion::Scalar(scalar) = value {
            found.extend(of_scalar(scalar));
        }
    }
    found
}

fn of_scalar(scalar: &ScalarConversion) -> Vec<String> {
    let zero = scalar.refuse_absent.then(|| "its zero has no counterpart".to_owned());
    let changes = scalar.changes.iter().filter_map(of_change);
    zero.into_iter().chain(changes).chain(of_form(scalar)).collect()
}

fn of_form(scalar: &ScalarConversion) -> Option<String> {
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
    let lacks: Vec<&str> =
        table.names.iter().filter(|(number, _)| !known(*number)).map(|(_, name)| name.as_str()).collect();
    match lacks.as_slice() {
        [] => None,
        [name] => Some(format!("the value {name} has no counterpart")),
        names if names.len() <= NAMED => Some(format!("the values {} have no counterpart", names.join(", "))),
        names => {
            let more = names.len() - NAMED;
            Some(format!("the values {} and {more} more have no counterpart", names[..NAMED].join(", ")))
        }
    }
}
