//! Which value of one enum is which of another.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, Kind};

use super::kinds::{self, Class, is_open};
use super::tables::{self, Key};
use super::{Literal, Pair, UnknownValue};
use crate::protocol::plan::{Cell, Change, Table, Unknown};

/// What becomes of the values; nothing where all keep their numbers, those without a name too.
///
/// What the rule of the fields says goes before what the step says of the enums, and that before equal names.
pub(super) fn table(
    pair: &Pair<'_>,
    source: &EnumDescriptor,
    target: &EnumDescriptor,
) -> Result<Option<Table>, String> {
    let rules = pair.names.enum_rules(source, target);
    let classes = (Class::Enum(source.clone()), Class::Enum(target.clone()));
    let literals: Vec<(Literal, Literal)> =
        rules.pairs.into_iter().map(|(from, to)| (Literal::Text(from), Literal::Text(to))).collect();
    let mut entries = tables::pairs(&literals, &classes.0, &classes.1)?;
    let values = pair.options.values.as_ref();
    if let Some(values) = values {
        entries.extend(tables::pairs(&values.pairs, &classes.0, &classes.1)?);
    }
    for (number, name) in numbers(source) {
        let key = Key::Number(number.into());
        if entries.contains_key(&key) {
            continue;
        }
        if let Some(met) = by_name(source, target, number, &name)? {
            entries.insert(key, Cell::Number(met.into()));
        }
    }
    let said = values.map(|values| &values.unknown).or(rules.unknown.as_ref());
    let unknown = match said {
        Some(said) => tables::unknown(said, &classes.0, &classes.1)?,
        None if unchanged(source, target) => tables::unknown(&UnknownValue::Pass, &classes.0, &classes.1)?,
        None => Unknown::Refuse,
    };
    if let (None, Unknown::To(_)) = (values, &unknown) {
        // Under [enums] it speaks of numbers without a name; a table has one answer for all that it lacks.
        let lacks = numbers(source).filter(|(number, _)| !entries.contains_key(&Key::Number((*number).into())));
        let lacks: Vec<String> = lacks.map(|(_, name)| name).collect();
        if !lacks.is_empty() {
            let (from, to, lacks) = (source.full_name(), target.full_name(), lacks.join(", "));
            let what = format!("{to} has nothing for {lacks} of {from}, and `unknown` would stand for it");
            return Err(format!("{what}: say what it becomes under `up` or `down`, or with `values` for this field"));
        }
    }
    let kept = numbers(source)
        .all(|(number, _)| entries.get(&Key::Number(number.into())) == Some(&Cell::Number(number.into())));
    if kept && unknown == Unknown::Pass {
        return Ok(None);
    }
    let entries = entries.into_iter().map(|(from, to)| (from.cell(), to)).collect();
    Ok(Some(Table { entries, unknown, names: tables::names(&classes.0) }))
}

/// What an integer has to be to be the number of a value.
pub(super) fn by_number(declared: &EnumDescriptor) -> Vec<Change> {
    if is_open(declared) {
        return vec![Change::Fit(Kind::Int32)];
    }
    // A reader takes other numbers for unknown fields.
    let entries = numbers(declared).map(|(number, _)| (Cell::Number(number.into()), Cell::Number(number.into())));
    let table = Table { entries: entries.collect(), unknown: Unknown::Refuse, names: Vec::new() };
    vec![Change::Table(table.into())]
}

/// Each number once, with the first of its names, by number.
pub(super) fn numbers(declared: &EnumDescriptor) -> impl Iterator<Item = (i32, String)> {
    let mut first = BTreeMap::new();
    // A descriptor lists its values by number; the names of one number in the order of the proto.
    for value in &declared.enum_descriptor_proto().value {
        first.entry(value.number()).or_insert_with(|| value.name().to_owned());
    }
    first.into_iter()
}

/// The number that goes by one of the names of `number`.
fn by_name(source: &EnumDescriptor, target: &EnumDescriptor, number: i32, first: &str) -> Result<Option<i32>, String> {
    let values = &source.enum_descriptor_proto().value;
    let names: Vec<&str> = values
        .iter()
        .filter(|value| value.number() == number)
        .map(prost_types::EnumValueDescriptorProto::name)
        .collect();
    let met: BTreeSet<i32> =
        names.iter().filter_map(|name| target.get_value_by_name(name)).map(|value| value.number()).collect();
    if met.len() > 1 {
        let (from, to) = (source.full_name(), target.full_name());
        let what = format!("{} of {from} are one number, and several of {to}", names.join(" and "));
        return Err(format!("{what}: say which one counts, as `{first} = \"…\"` under [enums.\"…\"] or in `values`"));
    }
    Ok(met.first().copied())
}

/// Whether both name the same numbers in the same way.
fn unchanged(source: &EnumDescriptor, target: &EnumDescriptor) -> bool {
    let all = |declared: &EnumDescriptor| -> BTreeSet<(i32, String)> {
        declared.values().map(|value| (value.number(), value.name().to_owned())).collect()
    };
    kinds::is_open(source) == kinds::is_open(target) && all(source) == all(target)
}
