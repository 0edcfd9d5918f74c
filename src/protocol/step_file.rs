//! `step.toml`: what the author of a step declares.

mod renames;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use self::renames::Rename;
use super::error::{Fault, ProtocolError};
use super::history::History;
use super::plan::Plans;
use super::relate::{self, Difference};
use super::schema::{Method, Schema};
use super::step::{self, Cause, Hop, Step};
use super::text;
use crate::version::Version;

/// What `step.toml` holds; see the chapter on steps in the documentation of [`protocol`](super).
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepFile {
    from: Option<Spanned<String>>,
    rename: Rename,
    past: Past,
    future: Future,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Past {
    code: Vec<Spanned<String>>,
    refuse: Vec<Refuse>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Future {
    code: Vec<Spanned<String>>,
    refuse: Vec<Refuse>,
    /// Methods whose new request fields the older side may pass over.
    same: Vec<Spanned<String>>,
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
    let past = reading.side("past", &file.past.code, &file.past.refuse, &[], old);
    let future = reading.side("future", &file.future.code, &file.future.refuse, &file.future.same, new);

    let history = History::new(before, steps);
    let mut moved = BTreeSet::new();
    let mut by_themselves = Pairs::default();
    for (old_index, new_index) in counterparts {
        let compared = relate::compare(&old.methods()[old_index], &new.methods()[new_index], &history);
        moved.extend(compared.moved);
        by_themselves.past.insert(old_index, ByItself::new(new_index, compared.differences.clone(), Vec::new()));
        by_themselves.future.insert(new_index, ByItself::new(old_index, compared.differences, compared.unheard));
    }
    let breaking = step::is_breaking(old.version(), new.version());
    let past = reading.hops(past, by_themselves.past, breaking);
    let future = reading.hops(future, by_themselves.future, breaking);
    Fault::none_of(reading.faults)?;
    Ok(Step {
        from: old.version().clone(),
        to: new.version().clone(),
        past,
        future,
        moved,
        up: Plans::default(),
        down: Plans::default(),
    })
}

/// What methods are by themselves, by their index on either side.
#[derive(Default)]
struct Pairs {
    past: BTreeMap<usize, ByItself>,
    future: BTreeMap<usize, ByItself>,
}

/// How a method and its counterpart compare, on one side.
#[derive(Default)]
struct ByItself {
    counterpart: Option<usize>,
    differences: Vec<Difference>,
    unheard: Vec<Difference>,
}

impl ByItself {
    fn new(counterpart: usize, differences: Vec<Difference>, unheard: Vec<Difference>) -> Self {
        Self { counterpart: Some(counterpart), differences, unheard }
    }
}

/// What the step declares for a method, and where.
#[derive(Clone)]
enum Declared {
    Code,
    Refused(Cause),
    Same { offset: usize },
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
            Some(from) if from.get_ref().parse::<Version>().is_err() => {
                let what = format!("`from` is \"{}\", which is no version", from.get_ref());
                self.fault(from, what, format!("write `from = \"{old}\"`, the version before this one"));
            }
            Some(from) if *from.get_ref() == self.new.version().to_string() => {
                let what = format!("the step to {} cannot come from itself", from.get_ref());
                self.fault(from, what, format!("write `from = \"{old}\"`, the version before this one"));
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

    /// The hops of one side: what is declared, else what the methods are by themselves.
    fn hops(
        &mut self,
        declared: Vec<Option<Declared>>,
        mut by_themselves: BTreeMap<usize, ByItself>,
        breaking: bool,
    ) -> Vec<Hop> {
        let mut hops = Vec::new();
        for (index, declared) in declared.into_iter().enumerate() {
            let ByItself { counterpart, differences, unheard } = by_themselves.remove(&index).unwrap_or_default();
            let vouched = matches!(declared, Some(Declared::Same { .. }));
            hops.push(match (declared, counterpart) {
                (Some(Declared::Code), _) => Hop::Code { differences: [differences, unheard].concat() },
                (Some(Declared::Refused(cause)), _) => Hop::Refused(cause),
                (_, Some(counterpart)) if differences.is_empty() && (vouched || !breaking || unheard.is_empty()) => {
                    Hop::Same { counterpart, unheard }
                }
                (Some(Declared::Same { offset }), counterpart) => {
                    let why = match (counterpart, differences.first()) {
                        (Some(_), Some(difference)) => difference.to_string(),
                        _ => "the other version has no counterpart".to_owned(),
                    };
                    let what = format!("a method that is declared same differs in more than new fields: {why}");
                    self.fault_at(offset, what, "declare it under code, or refuse it".to_owned());
                    Hop::Refused(Cause::Absent)
                }
                (None, Some(_)) => Hop::Refused(Cause::Open([differences, unheard].concat())),
                (None, None) => Hop::Refused(Cause::Absent),
            });
        }
        hops
    }

    /// What one side of the step declares for each method of `schema`; a method's own entry goes before its service's.
    fn side(
        &mut self,
        name: &str,
        code: &[Spanned<String>],
        refuse: &[Refuse],
        same: &[Spanned<String>],
        schema: &Schema,
    ) -> Vec<Option<Declared>> {
        let mut hops: Vec<Option<(Declared, bool)>> = vec![None; schema.methods().len()];
        let refusals = refuse.iter().map(|entry| {
            let cause = Cause::Declared { reason: entry.reason.clone(), advice: entry.advice.clone() };
            (&entry.method, Declared::Refused(cause))
        });
        let sames = same.iter().map(|element| (element, Declared::Same { offset: element.span().start }));
        let entries = code.iter().map(|element| (element, Declared::Code)).chain(refusals).chain(sames);
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
                        self.fault(element, what, "keep one of the two: code, refuse or same".to_owned());
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
        let other = if std::ptr::eq(schema, self.old) { self.new } else { self.old };
        let known = schema.methods().iter().map(Method::full_name);
        let advice = match text::nearest(name, known) {
            _ if other.methods().iter().any(|method| method.full_name() == name) => {
                format!("{} declares it, but the names here are those of {}", other.version(), schema.version())
            }
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
