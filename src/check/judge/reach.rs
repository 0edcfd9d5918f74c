//! Which methods of a version reach a message or an enum.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use prost_reflect::{FieldDescriptor, Kind};

use crate::protocol::Schema;
use crate::protocol::plan::Use;

/// A method, by its index, and whether its requests or its responses are meant.
pub(super) type Way = (usize, Use);

/// What holds what, and what methods exchange, by full names.
pub(super) struct Reach {
    /// The fields of a type: the message that declares them, and their names.
    holders: HashMap<String, Vec<(String, String)>>,
    exchanged: HashMap<String, Vec<Way>>,
    known: RefCell<HashMap<String, Rc<BTreeSet<Way>>>>,
}

const ANY: &str = "google.protobuf.Any";

impl Reach {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut holders: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for message in schema.pool().all_messages() {
            for field in message.fields() {
                if let Some(held) = type_of(&field) {
                    holders.entry(held).or_default().push((message.full_name().to_owned(), field.name().to_owned()));
                }
            }
            for extension in message.extensions() {
                let held = match extension.kind() {
                    Kind::Message(held) => held.full_name().to_owned(),
                    Kind::Enum(held) => held.full_name().to_owned(),
                    _ => continue,
                };
                holders.entry(held).or_default().push((message.full_name().to_owned(), String::new()));
            }
        }
        let mut exchanged: HashMap<String, Vec<Way>> = HashMap::new();
        for (index, method) in schema.methods().iter().enumerate() {
            let (input, output) = (method.descriptor().input(), method.descriptor().output());
            exchanged.entry(input.full_name().to_owned()).or_default().push((index, Use::Request));
            exchanged.entry(output.full_name().to_owned()).or_default().push((index, Use::Response));
        }
        Self { holders, exchanged, known: RefCell::default() }
    }

    /// The fields whose type this is, as `package.Message.field`.
    pub(super) fn fields_of_type(&self, name: &str) -> Vec<(String, String)> {
        self.holders.get(name).cloned().unwrap_or_default()
    }

    /// The methods whose requests or responses hold it, however deep. What no field leads to may still lie in an `Any`.
    pub(super) fn methods(&self, name: &str) -> Rc<BTreeSet<Way>> {
        if let Some(known) = self.known.borrow().get(name) {
            return Rc::clone(known);
        }
        let mut found = self.upward(name);
        if found.is_empty() && name != ANY {
            found = self.upward(ANY);
        }
        let found = Rc::new(found);
        self.known.borrow_mut().insert(name.to_owned(), Rc::clone(&found));
        found
    }

    fn upward(&self, name: &str) -> BTreeSet<Way> {
        let mut seen = BTreeSet::from([name]);
        let mut pending = vec![name];
        let mut found = BTreeSet::new();
        while let Some(name) = pending.pop() {
            found.extend(self.exchanged.get(name).into_iter().flatten());
            for (holder, _) in self.holders.get(name).into_iter().flatten() {
                if seen.insert(holder) {
                    pending.push(holder);
                }
            }
        }
        found
    }
}

/// The full name of a field's message or enum.
pub(super) fn type_of(field: &FieldDescriptor) -> Option<String> {
    match field.kind() {
        Kind::Message(held) => Some(held.full_name().to_owned()),
        Kind::Enum(held) => Some(held.full_name().to_owned()),
        _ => None,
    }
}
