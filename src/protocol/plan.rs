//! Plans: what the rules of a step come to for each pair of messages, one direction at a time.
//!
//! A plan is plain data that names fields by their descriptors. It says *what* becomes of a message, never how that is
//! computed: the byte engine compiles plans, and the plain interpreter of `verify` reads them as they are.
//!
//! What a plan does with a source message, in this order:
//!
//! 1. Each of `checks` whose condition holds refuses the message. Conditions are all taken over the source message as
//!    it came.
//! 2. Each of `drops` whose condition holds takes its field out of the source message. One of a value (`Condition::Is`)
//!    takes back what a constant was written for: the messages around it are no loss for being there.
//! 3. `containers` that are present in the source become present in the target, and hand on their unknown fields.
//! 4. `moves` carry values over, each from one path to one path, in their order.
//! 5. `makes` write what comes from several fields, from none, or out of an expression.
//! 6. `losses`: what is still set in the source and was carried nowhere is refused, passed or dropped. It passes where its
//!    number is free and no part of the plan writes that field of the target.
//! 7. Unknown fields pass where their number is free and no part of the plan writes that field of the target; but for
//!    arms of a oneof of the target of which a known arm was carried over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::expression::Expression;

/// Which way a message crosses a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From the older version to the newer one.
    Up,
    /// From the newer version to the older one.
    Down,
}

/// What a message is used for; loss policies differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Use {
    /// A message of a caller, on its way to an object.
    Request,
    /// A message of an object, on its way to a caller.
    Response,
    /// A message that was kept: in a state, a queue, a log, a file.
    Stored,
}

impl Use {
    /// Every use.
    pub const ALL: [Self; 3] = [Self::Request, Self::Response, Self::Stored];
}

/// What becomes of a field that is set and has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The message is refused, naming the path.
    Refuse,
    /// It passes under its number where that is free; else a response goes without it, and all else is refused.
    Pass,
    /// It is left out.
    Drop,
}

/// A policy for each use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policies {
    /// Of requests.
    pub request: Policy,
    /// Of responses.
    pub response: Policy,
    /// Of stored data.
    pub stored: Policy,
}

impl Policies {
    /// The policy for `used`.
    #[must_use]
    pub fn of(&self, used: Use) -> Policy {
        match used {
            Use::Request => self.request,
            Use::Response => self.response,
            Use::Stored => self.stored,
        }
    }
}

/// The plans of one step in one direction. Rules may hold for one use only, so each use has plans of its own, complete in
/// themselves.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    pub(crate) request: Arc<PlansOfUse>,
    pub(crate) response: Arc<PlansOfUse>,
    pub(crate) stored: Arc<PlansOfUse>,
    /// The target's full name, by the source's: of messages that have a counterpart.
    pub(crate) counterparts: BTreeMap<String, String>,
}

/// By the full names of source and target message.
pub(crate) type PlansOfUse = BTreeMap<(String, String), Arc<MessagePlan>>;

impl Plans {
    /// The same plans for every use.
    #[cfg(all(test, feature = "compile"))]
    pub(crate) fn of_all_uses(plans: PlansOfUse, counterparts: BTreeMap<String, String>) -> Self {
        let plans = Arc::new(plans);
        Self { request: Arc::clone(&plans), response: Arc::clone(&plans), stored: plans, counterparts }
    }

    /// The plan that turns a message `source` that is for this use into a message `target`.
    #[must_use]
    pub fn get(&self, source: &str, target: &str, used: Use) -> Option<&Arc<MessagePlan>> {
        // BTreeMap has no look-up by a pair of borrowed strings.
        self.of_use(used).get(&(source.to_owned(), target.to_owned()))
    }

    /// The full name of the message that `source` is on the other side.
    #[must_use]
    pub fn counterpart(&self, source: &str) -> Option<&str> {
        self.counterparts.get(source).map(String::as_str)
    }

    /// The plan that turns `source` into `target` for this use, and those of all the messages that it leads to.
    #[must_use]
    pub fn reached(&self, source: &str, target: &str, used: Use) -> Vec<&MessagePlan> {
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        let mut pending = vec![(source.to_owned(), target.to_owned())];
        let mut found = Vec::new();
        while let Some(pair) = pending.pop() {
            let Some(plan) = self.of_use(used).get(&pair) else { continue };
            if seen.insert(pair) {
                for conversion in plan.moves.iter().map(|step| &step.conversion) {
                    if let Conversion::Mask { source, target } = conversion {
                        pending.push((source.clone(), target.clone()));
                    }
                    pending.extend(conversion.values().into_iter().filter_map(|value| match value {
                        ValueConversion::Message { source, target } => Some((source.clone(), target.clone())),
                        _ => None,
                    }));
                }
                found.push(plan.as_ref());
            }
        }
        found
    }

    /// All plans for this use, in the order of their names.
    pub fn iter(&self, used: Use) -> impl Iterator<Item = &Arc<MessagePlan>> {
        self.of_use(used).values()
    }

    fn of_use(&self, used: Use) -> &PlansOfUse {
        match used {
            Use::Request => &self.request,
            Use::Response => &self.response,
            Use::Stored => &self.stored,
        }
    }
}

/// What becomes of one message that is for one use.
#[derive(Clone, Debug)]
pub struct MessagePlan {
    /// The message as it comes.
    pub source: MessageDescriptor,
    /// The message that it becomes.
    pub target: MessageDescriptor,
    /// Conditions that refuse the message.
    pub checks: Vec<Check>,
    /// Fields that are as if they had not been set.
    pub drops: Vec<Drop>,
    /// Messages within it that stay messages while their fields part ways.
    pub containers: Vec<Container>,
    /// Values that go from one place to another.
    pub moves: Vec<Move>,
    /// Values that are made.
    pub makes: Vec<Make>,
    /// Fields of the source that nothing carries over.
    pub losses: Vec<Loss>,
    /// What the author of the step still has to say; a message with open points is not rewritten at all.
    pub open: Vec<Open>,
}

/// A field, and the singular messages that lead to it, from the message of a plan on. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(Vec<FieldDescriptor>);

impl Path {
    /// A path of these fields.
    ///
    /// # Panics
    /// When there are none, or one but the last is no singular message field.
    #[must_use]
    pub fn new(fields: Vec<FieldDescriptor>) -> Self {
        let Some((_, leading)) = fields.split_last() else { panic!("a path has a field") };
        assert!(
            leading.iter().all(|field| matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !field.is_map()),
            "a path leads through singular messages"
        );
        Self(fields)
    }

    /// The fields on the way, the last one included.
    #[must_use]
    pub fn fields(&self) -> &[FieldDescriptor] {
        &self.0
    }

    /// The field that the path leads to.
    #[must_use]
    pub fn leaf(&self) -> &FieldDescriptor {
        // `new` holds that there is one.
        &self.0[self.0.len() - 1]
    }

    /// The messages on the way, without the last field; empty for a field of the message itself.
    #[must_use]
    pub fn parents(&self) -> &[FieldDescriptor] {
        &self.0[..self.0.len() - 1]
    }

    /// The path that goes on from this one.
    ///
    /// # Panics
    /// When this one does not lead to a singular message.
    #[must_use]
    pub fn join(&self, rest: &Path) -> Self {
        Self::new(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// Whether `self` is `other`, or leads into it.
    #[must_use]
    pub fn starts_with(&self, other: &Path) -> bool {
        self.0.len() >= other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| one == other)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(".")?;
            }
            formatter.write_str(field.name())?;
        }
        Ok(())
    }
}

/// Where a part of a plan comes from; for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of `step.toml`, counted from 1.
    Line(usize),
    /// The names are the same.
    Name,
    /// Number and type are the same, and the step says that this counts.
    Number,
    /// What the descriptors of both sides say: presence, defaults, loss policies.
    Schema,
}

/// A condition that refuses the message.
#[derive(Clone, Debug)]
pub struct Check {
    /// When.
    pub condition: Condition,
    /// The field that the refusal names; the message itself if there is none.
    pub path: Option<Path>,
    /// Why, for the caller's developer.
    pub reason: String,
    /// What the caller can do.
    pub advice: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A field that is as if it had not been set.
#[derive(Clone, Debug)]
pub struct Drop {
    /// The field of the source.
    pub path: Path,
    /// When.
    pub condition: Condition,
    /// Where it comes from.
    pub origin: Origin,
}

/// When a part of a plan applies.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Always; for a [`Check`] with a path: when that field is set.
    Always,
    /// When the field says nothing: an empty message (unknown fields count), list or map, a zero or empty scalar.
    Empty,
    /// When the field holds this value.
    Is(Value),
    /// When the expression holds over the source message.
    Holds(Expression),
}

/// A message field of both sides whose fields part ways: some go elsewhere, or come from elsewhere.
#[derive(Clone, Debug)]
pub struct Container {
    /// In the source.
    pub from: Path,
    /// In the target.
    pub to: Path,
}

/// A value that goes from one place to another.
///
/// A leading message of `from` that is absent makes the value absent. Leading messages of `to` come into being when
/// something is written into them. What stands for an absent value counts where the leading messages of `from` are there,
/// or those of `to` are in the end, whatever brought them into being.
#[derive(Clone, Debug)]
pub struct Move {
    /// In the source.
    pub from: Path,
    /// In the target.
    pub to: Path,
    /// What becomes of the value.
    pub conversion: Conversion,
    /// Only then; the source field counts as carried over only then, too.
    pub when: Option<Expression>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What becomes of a field's value.
#[derive(Clone, Debug)]
pub enum Conversion {
    /// A singular value becomes a singular one.
    One(ValueConversion),
    /// Each element of a repeated field becomes one, in order.
    Each(ValueConversion),
    /// A singular value becomes the only element; an absent one, or a zero without presence, an empty list.
    IntoList(ValueConversion),
    /// One element of a repeated field becomes the value.
    FromList {
        /// What becomes of the element.
        value: ValueConversion,
        /// Which one counts.
        beyond: Beyond,
    },
    /// The entries of a map, converted by key and value. The entry with the default key may be absent on the wire.
    Map {
        /// Of keys.
        key: ValueConversion,
        /// Of values.
        value: ValueConversion,
    },
    /// Each entry of a map becomes a message.
    MapToList {
        /// The element's field that holds the key.
        key_field: FieldDescriptor,
        /// The element's field that holds the value.
        value_field: FieldDescriptor,
        /// Of keys.
        key: ValueConversion,
        /// Of values.
        value: ValueConversion,
    },
    /// Each message becomes an entry of a map.
    ListToMap {
        /// The element's field that holds the key; absent is its zero.
        key_field: FieldDescriptor,
        /// The element's field that holds the value; absent is its zero.
        value_field: FieldDescriptor,
        /// Of keys.
        key: ValueConversion,
        /// Of values.
        value: ValueConversion,
        /// Whether a key that comes twice refuses; else the last one counts.
        refuse_duplicates: bool,
    },
    /// The paths of a `google.protobuf.FieldMask` follow the fields of a message.
    Mask {
        /// Full name of the message of the source version that the paths speak of.
        source: String,
        /// Full name of the message of the target version.
        target: String,
    },
}

impl Conversion {
    /// The conversions of values that it is made of.
    #[must_use]
    pub fn values(&self) -> Vec<&ValueConversion> {
        match self {
            Self::One(value) | Self::Each(value) | Self::IntoList(value) | Self::FromList { value, .. } => vec![value],
            Self::Map { key, value } | Self::MapToList { key, value, .. } | Self::ListToMap { key, value, .. } => {
                vec![key, value]
            }
            Self::Mask { .. } => Vec::new(),
        }
    }
}

/// Which element counts where only one can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// More than one refuses.
    Refuse,
    /// The first.
    First,
    /// The last.
    Last,
}

/// What becomes of one value.
#[derive(Clone, Debug)]
pub enum ValueConversion {
    /// The same bytes mean the same: also for strings, bytes, enums and messages that did not change.
    Copy,
    /// A message becomes its counterpart, by the plan of these two full names.
    Message {
        /// Full name of the source message.
        source: String,
        /// Full name of the target message.
        target: String,
    },
    /// A message crosses several steps, from hop `first` of a chain on; only in plans that fusion made.
    Through {
        /// Index of the first hop, counted from the start of the chain.
        first: usize,
        /// Full names: of the message before the first of these hops, and after each of them.
        messages: Vec<String>,
    },
    /// `google.protobuf.Any`: its content follows the plan of its type, its URL the new name; types that the protocol
    /// does not declare pass.
    Any,
    /// A scalar becomes another.
    Scalar(ScalarConversion),
}

/// A scalar is read, changed step by step, and written.
#[derive(Clone, Debug)]
pub struct ScalarConversion {
    /// How it is read.
    pub read: Form,
    /// What is done to it, in order.
    pub changes: Vec<Change>,
    /// How it is written; integers are checked against the range, floats for being exact.
    pub write: Form,
    /// What an absent field of the source comes to, as a value of the target's field, if that is not what an absent field
    /// of the target means: written where the source is absent, and for a source without presence where it holds its zero.
    /// Also the `default` of a rule; where one of a list counts, an empty list is absent.
    pub absent: Option<Value>,
    /// Whether an absent field of the source without presence is refused, and one that holds its zero: its zero has no
    /// counterpart. Then `absent` is none.
    pub refuse_absent: bool,
}

/// How a scalar lies in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A field of this scalar type. An enum is its number.
    Plain(Kind),
    /// A wrapper of `google/protobuf/wrappers.proto` around this scalar type; without a value in it, it holds the zero.
    Wrapper(Kind),
    /// `google.protobuf.Timestamp`: an integer of nanoseconds since 1970.
    Timestamp,
    /// `google.protobuf.Duration`: an integer of nanoseconds.
    Duration,
    /// A message of the shape of `google.type.Money`: an integer of billionths, `units` × 10⁹ + `nanos`, whose two parts
    /// have one sign. Where it is read, another currency refuses at `currency_code`, but for zero without a currency.
    Money {
        /// Three letters of ISO 4217.
        currency: String,
        /// The numbers of `currency_code`, `units` and `nanos`.
        numbers: [u32; 3],
    },
}

/// What is done to a scalar. Integers, bools and enums are integers (`i128`), floats `f64`, and there are text and bytes.
#[derive(Clone, Debug)]
pub enum Change {
    /// An integer must be in the range of this integer kind, or of `bool`.
    Fit(Kind),
    /// An integer must lie between these, which are allowed; for times that pass through a version in between.
    Within {
        /// The least.
        least: i128,
        /// The most.
        most: i128,
    },
    /// Number × numerator / denominator.
    Scale {
        /// Never 0.
        numerator: i64,
        /// Above 0.
        denominator: i64,
        /// What happens to a remainder. Floats are just multiplied and divided.
        rounding: Rounding,
    },
    /// By a table.
    Table(Arc<Table>),
    /// An integer to a float, which must hold it exactly.
    IntegerToFloat,
    /// A float to an integer.
    FloatToInteger(Rounding),
    /// A float must be equal to a `float`; not-a-number and infinities are.
    ToSingle,
    /// Bytes to text: they must be UTF-8.
    Utf8,
    /// Text to bytes.
    AsBytes,
    /// Bytes to text.
    Encode(Encoding),
    /// Text to bytes.
    Decode(Encoding),
    /// Decimal text to an integer: an optional `-`, digits, nothing else.
    ParseInteger,
    /// Decimal text to a float, as in the JSON mapping of protobuf.
    ParseFloat {
        /// Whether to the nearest `float`; else to the nearest `double`.
        single: bool,
    },
    /// An integer to decimal text.
    FormatInteger,
    /// A float to decimal text, as in the JSON mapping of protobuf (the shortest that reads back as the same).
    FormatFloat {
        /// Whether it is a `float`, whose shortest text is shorter.
        single: bool,
    },
    /// RFC 3339 text to nanoseconds since 1970.
    ParseTime,
    /// Nanoseconds since 1970 to RFC 3339 text, in UTC with `Z`, with 0, 3, 6 or 9 digits of fraction.
    FormatTime,
    /// A float to billionths: what the fewest decimal digits say that read back as it. More than nine decimals refuse, and
    /// what is no number, and minus zero.
    FloatToBillionths {
        /// Whether it is a `float`, whose digits are fewer.
        single: bool,
    },
    /// Billionths to the nearest float. Refused where the fewest digits of that float say another amount.
    BillionthsToFloat {
        /// Whether to the nearest `float`; else to the nearest `double`.
        single: bool,
    },
    /// Decimal text to billionths: an optional `-`, digits, and maybe a point and digits, of which those after the ninth
    /// are zeros.
    ParseBillionths,
    /// Billionths to decimal text, without zeros at the end of the fraction.
    FormatBillionths,
    /// The value must not be zero (0, false, empty): it passes through a field without presence of a version in between,
    /// where a zero means something of its own. Only in plans that fusion made.
    NotZero,
    /// The value passes through a field without presence of a version in between: where it is zero (0, false, empty),
    /// conversion ends here with `absent` (nothing if there is none).
    Settle,
}

/// What happens to the remainder of a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A remainder refuses.
    Refuse,
    /// Towards negative infinity.
    Floor,
    /// Towards positive infinity.
    Ceiling,
    /// To the nearest; halves away from zero.
    Nearest,
    /// Towards zero.
    Zero,
}

/// How text stands for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648, section 4; padding is written, and may be absent when read.
    Base64,
    /// RFC 4648, section 5; padding is not written, and may be there when read.
    Base64Url,
    /// Lower case when written, either when read.
    Hex,
}

/// A table of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What becomes of what. Enums and bools are integers.
    pub entries: Vec<(Cell, Cell)>,
    /// What becomes of values that it lacks.
    pub unknown: Unknown,
    /// What the source calls its values, for refusals: number and name.
    pub names: Vec<(i64, String)>,
}

/// A value in a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// An integer, an enum's number, a bool as 0 or 1.
    Number(i64),
    /// A string.
    Text(String),
}

/// What becomes of a value that a table lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Refused, as a loss.
    Refuse,
    /// A number that the source does not name passes as it is; one that it names is refused.
    Pass,
    /// It becomes this.
    To(Cell),
}

/// A value that is made.
///
/// What it is made of counts as carried over: the paths of a join or a split, and those that an expression
/// [reads](Expression::reads), with all that lies in them. Where it is made under a condition, only then.
#[derive(Clone, Debug)]
pub struct Make {
    /// In the target.
    pub to: Path,
    /// What.
    pub value: Made,
    /// Only then.
    pub when: Option<Expression>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a value is made of.
#[derive(Clone, Debug)]
pub enum Made {
    /// This; with leading messages of the path only where `into_absent`, else only where they are present already.
    Constant {
        /// The value.
        value: Value,
        /// Whether leading messages that are absent come into being for it.
        into_absent: bool,
    },
    /// What the expression says over the source message; nothing where it is `null`.
    Expression(Expression),
    /// Strings put together; absent where all are absent or empty. Refused where a split of what comes out would give
    /// other parts, an absent part being an empty one.
    Join {
        /// In this order.
        from: Vec<Path>,
        /// Between them.
        separator: String,
        /// Whether parts at the end that are absent or empty are left out with their separators; else they refuse.
        may_miss: bool,
    },
    /// A part of a string; the last part is all that is left. Refused where a join of all parts would give another string.
    Split {
        /// The string.
        from: Path,
        /// At which it is split.
        separator: String,
        /// Which part, from 0.
        part: usize,
        /// Of how many.
        parts: usize,
        /// Whether parts may be missing at the end; else they refuse, unless the string is absent or empty.
        may_miss: bool,
    },
}

/// A field of the source that nothing carries over, or nothing unless a condition holds.
///
/// A message field that is listed stands for all that is in it and is carried nowhere, and for being there at all where
/// nothing of it is carried. Where a field and a part of it are both listed, the part goes by its own entry.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The field; what other parts of the plan carry out of it is not lost.
    pub path: Path,
    /// What becomes of it.
    pub policies: Policies,
    /// Why a refusal refuses, where the step says.
    pub reason: Option<String>,
    /// What the caller can do.
    pub advice: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What the author of a step still has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The element: a message with its field.
    pub element: String,
    /// What is open, and what to write.
    pub what: String,
}
