//! The keys of a rule: what each holds, and which exclude each other.

use toml::Value;

use super::{Each, Side, Uses, What, may_miss, pair_options};
use crate::protocol::plan::Direction;
use crate::protocol::rules::convert::{Literal, UnknownValue};
use crate::protocol::rules::faults::Faults;
use crate::protocol::rules::file::RuleText;

/// The keys of one rule while they are read.
pub(super) struct Keys<'r, 'f> {
    pub(super) text: &'r RuleText,
    pub(super) line: usize,
    pub(super) faults: &'r mut Faults<'f>,
    pub(super) failed: bool,
}

impl Keys<'_, '_> {
    pub(super) fn fault(&mut self, what: &str, advice: &str) {
        self.faults.add_at_line(self.line, what, advice);
        self.failed = true;
    }

    /// Notes a fault where `key` is there without the key that gives it a meaning.
    pub(super) fn goes_with(&mut self, key: &str, there: bool, other: &str) {
        if there {
            self.fault(&format!("`{key}` without `{other}`"), &format!("remove `{key}`, or say `{other}` too"));
        }
    }

    /// What the rule is about; nothing, and a fault, where its keys contradict each other.
    pub(super) fn what(&mut self) -> Option<What> {
        let text = self.text;
        let told = [
            ("up", text.up.is_some() || text.down.is_some()),
            ("drop", text.drop.is_some()),
            ("refuse", text.refuse.is_some()),
            ("loss", text.loss.is_some()),
            ("value", text.value.is_some() && text.key.is_none()),
        ];
        let told: Vec<&str> = told.into_iter().filter(|(_, there)| *there).map(|(key, _)| key).collect();
        // An expression has its key from its direction.
        let named = |key: &'static str| if key == "up" && text.up.is_none() { "down" } else { key };
        if let [one, other, ..] = told[..] {
            let what = format!("`{}` and `{}` exclude each other", if one == "up" { named("up") } else { one }, other);
            self.fault(&what, "write two rules, one for each");
            return None;
        }
        let purpose = told.first().copied();
        self.only_for_pairs(purpose);
        if purpose != Some("refuse") {
            self.goes_with("advice", text.advice.is_some(), "refuse");
        }
        match purpose {
            None => self.pair(),
            Some("up") => self.expressions(),
            Some("drop") => {
                let only_empty = match &text.drop {
                    Some(Value::Boolean(true)) => false,
                    Some(Value::String(word)) if word == "empty" => true,
                    _ => {
                        self.fault(
                            "`drop` is neither `true` nor \"empty\"",
                            "write `drop = true` or `drop = \"empty\"`",
                        );
                        return None;
                    }
                };
                let (side, path) = self.one_field("drop")?;
                Some(What::Drop { side, path, only_empty })
            }
            Some("loss") => {
                let (side, path) = self.one_field("loss")?;
                Some(What::Loss { side, path, loss: text.loss.clone()? })
            }
            Some("value") => {
                let (side, path) = self.one_field("value")?;
                let value = self.literal("value", text.value.as_ref()?)?;
                Some(What::Constant { side, path, value })
            }
            Some(_) => {
                let field =
                    if text.old.is_none() && text.new.is_none() { None } else { Some(self.one_field("refuse")?) };
                Some(What::Refuse { field, reason: text.refuse.clone()?, advice: text.advice.clone() })
            }
        }
    }

    /// Notes a fault for each key that speaks of two fields in a rule that does not.
    fn only_for_pairs(&mut self, purpose: Option<&str>) {
        let Some(purpose) = purpose else { return };
        let text = self.text;
        let keys = [
            ("encoding", text.encoding.is_some()),
            ("text", text.text.is_some()),
            ("number", text.number.is_some()),
            ("scale", text.scale.is_some()),
            ("rounding", text.rounding.is_some()),
            ("unit", text.unit.is_some()),
            ("money", text.money.is_some()),
            ("values", text.values.is_some()),
            ("values_up", text.values_up.is_some()),
            ("values_down", text.values_down.is_some()),
            ("unknown", text.unknown.is_some()),
            ("beyond", text.beyond.is_some()),
            ("key", text.key.is_some()),
            ("duplicates", text.duplicates.is_some()),
            ("join", text.join.is_some()),
            ("missing", text.missing.is_some()),
            ("mask", text.mask.is_some()),
            ("default", text.default.is_some()),
        ];
        let purpose = if purpose == "up" && text.up.is_none() { "down" } else { purpose };
        for (key, _) in keys.into_iter().filter(|(_, there)| *there) {
            self.fault(
                &format!("`{key}` and `{purpose}` exclude each other"),
                &format!("`{key}` is for a rule that relates two fields"),
            );
        }
    }

    fn pair(&mut self) -> Option<What> {
        let text = self.text;
        if text.join.is_some() {
            return self.join();
        }
        if text.old.is_some() != text.new.is_some() || text.old.is_none() {
            let what = if text.old.is_none() && text.new.is_none() {
                "the rule names no field"
            } else {
                "the rule names one field, and says nothing of it"
            };
            let advice = "name a field of both sides (`old` and `new`), or say `value`, `up`, `down`, `drop`, `refuse` or `loss`";
            self.fault(what, advice);
            return None;
        }
        let old = self.text_of("old", text.old.as_ref())?;
        let new = self.text_of("new", text.new.as_ref())?;
        let options = Box::new(pair_options(self));
        Some(What::Pair { old, new, options })
    }

    fn join(&mut self) -> Option<What> {
        let text = self.text;
        let list = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|part| part.as_str().map(str::to_owned)).collect()
        };
        let separator = text.join.clone()?;
        let (parts, parts_of, whole) = match (&text.old, &text.new) {
            (Some(Value::String(whole)), Some(parts)) => (list(parts), Side::New, whole),
            (Some(parts), Some(Value::String(whole))) => (list(parts), Side::Old, whole),
            _ => {
                self.fault("`join` needs a list of fields on one side and a field on the other", JOIN);
                return None;
            }
        };
        let Some(parts) = parts.filter(|parts| parts.len() > 1) else {
            self.fault("`join` needs a list of at least two fields on one side", JOIN);
            return None;
        };
        if separator.is_empty() {
            self.fault("`join` is empty: nobody could split what it joins", "name what stands between the parts");
            return None;
        }
        let options = pair_options_of_join(self);
        if !options {
            return None;
        }
        Some(What::Join { parts, parts_of, whole: whole.clone(), separator, may_miss: may_miss(text) })
    }

    fn expressions(&mut self) -> Option<What> {
        let text = self.text;
        let mut made = |key: &str, expression: Option<&String>, field: &str, path: Option<&Value>| {
            let Some(expression) = expression else { return Some(None) };
            if path.is_none() {
                self.fault(
                    &format!("`{key}` makes a field of the other side, but the rule has no `{field}`"),
                    &format!("name the field that is made under `{field}`"),
                );
                return None;
            }
            Some(Some((self.text_of(field, path)?, expression.clone())))
        };
        let up = made("up", text.up.as_ref(), "new", text.new.as_ref())?;
        let down = made("down", text.down.as_ref(), "old", text.old.as_ref())?;
        if text.old.is_some() && down.is_none() || text.new.is_some() && up.is_none() {
            let (field, key) = if up.is_none() { ("new", "up") } else { ("old", "down") };
            self.fault(
                &format!("the rule names `{field}`, but has no `{key}` that makes it"),
                &format!("remove `{field}`, or say how it is made with `{key}`"),
            );
            return None;
        }
        Some(What::Expressions { up, down })
    }

    /// The only field of the rule.
    fn one_field(&mut self, key: &str) -> Option<(Side, String)> {
        match (&self.text.old, &self.text.new) {
            (Some(old), None) => Some((Side::Old, self.text_of("old", Some(old))?)),
            (None, Some(new)) => Some((Side::New, self.text_of("new", Some(new))?)),
            (Some(_), Some(_)) => {
                self.fault(
                    &format!("`{key}` speaks of one field, and the rule names `old` and `new`"),
                    "keep the side that it is about, and write another rule for the other",
                );
                None
            }
            (None, None) => {
                self.fault(&format!("`{key}` without a field"), "name the field under `old` or `new`");
                None
            }
        }
    }

    /// In which directions the rule holds.
    pub(super) fn holds(&mut self, what: Option<&What>) -> Each<bool> {
        let said = self.text.direction.map(Direction::from);
        let natural = match what {
            Some(What::Expressions { up, down }) => Each { up: up.is_some(), down: down.is_some() },
            Some(What::Drop { side, .. } | What::Loss { side, .. } | What::Refuse { field: Some((side, _)), .. }) => {
                Each { up: *side == Side::Old, down: *side == Side::New }
            }
            Some(What::Refuse { field: None, .. }) => {
                if said.is_none() && !matches!(&self.text.when, Some(Value::Table(_))) {
                    self.fault(
                        "a message is refused, but in which direction?",
                        "say `direction = \"up\"` or `\"down\"`, or name the field that is refused",
                    );
                }
                self.each_side_of_when()
            }
            _ => Each { up: true, down: true },
        };
        if let Some(said) = said.filter(|said| !natural.of(*said) && what.is_some()) {
            let said = if said == Direction::Up { "up" } else { "down" };
            self.fault(
                &format!("the rule says nothing of the way {said}, which is its `direction`"),
                "remove `direction`, or name the field of the other side",
            );
        }
        let on = |direction| *natural.of(direction) && said.is_none_or(|said| said == direction);
        Each { up: on(Direction::Up), down: on(Direction::Down) }
    }

    /// The directions that a table under `when` speaks of; both without one.
    fn each_side_of_when(&self) -> Each<bool> {
        match &self.text.when {
            Some(Value::Table(table)) => Each { up: table.contains_key("up"), down: table.contains_key("down") },
            _ => Each { up: true, down: true },
        }
    }

    /// The conditions.
    pub(super) fn when(&mut self, holds: &Each<bool>, what: Option<&What>) -> Each<Option<String>> {
        let when = match &self.text.when {
            None => return Each::default(),
            Some(Value::String(one)) => {
                let on = |holds: bool| holds.then(|| one.clone());
                Each { up: on(holds.up), down: on(holds.down) }
            }
            Some(Value::Table(table)) => {
                let mut of = |key: &str| self.text_of(&format!("when.{key}"), table.get(key));
                let each = Each { up: of("up"), down: of("down") };
                if let Some(key) = table.keys().find(|key| *key != "up" && *key != "down") {
                    self.fault(&format!("`when` has a key `{key}`"), "it has `up` and `down`");
                }
                for (key, there, holds) in
                    [("up", each.up.is_some(), holds.up), ("down", each.down.is_some(), holds.down)]
                {
                    if there && !holds {
                        self.fault(
                            &format!("`when.{key}` in a rule that does not hold on the way {key}"),
                            "remove it, or say the rule for that direction",
                        );
                    }
                }
                each
            }
            Some(_) => {
                self.fault("`when` is no condition", "write an expression, or `{ up = \"…\", down = \"…\" }`");
                return Each::default();
            }
        };
        if matches!(what, Some(What::Loss { .. })) {
            self.fault("`when` and `loss` exclude each other", "say `drop` or `refuse` with the condition");
        }
        if matches!(what, Some(What::Drop { only_empty: true, .. })) {
            self.fault("`when` and `drop = \"empty\"` exclude each other", "keep one of the two conditions");
        }
        when
    }

    /// What the rule holds for.
    pub(super) fn uses(&mut self) -> Uses {
        let words = match &self.text.uses {
            None => return Uses::All,
            Some(Value::String(word)) => vec![Some(word.as_str())],
            Some(Value::Array(words)) => words.iter().map(Value::as_str).collect(),
            Some(_) => vec![None],
        };
        let known = |word: Option<&str>| matches!(word, Some("request" | "response" | "stored"));
        let twice = (1..words.len()).any(|index| words[..index].contains(&words[index]));
        if words.is_empty() || twice || !words.iter().copied().all(known) {
            self.fault("`use` is no use", USE);
            return Uses::All;
        }
        let has = |word: &str| words.contains(&Some(word));
        Uses::Only { request: has("request"), response: has("response"), stored: has("stored") }
    }

    /// The currency of an amount.
    pub(super) fn money(&mut self) -> Option<String> {
        let currency = self.text.money.as_ref()?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.fault("`money` is no currency", "write its three letters of ISO 4217, such as \"USD\"");
        }
        Some(currency.clone())
    }

    /// A text, where there is a value.
    pub(super) fn text_of(&mut self, key: &str, value: Option<&Value>) -> Option<String> {
        match value? {
            Value::String(text) => Some(text.clone()),
            Value::Array(_) if matches!(key, "old" | "new") => {
                self.fault(&format!("`{key}` is a list without `join`"), JOIN);
                None
            }
            _ => {
                self.fault(&format!("`{key}` is no text"), "write it in quotes");
                None
            }
        }
    }

    pub(super) fn literal(&mut self, key: &str, value: &Value) -> Option<Literal> {
        let literal = as_literal(value);
        if literal.is_none() {
            self.fault(
                &format!("`{key}` holds what is no value of a field"),
                "write a text, a number, true or false; an enum's value by its name",
            );
        }
        literal
    }

    /// A value for both directions, or one for each in a table.
    pub(super) fn each_literal(&mut self, key: &str, value: Option<&Value>) -> Each<Option<Literal>> {
        match value {
            None => Each::default(),
            Some(Value::Table(table)) => {
                if let Some(other) = table.keys().find(|key| *key != "up" && *key != "down") {
                    self.fault(&format!("`{key}` has a key `{other}`"), "it has `up` and `down`");
                }
                let mut of = |direction| table.get(direction).and_then(|value| self.literal(key, value));
                Each { up: of("up"), down: of("down") }
            }
            Some(value) => {
                let literal = self.literal(key, value);
                Each { up: literal.clone(), down: literal }
            }
        }
    }

    /// What becomes of values without a name.
    pub(super) fn unknown(&mut self) -> Each<Option<UnknownValue>> {
        let Each { up, down } = self.each_literal("unknown", self.text.unknown.as_ref());
        Each { up: up.map(unknown_value), down: down.map(unknown_value) }
    }

    /// New = old × numerator / denominator.
    pub(super) fn scale(&mut self) -> Option<(i64, i64)> {
        let scale = match self.text.scale.as_ref()? {
            Value::Integer(factor) => Some((*factor, 1)),
            Value::String(text) => text
                .split_once('/')
                .and_then(|(numerator, denominator)| {
                    Some((numerator.trim().parse().ok()?, denominator.trim().parse().ok()?))
                })
                .or_else(|| Some((text.trim().parse().ok()?, 1))),
            _ => None,
        };
        let scale = scale.filter(|(numerator, denominator)| *numerator != 0 && *denominator > 0);
        if scale.is_none() {
            self.fault(
                "`scale` is no fraction",
                "write a whole number, or a text of two, such as \"1/100\"; neither may be 0, and the second not negative",
            );
        }
        scale
    }
}

const USE: &str = "write \"request\", \"response\" or \"stored\", or a list of those that the rule holds for";
const JOIN: &str = "write `{ old = [\"first\", \"last\"], new = \"name\", join = \" \" }`, or the list under `new`";

/// A value of a field, as TOML writes it.
pub(in crate::protocol::rules) fn as_literal(value: &Value) -> Option<Literal> {
    match value {
        Value::String(text) => Some(Literal::Text(text.clone())),
        Value::Integer(value) => Some(Literal::Integer(*value)),
        Value::Float(value) => Some(Literal::Float(*value)),
        Value::Boolean(value) => Some(Literal::Bool(*value)),
        _ => None,
    }
}

/// The words `refuse` and `pass`, or a value.
pub(in crate::protocol::rules) fn unknown_value(literal: Literal) -> UnknownValue {
    match literal {
        Literal::Text(word) if word == "refuse" => UnknownValue::Refuse,
        Literal::Text(word) if word == "pass" => UnknownValue::Pass,
        value => UnknownValue::To(value),
    }
}

/// Joins and splits know no other key of pairs than `missing`.
fn pair_options_of_join(keys: &mut Keys<'_, '_>) -> bool {
    let text = keys.text;
    let others = [
        ("encoding", text.encoding.is_some()),
        ("text", text.text.is_some()),
        ("number", text.number.is_some()),
        ("scale", text.scale.is_some()),
        ("unit", text.unit.is_some()),
        ("money", text.money.is_some()),
        ("rounding", text.rounding.is_some()),
        ("values", text.values.is_some() || text.values_up.is_some() || text.values_down.is_some()),
        ("unknown", text.unknown.is_some()),
        ("beyond", text.beyond.is_some()),
        ("key", text.key.is_some()),
        ("duplicates", text.duplicates.is_some()),
        ("mask", text.mask.is_some()),
        ("default", text.default.is_some()),
    ];
    let mut fine = true;
    for (key, _) in others.into_iter().filter(|(_, there)| *there) {
        keys.fault(&format!("`{key}` and `join` exclude each other"), "write two rules, one for each");
        fine = false;
    }
    fine
}
