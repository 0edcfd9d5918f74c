//! Field masks: paths to fields of one version become paths to those of another.

use prost_reflect::{FieldDescriptor, Kind};

use super::plan::{Conversion, Made, Make, MessagePlan, Move, Plans, Use, ValueConversion};
use super::text::nearest;

/// How deep a path may lead: as deep as messages nest.
const DEPTH: usize = 100;
/// How many paths may come of one, those on the way counted.
const PATHS: usize = 1_000;

/// Why a path has no counterpart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path `{path}` of a field mask has no counterpart: {what}")]
pub struct MaskError {
    /// The path, from the message on that the mask speaks of.
    pub path: String,
    /// Which part of it has none, and why.
    pub what: String,
}

/// What the `path` of a `google.protobuf.FieldMask` over a message `source` is over a message `target`: names of
/// fields as the protos write them, joined by dots.
///
/// One path may become several, where the fields of a message part ways, and two may become the same. What a message
/// holds that has no counterpart is passed over where the message as a whole is named. `*` is all of the message. `used`
/// is what the mask is used for.
///
/// # Errors
/// When the path names a field that the source does not have, or that has no counterpart of its own: left out of a mask,
/// a name could turn it into an empty one, which stands for all fields.
pub fn translate(plans: &Plans, used: Use, source: &str, target: &str, path: &str) -> Result<Vec<String>, MaskError> {
    translate_among(plans, used, source, target, path, &|other| other == path)
}

/// As [`translate`], for one path of a mask; `mask` says whether a path is one of it. What is made of several fields has
/// its counterpart where the mask names all of them.
///
/// # Errors
/// As [`translate`].
pub fn translate_among(
    plans: &Plans,
    used: Use,
    source: &str,
    target: &str,
    path: &str,
    mask: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, MaskError> {
    let fault = |what: String| MaskError { path: path.to_owned(), what };
    if path == "*" {
        return Ok(vec![path.to_owned()]);
    }
    let segments: Vec<&str> = path.split('.').collect();
    if segments.len() > DEPTH {
        return Err(fault(format!("it is more than {DEPTH} fields deep")));
    }
    let mut left = PATHS;
    let of = PlansOfUse { plans, used, mask };
    let found = translated(of, source, target, (&[], &segments), &mut left);
    if left == 0 {
        return Err(fault(format!("it becomes more than {PATHS} paths")));
    }
    found.map_err(fault)
}

/// The plans for one use, and the mask.
#[derive(Clone, Copy)]
struct PlansOfUse<'p> {
    plans: &'p Plans,
    used: Use,
    mask: &'p dyn Fn(&str) -> bool,
}

impl<'p> PlansOfUse<'p> {
    fn get(self, source: &str, target: &str) -> Option<&'p MessagePlan> {
        self.plans.get(source, target, self.used).map(AsRef::as_ref)
    }

    /// Whether the mask names this field, or a message around it; `way` leads to the message that it is a path in.
    fn names(self, way: &[&str], path: &[&str]) -> bool {
        let whole = [way, path].concat();
        (1..=whole.len()).any(|length| (self.mask)(&whole[..length].join(".")))
    }
}

/// Paths double at each level where a field goes to two places, so all of them together are counted down in `left`. The
/// path comes as the way to the message, and what follows.
fn translated(
    of: PlansOfUse<'_>,
    source: &str,
    target: &str,
    (way, segments): (&[&str], &[&str]),
    left: &mut usize,
) -> Result<Vec<String>, String> {
    // Also where nothing comes of it.
    *left = left.saturating_sub(1);
    let Some(plan) = of.get(source, target) else {
        return Err(format!("nothing says how {source} becomes {target}"));
    };
    if let Some(open) = plan.open.first() {
        return Err(format!("the step leaves open what becomes of {}", open.element));
    }
    let fields = resolved(plan, segments)?;
    let rest = &segments[fields.len()..];
    let mut found = Vec::new();
    let mut why = None;
    for one in &plan.moves {
        match followed(of, one, way, (&fields, rest), left) {
            Ok(paths) => found.extend(paths),
            Err(what) => why = why.or(Some(what)),
        }
        if *left == 0 {
            return Err("it is too much".to_owned());
        }
    }
    for one in &plan.makes {
        if made(of, one, way, (&fields, rest))? {
            found.push(one.to.to_string());
        }
    }
    if found.is_empty() && rest.is_empty() {
        let container = plan.containers.iter().find(|container| container.from.fields() == fields);
        found.extend(container.map(|container| container.to.to_string()));
    }
    if found.is_empty() {
        let last = fields.last().map_or(source, FieldDescriptor::full_name);
        return Err(why.unwrap_or_else(|| format!("{target} has nothing for `{last}`")));
    }
    *left = left.saturating_sub(found.len());
    Ok(found)
}

/// The fields that the path names, up to the first that is no singular message: what follows is within that.
fn resolved(plan: &MessagePlan, segments: &[&str]) -> Result<Vec<FieldDescriptor>, String> {
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    let mut message = plan.source.clone();
    for segment in segments {
        let Some(field) = message.get_field_by_name(segment) else {
            let known: Vec<FieldDescriptor> = message.fields().collect();
            let near = nearest(segment, known.iter().map(FieldDescriptor::name));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("{} has no field `{segment}`{near}", message.full_name()));
        };
        let single = !field.is_list() && !field.is_map();
        let inner = match field.kind() {
            // Well-known types are what they are in any version; their fields are looked at where they are copied.
            Kind::Message(inner) if single && inner.package_name() != "google.protobuf" => Some(inner),
            _ => None,
        };
        fields.push(field);
        match inner {
            Some(inner) => message = inner,
            None => break,
        }
    }
    Ok(fields)
}

/// Where a move takes what is named by `fields`, and `rest` within it; nowhere if it moves something else.
fn followed(
    of: PlansOfUse<'_>,
    one: &Move,
    way: &[&str],
    (fields, rest): (&[FieldDescriptor], &[&str]),
    left: &mut usize,
) -> Result<Vec<String>, String> {
    let from = one.from.fields();
    let to = one.to.to_string();
    if rest.is_empty() && from.starts_with(fields) {
        return Ok(vec![to]);
    }
    if !fields.starts_with(from) {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = fields[from.len()..].iter().map(FieldDescriptor::name).chain(rest.iter().copied()).collect();
    let way = [way, &self::names(from)].concat();
    let within = |paths: Vec<String>| paths.iter().map(|path| format!("{to}.{path}")).collect();
    let leaf = one.from.leaf();
    match &one.conversion {
        Conversion::One(ValueConversion::Message { source, target }) => {
            Ok(within(translated(of, source, target, (&way, &names), left)?))
        }
        Conversion::One(ValueConversion::Copy) => {
            let messages = (leaf.kind(), one.to.leaf().kind());
            let (Kind::Message(source), Kind::Message(target)) = messages else {
                return Err(format!("`{}` has no fields", leaf.full_name()));
            };
            // The bytes are the same; the names need not be.
            if of.get(source.full_name(), target.full_name()).is_some() {
                return Ok(within(translated(of, source.full_name(), target.full_name(), (&way, &names), left)?));
            }
            Ok(within(vec![names.join(".")]))
        }
        Conversion::Each(ValueConversion::Copy)
        | Conversion::Map { key: ValueConversion::Copy, value: ValueConversion::Copy } => {
            Ok(within(vec![names.join(".")]))
        }
        _ => Err(format!(
            "`{}` is another type on the other side, so `{}` cannot be named there",
            leaf.full_name(),
            names.join(".")
        )),
    }
}

/// Whether what is made is made of what the path names, and of nothing that the mask does not name.
fn made(
    of: PlansOfUse<'_>,
    one: &Make,
    way: &[&str],
    (fields, rest): (&[FieldDescriptor], &[&str]),
) -> Result<bool, String> {
    let paths: Vec<Vec<&str>> = match &one.value {
        Made::Constant { .. } => Vec::new(),
        Made::Expression(expression) => {
            expression.reads().iter().map(|path| path.iter().map(String::as_str).collect()).collect()
        }
        Made::Join { from, .. } => from.iter().map(|path| names(path.fields())).collect(),
        Made::Split { from, .. } => vec![names(from.fields())],
    };
    let named: Vec<&str> = names(fields).into_iter().chain(rest.iter().copied()).collect();
    let touched = paths.iter().any(|path| path.starts_with(&named) || named.starts_with(path));
    let is_covered = |path: &Vec<&str>| path.starts_with(&named) || of.names(way, path);
    if touched && !paths.iter().all(is_covered) {
        return Err(format!("`{}` is made of more than that", one.to));
    }
    Ok(touched)
}

fn names(fields: &[FieldDescriptor]) -> Vec<&str> {
    fields.iter().map(FieldDescriptor::name).collect()
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use std::sync::Arc;

    use prost_reflect::{DescriptorPool, MessageDescriptor};

    use super::*;
    use crate::protocol::compiled;
    use crate::protocol::plan::{Container, Open, Origin, Path};

    const SOURCE: &str = r#"
        syntax = "proto3";
        import "google/protobuf/timestamp.proto";
        message M {
            string kept = 1; string renamed = 2; string legacy = 3; string first = 4; string last = 5; string both = 6;
            Part part = 10; Split split = 11; Same same = 12; Part flat = 13;
            repeated Same list = 20; repeated Part parts = 21; map<string, string> labels = 22;
            google.protobuf.Timestamp time = 30; google.protobuf.Timestamp stamp = 31; M deep = 32; Odd odd = 33;
        }
        message Part { string old = 1; string gone = 2; }
        message Split { string here = 1; string there = 2; string gone = 3; Part nested = 4; }
        message Same { string a = 1; }
        message Odd { string a = 1; }
    "#;
    const TARGET: &str = r#"
        syntax = "proto3";
        import "google/protobuf/timestamp.proto";
        message M {
            string kept = 1; string fresh = 2; string name = 4; string one = 6; string two = 7;
            Part part = 10; Split split = 11; Same same = 12; string there = 13; string flat_old = 14; Part nested = 15;
            repeated Same list = 20; repeated Part parts = 21; map<string, string> labels = 22;
            google.protobuf.Timestamp time = 30; int64 stamp = 31; M deep = 32; M deeper = 34; Odd odd = 33;
        }
        message Part { string new = 1; }
        message Split { string here = 1; string other = 2; }
        message Same { string a = 1; }
        message Odd { string a = 1; }
    "#;

    #[test]
    fn paths_follow_what_plans_move() {
        let cases: &[(&str, Result<&[&str], &str>)] = &[
            ("*", Ok(&["*"])),
            ("kept", Ok(&["kept"])),
            ("renamed", Ok(&["fresh"])),
            ("legacy", Err("M has nothing for `M.legacy`")),
            ("legasy", Err("M has no field `legasy`; did you mean `legacy`?")),
            ("", Err("M has no field ``")),
            ("kept.", Err("`M.kept` has no fields")),
            ("kept.x", Err("`M.kept` has no fields")),
            ("part", Ok(&["part"])),
            ("part.old", Ok(&["part.new"])),
            ("part.gone", Err("Part has nothing for `Part.gone`")),
            ("part.oldest", Err("Part has no field `oldest`")),
            ("split", Ok(&["split.here", "there", "nested"])),
            ("split.here", Ok(&["split.here"])),
            ("split.there", Ok(&["there"])),
            ("split.gone", Err("M has nothing for `Split.gone`")),
            ("split.nested.old", Ok(&["nested.new"])),
            ("flat", Ok(&["flat_old"])),
            ("flat.old", Ok(&["flat_old"])),
            ("same.a", Ok(&["same.a"])),
            ("list", Ok(&["list"])),
            ("list.a", Ok(&["list.a"])),
            ("list.*.a", Ok(&["list.*.a"])),
            ("parts", Ok(&["parts"])),
            ("parts.old", Err("`M.parts` is another type on the other side, so `old` cannot be named there")),
            ("labels.key", Ok(&["labels.key"])),
            ("time.seconds", Ok(&["time.seconds"])),
            ("stamp", Ok(&["stamp"])),
            ("stamp.seconds", Err("`M.stamp` is another type")),
            ("deep.renamed", Ok(&["deep.fresh", "deeper.fresh"])),
            ("first", Err("`name` is made of more than that")),
            ("both", Ok(&["one", "two"])),
            ("odd", Ok(&["odd"])),
            ("odd.a", Err("the step leaves open what becomes of Odd.a")),
        ];
        let plans = plans();
        for (path, expected) in cases {
            let told = translate(&plans, Use::Request, "M", "M", path);
            match (told, expected) {
                (Ok(paths), Ok(expected)) => assert_eq!(paths, *expected, "{path}"),
                (Err(error), Err(what)) => {
                    assert_eq!(error.path, *path);
                    assert!(error.what.starts_with(what), "{path}: {error}");
                }
                (told, _) => panic!("{path}: {told:?}"),
            }
        }
        assert!(translate(&plans, Use::Request, "M", "Other", "kept").is_err());
    }

    #[test]
    fn what_may_come_of_a_path_is_bounded() {
        let plans = plans();
        // Each level doubles the paths.
        for last in ["kept", "legacy", "deep"] {
            let long = format!("{}{last}", "deep.".repeat(90));
            let error = translate(&plans, Use::Request, "M", "M", &long).expect_err("there are too many");
            assert!(error.what.contains("more than 1000 paths"), "{error}");
        }
        let deep = "deep.".repeat(100_000);
        let error = translate(&plans, Use::Request, "M", "M", &deep).expect_err("nothing nests that deep");
        assert!(error.what.contains("more than 100 fields deep"), "{error}");
    }

    fn plans() -> Plans {
        let pools = (compiled::pool(SOURCE), compiled::pool(TARGET));
        let copy = || Conversion::One(ValueConversion::Copy);
        let message = |name: &str| ValueConversion::Message { source: name.to_owned(), target: name.to_owned() };
        let one = |name: &str| Conversion::One(message(name));
        let mut counterparts = std::collections::BTreeMap::new();
        let mut plans = crate::protocol::plan::PlansOfUse::new();
        let moves = vec![
            ("kept", "kept", copy()),
            ("renamed", "fresh", copy()),
            ("part", "part", one("Part")),
            ("split.here", "split.here", copy()),
            ("split.there", "there", copy()),
            ("split.nested", "nested", one("Part")),
            ("same", "same", copy()),
            ("flat.old", "flat_old", copy()),
            ("list", "list", Conversion::Each(ValueConversion::Copy)),
            ("parts", "parts", Conversion::Each(message("Part"))),
            ("labels", "labels", Conversion::Map { key: ValueConversion::Copy, value: ValueConversion::Copy }),
            ("time", "time", copy()),
            ("stamp", "stamp", Conversion::IntoList(ValueConversion::Copy)),
            ("deep", "deep", one("M")),
            ("deep", "deeper", one("M")),
            ("odd", "odd", one("Odd")),
        ];
        let mut whole = plan(&pools, "M", moves);
        let (from, to) = (&whole.source, &whole.target);
        whole.containers.push(Container { from: path(from, "split"), to: path(to, "split") });
        let make = |target: &str, value: Made| Make { to: path(to, target), value, when: None, origin: Origin::Name };
        let parts = vec![path(from, "first"), path(from, "last")];
        let joined = Made::Join { from: parts, separator: " ".to_owned(), may_miss: false };
        let split =
            |part| Made::Split { from: path(from, "both"), separator: " ".to_owned(), part, parts: 2, may_miss: false };
        whole.makes = vec![make("name", joined), make("one", split(0)), make("two", split(1))];
        let mut odd = plan(&pools, "Odd", vec![("a", "a", copy())]);
        odd.open.push(Open { element: "Odd.a".to_owned(), what: String::new() });
        for plan in [whole, odd, plan(&pools, "Part", vec![("old", "new", copy())])] {
            let names = (plan.source.full_name().to_owned(), plan.target.full_name().to_owned());
            counterparts.insert(names.0.clone(), names.1.clone());
            plans.insert(names, Arc::new(plan));
        }
        Plans::of_all_uses(plans, counterparts)
    }

    fn plan(pools: &(DescriptorPool, DescriptorPool), name: &str, moves: Vec<(&str, &str, Conversion)>) -> MessagePlan {
        let find = |pool: &DescriptorPool| pool.get_message_by_name(name).expect("the message was declared");
        let (source, target) = (find(&pools.0), find(&pools.1));
        let moves = moves.into_iter().map(|(from, to, conversion)| Move {
            from: path(&source, from),
            to: path(&target, to),
            conversion,
            when: None,
            origin: Origin::Name,
        });
        MessagePlan {
            moves: moves.collect(),
            checks: Vec::new(),
            drops: Vec::new(),
            containers: Vec::new(),
            makes: Vec::new(),
            losses: Vec::new(),
            open: Vec::new(),
            source,
            target,
        }
    }

    fn path(message: &MessageDescriptor, names: &str) -> Path {
        let mut message = Some(message.clone());
        let fields = names.split('.').map(|name| {
            let held = message.as_ref().expect("a message");
            let field = held.get_field_by_name(name).expect("the field was declared");
            message = field.kind().as_message().cloned();
            field
        });
        Path::new(fields.collect())
    }
}
