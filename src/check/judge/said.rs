//! What `step.toml` says, by the line: to point at it, and to know its renames.

use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::protocol::Source;

/// Everything that a `step.toml` says, each key and each text with the keys that lead to it.
#[derive(Default)]
pub(super) struct Said {
    file: Option<PathBuf>,
    entries: Vec<Entry>,
}

struct Entry {
    keys: Vec<String>,
    /// The text, if it is one; of an array each of its texts is an entry.
    text: Option<String>,
    line: usize,
}

impl Said {
    /// What the step to a version says; nothing where it has no `step.toml`.
    pub(super) fn read(source: &Source) -> Self {
        let Some((file, text)) = &source.step else { return Self::default() };
        // The protocol was loaded, so it is TOML.
        let Ok(table) = DeTable::parse(text) else { return Self::default() };
        let mut entries = Vec::new();
        collect(table.get_ref(), &mut Vec::new(), text, &mut entries);
        Self { file: Some(file.clone()), entries }
    }

    /// A line of the file.
    pub(super) fn at(&self, line: usize) -> Option<(PathBuf, usize)> {
        self.file.clone().map(|file| (file, line))
    }

    /// The pairs of names under `[rename.<kind>]`.
    pub(super) fn renames<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = (String, String)> + 's {
        self.entries.iter().filter_map(move |entry| match entry.keys.as_slice() {
            [rename, of, old] if rename == "rename" && of == kind => Some((old.clone(), entry.text.clone()?)),
            _ => None,
        })
    }

    /// Where `[past]` or `[future]` speaks of a method, or else of its service.
    pub(super) fn of_method(&self, side: &str, method: &str, service: &str) -> Option<usize> {
        [method, service].into_iter().find_map(|name| {
            let speaks = |entry: &&Entry| {
                entry.keys.first().is_some_and(|first| first == side)
                    && (entry.keys.len() == 2 || entry.keys.last().is_some_and(|last| last == "method"))
                    && entry.text.as_deref() == Some(name)
            };
            self.entries.iter().find(speaks).map(|entry| entry.line)
        })
    }

    /// Where `accept_refused_responses` names one of these, methods or services.
    pub(super) fn accepts(&self, names: &[&str]) -> Option<usize> {
        let accepts = |entry: &&Entry| {
            matches!(entry.keys.as_slice(), [key] if key == "accept_refused_responses")
                && entry.text.as_deref().is_some_and(|text| names.contains(&text))
        };
        self.entries.iter().find(accepts).map(|entry| entry.line)
    }

    /// Where an enum's values are told of: under `[enums]`, or as a rename.
    pub(super) fn of_enum(&self, name: &str, value: Option<&str>) -> Option<usize> {
        let under = |entry: &&Entry| matches!(entry.keys.as_slice(), [table, of, ..] if table == "enums" && of == name);
        let names_value = |entry: &&Entry| {
            value.is_some_and(|value| {
                entry.keys.last().is_some_and(|last| last == value) || entry.text.as_deref() == Some(value)
            })
        };
        let renames_value = |entry: &&Entry| {
            matches!(entry.keys.as_slice(), [rename, values, old] if rename == "rename" && values == "values"
                && old.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
                && value.is_none_or(|value| old.ends_with(&format!(".{value}")) || entry.text.as_deref() == Some(value)))
        };
        let exactly = self.entries.iter().filter(under).find(names_value);
        let renamed = || self.entries.iter().find(renames_value);
        exactly.or_else(renamed).or_else(|| self.entries.iter().find(under)).map(|entry| entry.line)
    }
}

fn collect(table: &DeTable<'_>, keys: &mut Vec<String>, text: &str, found: &mut Vec<Entry>) {
    for (key, value) in table {
        keys.push(key.get_ref().to_string());
        entry(key.span().start, value, keys, text, found);
        keys.pop();
    }
}

fn entry(start: usize, value: &Spanned<DeValue<'_>>, keys: &mut Vec<String>, text: &str, found: &mut Vec<Entry>) {
    let mut add = |text_of: Option<String>| {
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        found.push(Entry { keys: keys.clone(), text: text_of, line });
    };
    match value.get_ref() {
        DeValue::String(said) => add(Some(said.to_string())),
        DeValue::Array(values) => {
            add(None);
            for value in values {
                entry(value.span().start, value, keys, text, found);
            }
        }
        DeValue::Table(table) => {
            add(None);
            collect(table, keys, text, found);
        }
        _ => add(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = r#"from = "1.0.0"
accept_refused_responses = [
    "shop.v1.Shop.Put",
]
[rename.packages]
"shop.v1" = "shop.v2"
[rename.values]
"shop.v1.State.GONE" = "DELETED"
[enums."shop.v1.Kind"]
values = { OLD = "NEW" }
[past]
code = ["shop.v1.Shop.Get",
        "shop.v1.Admin"]
[[past.refuse]]
reason = "no audit trail"
method = "shop.v1.Shop.Audit"
"#;

    fn said() -> Said {
        let step = Some((PathBuf::from("step.toml"), STEP.to_owned()));
        let (version, origin) = (crate::Version::new(2, 0, 0), PathBuf::new());
        Said::read(&Source { version, origin, descriptor_set: bytes::Bytes::new(), step })
    }

    #[test]
    fn what_is_said_is_found_by_its_line() {
        let said = said();
        assert_eq!(said.of_method("past", "shop.v1.Shop.Get", "shop.v1.Shop"), Some(12));
        assert_eq!(said.of_method("past", "shop.v1.Admin.Purge", "shop.v1.Admin"), Some(13));
        assert_eq!(said.of_method("past", "shop.v1.Shop.Audit", "shop.v1.Shop"), Some(16));
        assert_eq!(said.of_method("future", "shop.v1.Shop.Get", "shop.v1.Shop"), None);
        assert_eq!(said.accepts(&["shop.v2.Shop.Put", "shop.v1.Shop.Put"]), Some(3));
        assert_eq!(said.of_enum("shop.v1.State", Some("DELETED")), Some(8));
        assert_eq!(said.of_enum("shop.v1.Kind", Some("NEW")), Some(10));
        assert_eq!(said.of_enum("shop.v1.Kind", Some("OTHER")), Some(9));
        assert_eq!(said.renames("packages").collect::<Vec<_>>(), [("shop.v1".to_owned(), "shop.v2".to_owned())]);
    }
}
