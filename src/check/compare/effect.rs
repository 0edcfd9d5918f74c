//! What readers see when nothing stands between two versions: the words, by kind of change.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/> and the sections on updating of the language guides. The
//! tests write bytes with one version, read them with the other, and hold what they see against these words.
//!
//! Every text goes on from "the reader …". Readers differ in two points, and the texts say so: where a field's bytes have
//! another wire type than declared, most runtimes keep them as an unknown field, while prost refuses the message; and only
//! some check required fields and UTF-8.

pub(super) mod cardinality;
pub(super) mod elements;
pub(super) mod kinds;
pub(super) mod settled;

use super::super::Effect;

/// What most runtimes do with a wire type that they do not expect.
const NOT_FOUND: &str = "does not find it: the bytes have another wire type, so the field reads as absent and the bytes \
                         lie among the unknown fields (prost refuses the whole message)";

/// Where the bytes and their meaning stay.
pub(super) const SAME: &str = "reads what was written";

pub(super) fn both(text: &str) -> Effect {
    of(text, text)
}

pub(super) fn of(old_reader: impl Into<String>, new_reader: impl Into<String>) -> Effect {
    Effect { old_reader: old_reader.into(), new_reader: new_reader.into() }
}
