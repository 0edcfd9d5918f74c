//! Fields and extensions that both versions have: the same number in the same message.

use prost_types::field_descriptor_proto::Type;

use super::super::rule::Id;
use super::effect::kinds::Held;
use super::effect::{cardinality, elements, kinds, settled};
use super::field::{Cardinality, Field};
use super::index::tag;
use super::report::{About, At, Report};
use super::{defaults, types};

/// All rules that look at a pair of fields.
pub(super) fn compare(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    if same_but_for_names(report, old, new) {
        return;
    }
    let before = report.found.len();
    cardinalities(report, old, new);
    types(report, old, new);
    names(report, old, new);
    oneofs(report, old, new);
    texts(report, old, new);
    jstypes(report, old, new);
    default_values(report, old, new);
    settled::settle(&mut report.found[before..]);
}

/// Most pairs differ in nothing that any rule looks at; this sorts them out at the price of a comparison.
fn same_but_for_names(report: &Report<'_>, old: &Field<'_>, new: &Field<'_>) -> bool {
    old.syntax() == new.syntax()
        && old.item.name == new.item.name
        && old.cardinality() == new.cardinality()
        && old.item.r#type == new.item.r#type
        && old.item.type_name == new.item.type_name
        && report.names.same_type(old.item.type_name(), new.item.type_name())
        && old.item.default_value == new.item.default_value
        && old.item.json_name == new.item.json_name
        && old.item.options == new.item.options
        && old.item.proto3_optional == new.item.proto3_optional
        && old.oneof() == new.oneof()
        && old.kind() != Type::Enum
        && old.checks_utf8_in_java() == new.checks_utf8_in_java()
        && !old.is_extension()
}

fn add(
    report: &mut Report<'_>,
    rule: Id,
    new: &Field<'_>,
    tails: &[&[i32]],
    what: String,
    effect: super::super::Effect,
) {
    let mut paths: Vec<Vec<i32>> = tails.iter().map(|tail| new.path(tail)).collect();
    paths.push(new.path(&[]));
    let paths: Vec<&[i32]> = paths.iter().map(Vec::as_slice).collect();
    let about = About { group: new.message_name().to_owned(), element: new.full_name() };
    report.add(rule, At::New(new.file(), &paths), about, what, effect);
}

fn cardinalities(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    let (was, is) = (old.cardinality(), new.cardinality());
    // What a map's entry consists of is generated.
    if was == is || (old.is_in_map_entry() && new.is_in_map_entry()) {
        return;
    }
    let what = || format!("{} was {}, and is {}", new.shown(), was.shown(), is.shown());
    let mut broken = vec![Id::FIELD_SAME_CARDINALITY];
    if on_wire(was) != on_wire(is) {
        broken.push(Id::FIELD_WIRE_COMPATIBLE_CARDINALITY);
    }
    if on_wire(was) != on_wire(is) || matches!((was, is), (Cardinality::Map, _) | (_, Cardinality::Map)) {
        broken.push(Id::FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY);
    }
    let singular = |cardinality| matches!(cardinality, Cardinality::Explicit | Cardinality::Implicit);
    // Within a oneof, presence is what the oneof says; a finding of its own tells of moves.
    if singular(was) && singular(is) && old.oneof() == new.oneof() {
        broken.push(Id::STRADDLE_FIELD_SAME_PRESENCE);
    }
    for rule in broken {
        add(report, rule, new, &[], what(), cardinality::changed(old, new));
    }
}

/// Cardinalities of one group read each other's bytes.
fn on_wire(cardinality: Cardinality) -> u8 {
    match cardinality {
        Cardinality::Explicit | Cardinality::Implicit => 1,
        Cardinality::Required => 2,
        Cardinality::Repeated | Cardinality::Map => 3,
    }
}

fn types(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    let same_name = report.names.same_type(old.item.type_name(), new.item.type_name());
    let mut broken = Vec::new();
    if old.kind() == new.kind() {
        if same_name || !matches!(new.kind(), Type::Enum | Type::Group | Type::Message) {
            return;
        }
        broken.push(Id::FIELD_SAME_TYPE);
        if new.kind() != Type::Enum || !types::enum_grew(old, new) {
            broken.extend([Id::FIELD_WIRE_COMPATIBLE_TYPE, Id::FIELD_WIRE_JSON_COMPATIBLE_TYPE]);
        }
    } else {
        broken.push(Id::FIELD_SAME_TYPE);
        let to_bytes = (old.kind(), new.kind()) == (Type::String, Type::Bytes);
        if types::on_wire(old.kind()) != types::on_wire(new.kind()) && !to_bytes {
            broken.push(Id::FIELD_WIRE_COMPATIBLE_TYPE);
        }
        if types::on_wire_and_in_json(old.kind()) != types::on_wire_and_in_json(new.kind()) {
            broken.push(Id::FIELD_WIRE_JSON_COMPATIBLE_TYPE);
        }
    }
    let tail = match new.kind() {
        Type::Message | Type::Enum | Type::Group => [tag::FIELD_TYPE_NAME],
        _ => [tag::FIELD_TYPE],
    };
    let held = |field: &Field<'_>| Held { kind: field.kind(), closed: field.holds_closed_enum() };
    for rule in broken {
        let what = format!("{} was of type {}, and is of type {}", new.shown(), old.shown_type(), new.shown_type());
        add(report, rule, new, &[&tail], what, kinds::changed(held(old), held(new)));
    }
}

fn names(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    let (was, is) = if old.is_extension() {
        (report.names.now(&old.full_name()).into_owned(), new.full_name())
    } else {
        (old.item.name().to_owned(), new.item.name().to_owned())
    };
    if was != is {
        let what = format!("field {} was called `{was}`, and is called `{is}`", new.item.number());
        let effect = elements::field_renamed(&was, &is);
        add(report, Id::FIELD_SAME_NAME, new, &[&[tag::FIELD_NAME]], what, effect);
    }
    // Nobody can say an extension's name in JSON.
    if !old.is_extension() && old.json_name() != new.json_name() {
        let what = format!("{} was `{}` in JSON, and is `{}`", new.shown(), old.json_name(), new.json_name());
        let effect = elements::field_renamed(old.json_name(), new.json_name());
        add(report, Id::FIELD_SAME_JSON_NAME, new, &[&[JSON_NAME]], what, effect);
    }
}

const JSON_NAME: i32 = 10;

fn oneofs(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    let (was, is) = (old.oneof(), new.oneof());
    if was == is {
        return;
    }
    let shown = new.shown();
    let what = match (was, is) {
        (Some(was), Some(is)) => format!("{shown} moved from the oneof `{was}` to the oneof `{is}`"),
        (Some(was), None) => format!("{shown} moved out of the oneof `{was}`"),
        (None, is) => format!("{shown} moved into the oneof `{}`", is.unwrap_or_default()),
    };
    add(report, Id::FIELD_SAME_ONEOF, new, &[], what, elements::oneof_changed(was.is_some(), is.is_some()));
}

fn texts(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    use prost_types::field_options::CType;
    let is_text = |field: &Field<'_>| matches!(field.kind(), Type::String | Type::Bytes);
    if !is_text(old) || !is_text(new) {
        return;
    }
    let (was, is) = (old.ctype(), new.ctype());
    // A piece that becomes a whole string breaks nobody.
    if was != is
        && (was, is) != (CType::StringPiece, CType::String)
        && !(old.is_in_map_entry() && new.is_in_map_entry())
    {
        let what = format!("{} was {} in C++, and is {}", new.shown(), was.as_str_name(), is.as_str_name());
        let ctype: &[i32] = &[tag::FIELD_OPTIONS, CTYPE];
        add(report, Id::FIELD_SAME_CPP_STRING_TYPE, new, &[ctype], what, elements::only_code());
    }
    if old.kind() != Type::String || new.kind() != Type::String {
        return;
    }
    let says = |checks: bool| if checks { "checked" } else { "not checked" };
    let (was, is) = (old.checks_utf8(), new.checks_utf8());
    if was != is {
        let what = format!("{} was {} for UTF-8, and is {}", new.shown(), says(was), says(is));
        add(report, Id::FIELD_SAME_UTF8_VALIDATION, new, &[], what, elements::utf8_check_changed(was));
    }
    let (was, is) = (old.checks_utf8_in_java(), new.checks_utf8_in_java());
    if was != is {
        let what = format!("{} was {} for UTF-8 in Java, and is {}", new.shown(), says(was), says(is));
        let option = report.new.files[new.file()].span(&[tag::FILE_OPTIONS, JAVA_STRING_CHECK_UTF8]).is_some();
        if option {
            let about = About { group: new.message_name().to_owned(), element: new.full_name() };
            let at = At::New(new.file(), &[&[tag::FILE_OPTIONS, JAVA_STRING_CHECK_UTF8]]);
            report.add(Id::FIELD_SAME_JAVA_UTF8_VALIDATION, at, about, what, elements::utf8_check_changed(was));
        } else {
            add(report, Id::FIELD_SAME_JAVA_UTF8_VALIDATION, new, &[], what, elements::utf8_check_changed(was));
        }
    }
}

const CTYPE: i32 = 1;
const JSTYPE: i32 = 6;
const JAVA_STRING_CHECK_UTF8: i32 = 27;

fn jstypes(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    if types::is_64_bits(old.kind()) && types::is_64_bits(new.kind()) && old.jstype() != new.jstype() {
        let (was, is) = (old.jstype().as_str_name(), new.jstype().as_str_name());
        let what = format!("{} was {was} in JavaScript, and is {is}", new.shown());
        let jstype: &[i32] = &[tag::FIELD_OPTIONS, JSTYPE];
        add(report, Id::FIELD_SAME_JSTYPE, new, &[jstype], what, elements::only_code());
    }
}

fn default_values(report: &mut Report<'_>, old: &Field<'_>, new: &Field<'_>) {
    let (Some(was), Some(is)) = (defaults::of(old), defaults::of(new)) else { return };
    if was.differs(&is) {
        let (was, is) = (was.shown(), is.shown());
        let what = format!("{} had the default {was}, and has {is}", new.shown());
        let effect = elements::default_changed(&was, &is);
        add(report, Id::FIELD_SAME_DEFAULT, new, &[&[tag::FIELD_DEFAULT]], what, effect);
    }
}
