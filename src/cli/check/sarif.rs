//! A check as SARIF (OASIS, *Static Analysis Results Interchange Format* 2.1.0), for code scanning.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::rules;
use super::view::{View, categories, category, level, word};
use crate::check::judge::{Finding, own};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn of(view: &View<'_>, fails: bool) -> Result<String, serde_json::Error> {
    let all = rules::all();
    let indices: BTreeMap<&str, usize> = all.iter().enumerate().map(|(index, rule)| (rule.id, index)).collect();
    let described: Vec<Value> = all
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.purpose },
                "properties": { "tags": rule.categories.iter().copied().map(category).collect::<Vec<_>>() },
            })
        })
        .collect();
    // Code scanning keeps each result as something to look into; what was only added is nothing of that kind.
    let results = view.report.all().filter(|finding| !finding.is_addition());
    let results: Vec<Value> = results.map(|finding| result(view, finding, &indices)).collect();
    // A check that found something has run well; one that could not read the protos has not, and its results say why.
    let unreadable = view.report.findings.iter().any(|finding| finding.rule.id == own::PROTOCOL_FAULT.id);
    let exit_code = if unreadable { super::UNREADABLE } else { u8::from(fails) };
    let invocation = json!({ "executionSuccessful": !unreadable, "exitCode": exit_code });
    document(&described, &invocation, &results)
}

/// A check that could not be made.
pub(super) fn of_error(told: &str) -> Result<String, serde_json::Error> {
    let notification = json!({ "level": "error", "message": { "text": told } });
    let invocation = json!({
        "executionSuccessful": false,
        "exitCode": super::UNREADABLE,
        "toolExecutionNotifications": [notification],
    });
    document(&[], &invocation, &[])
}

fn document(rules: &[Value], invocation: &Value, results: &[Value]) -> Result<String, serde_json::Error> {
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "straddle",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "the folder that the check ran in" } } },
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn result(view: &View<'_>, finding: &Finding, indices: &BTreeMap<&str, usize>) -> Value {
    let what = vec![format!("{}: {}", finding.element, view.named(&finding.what))];
    let told = [what, view.effects(finding), view.outcome(finding)].concat();
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": level(finding.level),
        "message": { "text": told.join("\n") },
        "locations": [location(view, finding)],
        "partialFingerprints": { "straddleFinding/v1": fingerprint(finding) },
        "properties": { "categories": categories(finding) },
    });
    if let Some(index) = indices.get(finding.rule.id) {
        result["ruleIndex"] = (*index).into();
    }
    if let Some(verdict) = &finding.verdict {
        result["properties"]["verdict"] = word(verdict).into();
    }
    if let Some((from, to)) = &finding.step {
        result["properties"]["step"] = json!({ "from": view.named(from), "to": view.named(to) });
    }
    result
}

/// Where it is shown: at its place in the working copy, else at the file that stands for the whole check.
fn location(view: &View<'_>, finding: &Finding) -> Value {
    let logical = json!([{ "fullyQualifiedName": finding.element }]);
    let (file, region) = if let Some(shown) = view.shown(finding).filter(|shown| shown.in_working_copy) {
        // Code scanning shows nothing that has no line; a file as a whole begins at its first.
        let line = shown.spot.line.unwrap_or(1);
        let mut region = json!({ "startLine": line, "startColumn": shown.spot.column });
        if let Some(end) = shown.spot.end {
            region["endColumn"] = end.into();
        }
        (shown.file, region)
    } else {
        (view.path(&view.report.anchor), json!({ "startLine": 1 }))
    };
    let physical = json!({ "artifactLocation": artifact(&file), "region": region });
    json!({ "physicalLocation": physical, "logicalLocations": logical })
}

fn artifact(file: &str) -> Value {
    if Path::new(file).is_absolute() {
        json!({ "uri": format!("file://{}", uri(file)) })
    } else {
        json!({ "uri": uri(file), "uriBaseId": "%SRCROOT%" })
    }
}

/// A path as a part of a URI (RFC 3986, section 3.3): all but unreserved characters and `/` percent-encoded.
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// What stays the same while lines move: the rule, the element, and the step.
fn fingerprint(finding: &Finding) -> String {
    let (from, to) = finding.step.clone().unwrap_or_default();
    let hash = Sha256::digest([finding.rule.id, &finding.element, &finding.what, &from, &to].join("\n"));
    hash[..16].iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        for (path, encoded) in [
            ("protos/shop v1/a.proto", "protos/shop%20v1/a.proto"),
            ("ä#?.proto", "%C3%A4%23%3F.proto"),
            ("100%/a:b.proto", "100%25/a%3Ab.proto"),
        ] {
            assert_eq!(uri(path), encoded);
        }
        assert_eq!(artifact("/abs/a.proto"), json!({ "uri": "file:///abs/a.proto" }));
        assert_eq!(artifact("a.proto"), json!({ "uri": "a.proto", "uriBaseId": "%SRCROOT%" }));
    }
}
