//! A field that holds another number of values than before, or tells absent from default where it did not.

use prost_types::field_descriptor_proto::Type;

use super::super::super::Effect;
use super::super::field::{Cardinality, Field};
use super::{NOT_FOUND, SAME, of};

/// Readers of a field that was `old` and is `new`, of the same type.
pub(in super::super) fn changed(old: &Field<'_>, new: &Field<'_>) -> Effect {
    of(reads(new, old), reads(old, new))
}

/// What `reader` sees of what was written as `writer`.
fn reads(writer: &Field<'_>, reader: &Field<'_>) -> String {
    use Cardinality::{Explicit, Implicit, Map, Repeated, Required};
    match (writer.cardinality(), reader.cardinality()) {
        (Implicit, Explicit) => {
            "reads the default as absent, because it is not written; every other value as it was written".to_owned()
        }
        (Explicit, Implicit) => "cannot tell a default that was set from absent; it reads both as the default".to_owned(),
        (Required, Explicit) => "reads what was written; it is always there".to_owned(),
        (Explicit | Implicit, Required) => {
            let left_out = if writer.cardinality() == Implicit { "is left out where it is the default" } else { "may be absent" };
            format!("refuses the whole message where the field is missing, and it {left_out} (prost and proto3 runtimes of \
                     some languages do not check)")
        }
        (Explicit | Implicit | Required, Repeated) => {
            if writer.cardinality() == Implicit {
                "reads a list of one value, or an empty list where it is the default".to_owned()
            } else {
                "reads a list of one value, or an empty list where it is absent".to_owned()
            }
        }
        (Repeated, Required) => {
            format!("{}; where the list is empty, it refuses the whole message", last(writer))
        }
        (Repeated, Explicit | Implicit) => last(writer),
        (Map, Repeated) => "reads a list of entries with the fields key = 1 and value = 2, in no certain order".to_owned(),
        (Repeated, Map) => {
            "takes each element for an entry with the fields key = 1 and value = 2; of two with one key, the last one stays"
                .to_owned()
        }
        (Map, _) if reader.kind() == Type::Message => {
            "takes all entries for one message, merged: its fields 1 and 2 are those of the last entry".to_owned()
        }
        (_, Map) if writer.kind() == Type::Message => {
            "takes the message for one entry, with its fields 1 and 2 for key and value".to_owned()
        }
        _ => SAME.to_owned(),
    }
}

/// What remains of a list where a single value is expected.
fn last(list: &Field<'_>) -> String {
    match list.kind() {
        Type::Message | Type::Group => {
            "merges all elements into one message: of single fields the last one stays, lists are joined".to_owned()
        }
        _ if list.is_packed() => NOT_FOUND.to_owned(),
        _ => "reads the last element only; an empty list as absent".to_owned(),
    }
}
