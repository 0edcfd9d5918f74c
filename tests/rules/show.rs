//! Plans as text, a line a part.

use straddle::Protocol;
use straddle::protocol::plan::{
    Condition, Conversion, Direction, Made, MessagePlan, Origin, Policies, Policy, Use, ValueConversion,
};

/// The plan of `source` in this direction, for requests.
pub(crate) fn plan<'p>(protocol: &'p Protocol, direction: Direction, source: &str) -> &'p MessagePlan {
    plan_for(protocol, direction, Use::Request, source)
}

/// The plan of `source` in this direction, for this use.
pub(crate) fn plan_for<'p>(protocol: &'p Protocol, direction: Direction, used: Use, source: &str) -> &'p MessagePlan {
    let plans = protocol.steps()[0].plans(direction);
    let target = plans.counterpart(source).unwrap_or_else(|| panic!("{source} has no counterpart"));
    plans.get(source, target, used).unwrap_or_else(|| panic!("{source} has no plan"))
}

/// All that a plan does, a line a part.
pub(crate) fn lines(plan: &MessagePlan) -> Vec<String> {
    let mut lines = Vec::new();
    for check in &plan.checks {
        let path = check.path.as_ref().map_or_else(|| "message".to_owned(), ToString::to_string);
        lines.push(format!("check {path} {}: {}{}", condition(&check.condition), check.reason, origin(&check.origin)));
    }
    for drop in &plan.drops {
        lines.push(format!("drop {} {}{}", drop.path, condition(&drop.condition), origin(&drop.origin)));
    }
    for container in &plan.containers {
        lines.push(format!("container {} -> {}", container.from, container.to));
    }
    for step in &plan.moves {
        let when = step.when.as_ref().map_or_else(String::new, |when| format!(" when {}", when.text()));
        let conversion = conversion(&step.conversion);
        lines.push(format!("{} -> {}{conversion}{when}{}", step.from, step.to, origin(&step.origin)));
    }
    for make in &plan.makes {
        let when = make.when.as_ref().map_or_else(String::new, |when| format!(" when {}", when.text()));
        let made = match &make.value {
            Made::Constant { value, into_absent } => format!("{value}{}", if *into_absent { "" } else { " if there" }),
            Made::Expression(expression) => expression.text().to_owned(),
            Made::Join { from, separator, may_miss } => {
                let from: Vec<String> = from.iter().map(ToString::to_string).collect();
                format!("join {} {separator:?} {may_miss}", from.join(","))
            }
            Made::Split { from, separator, part, parts, may_miss } => {
                format!("split {from} {separator:?} {part}/{parts} {may_miss}")
            }
        };
        lines.push(format!("{} = {made}{when}{}", make.to, origin(&make.origin)));
    }
    for loss in &plan.losses {
        let reason = loss.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        lines.push(format!("loss {} {}{reason}{}", loss.path, policies(loss.policies), origin(&loss.origin)));
    }
    for open in &plan.open {
        lines.push(format!("open {}: {}", open.element, open.what));
    }
    lines
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Always => "always".to_owned(),
        Condition::Empty => "empty".to_owned(),
        Condition::Is(value) => format!("is {value}"),
        Condition::Holds(expression) => format!("if {}", expression.text()),
    }
}

fn conversion(conversion: &Conversion) -> String {
    let of = |value: &ValueConversion| match value {
        ValueConversion::Copy => String::new(),
        ValueConversion::Message { source, target } => format!(" {source} as {target}"),
        ValueConversion::Through { messages, .. } => format!(" through {}", messages.join(" ")),
        ValueConversion::Any => " any".to_owned(),
        ValueConversion::Scalar(_) => " scalar".to_owned(),
    };
    match conversion {
        Conversion::One(value) | Conversion::Each(value) => of(value),
        Conversion::IntoList(value) => format!(" into list{}", of(value)),
        Conversion::FromList { value, beyond } => format!(" from list {beyond:?}{}", of(value)),
        Conversion::Map { key, value } => format!(" map{}{}", of(key), of(value)),
        Conversion::MapToList { .. } => " map to list".to_owned(),
        Conversion::ListToMap { .. } => " list to map".to_owned(),
        Conversion::Mask { source, target } => format!(" mask {source} as {target}"),
    }
}

/// R for refuse, p for pass, d for drop: request, response, stored.
fn policies(policies: Policies) -> String {
    let letter = |policy| match policy {
        Policy::Refuse => 'R',
        Policy::Pass => 'p',
        Policy::Drop => 'd',
    };
    [policies.request, policies.response, policies.stored].map(letter).iter().collect()
}

/// Lines count from the first one of the step that a case writes: the one before it says `from`.
fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Line(line) => format!(" @{}", line - 1),
        Origin::Number => " #".to_owned(),
        Origin::Name | Origin::Schema => String::new(),
    }
}
