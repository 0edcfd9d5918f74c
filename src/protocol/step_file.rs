//! `step.toml`: what the author of a step declares.

mod renames;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use self::renames::Rename;
use super::error::{Fault, ProtocolError};
use super::history::History;
use super::relate;
use super::schema::{Method, Schema};
use super::step::{Cause, Hop, Step};
use super::text;

/// What `step.toml` holds; see the chapter on steps in the documentation of [`protocol`](super).
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepFile {
    from: Option<Spanned<String>>,
    rename: Rename,
    past: Side,
    future: Side,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Side {
    code: Vec<Spanned<String>>,
    refuse: Vec<Refuse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    method: Spanned<String>,
    reason: String,
    advice: Option<String>,
}

/// A `step.toml` as it was found: where, and its text.
#[derive(Clone, Copy)]
pub(super) struct StepText<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

/// Relates the last of `before`, which `steps` lead to, with `new`, as `declared` says.
pub(super) fn relate(
    before: &[Schema],
    steps: &[Step],
    new: &Schema,
    declared: Option<StepText<'_>>,
) -> Result<Step, ProtocolError> {
    // The caller relates versions in pairs, so there is one before.
    let Some(old) = before.last() else { unreachable!("a step has a version before it") };
    let file = match declared {
        Some(StepText { file, text }) => text::parse_toml(file, text)?,
        None => StepFile::default(),
    };
    let mut reading = Reading { source: declared, old, new, faults: Vec::new() };
    if declared.is_some() {
        reading.check_from(file.from.as_ref());
    }
    let counterparts = reading.counterparts(&file.rename);
    let past = reading.side("past", &file.past, old);
    let future = reading.side("future", &file.future, new);
    Fault::none_of(reading.faults)?;

    let history = History::new(before, steps);
    let mut moved = BTreeSet::new();
    let mut by_itself = Pairs::default();
    for (old_index, new_index) in counterparts {
        let compared = relate::compare(&old.methods()[old_index], &new.methods()[new_index], &history);
        moved.extend(compared.moved);
        let cause = (!compared.differences.is_empty()).then_some(Cause::Open(compared.differences));
        let hop = |counterpart| cause.clone().map_or(Hop::Same { counterpart }, Hop::Refused);
        by_itself.past.insert(old_index, hop(new_index));
        by_itself.future.insert(new_index, hop(old_index));
    }
    let hops = |declared: Vec<Option<Hop>>, mut of_themselves: BTreeMap<usize, Hop>| {
        let hop = |(index, declared): (usize, Option<Hop>)| {
            declared.or_else(|| of_themselves.remove(&index)).unwrap_or(Hop::Refused(Cause::Absent))
        };
        declared.into_iter().enumerate().map(hop).collect()
    };
    Ok(Step {
        from: old.version().clone(),
        to: new.version().clone(),
        past: hops(past, by_itself.past),
        future: hops(future, by_itself.future),
        moved,
    })
}

/// How methods cross the step where it declares nothing for them, by their index on either side.
#[derive(Default)]
struct Pairs {
    past: BTreeMap<usize, Hop>,
    future: BTreeMap<usize, Hop>,
}

struct Reading<'a> {
    source: Option<StepText<'a>>,
    old: &'a Schema,
    new: &'a Schema,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn fault(&mut self, at: &Spanned<String>, what: String, advice: String) {
        self.fault_at(at.span().start, what, advice);
    }

    fn fault_at(&mut self, offset: usize, what: String, advice: String) {
        if let Some(StepText { file, text }) = self.source {
            self.faults.push(Fault::new(file, what, advice).at_line(text::line_of(text, offset)));
        }
    }

    /// A step says what it comes from, so that a version that is missing or was put in between is noticed.
    fn check_from(&mut self, from: Option<&Spanned<String>>) {
        let old = self.old.version();
        match from {
            None => {
                self.fault_at(0, "`from` is missing".to_owned(), format!("write `from = \"{old}\"` on the first line"));
            }
            Some(from) if *from.get_ref() != old.to_string() => self.fault(
                from,
                format!(
                    "a gap in the chain: the step to {} comes from {}, but the version before it is {old}",
                    self.new.version(),
                    from.get_ref()
                ),
                format!("restore the folder of {}, or write this step anew for {old}", from.get_ref()),
            ),
            Some(_) => {}
        }
    }

    /// What one side of the step declares for each method of `schema`; a method's own entry goes before its service's.
    fn side(&mut self, name: &str, side: &Side, schema: &Schema) -> Vec<Option<Hop>> {
        let mut hops: Vec<Option<(Hop, bool)>> = vec![None; schema.methods().len()];
        let entries = side.code.iter().map(|element| (element, Hop::Code)).chain(side.refuse.iter().map(|entry| {
            let cause = Cause::Declared { reason: entry.reason.clone(), advice: entry.advice.clone() };
            (&entry.method, Hop::Refused(cause))
        }));
        for (element, hop) in entries {
            let Some(named) = self.find(schema, element) else { continue };
            let own = matches!(named, Named::Method(_));
            let of_service = |method: &Method| method.service() == element.get_ref();
            let wanted: Vec<usize> = match named {
                Named::Method(index) => vec![index],
                Named::Service => (0..hops.len()).filter(|index| of_service(&schema.methods()[*index])).collect(),
            };
            for index in wanted {
                match &hops[index] {
                    Some((_, true)) if !own => {}
                    Some((_, before)) if *before == own => {
                        let what =
                            format!("`{}` is declared twice under `{name}`", schema.methods()[index].full_name());
                        self.fault(element, what, "keep one of the two: code, or refuse".to_owned());
                    }
                    _ => hops[index] = Some((hop.clone(), own)),
                }
            }
        }
        hops.into_iter().map(|hop| hop.map(|(hop, _)| hop)).collect()
    }

    fn find(&mut self, schema: &Schema, element: &Spanned<String>) -> Option<Named> {
        let name = element.get_ref().as_str();
        if let Some(index) = schema.methods().iter().position(|method| method.full_name() == name) {
            return Some(Named::Method(index));
        }
        if schema.pool().get_service_by_name(name).is_some() {
            return Some(Named::Service);
        }
        let known = schema.methods().iter().map(Method::full_name);
        let advice = match text::nearest(name, known) {
            Some(nearest) => format!("did you mean `{nearest}`? Names are full: package.Service.Method"),
            None => "names are full: package.Service.Method, or package.Service for all its methods".to_owned(),
        };
        self.fault(element, format!("{} declares no method or service `{name}`", schema.version()), advice);
        None
    }
}

#[derive(Clone, Copy)]
enum Named {
    Method(usize),
    Service,
}
