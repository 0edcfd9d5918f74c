//! What expressions come to, as values of fields.

use super::*;

/// A value of a field of `t.Target`, as the text format writes the message.
fn written(text: &str, item: &str, field: &str) -> Result<String, String> {
    let mut target = DynamicMessage::new(of("t.Target"));
    if let Some(value) = evaluate(text, item, field)? {
        target.set_field_by_name(field, value);
    }
    Ok(target.to_text_format())
}

#[test]
fn expressions_come_to_values_of_fields() {
    let cases = [
        ("old.count", "count: 5", "number", "number:5"),
        ("old.size", "size: 5", "unsigned", "unsigned:5"),
        ("1 + 2", "", "long", "long:3"),
        ("old.big", "big: 18446744073709551615", "ulong", "ulong:18446744073709551615"),
        ("1.5", "", "narrow", "narrow:1.5"),
        ("0.1", "", "narrow", "narrow:0.1"),
        ("old.narrow", "narrow: 2.5", "wide", "wide:2.5"),
        ("3", "", "wide", "wide:3.0"),
        ("old.name == 'a'", "name: 'a'", "flag", "flag:true"),
        ("old.name + ' (' + string(old.count) + ')'", "name: 'a' count: 2", "text", "text:\"a (2)\""),
        ("old.data + b'\\x02'", r#"data: "\001""#, "data", "data:\"\\001\\002\""),
        ("old.state", "state: STATE_GONE", "state", "state:STATE_GONE"),
        ("t.State.STATE_HELD", "", "state", "state:STATE_HELD"),
        ("'STATE_HELD'", "", "state", "state:STATE_HELD"),
        ("7", "", "state", "state:7"),
        ("old.tags + ['z']", "tags: 'a'", "texts", "texts:[\"a\",\"z\"]"),
        ("[]", "", "texts", ""),
        ("['STATE_HELD', 2]", "", "states", "states:[STATE_HELD,STATE_GONE]"),
        ("{'a': 1}", "", "counts", "counts:[{key:\"a\",value:1}]"),
        ("{7: {'city': 'Bern'}}", "", "boxes", "boxes:[{key:7,value{city:\"Bern\"}}]"),
        ("{true: 'yes'}", "", "answers", "answers:[{key:true,value:\"yes\"}]"),
        (
            "{'city': old.name, 'geo': {'lat': 1.5}, 'zip': null}",
            "name: 'a'",
            "address",
            "address{city:\"a\",geo{lat:1.5}}",
        ),
        ("old.address", "address { city: 'a' zip: 3 }", "address", "address{city:\"a\",zip:3}"),
        ("old.address", "address { city: 'a' zip: 3 geo { lat: 1 } }", "place", "place{city:\"a\",zip:3,geo{lat:1.0}}"),
        ("old.address", "address { city: 'a' }", "box", "box{city:\"a\"}"),
        ("old.address", "", "address", "address{}"),
        ("[old.address, {'city': 'b'}]", "address { city: 'a' }", "addresses", "addresses:[{city:\"a\"},{city:\"b\"}]"),
        ("old.items.map(i, i.address)", "items { address { zip: 1 } }", "addresses", "addresses:[{zip:1}]"),
        ("{'name': 'n', 'camelCase': 3, 'nick': ''}", "", "item", "item{name:\"n\",nick:\"\",camel_case:3}"),
        ("{'nick': 'a', 'left': 0}", "", "item", "item{nick:\"a\",left:0}"),
        ("old", "name: 'n'", "item", "item{name:\"n\"}"),
        ("old.any", "any { type_url: 'u' }", "any", "any{type_url:\"u\"}"),
        ("old.ttl", "ttl { seconds: 1 nanos: 5 }", "ttl", "ttl{seconds:1,nanos:5}"),
        ("duration('-1.5s')", "", "ttl", "ttl{seconds:-1,nanos:-500000000}"),
        ("old.made + duration('1s')", "made { seconds: 1 nanos: 2 }", "made", "made{seconds:2,nanos:2}"),
        ("timestamp('1969-12-31T23:59:59.5Z')", "", "made", "made{seconds:-1,nanos:500000000}"),
        ("old.limit", "limit { value: 3 }", "limit", "limit{value:3}"),
        ("0", "", "limit", "limit{}"),
        ("old.limit", "", "limit", ""),
        ("null", "", "text", ""),
        ("old.ready ? old.name : null", "name: 'a'", "text", ""),
        (
            "old.labels.map(k, k + old.labels[k])",
            "labels {key:'b' value:'1'} labels {key:'a' value:'2'}",
            "texts",
            "texts:[\"a2\",\"b1\"]",
        ),
        ("old.namespace", "namespace: 'n'", "text", "text:\"n\""),
        ("old.times[1]", "times {} times { seconds: 3 }", "made", "made{seconds:3}"),
    ];
    let mut faults = Vec::new();
    for (text, item, field, expected) in cases {
        let came_to = written(text, item, field);
        if came_to.as_deref() != Ok(expected) {
            faults.push(format!("{text} over {item}: {came_to:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_no_value_of_the_field_fails() {
    let cases = [
        ("2147483648", "number", "number: an integer is out of the range of 32 bits"),
        ("-1", "unsigned", "unsigned: an integer is out of the range of 32 bits, unsigned"),
        ("18446744073709551615u", "long", "long: an integer is out of the range of 64 bits"),
        ("-1", "ulong", "ulong: an integer is out of the range of 64 bits, unsigned"),
        ("2147483648", "state", "state: an integer is out of the range of t.State"),
        ("'STATE_NONE'", "state", "state: t.State has no value of the name that was given"),
        ("1e300", "narrow", "narrow: a number is out of the range of float"),
        ("9007199254740993", "wide", "wide: no floating-point number equals the integer"),
        ("9223372036854775807", "wide", "wide: no floating-point number equals the integer"),
        ("1.0", "number", "number: it came to a double, and not to an int or a uint"),
        ("1", "text", "text: it came to an int, and not to a string"),
        ("'a'", "data", "data: it came to a string, and not to bytes"),
        ("'a'", "flag", "flag: it came to a string, and not to a bool"),
        ("'a'", "texts", "texts: it came to a string, and not to a list"),
        ("[null]", "texts", "texts: it came to null, and not to a string"),
        ("{'a': null}", "counts", "counts: it came to null, and not to an int or a uint"),
        ("{1: 1}", "counts", "counts: a key is of another type than the map's"),
        ("{-1: {}}", "boxes", "boxes: an integer is out of the range of 32 bits, unsigned"),
        ("{'town': ''}", "address", "address: t.Address has no field `town`"),
        ("{1: ''}", "address", "address: a map of the fields of t.Address has texts as keys"),
        ("{'zip': 'a'}", "address", "address: zip: it came to a string, and not to an int or a uint"),
        ("'a'", "address", "address: it came to a string, and not to a message, or a map of its fields"),
        ("{'camelCase': 3, 'camel_case': 3}", "item", "exclude each other"),
        ("{'left': 0, 'right': 0}", "item", "exclude each other"),
        ("{'type_url': ''}", "any", "any: a google.protobuf.Any cannot be written as a map"),
        ("1", "made", "made: it came to an int, and not to a timestamp"),
        ("old.ttl", "made", "made: it came to a google.protobuf.Duration, and not to a timestamp"),
        ("old.address", "box", "box: t.Box has no field `zip` to copy to"),
        ("old.address", "text", "text: it came to a message, and not to a string"),
        ("2147483648", "limit", "limit: an integer is out of the range of 32 bits"),
    ];
    for (text, field, expected) in cases {
        let failed = written(text, "address { zip: 1 }", field).unwrap_err();
        assert!(failed.contains(expected), "{text}: {failed}");
    }
}

#[test]
fn unknown_fields_of_a_copy_go_with_it_unless_the_target_knows_their_number() {
    let with_unknown = |number: u32| {
        let mut bytes = Vec::new();
        prost::encoding::uint64::encode(number, &5, &mut bytes);
        let mut item = DynamicMessage::new(of("t.Item"));
        let address = DynamicMessage::decode(of("t.Address"), bytes.as_slice()).unwrap();
        item.set_field_by_name("address", Value::Message(address));
        item
    };
    let place = of("t.Target").get_field_by_name("place").unwrap();
    let copied = compiled("old.address").evaluate(&with_unknown(99), &place).unwrap().unwrap();
    assert_eq!(
        copied.as_message().unwrap().unknown_fields().map(prost_reflect::UnknownField::number).collect::<Vec<_>>(),
        [99]
    );

    // Number 2 is unknown to Geo, and the zip of Address.
    let mut bytes = Vec::new();
    prost::encoding::uint64::encode(2, &5, &mut bytes);
    let geo = DynamicMessage::decode(of("t.Geo"), bytes.as_slice()).unwrap();
    let mut address = DynamicMessage::new(of("t.Address"));
    address.set_field_by_name("geo", Value::Message(geo));
    let mut item = DynamicMessage::new(of("t.Item"));
    item.set_field_by_name("address", Value::Message(address));
    let target = of("t.Target").get_field_by_name("address").unwrap();
    let failed = compiled("old.address.geo").evaluate(&item, &target).unwrap_err();
    assert!(failed.what.contains("field 2 of t.Address is unknown to the one version"), "{}", failed.what);
}

#[test]
fn enums_of_files_without_a_package_go_by_their_names() {
    let peer = of("Peer");
    let expression = Expression::compile("old.role == PeerRole.Learner", "old", &peer).unwrap();
    assert!(expression.holds(&message("Peer", "role: Learner")).unwrap());
    assert!(!expression.holds(&message("Peer", "")).unwrap());
}

#[test]
fn enums_of_proto2_take_no_number_without_a_name() {
    let mood = of("t2.Old").get_field_by_name("mood").unwrap();
    let item = message("t.Item", "");
    assert_eq!(compiled("2").evaluate(&item, &mood).unwrap(), Some(Value::EnumNumber(2)));
    let failed = compiled("3").evaluate(&item, &mood).unwrap_err();
    assert_eq!(failed.what, "mood: t2.Old.Mood names no value 3");
}
