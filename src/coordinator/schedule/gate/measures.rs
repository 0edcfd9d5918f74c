//! What gates judge, measured once for all of them.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, MapKey, Value};

use super::numbers::{Counted, double, share};
use super::schema::{OF_CALLS, OF_VALUES, root};
use crate::coordinator::view::{NodeView, View};

/// What is known of the nodes.
pub(super) struct Measures<'a> {
    /// By caller version.
    upgraded: BTreeMap<&'a str, Counted>,
    rest: BTreeMap<&'a str, Counted>,
    baseline: BTreeMap<&'a str, Counted>,
    /// Of all callers.
    all_upgraded: Counted,
    all_rest: Counted,
    all_baseline: Counted,
    values: Values<'a>,
    rest_values: Values<'a>,
    nodes: u64,
    came: u64,
    /// When the last one came.
    pub(super) last: u64,
}

/// What is judged: one caller version, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject<'a>(pub(super) Option<&'a str>);

/// What is known of calls for one subject.
pub(super) struct Sides<'m> {
    pub(super) upgraded: &'m Counted,
    pub(super) rest: &'m Counted,
    /// None where too few calls were made before.
    pub(super) baseline: Option<&'m Counted>,
}

/// The upgrade has not brought anything yet that could be judged.
fn came(view: &View, node: &NodeView) -> bool {
    view.is_there(node) && !node.moving
}

impl<'a> Measures<'a> {
    /// Why there is nothing to measure, if there is not.
    pub(super) fn nothing(view: &View) -> Option<&'static str> {
        (!view.nodes.iter().any(|node| came(view, node))).then_some("no node has come to the new version yet")
    }

    pub(super) fn of(view: &'a View) -> Self {
        let mut measures = Self {
            upgraded: BTreeMap::new(),
            rest: BTreeMap::new(),
            baseline: BTreeMap::new(),
            all_upgraded: Counted::default(),
            all_rest: Counted::default(),
            all_baseline: Counted::default(),
            values: Values::default(),
            rest_values: Values::default(),
            nodes: u64::try_from(view.nodes.len()).unwrap_or(u64::MAX),
            came: 0,
            last: view.started,
        };
        for node in &view.nodes {
            let (callers, values) = if came(view, node) {
                measures.came += 1;
                measures.last = measures.last.max(node.moved);
                (&mut measures.upgraded, &mut measures.values)
            } else {
                (&mut measures.rest, &mut measures.rest_values)
            };
            for (caller, calls) in &node.calls {
                callers.entry(caller).or_default().add(calls);
            }
            values.add(node);
        }
        for (caller, calls) in &view.baseline {
            measures.baseline.entry(caller).or_default().add(calls);
        }
        measures.all_upgraded = together(&measures.upgraded);
        measures.all_rest = together(&measures.rest);
        measures.all_baseline = together(&measures.baseline);
        measures
    }

    /// The caller versions that upgraded nodes have answered.
    pub(super) fn callers(&self) -> impl Iterator<Item = Subject<'a>> {
        self.upgraded.keys().map(|caller| Subject(Some(caller)))
    }

    /// What is known of a subject's calls; its baseline has so many calls at least.
    pub(super) fn sides(&self, Subject(caller): Subject<'_>, minimum: u64) -> Sides<'_> {
        static NONE: std::sync::LazyLock<Counted> = std::sync::LazyLock::new(Counted::default);
        let enough = |counted: &&Counted| counted.calls() >= minimum.max(1);
        let all = Some(&self.all_baseline).filter(enough);
        match caller {
            None => Sides { upgraded: &self.all_upgraded, rest: &self.all_rest, baseline: all },
            Some(caller) => Sides {
                upgraded: self.upgraded.get(caller).unwrap_or(&NONE),
                rest: self.rest.get(caller).unwrap_or(&NONE),
                baseline: self.baseline.get(caller).filter(enough).or(all),
            },
        }
    }

    /// The message that gates read.
    pub(super) fn message(&self, Subject(caller): Subject<'_>, sides: &Sides<'_>) -> DynamicMessage {
        let mut message = DynamicMessage::new(root().clone());
        fill(&mut message, &OF_CALLS, |name| sides.upgraded.number(name));
        self.values.fill(&mut message);
        message.set_field_by_name("upgraded", Value::F64(share(self.came, self.nodes)));
        message.set_field_by_name("nodes", Value::F64(double(self.nodes)));
        message.set_field_by_name("caller", Value::String(caller.unwrap_or_default().to_owned()));
        inner(&mut message, "rest", |rest| {
            fill(rest, &OF_CALLS, |name| sides.rest.number(name));
            self.rest_values.fill(rest);
        });
        inner(&mut message, "baseline", |baseline| {
            fill(baseline, &OF_CALLS, |name| sides.baseline.map_or(0.0, |counted| counted.number(name)));
        });
        message
    }

    /// Values that cannot be used, in a sentence.
    pub(super) fn unusable(&self) -> Option<String> {
        let all = self.values.unusable.iter().chain(&self.rest_values.unusable);
        let told: Vec<String> = all.map(|(name, node)| format!("{node} reports `{name}` as no number")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

fn together(callers: &BTreeMap<&str, Counted>) -> Counted {
    let mut all = Counted::default();
    for counted in callers.values() {
        all.merge(counted);
    }
    all
}

/// What nodes report, by name.
#[derive(Default)]
struct Values<'a> {
    all: BTreeMap<&'a str, Summary>,
    /// Reported as NaN or infinite, by whom.
    unusable: BTreeMap<&'a str, &'a str>,
}

#[derive(Clone, Copy)]
struct Summary {
    sum: f64,
    min: f64,
    max: f64,
    nodes: u64,
}

impl<'a> Values<'a> {
    fn add(&mut self, node: &'a NodeView) {
        for (name, value) in &node.values {
            let summary = self.all.entry(name).or_insert(Summary { sum: 0.0, min: *value, max: *value, nodes: 0 });
            summary.sum += value;
            summary.min = summary.min.min(*value);
            summary.max = summary.max.max(*value);
            summary.nodes += 1;
            if !value.is_finite() || !summary.sum.is_finite() {
                self.unusable.entry(name).or_insert(&node.name);
            }
        }
    }

    fn fill(&self, message: &mut DynamicMessage) {
        let usable = self.all.iter().filter(|(name, _)| !self.unusable.contains_key(*name));
        let entry = |(name, summary): (&&str, &Summary)| {
            let of = root().parent_pool().get_message_by_name("Values")?;
            let mut value = DynamicMessage::new(of);
            fill(&mut value, &OF_VALUES, |number| summary.number(number));
            Some((MapKey::String((*name).to_owned()), Value::Message(value)))
        };
        message.set_field_by_name("values", Value::Map(usable.filter_map(entry).collect()));
    }
}

impl Summary {
    fn number(&self, name: &str) -> f64 {
        match name {
            "sum" => self.sum,
            "min" => self.min,
            "max" => self.max,
            // Each has been reported by one node at least.
            "mean" => self.sum / double(self.nodes.max(1)),
            _ => double(self.nodes),
        }
    }
}

fn fill(message: &mut DynamicMessage, names: &[&str], number: impl Fn(&str) -> f64) {
    for name in names {
        if let Some(field) = message.descriptor_field(name) {
            message.set_field(&field, Value::F64(number(name)));
        }
    }
}

fn inner(message: &mut DynamicMessage, name: &str, fill: impl FnOnce(&mut DynamicMessage)) {
    if let Some(field) = message.descriptor_field(name)
        && let Some(inner) = message.get_field_mut(&field).as_message_mut()
    {
        fill(inner);
    }
}

/// The field of this name, if the message has one.
trait DescriptorField {
    fn descriptor_field(&self, name: &str) -> Option<prost_reflect::FieldDescriptor>;
}

impl DescriptorField for DynamicMessage {
    fn descriptor_field(&self, name: &str) -> Option<prost_reflect::FieldDescriptor> {
        use prost_reflect::ReflectMessage;
        self.descriptor().get_field_by_name(name)
    }
}
