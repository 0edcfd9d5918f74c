//! `straddle check --list-rules`.

use std::fmt::Write;

use serde_json::json;

use super::view::category;
use crate::check::Rule;
use crate::check::judge::OWN_RULES;
use crate::check::rule::RULES;
use crate::cli::arguments::CheckFormat;

/// All rules, by id.
pub(super) fn all() -> Vec<&'static Rule> {
    let mut all: Vec<&Rule> = RULES.iter().chain(OWN_RULES).collect();
    all.sort_by_key(|rule| rule.id);
    all
}

pub(super) fn listed(format: CheckFormat) -> Result<String, Box<dyn std::error::Error>> {
    let names = |rule: &Rule| rule.categories.iter().copied().map(category).collect::<Vec<_>>();
    if format == CheckFormat::Json {
        let rows =
            all().into_iter().map(|rule| json!({ "id": rule.id, "categories": names(rule), "purpose": rule.purpose }));
        return Ok(serde_json::to_string_pretty(&rows.collect::<Vec<_>>())? + "\n");
    }
    let width = all().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let categories = all().iter().map(|rule| names(rule).join(", ").len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in all() {
        writeln!(text, "{:<width$}  {:<categories$}  {}", rule.id, names(rule).join(", "), rule.purpose)?;
    }
    Ok(text)
}
