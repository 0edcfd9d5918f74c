//! Which message and which enum of one version is which of the other.

mod meet;
mod values;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, MessageDescriptor};
use toml::Spanned;

use self::values::EnumValues;
use super::convert::EnumRules;
use super::faults::Faults;
use super::file::{EnumText, Pairs, Rename};
use super::rule::Side;
use crate::protocol::plan::Direction;
use crate::protocol::schema::Schema;
use crate::protocol::text;

/// The elements of both versions that are each other's counterparts, by full name.
pub(in crate::protocol) struct Names<'a> {
    pub(super) old: &'a Schema,
    pub(super) new: &'a Schema,
    messages: Couples,
    enums: Couples,
    values: BTreeMap<String, EnumValues>,
}

/// Names of the older version and of the newer one that belong together.
#[derive(Default)]
struct Couples {
    up: BTreeMap<String, String>,
    down: BTreeMap<String, String>,
}

impl Couples {
    fn of(&self, direction: Direction) -> &BTreeMap<String, String> {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    fn insert(&mut self, old: &str, new: &str) {
        self.up.insert(old.to_owned(), new.to_owned());
        self.down.insert(new.to_owned(), old.to_owned());
    }
}

impl<'a> Names<'a> {
    /// The counterparts by the renames of the step, the more exact ones first, then by the same name.
    pub(in crate::protocol) fn new(
        old: &'a Schema,
        new: &'a Schema,
        rename: &Rename,
        enums: &BTreeMap<Spanned<String>, EnumText>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let [old_messages, new_messages] = [old, new].map(messages_of);
        let [old_enums, new_enums] = [old, new].map(enums_of);
        let mut packages = BTreeMap::new();
        let [old_packages, new_packages] = [old, new].map(packages_of);
        for (from, to) in &rename.packages {
            let known = known("package", from, &old_packages, old, new, faults);
            if known & self::known("package", to, &new_packages, new, old, faults) {
                packages.insert(from.get_ref().as_str(), (to.get_ref().as_str(), from));
            }
        }
        let messages = couples(
            "message",
            (&old_messages, &new_messages),
            (&rename.messages, &packages, &Couples::default()),
            (old, new),
            faults,
        );
        let enums_found =
            couples("enum", (&old_enums, &new_enums), (&rename.enums, &packages, &messages), (old, new), faults);
        let mut names = Self { old, new, messages, enums: enums_found, values: BTreeMap::new() };
        names.read_values(rename, enums, faults);
        names
    }

    pub(super) fn schema(&self, side: Side) -> &'a Schema {
        match side {
            Side::Old => self.old,
            Side::New => self.new,
        }
    }

    /// The full name of the message that `source` is on the other side.
    pub(super) fn message(&self, direction: Direction, source: &str) -> Option<&str> {
        self.messages.of(direction).get(source).map(String::as_str)
    }

    /// The full name of the enum that `source` is on the other side.
    pub(super) fn enumeration(&self, direction: Direction, source: &str) -> Option<&str> {
        self.enums.of(direction).get(source).map(String::as_str)
    }

    /// All messages with a counterpart: source = target.
    pub(super) fn messages(&self, direction: Direction) -> &BTreeMap<String, String> {
        self.messages.of(direction)
    }

    /// All messages with a counterpart, but for those of protobuf itself: older version, newer version.
    pub(in crate::protocol) fn pairs(&self) -> impl Iterator<Item = (MessageDescriptor, MessageDescriptor)> {
        let all = self.messages.up.iter().filter(|(old, _)| !old.starts_with("google.protobuf."));
        all.filter_map(|(old, new)| {
            self.old.pool().get_message_by_name(old).zip(self.new.pool().get_message_by_name(new))
        })
    }

    /// Messages and enums whose counterpart has another name, as (old, new).
    pub(in crate::protocol) fn moved(&self) -> impl Iterator<Item = (String, String)> {
        let all = self.messages.up.iter().chain(&self.enums.up);
        all.filter(|(old, new)| old != new).map(|(old, new)| (old.clone(), new.clone()))
    }

    /// Enums of either version, by full name, that the step says something of.
    pub(super) fn ruled_enums(&self) -> BTreeSet<String> {
        let counterparts = |name: &String| [self.enums.up.get(name).cloned(), self.enums.down.get(name).cloned()];
        let all = self.values.keys().flat_map(|name| counterparts(name).into_iter().flatten().chain([name.clone()]));
        all.collect()
    }

    /// What the step says of the values of an enum, in this direction.
    pub(super) fn enum_rules(&self, direction: Direction, source: &str, target: &str) -> EnumRules {
        let (old, new) = match direction {
            Direction::Up => (source, target),
            Direction::Down => (target, source),
        };
        self.values
            .get(old)
            .or_else(|| self.values.get(new))
            .map_or_else(EnumRules::default, |values| values.of(direction))
    }
}

/// The messages of a version that rules may name.
fn messages_of(schema: &Schema) -> BTreeMap<String, Declared> {
    let of = |message: MessageDescriptor| {
        let parent = message.parent_message().map(|parent| parent.full_name().to_owned());
        let declared = Declared { name: message.name().to_owned(), package: message.package_name().to_owned(), parent };
        (message.full_name().to_owned(), declared)
    };
    schema.pool().all_messages().filter(|message| !message.is_map_entry()).map(of).collect()
}

fn enums_of(schema: &Schema) -> BTreeMap<String, Declared> {
    let of = |declared: EnumDescriptor| {
        let parent = declared.parent_message().map(|parent| parent.full_name().to_owned());
        let (name, package) = (declared.name().to_owned(), declared.package_name().to_owned());
        (declared.full_name().to_owned(), Declared { name, package, parent })
    };
    schema.pool().all_enums().map(of).collect()
}

fn packages_of(schema: &Schema) -> BTreeMap<String, Declared> {
    let of = |package: &str| (package.to_owned(), Declared::default());
    schema.pool().files().map(|file| of(file.package_name())).collect()
}

/// Where a message or an enum is declared.
#[derive(Default)]
struct Declared {
    name: String,
    package: String,
    /// The message that it is nested in.
    parent: Option<String>,
}

/// Whether a version declares what a rename names; else that is a fault.
fn known(
    what: &str,
    name: &Spanned<String>,
    declared: &BTreeMap<String, Declared>,
    here: &Schema,
    there: &Schema,
    faults: &mut Faults<'_>,
) -> bool {
    let wanted = name.get_ref().as_str();
    if declared.contains_key(wanted) {
        return true;
    }
    let advice = match text::nearest(wanted, declared.keys().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "write it as the protos of {} do, with its package; {} has other names",
            here.version(),
            there.version()
        ),
    };
    faults.add(name.span().start, format!("{} declares no {what} `{wanted}`", here.version()), advice);
    false
}

/// Why two elements are counterparts; the more exact reason is the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    SameName,
    Around,
    Exact,
}

type PackageRenames<'r> = BTreeMap<&'r str, (&'r str, &'r Spanned<String>)>;

/// Counterparts of one kind. `parents` are those of messages, where enums are asked for.
fn couples(
    what: &str,
    (old, new): (&BTreeMap<String, Declared>, &BTreeMap<String, Declared>),
    (exact, packages, parents): (&Pairs, &PackageRenames<'_>, &Couples),
    (older, newer): (&Schema, &Schema),
    faults: &mut Faults<'_>,
) -> Couples {
    let mut renamed: BTreeMap<&str, (&str, &Spanned<String>)> = BTreeMap::new();
    for (from, to) in exact {
        let there = known(what, from, old, older, newer, faults);
        if there & known(what, to, new, newer, older, faults) {
            renamed.insert(from.get_ref(), (to.get_ref(), from));
        }
    }
    let mut claims: BTreeMap<String, Vec<(Reason, String)>> = BTreeMap::new();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    // Parents sort before what is nested in them.
    for (name, declared) in old {
        let around = match &declared.parent {
            Some(parent) => found
                .get(parent)
                .or_else(|| parents.up.get(parent))
                .map(|parent| (parent != &declared.within(), parent.clone())),
            None => packages.get(declared.package.as_str()).map(|(package, _)| (true, (*package).to_owned())),
        };
        let candidate = if let Some((to, _)) = renamed.get(name.as_str()) {
            Some((Reason::Exact, (*to).to_owned()))
        } else {
            around
                .filter(|(moved, _)| *moved)
                .map(|(_, around)| join(&around, &declared.name))
                .filter(|name| new.contains_key(name))
                .map(|name| (Reason::Around, name))
                .or_else(|| new.contains_key(name).then(|| (Reason::SameName, name.clone())))
        };
        if let Some((reason, to)) = candidate {
            claims.entry(to.clone()).or_default().push((reason, name.clone()));
            found.insert(name.clone(), to);
        }
    }
    let mut couples = Couples::default();
    for (to, mut claimed) in claims {
        claimed.sort_by_key(|(reason, _)| Reverse(*reason));
        if let [(first, one), (second, other), ..] = claimed.as_slice()
            && first == second
        {
            let place = renamed.get(other.as_str()).or_else(|| renamed.get(one.as_str())).map(|(_, at)| *at);
            let package = || old.get(other).and_then(|declared| packages.get(declared.package.as_str()));
            let place = place.or_else(|| package().map(|(_, at)| *at));
            faults.add(
                place.map_or(0, |at| at.span().start),
                format!("the {what}s `{one}` and `{other}` both become `{to}`"),
                format!("say under [rename.{what}s] which of them it is, and give the other one another name"),
            );
        }
        if let Some((_, from)) = claimed.first() {
            couples.insert(from, &to);
        }
    }
    couples
}

impl Declared {
    /// The full name of what it is declared in.
    fn within(&self) -> String {
        self.parent.clone().unwrap_or_else(|| self.package.clone())
    }
}

fn join(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") }
}

/// Names that are in `all` for a fault's advice.
pub(super) fn did_you_mean<'n>(name: &str, all: impl Iterator<Item = &'n str>, else_: &str) -> String {
    let all: BTreeSet<&str> = all.collect();
    match text::nearest(name, all.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if all.is_empty() || all.len() > 12 => else_.to_owned(),
        None => format!("it has {}", all.into_iter().collect::<Vec<_>>().join(", ")),
    }
}
