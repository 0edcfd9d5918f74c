//! Expressions over small messages, as cases.

mod failures;
mod schema;
mod values;

use prost_reflect::{DynamicMessage, Value};

use self::schema::{message, of, pool};
use super::{Expression, ExpressionError};

/// Compiles over `t.Item`, called `old`.
fn compile(text: &str) -> Result<Expression, ExpressionError> {
    Expression::compile(text, "old", &of("t.Item"))
}

fn compiled(text: &str) -> Expression {
    compile(text).unwrap_or_else(|error| panic!("{text}: {} ({})", error.what, error.advice))
}

/// Whether `text` holds for a `t.Item` in text format.
fn holds(text: &str, item: &str) -> Result<bool, String> {
    compiled(text).holds(&message("t.Item", item)).map_err(|failed| failed.what)
}

/// What `text` comes to over a `t.Item`, as a value of a field of `t.Target`.
fn evaluate(text: &str, item: &str, field: &str) -> Result<Option<Value>, String> {
    let field = of("t.Target").get_field_by_name(field).unwrap();
    compiled(text).evaluate(&message("t.Item", item), &field).map_err(|failed| failed.what)
}

const ITEM: &str = r#"
    name: "bolt" count: 4 size: -7 big: 18446744073709551615 ratio: 0.5 ready: true data: "\001\002" state: STATE_GONE
    tags: ["a", "b", "c"] sizes: [1, 2, 3]
    labels { key: "x" value: "1" } labels { key: "y" value: "2" }
    parts { key: 7 value { name: "seven" } }
    address { city: "Bern" zip: 3000 geo { lat: 46.9 } }
    items { name: "one" weight: 1 } items { name: "two" weight: 2 address { city: "Wil" } }
    ttl { seconds: 3600 } made { seconds: 1577836800 } limit { value: 0 }
"#;

#[test]
fn conditions_hold_as_they_should() {
    let cases = [
        ("old.name == 'bolt' && old.count == 4", true),
        ("old.count > 3", true),
        ("old.count > 3u && old.count < 4.5 && 3 < old.count", true),
        ("old.size < old.count", true),
        ("old.big == 18446744073709551615u", true),
        ("old.ratio == 0.5 && old.ready", true),
        ("old.data == b'\\x01\\x02' && size(old.data) == 2", true),
        ("old.state == t.State.STATE_GONE", true),
        ("old.state == t.State.STATE_UNSPECIFIED", false),
        ("old.mode == t.Item.Mode.OFF", true),
        (".t.State.STATE_GONE == 2", true),
        ("'b' in old.tags && !('z' in old.tags)", true),
        ("'x' in old.labels && old.labels['y'] == '2' && old.labels.x == '1'", true),
        ("old.parts[7].name == 'seven'", true),
        ("has(old.labels.x) && !has(old.labels.z)", true),
        ("old.address.city == 'Bern' && old.address.geo.lat > 46.0", true),
        ("old.items[1].address.city == 'Wil' && old.items[0].address.city == ''", true),
        ("has(old.items[1].address) && !has(old.items[0].address)", true),
        ("old.items.all(i, i.weight > 0) && old.items.exists(i, i.name == 'two')", true),
        ("old.items.exists_one(i, i.weight == 1)", true),
        ("old.items.filter(i, has(i.address)).map(i, i.name) == ['two']", true),
        ("old.items.map(i, i.weight > 1, i.name) == ['two']", true),
        ("old.labels.map(k, k) == ['x', 'y'] && old.labels.all(k, old.labels[k] != '')", true),
        ("size(old.items) == 2 && old.tags.size() == 3 && size(old.labels) == 2 && size(old.name) == 4", true),
        ("old.ttl == duration('3600s') && old.made == timestamp('2020-01-01T00:00:00Z')", true),
        ("old.made + old.ttl > old.made && old.made.getFullYear() == 2020", true),
        ("has(old.limit) && old.limit == 0 && old.text == null", true),
        ("old.name.matches('^bo[l]t$') && matches(old.name, 'ol') && !old.name.matches('^x')", true),
        ("old.name.startsWith('bo') && old.name.upperAscii() == 'BOLT' && 'a,b'.split(',') == ['a', 'b']", true),
        ("old.tags.join('-') == 'a-b-c'", true),
        ("old.address == old.address && old.items[0] != old.items[1]", true),
        ("old.items.exists(i, i == old.items[1])", true),
        ("old.items[0] in old.items", true),
        ("(old.ready ? old.size : 0) == -7", true),
        ("old == old", true),
        ("old.sizes == [1, 2, 3] && old.sizes + [4] == [1, 2, 3, 4]", true),
        ("old.name == '' || old.sizes[9] == 1 || true", true),
    ];
    for (text, expected) in cases {
        assert_eq!(holds(text, ITEM), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_absent_reads_as_its_default_and_has_tells() {
    let cases = [
        "old.name == '' && old.count == 0u && !old.ready && old.ratio == 0.0 && old.data == b''",
        "old.address.geo.lat == 0.0 && old.address.city == ''",
        "!has(old.name) && !has(old.address) && !has(old.address.geo) && !has(old.address.geo.lat)",
        "!has(old.tags) && !has(old.labels) && old.tags == [] && size(old.labels) == 0",
        "!has(old.nick) && old.nick == ''",
        "!has(old.left) && !has(old.right) && old.left == 0",
        "old.limit == null && !has(old.limit)",
        "old.ttl == duration('0s') && old.made == timestamp(0)",
        "old.old2.answer == 42 && old.old2.word == 'none' && old.old2.mood == t2.Old.Mood.GOOD",
        "!has(old.old2.answer) && !has(old.old2)",
        "old.address == old.other_address",
        "!has(old.any)",
    ];
    for text in cases {
        assert_eq!(holds(text, ""), Ok(true), "{text}");
    }
}

#[test]
fn presence_is_that_of_protobuf() {
    let cases = [
        (r#"nick: """#, "has(old.nick)", true),
        (r"count: 0", "has(old.count)", false),
        (r"left: 0", "has(old.left) && !has(old.right)", true),
        (r"address {}", "has(old.address)", true),
        (r"address {}", "old.address == old.other_address", true),
        (r"address { zip: 1 }", "old.address == old.other_address", false),
        (r"old2 { answer: 42 }", "has(old.old2.answer) && !has(old.old2.word)", true),
        (r"limit {}", "has(old.limit) && old.limit == 0", true),
        (r"sizes: 1", "has(old.sizes)", true),
        (r"parts { key: 1 value {} }", "has(old.parts) && !has(old.parts[1].name) && !has(old.parts[1].address)", true),
        (r#"any { type_url: "x" }"#, "has(old.any)", true),
    ];
    for (item, text, expected) in cases {
        assert_eq!(holds(text, item), Ok(expected), "{text} over {item}");
    }
}

#[test]
fn an_expression_tells_what_it_reads() {
    let cases: [(&str, &[&[&str]]); 9] = [
        ("old.name == 'x'", &[&["name"]]),
        ("old.address.geo.lat > old.address.geo.lat - 1.0", &[&["address", "geo", "lat"]]),
        ("old.items[0].address.city == ''", &[&["items"]]),
        ("old.items.all(i, i.address.city == old.name)", &[&["items"], &["name"]]),
        ("old.labels.x == ''", &[&["labels"]]),
        ("has(old.address.geo) && size(old.tags) > 0", &[&["address", "geo"], &["tags"]]),
        ("old == old", &[&[]]),
        ("[old.address]", &[&["address"]]),
        ("1 + 1", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(compiled(text).reads(), expected, "{text}");
    }
}

#[test]
fn an_expression_tells_whether_it_may_be_a_condition() {
    let cases = [
        ("old.ready", true),
        ("old.name == ''", true),
        ("old.name", false),
        ("old.items.all(i, true)", true),
        ("old.items.exists_one(i, true)", true),
        ("old.items.filter(i, true)", false),
        ("old.flag", true),
        ("old.ready ? 1 : 2", false),
        ("old.ready ? true : 2", true),
        ("[true][0]", true),
        ("has(old.name)", true),
    ];
    for (text, expected) in cases {
        assert_eq!(compiled(text).may_be_bool(), expected, "{text}");
    }
}

#[test]
fn a_result_that_is_no_bool_does_not_hold() {
    assert_eq!(holds("old.flag", ""), Err("it came to null, and not to a bool".to_owned()));
    assert_eq!(holds("old.flag", "flag { value: true }"), Ok(true));
}

#[test]
fn a_message_of_another_pool_is_refused() {
    let other = pool().get_message_by_name("t.Target").unwrap();
    let failed = compiled("old.ready").holds(&DynamicMessage::new(other)).unwrap_err();
    assert_eq!(failed.to_string(), "`old.ready`: it reads t.Item, and was given another t.Target to read");
}

#[test]
fn the_expressions_of_histories_run() {
    let text =
        "new.metrics.filter(m, m.type == 'Resource' && m.resource.name == 'cpu')[0].resource.target.averageUtilization";
    let new = of("t.Scaler");
    let target = of("t.Target").get_field_by_name("number").unwrap();
    let scaler = message(
        "t.Scaler",
        r#"metrics { type: "Pods" } metrics { type: "Resource" resource { name: "cpu" target { averageUtilization: 80 } } }"#,
    );
    let expression = Expression::compile(text, "new", &new).unwrap();
    assert_eq!(expression.evaluate(&scaler, &target).unwrap(), Some(Value::I32(80)));
    assert_eq!(expression.reads(), [["metrics"]]);

    let text = r#"[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization": old.targetCPUUtilizationPercentage}}}]"#;
    let expression = Expression::compile(text, "old", &new).unwrap();
    let metrics = new.get_field_by_name("metrics").unwrap();
    let value =
        expression.evaluate(&message("t.Scaler", "targetCPUUtilizationPercentage: 55"), &metrics).unwrap().unwrap();
    let written = message(
        "t.Scaler",
        r#"metrics { type: "Resource" resource { name: "cpu" target { type: "Utilization" averageUtilization: 55 } } }"#,
    );
    assert_eq!(value, *written.get_field(&metrics));

    let text = "size(new.ttls) == 0 || ((size(new.ttls) == 1 || size(new.ttls) == size(new.pairs)) && new.ttls.all(t, t == new.ttls[0]))";
    let expression = Expression::compile(text, "new", &new).unwrap();
    for (scaler, expected) in [
        ("", true),
        ("ttls: 5", true),
        ("ttls: 5 ttls: 5 pairs: 'a' pairs: 'b'", true),
        ("ttls: 5 ttls: 6 pairs: 'a' pairs: 'b'", false),
        ("ttls: 5 ttls: 5 pairs: 'a'", false),
    ] {
        assert_eq!(expression.holds(&message("t.Scaler", scaler)).unwrap(), expected, "{scaler}");
    }
}

#[test]
fn expressions_go_between_threads() {
    fn goes<T: Send + Sync + 'static>(_: &T) {}
    goes(&compiled("old.name.matches('a')"));
}
