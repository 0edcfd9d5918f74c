//! `step.toml`: what the author of a step declares.

mod hops;
mod renames;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use self::hops::{ByItself, Crossing};
use super::error::{Fault, ProtocolError};
use super::history::History;
use super::plan::Direction;
use super::relate;
use super::rules::faults::Faults;
use super::rules::file::{EnumText, LossText, Match, MessageText, Rename, RulesText};
use super::rules::names::Names;
use super::rules::resolve;
use super::schema::{Method, Schema};
use super::step::{self, Cause, Step};
use super::text;
use crate::version::Version;

/// What `step.toml` holds; see the chapter on steps in the documentation of [`protocol`](super).
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepFile {
    from: Option<Spanned<String>>,
    rename: Rename,
    #[serde(rename = "match")]
    matched: Option<Match>,
    loss: LossText,
    accept_refused_responses: Vec<Spanned<String>>,
    /// Elements of either version that stay open, whatever rules make of them.
    undecided: Vec<Spanned<String>>,
    messages: BTreeMap<Spanned<String>, MessageText>,
    enums: BTreeMap<Spanned<String>, EnumText>,
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
    let file: StepFile = match declared {
        Some(StepText { file, text }) => text::parse_toml(file, text)?,
        None => StepFile::default(),
    };
    let mut reading = Reading { old, new, faults: Faults::new(declared) };
    if declared.is_some() {
        reading.check_from(file.from.as_ref());
    }
    let counterparts = reading.counterparts(&file.rename);
    let past = reading.side("past", &file.past.code, &file.past.refuse, &[], old);
    let future = reading.side("future", &file.future.code, &file.future.refuse, &file.future.same, new);
    let accepted = reading.accepted(&file.accept_refused_responses);
    let history = History::new(before, steps);
    let (mut of_past, mut of_future) = (BTreeMap::new(), BTreeMap::new());
    let (mut moved, mut methods) = (step::Moved::default(), Vec::new());
    let mut breaking = step::is_breaking(old.version(), new.version());
    for (old_index, new_index) in counterparts {
        let method = resolve::Method { old: &old.methods()[old_index], new: &new.methods()[new_index] };
        let compared = relate::compare(method.old, method.new, &history);
        // Old requests say nothing that is new.
        breaking |= !compared.differences.is_empty();
        moved.extend(compared.moved);
        methods.push(method);
        of_past.insert(old_index, ByItself::new(new_index, compared.differences.clone(), Vec::new()));
        of_future.insert(new_index, ByItself::new(old_index, compared.differences, compared.unheard));
    }
    let text = RulesText {
        rename: file.rename,
        matched: file.matched,
        loss: file.loss,
        undecided: file.undecided,
        messages: file.messages,
        enums: file.enums,
    };
    let names = Names::new(old, new, &text.rename, &text.enums, &mut reading.faults);
    breaking = breaking || !relate::only_added(names.pairs(), &history);
    let resolved = resolve::resolve(names, &text, &methods, breaking, &mut reading.faults);
    moved.extend(resolved.moved);
    let crossing = |direction| Crossing {
        direction,
        up: &resolved.up,
        down: &resolved.down,
        breaking,
        ruled: &resolved.ruled,
        accepted: &accepted,
    };
    let past = hops::of(&mut reading, &crossing(Direction::Up), past, of_past);
    let future = hops::of(&mut reading, &crossing(Direction::Down), future, of_future);
    Fault::none_of(reading.faults.into_vec())?;
    Ok(Step {
        from: old.version().clone(),
        to: new.version().clone(),
        breaking,
        past,
        future,
        moved,
        up: resolved.up,
        down: resolved.down,
    })
}

/// What the step declares for a method, and where.
#[derive(Clone)]
enum Declared {
    Code,
    Refused(Cause),
    Same { offset: usize },
}

struct Reading<'a> {
    old: &'a Schema,
    new: &'a Schema,
    faults: Faults<'a>,
}

impl Reading<'_> {
    fn fault(&mut self, at: &Spanned<String>, what: String, advice: String) {
        self.fault_at(at.span().start, what, advice);
    }

    fn fault_at(&mut self, offset: usize, what: String, advice: String) {
        self.faults.add(offset, what, advice);
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

    /// The methods, by their full names, whose responses may be refused after a call has run.
    fn accepted(&mut self, names: &[Spanned<String>]) -> BTreeSet<String> {
        let mut accepted = BTreeSet::new();
        for name in names {
            let wanted = name.get_ref().as_str();
            let mut known = false;
            for schema in [self.old, self.new] {
                for method in schema.methods().iter().filter(|one| one.full_name() == wanted || one.service() == wanted)
                {
                    known = true;
                    accepted.insert(method.full_name().to_owned());
                }
            }
            if !known {
                // The older version's names are looked through for what was meant.
                self.find(self.old, name);
            }
        }
        accepted
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
