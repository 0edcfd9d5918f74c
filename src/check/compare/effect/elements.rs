//! Fields, values, oneofs and methods that come, go or move.

use super::super::super::Effect;
use super::{SAME, both, of};

/// A field that is gone.
pub(in super::super) fn field_deleted() -> Effect {
    of(
        "finds the field absent in everything that newer programs write",
        "keeps the value among the unknown fields, if its runtime keeps them (prost does not), and does not act on it",
    )
}

/// A field that older readers do not know.
pub(in super::super) fn field_added() -> Effect {
    of(
        "keeps the value among the unknown fields, if its runtime keeps them (prost does not), and does not act on it",
        "finds the field absent in everything that older programs write",
    )
}

/// A oneof that older readers do not know; its fields are told of by themselves.
pub(in super::super) fn oneof_added() -> Effect {
    of("knows nothing of it", "finds none of its fields set in what older programs write, but for those that they have")
}

/// A type that older readers do not know.
pub(in super::super) fn type_added() -> Effect {
    of("does not know it, and cannot unpack an Any that holds one", "is never sent one by older programs")
}

/// A method or a service that older servers do not have.
pub(in super::super) fn method_added() -> Effect {
    of("never calls it", "calls a method that older servers answer with UNIMPLEMENTED")
}

/// A field of the same name under another number.
pub(in super::super) fn field_renumbered(
    old: i32,
    new: i32,
    old_number_now: Option<&str>,
    new_number_was: Option<&str>,
) -> Effect {
    let side = |written: i32, expected: i32, there: Option<&str>| match there {
        Some(other) => format!(
            "looks for it at {expected} and finds it absent; what comes at {written} it takes for `{other}`, \
             or for an unknown field where the wire type differs"
        ),
        None => format!("looks for it at {expected} and finds it absent; what comes at {written} is an unknown field"),
    };
    // What the old reader has at the new number, and the new reader at the old one.
    of(side(new, old, new_number_was), side(old, new, old_number_now))
}

/// An enum's value that is gone.
pub(in super::super) fn value_deleted(closed: bool, number: i32) -> Effect {
    of("is never sent the value any more", undeclared(closed, number))
}

/// A value that older readers do not know.
pub(in super::super) fn value_added(closed: bool, number: i32) -> Effect {
    of(undeclared(closed, number), "is never sent the value by older programs")
}

fn undeclared(closed: bool, number: i32) -> String {
    if closed {
        format!("does not know {number}: the field reads as absent, and the number lies among the unknown fields")
    } else {
        format!("keeps {number} as a number without a name, and writes it back as it came")
    }
}

/// A value of the same name under another number.
pub(in super::super) fn value_renumbered(
    name: &str,
    (old, old_now): (i32, Option<&str>),
    (new, new_was): (i32, Option<&str>),
    (old_closed, new_closed): (bool, bool),
) -> Effect {
    let side = |written: i32, there: Option<&str>, closed: bool| match there {
        Some(other) => format!("takes {name}, which is written as {written}, for {other}"),
        None => format!(
            "takes {name}, which is written as {written}, for no value that it has: it {}",
            undeclared(closed, written)
        ),
    };
    of(side(new, new_was, old_closed), side(old, old_now, new_closed))
}

/// A number of an enum that goes by another name.
pub(in super::super) fn value_renamed(number: i32, old: &str, new: &str) -> Effect {
    of(
        format!("reads {number} as {old} where {new} was written; in JSON it does not know the name {new}"),
        format!("reads {number} as {new} where {old} was written; in JSON it does not know the name {old}"),
    )
}

/// A name that is another one.
pub(in super::super) fn field_renamed(old: &str, new: &str) -> Effect {
    of(
        format!("reads the same bytes as `{old}`; in JSON it does not know `{new}`"),
        format!("reads the same bytes as `{new}`; in JSON it does not know `{old}`"),
    )
}

/// A default that differs: bytes do not say it, each reader has its own.
pub(in super::super) fn default_changed(old: &str, new: &str) -> Effect {
    of(
        format!("takes absent for {old} where the writer meant {new}"),
        format!("takes absent for {new} where the writer meant {old}"),
    )
}

/// A field that moved into a oneof, out of one, or to another.
pub(in super::super) fn oneof_changed(was_within: bool, is_within: bool) -> Effect {
    let alone = "keeps only the one of the oneof's fields that comes last in the bytes; the others it drops";
    let from_oneof = "reads what was written: at most one of the fields was set";
    of(if was_within { alone } else { from_oneof }, if is_within { alone } else { from_oneof })
}

/// A oneof that has an arm which the other version lacks.
pub(in super::super) fn arm_added() -> Effect {
    of("sees none of the oneof's fields set where the new one is; it lies among the unknown fields", SAME)
}

/// A oneof that lost an arm.
pub(in super::super) fn arm_deleted() -> Effect {
    of(
        "is never sent the field any more",
        "sees none of the oneof's fields set where the lost one is; it lies among the unknown fields",
    )
}

/// A message that demands a field which others may leave out.
pub(in super::super) fn required_added() -> Effect {
    of(
        SAME,
        "refuses the whole message where the field is missing, as in all that writers without it wrote (prost does not check)",
    )
}

/// A message that no longer demands a field.
pub(in super::super) fn required_deleted() -> Effect {
    of("refuses the whole message where the field is missing (prost does not check)", SAME)
}

/// A method that cannot be called any more.
pub(in super::super) fn method_deleted() -> Effect {
    of(
        "calls a method that newer servers answer with UNIMPLEMENTED",
        "has no caller for it; older servers go on offering it",
    )
}

/// A method whose side became a stream, or ceased to be one.
pub(in super::super) fn streaming_changed(what: &str, is_stream: bool) -> Effect {
    let of_stream = format!(
        "expects one {what} and is sent a stream: none or more than one ends the call with an error, in most runtimes"
    );
    let of_one = format!("expects a stream of {what}s and is sent just one");
    if is_stream { of(of_stream, of_one) } else { of(of_one, of_stream) }
}

/// A method that takes or gives another type.
pub(in super::super) fn type_of_method_changed() -> Effect {
    both("reads each number of the message as its own type declares it; nothing in the bytes tells the type")
}

/// A number that older versions had set aside because bytes in its old meaning may still be about.
pub(in super::super) fn number_reused() -> Effect {
    of(
        "takes the field for an unknown one; programs from before it was reserved take it for what it was then",
        "takes stored or late bytes from before it was reserved for the new field",
    )
}

/// The same for names, which only JSON and texts carry.
pub(in super::super) fn name_reused() -> Effect {
    both("reads the same bytes; JSON and text from before the name was reserved is taken for the new field")
}

/// A type that is gone.
pub(in super::super) fn type_deleted() -> Effect {
    of(
        "is never sent one by newer programs",
        "cannot tell what stored or queued bytes of it mean, nor unpack an Any that holds it",
    )
}

/// What generated code alone sees.
pub(in super::super) fn only_code() -> Effect {
    both("reads the same bytes; only generated code differs")
}

/// What JSON alone sees.
pub(in super::super) fn only_json() -> Effect {
    both("reads the same bytes; JSON differs")
}

/// A field or value that may be declared anew in another meaning.
pub(in super::super) fn reservation_deleted() -> Effect {
    both("reads the same bytes, until someone uses what was reserved again with another meaning")
}

/// Names of types that calls and `Any` carry.
pub(in super::super) fn package_changed() -> Effect {
    of(
        "does not know the new full names: calls go to other paths, an Any has another type URL",
        "does not know the old full names: calls go to other paths, an Any has another type URL",
    )
}

/// Checks of texts.
pub(in super::super) fn utf8_check_changed(old_checks: bool) -> Effect {
    let checks = "refuses the whole message where the text is no UTF-8";
    if old_checks { of(checks, SAME) } else { of(SAME, checks) }
}

/// Ranges that extensions may use.
pub(in super::super) fn extension_range_deleted() -> Effect {
    of(SAME, "keeps extensions of these numbers as unknown fields")
}

/// An enum that now keeps numbers it does not declare, or no longer does.
pub(in super::super) fn openness_changed(was_closed: bool) -> Effect {
    let closed = "takes numbers that it does not declare for absent; they lie among the unknown fields";
    let open = "keeps numbers that it does not declare";
    if was_closed { of(closed, open) } else { of(open, closed) }
}
