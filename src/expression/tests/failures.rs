//! What does not compile, and what fails.

use super::*;

#[test]
fn what_cannot_hold_does_not_compile() {
    // Text, what the error says, what its advice says, and where it points.
    let cases = [
        ("old.nam == 'a'", "t.Item has no field `nam`", "`name`", Some("nam")),
        ("old.address.town == 'a'", "t.Address has no field `town`", "`city`, `zip`", Some("town")),
        ("'é' != old.nam", "no field `nam`", "`name`", Some("nam")),
        ("old.camelCase == 1", "no field `camelCase`", "write `camel_case`", Some("camelCase")),
        ("old.items.filter(i, i.nme == '')", "t.Part has no field `nme`", "`name`", Some("nme")),
        ("old.items.filter(i, i.weight > 0)[0].nme == ''", "t.Part has no field `nme`", "`name`", Some("nme")),
        ("old.items.map(i, i.address).all(a, a.cty == '')", "t.Address has no field `cty`", "`city`", Some("cty")),
        ("old.items[0].parts[0].nme == ''", "no field `nme`", "`name`", Some("nme")),
        ("old.parts[1].nme == ''", "no field `nme`", "`name`", Some("nme")),
        ("has(old.nam)", "no field `nam`", "`name`", Some("nam")),
        ("has(old.items[0].nme)", "no field `nme`", "`name`", Some("nme")),
        ("has(old.limit.value)", "`has` cannot tell", "a message", Some("value")),
        ("old.limit.value == 1", "`limit` reads as its value", "leave `.value` out", Some("value")),
        ("old.name.foo == 1", "a string has no `foo`", "as a whole", Some("foo")),
        ("old.struct.fields == {}", "google.protobuf.Struct cannot be read", "as a whole", Some("fields")),
        ("name == 'a'", "there is no `name`", "`old.name`", Some("name")),
        ("new.name == 'a'", "there is no `new.name`", "`old`", Some("new")),
        ("old.state == t.State.STATE_GON", "no `t.State.STATE_GON`", "`t.State.STATE_GONE`", Some("t.State")),
        ("old.state == t.STATE_GONE", "no `t.STATE_GONE`", "write `t.State.STATE_GONE`", Some("t.STATE")),
        ("old.state == t.Stat.STATE_GONE", "no `t.Stat.STATE_GONE`", "`t.State.STATE_GONE`", Some("t.Stat")),
        ("old.state == t.State.GONE_AWAY_FAR", "no `t.State", "the values of t.State are", Some("t.State")),
        ("old.state == 'STATE_GONE'", "int never equals string", "package.Enum.VALUE", Some("==")),
        ("old.name > 3", "`>` takes no string and int", "string(", Some(">")),
        ("old.count + 1 == 2", "`+` takes no uint and int", "`2u`", Some("+")),
        ("old.address == null", "never equals null", "has(", Some("==")),
        ("old.name && true", "a condition is a bool", "!= 0", Some(".name")),
        ("1 in old.tags", "`in` takes no int and list of string", "", Some("in")),
        ("old.name[0] == 'a'", "`[]` takes no string and int", "", Some("[")),
        ("siz(old.tags) == 0", "no function `siz`", "`size`", Some("(")),
        ("old.name.lenght() == 0", "no function `lenght`", "CEL", Some("(")),
        ("old.name.matches('[')", "no regular expression", "RE2", Some("'['")),
        ("old.name.matches(old.name)", "not written out", "as a text", Some("(")),
        ("size(1) == 0", "`size` takes no (int)", "", Some("(")),
        ("old.tags.join(old.name)", "not written out", "as a text", Some("(")),
        ("old.name.replace('a', old.name)", "not written out", "as a text", Some("(")),
        ("contains(old.name, 'a')", "no function `contains`", "value.contains", Some("(")),
        ("old.items.all(i, i.parts.all(p, true))", "within another", "one after the other", None),
        ("old.items.map(old, old)", "`old` is the message", "another name", None),
        ("old.address.all(a, true)", "no elements to run over", "list or a map", None),
        ("old.items.all(1, true)", "no CEL", "", None),
        ("t.Item{name: 'a'}", "name of their type", "map of the fields", None),
        ("{1.5: 2}", "a double is no key", "", None),
        ("old.", "no CEL", "cel.dev", None),
        ("old.name ==", "mismatched input the end", "cel.dev", Some("")),
        ("", "no CEL", "cel.dev", None),
        ("old.?name", "", "", None),
        ("optional.of(1)", "no function `of`", "", None),
        ("dyn(old).name", "no function `dyn`", "", None),
        ("-old.name", "no negative string", "", None),
        ("i + old.items.map(i, 1)[0]", "there is no `i`", "", None),
    ];
    let mut faults = Vec::new();
    for (text, what, advice, place) in cases {
        let error = compile(text).map(|_| ()).expect_err(text);
        let there = error.offset.and_then(|offset| text.get(offset..));
        let is_there = place.is_none_or(|place| there.is_some_and(|there| there.starts_with(place)));
        if !(error.what.contains(what) && error.advice.contains(advice) && !error.advice.is_empty() && is_there) {
            faults.push(format!("{text}: {} / {} / {there:?}", error.what, error.advice));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_goes_wrong_over_a_message_fails() {
    let cases = [
        ("old.sizes[3] == 1", "an index is out of bounds"),
        ("old.sizes[-1] == 1", "an index is out of bounds"),
        ("old.labels['none'] == ''", "there is no key `none`"),
        ("9223372036854775807 + old.size > 0", "`add` is out of range"),
        ("0 - 9223372036854775807 - 2 * old.size > 0", "`sub` is out of range"),
        ("9223372036854775807 * 2 > old.size", "`mul` is out of range"),
        ("-(-9223372036854775807 - 1) > old.size", "`negate` is out of range"),
        ("(-9223372036854775807 - 1) / -1 > old.size", "`div` is out of range"),
        ("old.count - 5u > 0u", "`sub` is out of range"),
        ("1 / (old.size - 1) == 1", "division by zero"),
        ("1 % (old.size - 1) == 1", "division by zero"),
        ("int(old.big) == 1", "`int` failed"),
        ("int('x') == 1", "`int` failed"),
        ("uint(-1) == 1", "`uint` failed"),
        ("old.text + 'a' == ''", "`add` takes no"),
        ("old.ttl > duration('1s')", "a duration is out of protobuf's range"),
        ("old.made > timestamp(0)", "a timestamp is out of protobuf's range"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s') > timestamp(0)", "`add` is out of range"),
        ("timestamp(9223372036854775807) > timestamp(0)", "`timestamp` failed"),
        ("'abc'.substring(7) == ''", "`substring` failed"),
        ("old.made.getHours('No/Where') == 1", "failed"),
    ];
    let item =
        "size: 1 count: 4 big: 18446744073709551615 ttl { seconds: 999999999999 } made { nanos: -1 } sizes: [1, 2, 3]";
    for (text, expected) in cases {
        let failed = holds(text, item).expect_err(text);
        assert!(failed.contains(expected) || failed.contains("failed"), "{text}: {failed}");
    }
}

#[test]
fn dates_at_the_ends_of_their_ranges_do_not_panic() {
    let ends = [
        "made { seconds: 253402300799 nanos: 999999999 } ttl { seconds: 315576000000 nanos: 999999999 }",
        "made { seconds: -62135596800 } ttl { seconds: -315576000000 nanos: -999999999 }",
        "made { seconds: 9223372036854775807 } ttl { seconds: 9223372036854775807 }",
        "made { seconds: -9223372036854775808 } ttl { seconds: -9223372036854775808 }",
        "made { seconds: 1 nanos: -2147483648 } ttl { seconds: 1 nanos: -2147483648 }",
    ];
    let texts = [
        "old.made + old.ttl > old.made",
        "old.made - old.ttl > old.made",
        "old.ttl + old.ttl > old.ttl",
        "old.ttl - old.ttl > old.ttl",
        "old.made - old.made > old.ttl",
        "string(old.made) + string(old.ttl) == ''",
        "old.made.getFullYear('Asia/Tokyo') + old.ttl.getMilliseconds() > 0",
    ];
    for text in texts {
        for item in ends {
            if let Err(failed) = holds(text, item) {
                assert!(!failed.contains("panicked"), "{text} over {item}");
            }
        }
    }
}

#[test]
fn a_comprehension_over_too_many_elements_fails() {
    let list = |count: usize| {
        let mut item = DynamicMessage::new(of("t.Item"));
        item.set_field_by_name("sizes", Value::List(vec![Value::I32(1); count]));
        item
    };
    let all = compiled("old.sizes.all(s, s == old.sizes[0])");
    assert_eq!(all.holds(&list(10_000)).ok(), Some(true));
    let failed = all.holds(&list(10_001)).unwrap_err();
    assert!(failed.what.contains("10001 elements are more than the 10000"), "{}", failed.what);
    assert_eq!(compiled("size(old.sizes) == 10001 && 1 in old.sizes").holds(&list(10_001)).ok(), Some(true));
}

#[test]
fn a_run_that_makes_too_much_fails() {
    let mut item = DynamicMessage::new(of("t.Item"));
    item.set_field_by_name("name", Value::String("x".repeat((1 << 20) + 1)));
    item.set_field_by_name("sizes", Value::List(vec![Value::I32(1); 10_000]));
    item.set_field_by_name("tags", Value::List(vec![Value::String("x".to_owned()); 20_000]));
    let texts = of("t.Target").get_field_by_name("texts").unwrap();
    for text in [
        "old.sizes.map(s, old.name)",
        "old.sizes.map(s, old.name + 'x')",
        "old.sizes.map(s, old.name.upperAscii())",
        "old.sizes.map(s, string(bytes(old.name)))",
        "old.sizes.map(s, old.name).join('')",
        "[old.name.replace('x', 'a text that is about as long as it takes to come to more than there may be')]",
        "old.name.split('')",
        "old.sizes.map(s, old.tags)",
        "old.sizes.map(s, {'a': old.tags})",
        "old.sizes.map(s, old.tags + ['x'])",
    ] {
        let failed = compiled(text).evaluate(&item, &texts).map(|_| ()).expect_err(text);
        assert!(failed.what.contains("more than 67108864 bytes"), "{text}: {}", failed.what);
    }
}

#[test]
fn hostile_texts_are_errors() {
    let repeated = |text: &str, count: usize| text.repeat(count);
    let cases = [
        repeated("(", 16_000),
        format!("{}1{}", repeated("(", 1_000), repeated(")", 1_000)),
        format!("{}1{}", repeated("[", 33), repeated("]", 33)),
        format!("{}1{}", repeated("{1:", 33), repeated("}", 33)),
        format!("old{}", repeated(".address", 2_000)),
        format!("1{}", repeated("+1", 8_000)),
        format!("true{}", repeated("?true:true", 1_600)),
        format!("old.sizes{}", repeated("[0]", 5_000)),
        format!("old.name{}", repeated(".trim()", 2_000)),
        repeated("a ", 8_000),
        repeated("'", 8_001),
        repeated("\u{0}\u{ffff}", 2_000),
        repeated("x", 20_000),
        format!("1{}", repeated("<1", 8_000)),
        format!("old.tags{}", repeated(".filter(t,true)", 1_000)),
    ];
    for text in cases {
        let start: String = text.chars().take(20).collect();
        assert!(compile(&text).is_err(), "{start}");
    }
}

#[test]
fn expressions_at_the_limits_run() {
    let cases = [
        format!("{}true{}", "(".repeat(32), ")".repeat(32)),
        format!("1{} > 0", "+1".repeat(60)),
        format!("old.ready{}", " || old.ready".repeat(1_000)),
        format!("{}true", "!!".repeat(4_000)),
        format!("true{}", " && true".repeat(1_900)),
        format!("old.tags{} == old.tags", ".filter(t, true)".repeat(20)),
    ];
    for text in cases {
        let start: String = text.chars().take(20).collect();
        assert_eq!(holds(&text, "ready: true tags: ['a']"), Ok(true), "{start}");
    }
}

#[test]
fn texts_that_are_nearly_expressions_do_not_panic() {
    const PARTS: &[&str] = &[
        "old",
        ".",
        "items",
        "name",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "0",
        "-1",
        "1u",
        "1.5",
        "'a'",
        "b'\\xff'",
        "null",
        "+",
        "-",
        "==",
        "<",
        "in",
        "&&",
        "||",
        "!",
        "?",
        ":",
        ",",
        "has(old.address)",
        "old.items.map(i, i.name)",
        "i",
        "size(old.tags)",
        "old.sizes[0]",
        "timestamp(",
        "duration('1s')",
        "old.made",
        "old.ttl",
        "old.labels",
        "t.State.STATE_GONE",
        "\u{e9}",
        "9223372036854775807",
        "old.name",
        "matches",
        "'['",
        " ",
        "%",
        "/",
        "*",
        "\"",
        "`",
        "\\",
        "//",
        "\n",
    ];
    let seed = std::env::var("STRADDLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    let mut random = fastrand::Rng::with_seed(seed);
    let item = message("t.Item", ITEM);
    let mut compiles = 0;
    for _ in 0..1_500 {
        let text: String = (0..random.usize(1..9)).map(|_| PARTS[random.usize(..PARTS.len())]).collect();
        match compile(&text) {
            Ok(expression) => {
                compiles += 1;
                let failed = expression.holds(&item).err();
                assert!(failed.is_none_or(|failed| !failed.what.contains("panicked")), "{text:?}, seed {seed}");
            }
            Err(error) => {
                assert!(!error.what.contains("panicked"), "{text:?}, seed {seed}");
                assert!(error.offset.is_none_or(|offset| text.is_char_boundary(offset)), "{text:?}, seed {seed}");
            }
        }
    }
    assert!(compiles > 20, "only {compiles} compile");
}
