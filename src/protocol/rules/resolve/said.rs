//! What the rules of a pair of messages say in one direction, with their paths found.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::expand::Expansion;
use super::paths;
use crate::expression::Expression;
use crate::protocol::plan::{Check, Condition, Direction, Drop, Made, Make, Open, Origin, Path, Policies, Policy};
use crate::protocol::rules::convert::{Literal, literal};
use crate::protocol::rules::file::LossText;
use crate::protocol::rules::rule::{PairOptions, Rule, Side, What};

/// Two fields that a rule says are one.
#[derive(Clone)]
pub(super) struct SaidMove {
    pub(super) from: Path,
    pub(super) to: Path,
    pub(super) options: PairOptions,
    pub(super) when: Option<Expression>,
    pub(super) line: usize,
    /// The messages of the older and of the newer version that the rule stands under.
    pub(super) under: (MessageDescriptor, MessageDescriptor),
}

/// What a rule says of a field that is lost.
pub(super) struct Fate {
    pub(super) path: Path,
    pub(super) told: Told,
    pub(super) line: usize,
}

/// What becomes of it.
pub(super) enum Told {
    /// These policies, as far as they are said.
    Loss(LossText),
    /// It may go.
    Drop,
    /// It is refused, whatever the use.
    Refuse { reason: String, advice: Option<String> },
}

impl Fate {
    /// Whether the field goes nowhere even where its name has a counterpart.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self.told, Told::Loss(_))
    }

    pub(super) fn policies(&self, direction: Direction, else_: Policies) -> Policies {
        let all = |policy| Policies { request: policy, response: policy, stored: policy };
        match &self.told {
            Told::Loss(loss) => loss.policies(direction, else_),
            Told::Drop => all(Policy::Drop),
            Told::Refuse { .. } => all(Policy::Refuse),
        }
    }
}

/// All that is said in one direction.
#[derive(Default)]
pub(super) struct Said {
    pub(super) moves: Vec<SaidMove>,
    pub(super) makes: Vec<Make>,
    pub(super) drops: Vec<Drop>,
    pub(super) checks: Vec<Check>,
    pub(super) fates: Vec<Fate>,
    /// Fields of the source that hold a constant in this step; they go nowhere by their names.
    pub(super) constants: Vec<Path>,
    /// What rules of either direction name, in the source and in the target.
    pub(super) named_source: Vec<Path>,
    pub(super) named_target: Vec<Path>,
}

/// Where rules are read: the way to their messages, and these.
pub(super) struct Level<'l> {
    pub(super) from: &'l [FieldDescriptor],
    pub(super) to: &'l [FieldDescriptor],
    pub(super) source: &'l MessageDescriptor,
    pub(super) target: &'l MessageDescriptor,
}

impl Expansion<'_, '_, '_> {
    /// Takes in what `rules` say of the messages of a level.
    pub(super) fn collect(&mut self, level: &Level<'_>, rules: &[Rule]) {
        for rule in rules {
            self.note_names(level, rule);
            if *rule.holds.of(self.direction) && rule.uses.hold(self.used) {
                // A part that is wrong was told as a fault.
                let _ = self.collect_one(level, rule);
            }
        }
    }

    /// Notes which fields a rule names, whatever its direction and use.
    fn note_names(&mut self, level: &Level<'_>, rule: &Rule) {
        let mut named: Vec<(Side, &str)> = Vec::new();
        match &rule.what {
            What::Pair { old, new, .. } => named.extend([(Side::Old, old.as_str()), (Side::New, new)]),
            What::Join { parts, parts_of, whole, .. } => {
                let other = if *parts_of == Side::Old { Side::New } else { Side::Old };
                named.extend(parts.iter().map(|part| (*parts_of, part.as_str())));
                named.push((other, whole));
            }
            What::Constant { side, path, .. } | What::Drop { side, path, .. } | What::Loss { side, path, .. } => {
                named.push((*side, path));
            }
            What::Expressions { up, down } => {
                named.extend(up.iter().map(|(path, _)| (Side::New, path.as_str())));
                named.extend(down.iter().map(|(path, _)| (Side::Old, path.as_str())));
            }
            What::Refuse { field, .. } => named.extend(field.iter().map(|(side, path)| (*side, path.as_str()))),
        }
        for (side, path) in named {
            if let Some(path) = self.find(level, side, path, rule.line) {
                if side.leaves() == self.direction {
                    self.said.named_source.push(path);
                } else {
                    self.said.named_target.push(path);
                }
            }
        }
    }

    /// The path that a rule names, on its side; nothing, and a fault, where there is none.
    fn find(&mut self, level: &Level<'_>, side: Side, text: &str, line: usize) -> Option<Path> {
        let (message, before) =
            if side.leaves() == self.direction { (level.source, level.from) } else { (level.target, level.to) };
        match paths::find(message, text) {
            Ok(path) => Some(Path::new(before.iter().chain(path.fields()).cloned().collect())),
            Err(no_path) => {
                let version = self.resolver.names.schema(side).version();
                self.faults.add_at_line(line, format!("{} in {version}", no_path.what), no_path.advice);
                None
            }
        }
    }

    fn collect_one(&mut self, level: &Level<'_>, rule: &Rule) -> Option<()> {
        let (line, origin) = (rule.line, Origin::Line(rule.line));
        let when = self.condition(level, rule)?;
        let source = if self.direction == Direction::Up { Side::Old } else { Side::New };
        let target = if self.direction == Direction::Up { Side::New } else { Side::Old };
        let leaves = |side: Side| side == source;
        match &rule.what {
            What::Pair { old, new, options } => {
                let (from, to) = super::oriented(self.direction, old, new);
                let from = self.find(level, source, from, line)?;
                let to = self.find(level, target, to, line)?;
                let (older, newer) = super::oriented(self.direction, level.source.clone(), level.target.clone());
                let options = PairOptions::clone(options);
                self.said.moves.push(SaidMove { from, to, options, when, line, under: (older, newer) });
            }
            What::Join { parts, parts_of, whole, separator, may_miss } => {
                let (one, other) = if leaves(*parts_of) { (source, target) } else { (target, source) };
                let parts = parts.iter().map(|part| self.find(level, one, part, line)).collect::<Option<Vec<_>>>()?;
                let whole = self.find(level, other, whole, line)?;
                self.all_strings(parts.iter().chain([&whole]), line)?;
                if leaves(*parts_of) {
                    let value = Made::Join { from: parts, separator: separator.clone(), may_miss: *may_miss };
                    self.said.makes.push(Make { to: whole, value, when, origin });
                } else {
                    let count = parts.len();
                    self.said.makes.extend(parts.into_iter().enumerate().map(|(part, to)| Make {
                        to,
                        value: Made::Split {
                            from: whole.clone(),
                            separator: separator.clone(),
                            part,
                            parts: count,
                            may_miss: *may_miss,
                        },
                        when: when.clone(),
                        origin: origin.clone(),
                    }));
                }
            }
            What::Constant { side, path, value } => {
                let path = self.find(level, *side, path, line)?;
                let value = self.constant(value, &path, line)?;
                if leaves(*side) {
                    if when.is_some() {
                        let what = "a constant is written under a condition, but taken back whatever it says";
                        let advice =
                            "write `direction` with `value`, and a rule with `drop = true` and `when` for the way back";
                        self.faults.add_at_line(line, what, advice);
                        return None;
                    }
                    self.said.constants.push(path.clone());
                    self.said.drops.push(Drop { path, condition: Condition::Is(value), origin });
                } else {
                    // Whether leading messages come into being is known when all that is written is.
                    let value = Made::Constant { value, into_absent: true };
                    self.said.makes.push(Make { to: path, value, when, origin });
                }
            }
            What::Expressions { up, down } => {
                let (path, expression) = super::oriented(self.direction, up, down).0.as_ref()?;
                let to = self.find(level, target, path, line)?;
                let expression = self.expression(level, expression, &to, line)?;
                self.said.makes.push(Make { to, value: Made::Expression(expression), when, origin });
            }
            What::Drop { side, path, only_empty } => {
                let path = self.find(level, *side, path, line)?;
                match (only_empty, when) {
                    (true, _) => self.said.drops.push(Drop { path, condition: Condition::Empty, origin }),
                    (false, Some(when)) => {
                        self.said.drops.push(Drop { path, condition: Condition::Holds(when), origin });
                    }
                    (false, None) => self.said.fates.push(Fate { path, told: Told::Drop, line }),
                }
            }
            What::Refuse { field, reason, advice } => {
                let (reason, advice) = (reason.clone(), advice.clone());
                let path = match field {
                    Some((side, path)) => Some(self.find(level, *side, path, line)?),
                    None => None,
                };
                match (path, when) {
                    (Some(path), None) => {
                        self.said.fates.push(Fate { path, told: Told::Refuse { reason, advice }, line });
                    }
                    (path, when) => {
                        let condition = when.map_or(Condition::Always, Condition::Holds);
                        self.said.checks.push(Check { condition, path, reason, advice, origin });
                    }
                }
            }
            What::Loss { side, path, loss } => {
                let path = self.find(level, *side, path, line)?;
                self.said.fates.push(Fate { path, told: Told::Loss(loss.clone()), line });
            }
        }
        Some(())
    }

    /// What makes a field, compiled; nothing, and a fault, where it can make no value of it.
    fn expression(&mut self, level: &Level<'_>, text: &str, to: &Path, line: usize) -> Option<Expression> {
        let expression = self.compile(level, text, line)?;
        let Some(gives) = expression.misfit(to.leaf()) else { return Some(expression) };
        let what = format!("`{text}` comes to {gives}, which `{to}` cannot hold");
        let advice = "convert it, as with `string(…)` or `int(…)`, or write another field";
        self.faults.add_at_line(line, what, advice);
        None
    }

    /// The condition of a rule in this direction, compiled; nothing at all where it is wrong.
    #[expect(clippy::option_option, reason = "a rule without a condition is another thing than a wrong condition")]
    fn condition(&mut self, level: &Level<'_>, rule: &Rule) -> Option<Option<Expression>> {
        let Some(text) = rule.when.of(self.direction) else { return Some(None) };
        let compiled = self.compile(level, text, rule.line)?;
        if compiled.may_be_bool() {
            return Some(Some(compiled));
        }
        let advice = "compare it with something: a condition is true or false";
        self.faults.add_at_line(rule.line, format!("`{text}` is no condition"), advice);
        None
    }

    fn compile(&mut self, level: &Level<'_>, text: &str, line: usize) -> Option<Expression> {
        if !level.from.is_empty() {
            // It speaks of the message that it stands under, which is only a part of the one that is taken apart.
            let (older, _) = super::oriented(self.direction, level.source, level.target);
            self.open.push(Open {
                element: format!("{}.{}", self.source.full_name(), paths::show(level.from)),
                what: format!(
                    "a rule takes this field apart, so the expression `{text}` of `{}` (line {line}) cannot be \
                     evaluated for it; write it in the rules of `{}` too, with the path from there",
                    older.full_name(),
                    self.source.full_name(),
                ),
            });
            return None;
        }
        let (variable, way) = match self.direction {
            Direction::Up => ("old", "up"),
            Direction::Down => ("new", "down"),
        };
        match Expression::compile(text, variable, level.source) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let what = format!("`{text}` cannot be evaluated on the way {way}: {}", error.what);
                let advice = format!(
                    "{}; on the way {way} there is `{variable}` alone, so give each direction its own expression",
                    error.advice
                );
                self.faults.add_at_line(line, what, advice);
                None
            }
        }
    }

    fn constant(&mut self, value: &Literal, path: &Path, line: usize) -> Option<prost_reflect::Value> {
        match literal(value, path.leaf()) {
            Ok(value) => Some(value),
            Err(what) => {
                self.faults.add_at_line(
                    line,
                    format!("`value` does not fit `{path}`: {what}"),
                    "write a value of the field's type",
                );
                None
            }
        }
    }

    fn all_strings<'p>(&mut self, paths: impl Iterator<Item = &'p Path>, line: usize) -> Option<()> {
        for path in paths {
            if path.leaf().kind() != Kind::String || !paths::is_singular(path.leaf()) {
                let what = format!("`{path}` is joined or split, but is no string");
                self.faults.add_at_line(line, what, "join strings only; for other types write an expression");
                return None;
            }
        }
        Some(())
    }
}
