//! How alike two names are: by their words, whatever style they are written in, and by their letters.

use crate::nearest::distance;

/// From this on two names are more alike than different.
pub(super) const ALIKE: f64 = 0.5;
/// Names that say the same in another style or number: `itemName`, `item_names`.
pub(super) const SAME: f64 = 0.99;

/// From 0 for names that share nothing to 1 for the same words.
pub(super) fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    if one.concat() == other.concat() {
        return 1.0;
    }
    by_words(&one, &other).max(by_letters(&one.concat(), &other.concat()))
}

/// Words that turn what a name says, or choose one of a pair: `min_size` is not `size`.
const TURNING: [&str; 34] = [
    "not", "no", "non", "without", "except", "exclude", "excluded", "disable", "disabled", "deny", "denied", "skip",
    "min", "max", "old", "new", "prev", "previous", "next", "first", "last", "start", "end", "begin", "from", "to",
    "before", "after", "source", "target", "in", "out", "total", "count",
];

/// Whether two names say the same as far as words tell: in another style, nearly alike, or one with more detail.
pub(super) fn says_the_same(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        of.iter().filter(|word| !from.iter().any(|other| *word == other || near(word, other) > 0.0)).cloned().collect()
    };
    let (gone, added) = (missing(&other, &one), missing(&one, &other));
    let turns = gone.iter().chain(&added).any(|word| TURNING.contains(&word.as_str()));
    let more = one.len().min(other.len()) > gone.len().min(added.len());
    (gone.is_empty() || added.is_empty()) && more && !turns
}

/// The words of a name, in lower case and singular: `lastDurationMS` and `last_duration_ms` are `last duration ms`.
pub(super) fn words(name: &str) -> Vec<String> {
    words_as_written(name).iter().map(|word| singular(word)).collect()
}

/// The words of a name in lower case.
pub(super) fn words_as_written(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let hump = letter.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(char::is_uppercase) && after.is_some_and(|after| after.is_lowercase()));
        if !letter.is_alphanumeric() || hump {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn singular(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// The share of words that both have; words that are nearly the same count for most of one.
fn by_words(one: &[String], other: &[String]) -> f64 {
    let best = |word: &String| {
        let of = other.iter().map(|other| if word == other { 1.0 } else { 0.8 * near(word, other) });
        of.fold(0.0, f64::max)
    };
    let common: f64 = one.iter().map(best).sum();
    2.0 * common / count(one.len() + other.len())
}

/// 1 where two words are spelt nearly alike, else 0.
fn near(one: &str, other: &str) -> f64 {
    let long = one.len().min(other.len()) >= 4;
    // `visible` and `invisible`, `lock` and `unlock`.
    let negated = one.ends_with(other) || other.ends_with(one);
    let prefix = long && (one.starts_with(other) || other.starts_with(one));
    if !negated && (prefix || by_letters(one, other) > 0.75) { 1.0 } else { 0.0 }
}

fn by_letters(one: &str, other: &str) -> f64 {
    let longest = one.chars().count().max(other.chars().count());
    // Of short names a letter is a word.
    if longest < 4 { 0.0 } else { 1.0 - count(distance(one, other)) / count(longest) }
}

/// Lengths of names are small.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX)).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_numbers_do_not_count() {
        for (one, other) in [
            ("itemName", "item_name"),
            ("ttl", "ttls"),
            ("HTTPServer", "http_server"),
            ("STATE_GONE", "StateGone"),
            ("targetCPUUtilization", "target_cpu_utilization"),
        ] {
            assert!(likeness(one, other) >= SAME, "{one} {other}: {}", likeness(one, other));
        }
    }

    #[test]
    fn what_turns_the_meaning_is_not_the_same() {
        for (one, other, same) in [
            ("last_duration_ms", "lasting_duration_ms", true),
            ("backend", "defaultBackend", true),
            ("warehouse", "warehouse_id", true),
            ("items", "item", true),
            ("start_time", "end_time", false),
            ("created_time", "updated_time", false),
            ("min_replicas", "max_replicas", false),
            ("size", "min_size", false),
            ("visible", "invisible", false),
            ("enabled", "disabled", false),
            ("cached", "not_cached", false),
            ("increase", "decrease", false),
            ("host_v1", "host_v2", false),
            ("qty", "quantity", false),
            ("a", "b", false),
        ] {
            assert_eq!(says_the_same(one, other), same, "{one} {other}");
            assert_eq!(says_the_same(other, one), same, "{other} {one}");
        }
    }

    #[test]
    fn names_are_alike_or_not() {
        for (one, other, alike) in [
            ("last_duration_ms", "lasting_duration_ms", true),
            ("backend", "defaultBackend", true),
            ("qty", "quantity", false),
            ("warehouse", "warehouse_id", true),
            ("price", "weight", false),
            ("is_learner", "role", false),
            ("a", "b", false),
        ] {
            assert_eq!(likeness(one, other) >= ALIKE, alike, "{one} {other}: {}", likeness(one, other));
        }
    }
}
