//! One pair of messages in one direction: which fields meet, and what becomes of each.

use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::losses::Base;
use super::mask::Spoken;
use super::paths::{below, show, singular_message, strictly_within, within};
use super::said::{Level, Said, SaidMove};
use super::{Asked, Resolver};
use crate::protocol::plan::{Container, Direction, Made, MessagePlan, Move, Open, Origin, Path, Use};
use crate::protocol::rules::convert::{Options, conversion};
use crate::protocol::rules::faults::Faults;
use crate::protocol::rules::rule::Rule;

/// A plan while it is made.
pub(super) struct Expansion<'r, 'n, 'f> {
    pub(super) resolver: &'r Resolver<'n>,
    pub(super) direction: Direction,
    pub(super) used: Use,
    pub(super) source: MessageDescriptor,
    pub(super) target: MessageDescriptor,
    pub(super) faults: &'r mut Faults<'f>,
    pub(super) said: Said,
    pub(super) containers: Vec<Container>,
    pub(super) moves: Vec<Move>,
    pub(super) open: Vec<Open>,
    /// What becomes of what is lost, by where it lies.
    pub(super) bases: Vec<Base>,
}

type Fields = [FieldDescriptor];

impl<'r, 'n, 'f> Expansion<'r, 'n, 'f> {
    pub(super) fn new(
        resolver: &'r Resolver<'n>,
        (direction, used): (Direction, Use),
        source: MessageDescriptor,
        target: MessageDescriptor,
        faults: &'r mut Faults<'f>,
    ) -> Self {
        Self {
            resolver,
            direction,
            used,
            source,
            target,
            faults,
            said: Said::default(),
            containers: Vec::new(),
            moves: Vec::new(),
            open: Vec::new(),
            bases: Vec::new(),
        }
    }

    /// The whole plan.
    pub(super) fn plan(mut self) -> MessagePlan {
        let (source, target) = (self.source.clone(), self.target.clone());
        self.level(&[], &[], &source, &target);
        // What is taken apart brings the rules of its messages along.
        let mut next = 0;
        while let Some(rule) = self.said.moves.get(next).cloned() {
            self.said_move(&rule);
            next += 1;
        }
        self.refuse_two_writers();
        self.refuse_idle_fates();
        self.constants_into_absent();
        self.required_fields();
        self.writers_exclude_each_other();
        let losses = self.losses();
        let Said { makes, drops, checks, .. } = self.said;
        let Self { source, target, containers, moves, open, .. } = self;
        MessagePlan { source, target, checks, drops, containers, moves, makes, losses, open }
    }

    /// Two messages whose fields meet: those of the plan, or some within them that are taken apart.
    fn level(&mut self, from: &Fields, to: &Fields, source: &MessageDescriptor, target: &MessageDescriptor) {
        let resolver = self.resolver;
        let (old, new) = super::oriented(self.direction, source.full_name(), target.full_name());
        let level = Level { from, to, source, target };
        let rules: Vec<&Vec<Rule>> = resolver.rules_of(old, new).into_iter().map(|rules| &rules.rules).collect();
        for rules in rules {
            self.collect(&level, rules);
        }
        let has_counterpart = |message: &MessageDescriptor| {
            let met = |direction| resolver.names.message(direction, message.full_name()).is_some();
            met(Direction::Up) || met(Direction::Down)
        };
        for open in resolver.undecided.open_in(source, target, &has_counterpart) {
            if !self.open.contains(&open) {
                self.open.push(open);
            }
        }
        self.bases.push(Base { path: from.to_vec(), policies: resolver.policies(self.direction, old, new) });
        let mut unmatched = Vec::new();
        for field in source.fields() {
            let path = below(from, &field);
            if self.goes_elsewhere(&path) {
                continue;
            }
            let Some(counterpart) = target.get_field_by_name(field.name()) else {
                unmatched.push(field);
                continue;
            };
            let counterpart_path = below(to, &counterpart);
            if !self.is_written(&counterpart_path) {
                self.meet(&path, &counterpart_path, Origin::Name);
            }
        }
        for field in unmatched {
            self.by_number(&level, &field, resolver.by_number(old, new));
        }
        self.extensions(&level);
    }

    /// Whether a rule says where a field of the source goes, so that its name counts for nothing.
    fn goes_elsewhere(&self, path: &Fields) -> bool {
        let exactly = |named: &Path| named.fields() == path;
        self.said.moves.iter().any(|rule| exactly(&rule.from))
            || self.said.constants.iter().any(exactly)
            || self.said.fates.iter().any(|fate| fate.is_final() && exactly(&fate.path))
            || self.said.makes.iter().any(|make| match &make.value {
                Made::Join { from, .. } => from.iter().any(exactly),
                Made::Split { from, .. } => exactly(from),
                Made::Constant { .. } | Made::Expression(_) => false,
            })
    }

    /// Whether a rule says what a field of the target comes from.
    fn is_written(&self, path: &Fields) -> bool {
        self.said.moves.iter().any(|rule| rule.to.fields() == path)
            || self.said.makes.iter().any(|make| make.to.fields() == path)
    }

    /// Whether something is said of what lies within a field of the source, or within one of the target, so that they
    /// cannot be handed over as a whole.
    fn is_taken_apart(&self, from: &Fields, to: &Fields) -> bool {
        let said = &self.said;
        let inside = |path: &Path| strictly_within(path.fields(), from);
        let reads = said.makes.iter().any(|make| match &make.value {
            Made::Join { from, .. } => from.iter().any(inside),
            Made::Split { from, .. } => inside(from),
            Made::Expression(expression) => expression.reads().iter().any(|read| {
                let names: Vec<&str> = from.iter().map(FieldDescriptor::name).collect();
                read.len() > names.len() && read.iter().zip(&names).all(|(read, name)| read == name)
            }),
            Made::Constant { .. } => false,
        });
        reads
            || said.moves.iter().any(|rule| inside(&rule.from) || strictly_within(rule.to.fields(), to))
            || said.makes.iter().any(|make| strictly_within(make.to.fields(), to))
            || said.constants.iter().any(inside)
            || said.fates.iter().any(|fate| inside(&fate.path) || fate.path.fields() == from)
    }

    /// Two fields of the same name, or of the same number where that counts.
    fn meet(&mut self, from: &Fields, to: &Fields, origin: Origin) {
        if self.is_taken_apart(from, to) {
            if let Some((source, target)) = self.parts(from, to) {
                return self.take_apart(from, to, &source, &target);
            }
            // The rules alone say what goes there: what they leave is lost.
            if self.said.moves.iter().any(|rule| strictly_within(rule.to.fields(), to))
                || self.said.makes.iter().any(|make| strictly_within(make.to.fields(), to))
            {
                return;
            }
        }
        let (from, to) = (Path::new(from.to_vec()), Path::new(to.to_vec()));
        let asked = Asked { resolver: self.resolver, direction: self.direction };
        let converted = self
            .mask(&from, &to, Spoken::Nothing)
            .unwrap_or_else(|| conversion(from.leaf(), to.leaf(), self.direction, &Options::default(), &asked));
        match converted {
            Ok(conversion) => self.moves.push(Move { from, to, conversion, when: None, origin }),
            Err(what) => self.open_at(&from, &what),
        }
    }

    /// The messages of two fields, where both are singular and counterparts, and can be taken apart.
    fn parts(&self, from: &Fields, to: &Fields) -> Option<(MessageDescriptor, MessageDescriptor)> {
        let (source, target) = (singular_message(from.last()?)?, singular_message(to.last()?)?);
        let counterpart = self.resolver.names.message(self.direction, source.full_name());
        (counterpart == Some(target.full_name())).then_some((source, target))
    }

    fn take_apart(&mut self, from: &Fields, to: &Fields, source: &MessageDescriptor, target: &MessageDescriptor) {
        // A message that leads into itself would be taken apart without end.
        let around = self.containers.iter().filter(|container| strictly_within(from, container.from.fields()));
        let mut around = around.filter_map(|container| self.parts(container.from.fields(), container.to.fields()));
        let again = (&self.source, &self.target) == (source, target)
            || around.any(|(one, other)| (&one, &other) == (source, target));
        if again {
            let path = Path::new(from.to_vec());
            let what = format!(
                "rules reach into this field, which leads into `{}` again; write them so that they name no field within it",
                source.full_name()
            );
            return self.open_at(&path, &what);
        }
        self.containers.push(Container { from: Path::new(from.to_vec()), to: Path::new(to.to_vec()) });
        self.level(from, to, source, target);
    }

    /// Two fields that a rule says are one.
    fn said_move(&mut self, rule: &SaidMove) {
        let (from, to) = (rule.from.clone(), rule.to.clone());
        let plain = rule.options.is_plain() && rule.when.is_none();
        if plain
            && self.is_taken_apart(from.fields(), to.fields())
            && let Some((source, target)) = self.parts(from.fields(), to.fields())
        {
            return self.take_apart(from.fields(), to.fields(), &source, &target);
        }
        let asked = Asked { resolver: self.resolver, direction: self.direction };
        let spoken = rule.options.mask.as_deref().map_or(Spoken::Nothing, |mask| Spoken::By(mask, rule));
        let converted = self.mask(&from, &to, spoken).unwrap_or_else(|| {
            let options = Options { ruled: true, ..rule.options.of(self.direction) };
            conversion(from.leaf(), to.leaf(), self.direction, &options, &asked)
        });
        match converted {
            Ok(conversion) => {
                let origin = Origin::Line(rule.line);
                self.moves.push(Move { from, to, conversion, when: rule.when.clone(), origin });
            }
            Err(what) if rule.options.is_plain() => {
                self.open_at(&from, &format!("the rule of line {} does not say it all: {what}", rule.line));
            }
            // What was said was meant to be enough.
            Err(what) => {
                let way = if self.direction == Direction::Up { "up" } else { "down" };
                self.faults.add_at_line(
                    rule.line,
                    format!("`{from}` cannot become `{to}` on the way {way}: {what}"),
                    "correct the rule; or say `direction`, if it is meant for the other way alone",
                );
            }
        }
    }

    /// A field whose name the other side lacks, but whose number it may have.
    fn by_number(&mut self, level: &Level<'_>, field: &FieldDescriptor, counts: bool) {
        let Some(counterpart) = level.target.get_field(field.number()) else { return };
        // The other one's name has a counterpart of its own.
        if level.source.get_field_by_name(counterpart.name()).is_some() || !self.same_type(field, &counterpart) {
            return;
        }
        let (from, to) = (below(level.from, field), below(level.to, &counterpart));
        let said = self.said.named_source.iter().any(|path| within(path.fields(), &from))
            || self.said.named_target.iter().any(|path| within(path.fields(), &to));
        if said {
            return;
        }
        if counts {
            return self.meet(&from, &to, Origin::Number);
        }
        let version = match self.direction {
            Direction::Up => self.resolver.names.new.version(),
            Direction::Down => self.resolver.names.old.version(),
        };
        let what = format!(
            "{version} calls number {} `{}`: say whether that is a rename ({{ old = …, new = … }}), or what becomes of each",
            field.number(),
            counterpart.name()
        );
        self.open_at(&Path::new(from), &what);
    }

    /// Whether two fields hold the same type in the same way.
    fn same_type(&self, source: &FieldDescriptor, target: &FieldDescriptor) -> bool {
        if source.cardinality() != target.cardinality() || source.is_map() != target.is_map() {
            return false;
        }
        self.same_kind(source.kind(), target.kind())
    }

    fn same_kind(&self, source: Kind, target: Kind) -> bool {
        let names = &self.resolver.names;
        match (source, target) {
            (Kind::Message(one), Kind::Message(other)) if one.is_map_entry() && other.is_map_entry() => {
                self.same_kind(one.map_entry_key_field().kind(), other.map_entry_key_field().kind())
                    && self.same_kind(one.map_entry_value_field().kind(), other.map_entry_value_field().kind())
            }
            (Kind::Message(one), Kind::Message(other)) => {
                names.message(self.direction, one.full_name()) == Some(other.full_name())
            }
            (Kind::Enum(one), Kind::Enum(other)) => {
                names.enumeration(self.direction, one.full_name()) == Some(other.full_name())
            }
            (one, other) => one == other,
        }
    }

    /// Rules do not reach extensions: they pass by their numbers, if both sides take them for the same.
    fn extensions(&mut self, level: &Level<'_>) {
        // An absent extension means its default, and nothing can be written in its place.
        let default = |extension: &ExtensionDescriptor| extension.field_descriptor_proto().default_value().to_owned();
        for extension in level.source.extensions() {
            let counterpart = level.target.get_extension(extension.number());
            let what = match counterpart {
                // What is new passes as an unknown field, where the older version left its number to extensions.
                None if self.direction == Direction::Down
                    && level.target.extension_ranges().any(|range| range.contains(&extension.number())) =>
                {
                    continue;
                }
                None => "the other version has no such extension",
                Some(other)
                    if other.full_name() == extension.full_name()
                        && other.cardinality() == extension.cardinality()
                        && other.is_group() == extension.is_group()
                        && default(&other) == default(&extension)
                        && self.same_extension_kind(&extension.kind(), &other.kind()) =>
                {
                    continue;
                }
                Some(_) => "the other version has another extension on its number",
            };
            self.open.push(Open {
                element: extension.full_name().to_owned(),
                what: format!("{what}, and rules do not reach extensions: give the method code, or refuse it"),
            });
        }
    }

    /// Extensions pass as they are, so what they hold has to be the same.
    fn same_extension_kind(&self, source: &Kind, target: &Kind) -> bool {
        let asked = Asked { resolver: self.resolver, direction: self.direction };
        match (source, target) {
            (Kind::Message(one), Kind::Message(other)) => {
                crate::protocol::rules::convert::Counterparts::is_copy(&asked, one, other)
            }
            (Kind::Enum(one), Kind::Enum(other)) => crate::protocol::rules::identity::same_values(one, other),
            (one, other) => one == other,
        }
    }

    pub(super) fn open_at(&mut self, path: &Path, what: &str) {
        let element = format!("{}.{path}", self.source.full_name());
        self.open.push(Open { element, what: what.to_owned() });
    }

    /// Two rules that write one field contradict each other, unless a condition tells when each does.
    fn refuse_two_writers(&mut self) {
        let moves = &self.said.moves;
        let plain = |rule: &SaidMove| rule.options.is_plain() && singular_message(rule.to.leaf()).is_some();
        let of_moves = moves.iter().map(|rule| (&rule.to, rule.when.is_some(), plain(rule), rule.line));
        let of_makes = self.said.makes.iter().map(|make| {
            let line = if let Origin::Line(line) = make.origin { line } else { 1 };
            (&make.to, make.when.is_some(), false, line)
        });
        let writers: Vec<_> = of_moves.chain(of_makes).collect();
        let mut found = Vec::new();
        for (index, (path, conditional, whole, line)) in writers.iter().enumerate() {
            for (other, other_conditional, other_whole, other_line) in &writers[..index] {
                let (one, two) = (path.fields(), other.fields());
                let clash = one == two && !conditional && !other_conditional
                    || strictly_within(one, two) && !other_whole
                    || strictly_within(two, one) && !whole;
                if clash {
                    found.push((*line, *other_line, show(one)));
                }
            }
        }
        for (line, other_line, path) in found {
            let way = if self.direction == Direction::Up { "up" } else { "down" };
            let rules = if other_line == line {
                format!("two rules of line {line}")
            } else {
                format!("the rules of lines {other_line} and {line}")
            };
            self.faults.add_at_line(
                line,
                format!("on the way {way}, `{path}` is written twice: by {rules}"),
                "keep one of them, give each a `when`, or say `direction` for one",
            );
        }
    }

    /// A rule that lets a field go, or refuses it, says nothing where another one always carries it over as a whole.
    fn refuse_idle_fates(&mut self) {
        let moves = self.moves.iter().map(|step| (&step.from, step.when.is_some(), &step.origin));
        let makes = self.said.makes.iter().flat_map(|make| {
            let from = match &make.value {
                Made::Join { from, .. } => from.as_slice(),
                Made::Split { from, .. } => std::slice::from_ref(from),
                Made::Constant { .. } | Made::Expression(_) => &[],
            };
            from.iter().map(|path| (path, make.when.is_some(), &make.origin))
        });
        let carried: Vec<_> = moves.chain(makes).filter(|(_, conditional, _)| !conditional).collect();
        let mut found = Vec::new();
        for fate in self.said.fates.iter().filter(|fate| fate.is_final()) {
            if let Some((path, _, Origin::Line(line))) = carried.iter().find(|(path, ..)| **path == fate.path) {
                found.push((fate.line, *line, path.to_string()));
            }
        }
        for (line, other_line, path) in found {
            let way = if self.direction == Direction::Up { "up" } else { "down" };
            self.faults.add_at_line(
                line,
                format!(
                    "on the way {way}, line {other_line} carries `{path}` over, so it is neither dropped nor refused"
                ),
                "keep one of them, give this one a `when`, or say `direction` for one",
            );
        }
    }

    /// A constant brings the messages that lead to it into being only where nothing else does.
    fn constants_into_absent(&mut self) {
        let parents = |make: &crate::protocol::plan::Make| make.to.parents().to_vec();
        let written: Vec<Vec<FieldDescriptor>> = self
            .moves
            .iter()
            .map(|step| step.to.fields().to_vec())
            .chain(self.containers.iter().map(|container| container.to.fields().to_vec()))
            .chain(
                self.said
                    .makes
                    .iter()
                    .filter(|make| !matches!(make.value, Made::Constant { .. }))
                    .map(|make| make.to.fields().to_vec()),
            )
            .collect();
        for make in &mut self.said.makes {
            let parents = parents(make);
            if let Made::Constant { into_absent, .. } = &mut make.value {
                *into_absent = parents.is_empty() || !written.iter().any(|path| within(path, &parents));
            }
        }
    }
}
