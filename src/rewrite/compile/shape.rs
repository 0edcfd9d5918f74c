//! The fields of a source message that a plan speaks of, and a slot for each.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use rustc_hash::FxHashMap;

use super::numbers::real_oneof;
use crate::protocol::plan::{Condition, Made, MessagePlan, Path};
use crate::rewrite::table::Slot;

/// The slots of a plan.
pub(super) struct Shape {
    pub(super) slots: Vec<Slot>,
    /// The message itself, and then those in it whose fields part ways.
    pub(super) nodes: Vec<Node>,
    pub(super) oneofs: Vec<Vec<usize>>,
    by_path: FxHashMap<Vec<u32>, usize>,
}

/// A message whose fields part ways.
pub(super) struct Node {
    pub(super) message: MessageDescriptor,
    pub(super) fields: Vec<(u32, usize)>,
    /// Where its unknown fields are noted.
    pub(super) unknown: usize,
}

/// Fields by their numbers.
#[derive(Default)]
struct Tree(BTreeMap<u32, Branch>);

#[derive(Default)]
struct Branch {
    field: Option<FieldDescriptor>,
    /// Whether it is a message whose fields part ways, even if no path leads into it.
    parts: bool,
    inner: Tree,
}

impl Shape {
    pub(super) fn new(plan: &MessagePlan) -> Self {
        let mut tree = Tree::default();
        for container in &plan.containers {
            tree.insert(container.from.fields()).parts = true;
        }
        for path in paths(plan) {
            tree.insert(path.fields());
        }
        for path in read_paths(plan) {
            let is_part = plan.losses.iter().any(|loss| path.starts_with(&loss.path));
            if is_part {
                tree.insert(path.fields());
            }
        }
        let mut shape =
            Self { slots: Vec::new(), nodes: Vec::new(), oneofs: Vec::new(), by_path: FxHashMap::default() };
        shape.node(&plan.source, &tree, &[], &[], &[]);
        // Behind all fields.
        shape.nodes[0].unknown = shape.slots.len();
        for container in &plan.containers {
            if let Some(slot) = shape.find(&container.from) {
                shape.slots[slot].is_container = true;
            }
        }
        shape
    }

    /// The node of the message that these numbers lead to.
    pub(super) fn node_at(&self, numbers: &[u32]) -> Option<usize> {
        self.by_path.get(numbers).and_then(|slot| self.slots[*slot].node)
    }

    /// The slot of the field at a path.
    pub(super) fn find(&self, path: &Path) -> Option<usize> {
        let numbers: Vec<u32> = path.fields().iter().map(FieldDescriptor::number).collect();
        self.by_path.get(&numbers).copied()
    }

    fn node(
        &mut self,
        message: &MessageDescriptor,
        tree: &Tree,
        path: &[u32],
        names: &[String],
        parents: &[usize],
    ) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node { message: message.clone(), fields: Vec::new(), unknown: usize::MAX });
        let mut fields: BTreeMap<u32, FieldDescriptor> =
            message.fields().map(|field| (field.number(), field)).collect();
        for (number, branch) in &tree.0 {
            // A plan may name a number that only a version in between declares.
            if let Some(field) = &branch.field {
                fields.entry(*number).or_insert_with(|| field.clone());
            }
        }
        let mut oneofs: FxHashMap<String, usize> = FxHashMap::default();
        for (number, field) in fields {
            let slot = self.slots.len();
            let path = [path, &[number]].concat();
            let names = [names, &[field.name().to_owned()]].concat();
            let oneof = real_oneof(&field).map(|oneof| {
                *oneofs.entry(oneof.full_name().to_owned()).or_insert_with(|| {
                    self.oneofs.push(Vec::new());
                    self.oneofs.len() - 1
                })
            });
            if let Some(oneof) = oneof {
                self.oneofs[oneof].push(slot);
            }
            self.by_path.insert(path.clone(), slot);
            self.nodes[index].fields.push((number, slot));
            self.slots.push(slot_of(&field, names.clone(), oneof, parents.to_vec()));
            let branch = tree.0.get(&number).filter(|branch| branch.parts || !branch.inner.0.is_empty());
            if let (Some(branch), Kind::Message(message)) = (branch, field.kind()) {
                let parents = [parents, &[slot]].concat();
                let node = self.node(&message, &branch.inner, &path, &names, &parents);
                self.slots[slot].node = Some(node);
                // Unknown fields have a slot of their own, which goes with the field.
                self.nodes[node].unknown = self.slots.len();
                let mut unknown = slot_of(&field, names, None, parents);
                unknown.last_only = false;
                unknown.presence = true;
                self.slots.push(unknown);
            }
            let end = self.slots.len();
            for slot in &mut self.slots[slot..] {
                if slot.end == 0 {
                    slot.end = end;
                }
            }
        }
        index
    }
}

fn slot_of(field: &FieldDescriptor, names: Vec<String>, oneof: Option<usize>, parents: Vec<usize>) -> Slot {
    let kind = field.kind();
    let list = field.is_list() || field.is_map();
    Slot {
        field: field.clone(),
        names,
        end: 0,
        node: None,
        last_only: !list && !super::is_message(&kind),
        oneof,
        parents,
        presence: field.supports_presence() && !list,
        kind,
        list,
        carried: Vec::new(),
        is_container: false,
        has_loss: false,
    }
}

impl Tree {
    /// Adds a path, which has a field.
    fn insert(&mut self, fields: &[FieldDescriptor]) -> &mut Branch {
        let (first, rest) = fields.split_first().expect("a path has a field");
        let branch = self.0.entry(first.number()).or_default();
        branch.field.get_or_insert_with(|| first.clone());
        if rest.is_empty() { branch } else { branch.inner.insert(rest) }
    }
}

/// All paths of the source that a plan names.
fn paths(plan: &MessagePlan) -> Vec<&Path> {
    let mut paths: Vec<&Path> = Vec::new();
    paths.extend(plan.checks.iter().filter_map(|check| check.path.as_ref()));
    paths.extend(plan.drops.iter().map(|drop| &drop.path));
    paths.extend(plan.containers.iter().map(|container| &container.from));
    paths.extend(plan.moves.iter().map(|moved| &moved.from));
    paths.extend(plan.losses.iter().map(|loss| &loss.path));
    for make in &plan.makes {
        match &make.value {
            Made::Join { from, .. } => paths.extend(from),
            Made::Split { from, .. } => paths.push(from),
            Made::Constant { .. } | Made::Expression(_) => {}
        }
    }
    paths
}

/// The paths that expressions of the plan's makes read; they are carried over by that.
fn read_paths(plan: &MessagePlan) -> Vec<Path> {
    let mut paths = Vec::new();
    for make in &plan.makes {
        if let Made::Expression(expression) = &make.value {
            paths.extend(expression.reads().iter().filter_map(|names| path_of(&plan.source, names)));
        }
    }
    paths
}

/// The path that these names are in a message.
pub(super) fn path_of(message: &MessageDescriptor, names: &[String]) -> Option<Path> {
    let mut message = message.clone();
    let mut fields = Vec::new();
    for name in names {
        let field = message.get_field_by_name(name)?;
        let inner = match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() => Some(inner),
            _ => None,
        };
        fields.push(field);
        match inner {
            Some(inner) => message = inner,
            None => break,
        }
    }
    (!fields.is_empty()).then(|| Path::new(fields))
}

/// The expression of a condition.
pub(super) fn expression(condition: &Condition) -> Option<&crate::expression::Expression> {
    match condition {
        Condition::Holds(expression) => Some(expression),
        Condition::Always | Condition::Empty | Condition::Is(_) => None,
    }
}
