//! Tables of values: what a rule says of single values, and how values are spelled.

use std::collections::BTreeMap;

use prost_reflect::EnumDescriptor;

use super::kinds::{self, Class};
use super::literals::{lacking, shown};
use super::{Literal, Pair, UnknownValue, Values, enums};
use crate::protocol::plan::{Cell, Table, Unknown};

/// What `values` says.
pub(super) fn of_values(pair: &Pair<'_>, values: &Values, source: &Class, target: &Class) -> Result<Table, String> {
    let entries = pairs(&values.pairs, source, target)?;
    let unknown = unknown(&values.unknown, source, target)?;
    if entries.is_empty() && unknown == Unknown::Refuse {
        return Err(format!("`values` of `{}` is empty: say which value stands for which", pair.source.name()));
    }
    Ok(Table {
        entries: entries.into_iter().map(|(from, to)| (from.cell(), to)).collect(),
        unknown,
        names: names(source),
    })
}

/// The names of an enum's values, and what `values` says on top.
pub(super) fn spelled(pair: &Pair<'_>, source: &Class, target: &Class) -> Result<Table, String> {
    let values = pair.options.values.as_ref();
    let mut entries = match values {
        Some(values) => pairs(&values.pairs, source, target)?,
        None => BTreeMap::new(),
    };
    if pair.options.text.is_some() {
        let own = match (source, target) {
            (Class::Enum(declared), _) => enums::numbers(declared)
                .map(|(number, name)| (Key::Number(number.into()), Cell::Text(name)))
                .collect::<Vec<_>>(),
            (_, Class::Enum(declared)) => declared
                .values()
                .map(|value| (Key::Text(value.name().to_owned()), Cell::Number(value.number().into())))
                .collect(),
            _ => Vec::new(),
        };
        for (from, to) in own {
            entries.entry(from).or_insert(to);
        }
    }
    let unknown = values.map_or(Ok(Unknown::Refuse), |values| unknown(&values.unknown, source, target))?;
    Ok(Table {
        entries: entries.into_iter().map(|(from, to)| (from.cell(), to)).collect(),
        unknown,
        names: names(source),
    })
}

/// `true` and `false`.
pub(super) fn truth(source: &Class) -> Table {
    let words = [(0, "false"), (1, "true")];
    let entries = words.map(|(number, word)| {
        let (number, word) = (Cell::Number(number), Cell::Text(word.to_owned()));
        if matches!(source, Class::Bool) { (number, word) } else { (word, number) }
    });
    Table { entries: entries.to_vec(), unknown: Unknown::Refuse, names: names(source) }
}

/// What the source calls its numbers.
pub(super) fn names(source: &Class) -> Vec<(i64, String)> {
    match source {
        Class::Enum(declared) => enums::numbers(declared).map(|(number, name)| (number.into(), name)).collect(),
        Class::Bool => vec![(0, "false".to_owned()), (1, "true".to_owned())],
        _ => Vec::new(),
    }
}

/// What becomes of what, each source once.
pub(super) fn pairs(
    pairs: &[(Literal, Literal)],
    source: &Class,
    target: &Class,
) -> Result<BTreeMap<Key, Cell>, String> {
    let mut entries = BTreeMap::new();
    for (from, to) in pairs {
        let key = Key::of(cell(from, source)?);
        let to_cell = cell(to, target)?;
        let before = entries.insert(key, to_cell.clone());
        if before.is_some_and(|before| before != to_cell) {
            let what = format!("two values stand for {}", shown(from));
            return Err(format!("{what}: say which one counts with `values_up` or `values_down`"));
        }
    }
    Ok(entries)
}

/// What becomes of the rest.
pub(super) fn unknown(said: &UnknownValue, source: &Class, target: &Class) -> Result<Unknown, String> {
    Ok(match said {
        UnknownValue::Refuse => Unknown::Refuse,
        UnknownValue::To(literal) => Unknown::To(cell(literal, target)?),
        UnknownValue::Pass if matches!(source, Class::Text) == matches!(target, Class::Text) => Unknown::Pass,
        UnknownValue::Pass => {
            let advice = "write \"refuse\", or the value that it becomes";
            return Err(format!("`unknown = \"pass\"` cannot pass text for a number, nor a number for text: {advice}"));
        }
    })
}

/// A literal as a value of this class.
fn cell(literal: &Literal, class: &Class) -> Result<Cell, String> {
    let wrong = |what: &str| Err(format!("{} is {what}", shown(literal)));
    match (class, literal) {
        (Class::Text, Literal::Text(text)) => Ok(Cell::Text(text.clone())),
        (Class::Text, _) => wrong("no text: put it in quotes"),
        (Class::Bool, Literal::Bool(value)) => Ok(Cell::Number((*value).into())),
        (Class::Bool, Literal::Text(text)) if text == "true" => Ok(Cell::Number(1)),
        (Class::Bool, Literal::Text(text)) if text == "false" => Ok(Cell::Number(0)),
        (Class::Bool, _) => wrong("neither true nor false"),
        (Class::Integer(kind), literal) => {
            let number = match literal {
                Literal::Integer(number) => Some(*number),
                // Keys of a table are always text.
                Literal::Text(text) => text.parse().ok(),
                _ => None,
            };
            let Some(number) = number else { return wrong("no integer") };
            let fits = kinds::range(kind).is_none_or(|(least, greatest)| (least..=greatest).contains(&number.into()));
            if fits { Ok(Cell::Number(number)) } else { wrong("out of range") }
        }
        (Class::Enum(declared), literal) => Ok(Cell::Number(value(literal, declared)?.into())),
        _ => wrong("no value that can stand in a table"),
    }
}

/// The number of an enum's value, by its name or its number.
pub(super) fn value(literal: &Literal, declared: &EnumDescriptor) -> Result<i32, String> {
    let enum_name = declared.full_name();
    let number = match literal {
        Literal::Text(name) => {
            if let Some(value) = declared.get_value_by_name(name) {
                return Ok(value.number());
            }
            // Full names are what expressions use.
            let own = enum_name.rsplit_once('.').map_or(enum_name, |(_, own)| own);
            let bare = name.strip_prefix(enum_name).or_else(|| name.strip_prefix(own));
            if let Some(value) =
                bare.and_then(|rest| rest.strip_prefix('.')).and_then(|bare| declared.get_value_by_name(bare))
            {
                return Ok(value.number());
            }
            name.parse::<i64>().ok()
        }
        Literal::Integer(number) => Some(*number),
        Literal::Float(_) | Literal::Bool(_) => None,
    };
    let named =
        number.and_then(|number| i32::try_from(number).ok()).filter(|number| declared.get_value(*number).is_some());
    named.ok_or_else(|| {
        let name = match literal {
            Literal::Text(name) => name.clone(),
            other => shown(other),
        };
        lacking(enum_name, "value", &name, declared.values().map(|value| value.name().to_owned()))
    })
}

/// A cell that can be looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    fn of(cell: Cell) -> Self {
        match cell {
            Cell::Number(number) => Self::Number(number),
            Cell::Text(text) => Self::Text(text),
        }
    }

    pub(super) fn cell(self) -> Cell {
        match self {
            Self::Number(number) => Cell::Number(number),
            Self::Text(text) => Cell::Text(text),
        }
    }
}
