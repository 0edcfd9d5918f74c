//! Elements without a counterpart by name, which fields and methods bring together.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{FieldDescriptor, Kind};

use super::Names;

/// Names of the older and of the newer version.
type Pair = (String, String);

impl Names<'_> {
    /// Makes counterparts of messages and enums that have none by name, where fields that are one (or a method's
    /// messages) are of these types. What meets more than one partner stays without any.
    ///
    /// `fields` gives the fields of two messages that are one.
    pub(in crate::protocol::rules) fn meet(
        &mut self,
        methods: &[Pair],
        fields: impl Fn(&Names<'_>, &str, &str) -> Vec<(FieldDescriptor, FieldDescriptor)>,
    ) {
        let mut ambiguous: BTreeSet<String> = BTreeSet::new();
        loop {
            let (mut messages, mut enums): (BTreeSet<Pair>, BTreeSet<Pair>) = (BTreeSet::new(), BTreeSet::new());
            messages.extend(methods.iter().cloned());
            let pairs: Vec<Pair> = self.messages.up.iter().map(|(old, new)| (old.clone(), new.clone())).collect();
            for (old, new) in pairs {
                for (one, other) in fields(self, &old, &new) {
                    match (held(&one), held(&other)) {
                        (Kind::Message(one), Kind::Message(other)) => {
                            messages.insert((one.full_name().to_owned(), other.full_name().to_owned()));
                        }
                        (Kind::Enum(one), Kind::Enum(other)) => {
                            enums.insert((one.full_name().to_owned(), other.full_name().to_owned()));
                        }
                        _ => {}
                    }
                }
            }
            let free = |couples: &super::Couples, (old, new): &Pair| {
                let known = |name: &str| name.starts_with("google.protobuf.") || ambiguous.contains(name);
                !couples.up.contains_key(old) && !couples.down.contains_key(new) && !known(old) && !known(new)
            };
            messages.retain(|pair| free(&self.messages, pair));
            enums.retain(|pair| free(&self.enums, pair));
            let (message_pairs, message_doubts) = unambiguous(&messages);
            let (enum_pairs, enum_doubts) = unambiguous(&enums);
            for (old, new) in &message_pairs {
                self.messages.insert(old, new);
            }
            for (old, new) in &enum_pairs {
                self.enums.insert(old, new);
            }
            ambiguous.extend(message_doubts);
            ambiguous.extend(enum_doubts);
            if message_pairs.is_empty() && enum_pairs.is_empty() {
                return;
            }
        }
    }
}

/// The type of a field's values; of a map, of the values of its entries.
fn held(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

/// The pairs neither side of which is in another one, and the names that are in several.
fn unambiguous(pairs: &BTreeSet<Pair>) -> (Vec<Pair>, BTreeSet<String>) {
    let (mut old, mut new): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = (BTreeMap::new(), BTreeMap::new());
    for (one, other) in pairs {
        *old.entry(one).or_default() += 1;
        *new.entry(other).or_default() += 1;
    }
    let several = |counts: &BTreeMap<&str, usize>, name: &str| counts.get(name).is_some_and(|count| *count > 1);
    let alone = |(one, other): &&Pair| !several(&old, one) && !several(&new, other);
    let found = pairs.iter().filter(alone).cloned().collect();
    let doubts = pairs.iter().filter(|pair| !alone(pair));
    (found, doubts.flat_map(|(one, other)| [one.clone(), other.clone()]).collect())
}
