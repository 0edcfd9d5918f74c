//! What of one kind is declared on one side only, and which of the one side may be which of the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Renamed, pair};
use crate::check::moved;
use crate::draft::finding::{Finding, Place};
use crate::draft::likeness::likeness;
use crate::draft::matching::{Candidate, choose, rivals};

/// A message, an enum or a service.
pub(super) struct Declared<T> {
    pub(super) name: String,
    pub(super) package: String,
    /// The full name of the message that it lies in.
    pub(super) parent: Option<String>,
    pub(super) what: T,
}

/// How much two of a kind have in common.
pub(super) struct Fit {
    /// The share of their parts that both have.
    pub(super) common: f64,
    /// Whether they are one, if no other comes near.
    pub(super) sure: bool,
    /// Whether they may be one.
    pub(super) possible: bool,
}

/// A kind of declaration, and when two of it are one.
pub(super) struct Kind<T> {
    /// The table under `rename`.
    pub(super) table: &'static str,
    /// What it is made of, for people.
    pub(super) parts: &'static str,
    /// Whether both stay open where nothing is certain.
    pub(super) stays_open: bool,
    /// Where it is kept what goes by another name.
    pub(super) met: fn(&mut Renamed) -> &mut BTreeMap<String, String>,
    /// How two go together whose names are this much alike.
    pub(super) fit: fn(f64, &T, &T) -> Fit,
}

/// How many pairs of names are compared by their likeness; beyond it, only those of one name within their package.
const COMPARED: usize = 250_000;

impl<T> Kind<T> {
    /// Relates all of one kind: what meets by name once what is around it is renamed, and guesses for the rest.
    pub(super) fn relate(
        &self,
        olds: &BTreeMap<String, Declared<T>>,
        news: &BTreeMap<String, Declared<T>>,
        renamed: &mut Renamed,
        findings: &mut Vec<Finding>,
    ) {
        let mut gone = Vec::new();
        // Parents sort before what is nested in them.
        for (name, declared) in olds.iter().filter(|(_, declared)| !moved::of_protobuf(&declared.package)) {
            let wanted = declared.moved(name, renamed);
            match [wanted, name.clone()].into_iter().find(|wanted| news.contains_key(wanted)) {
                Some(other) => drop((self.met)(renamed).insert(name.clone(), other)),
                None => gone.push((name, declared)),
            }
        }
        let met: BTreeSet<&String> = (self.met)(renamed).values().collect();
        let added: Vec<(&String, &Declared<T>)> = news
            .iter()
            .filter(|(name, declared)| !moved::of_protobuf(&declared.package) && !met.contains(name))
            .collect();
        for chosen in choose(self.candidates(&gone, &added)) {
            let (name, other) = (gone[chosen.old].0, added[chosen.new].0);
            let (place, line) = (Place::Rename(self.table), pair(name, other));
            let because = alike_because(chosen.what, self.parts);
            if chosen.sure {
                findings.push(Finding::guess(place, line, because));
                (self.met)(renamed).insert(name.clone(), other.clone());
                continue;
            }
            let old_rivals = chosen.old_rivals.iter().map(|rival| gone[*rival].0);
            let others: Vec<String> =
                old_rivals.chain(chosen.new_rivals.iter().map(|rival| added[*rival].0)).cloned().collect();
            let because = format!("{because}{}", rivals(&others));
            let elements = [vec![name.clone(), other.clone()], others].concat();
            findings.push(Finding::undecided(
                place,
                line,
                because,
                if self.stays_open { elements } else { Vec::new() },
            ));
        }
    }

    fn candidates(
        &self,
        gone: &[(&String, &Declared<T>)],
        added: &[(&String, &Declared<T>)],
    ) -> Vec<Candidate<(f64, f64)>> {
        let mut candidates = Vec::new();
        for (old, (_, declared)) in gone.iter().enumerate() {
            for (new, (_, other)) in added.iter().enumerate() {
                if gone.len() * added.len() > COMPARED && declared.name != other.name {
                    continue;
                }
                let alike = likeness(&declared.name, &other.name);
                let Fit { common, sure, possible } = (self.fit)(alike, &declared.what, &other.what);
                if sure || possible {
                    candidates.push(Candidate { old, new, score: alike + common, sure, what: (alike, common) });
                }
            }
        }
        candidates
    }
}

impl<T> Declared<T> {
    /// Where it lies, once what is around it is renamed.
    fn moved(&self, full_name: &str, renamed: &Renamed) -> String {
        let around = match &self.parent {
            Some(parent) => renamed.messages.get(parent).unwrap_or(parent),
            None => renamed.packages.get(&self.package).unwrap_or(&self.package),
        };
        if around.is_empty() || full_name == self.name { self.name.clone() } else { format!("{around}.{}", self.name) }
    }
}

fn alike_because((alike, common): (f64, f64), parts: &str) -> String {
    format!("their names are alike by {:.0} % and their {parts} are the same by {:.0} %", alike * 100.0, common * 100.0)
}
