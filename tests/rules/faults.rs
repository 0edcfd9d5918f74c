//! Rules that make no sense say so: with their line, what is wrong, and what to do.

use crate::load_versions;

/// What is wrong; the messages of both versions; the step, from its second line on; the faults, each as `line: what`.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const A: &str = "message M { string name = 1; int32 count = 2; N n = 3; repeated N ns = 4; } message N { string x = 1; } enum E { Z = 0; Y = 1; }";

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("a field that is not there", A, A, r#"{ old = "nme", new = "name" }"#, &["3: the message `p.M` has no field `nme` in 1.0.0|did you mean `name`?"]),
    ("a field of the newer version that is not there", A, A, r#"{ old = "name", new = "n.y" }"#, &["3: the message `p.N` has no field `y` in 2.0.0|did you mean `x`?"]),
    ("a path through a list", A, A, r#"{ old = "ns.x", new = "name" }"#, &["3: `ns.x` leads through `ns`, which is no singular message"]),
    ("a message that is not there", A, A, "[messages.\"p.Mm\"]\nrules = []", &["2: neither 1.0.0 nor 2.0.0 declares a message `p.Mm`|did you mean `p.M`?"]),
    ("a message without a counterpart", "message M {} message O { string a = 1; }", "message M {}", "[messages.\"p.O\"]\nrules = [{ old = \"a\", drop = true }]", &["2: the message `p.O` has no counterpart"]),
    ("an undecided field that is not there", A, A, "undecided = [\"p.M.nme\"]", &["2: `undecided` names `p.M.nme`, which neither 1.0.0 nor 2.0.0 declares|did you mean `p.M.name`?"]),
    ("undecided twice", A, A, "undecided = [\n\"p.M\",\n\"p.M\"]", &["4: `undecided` names `p.M` twice"]),
    ("no field", A, A, "{ scale = 2 }", &["3: the rule names no field"]),
    ("one field and nothing", A, A, r#"{ old = "name" }"#, &["3: the rule names one field, and says nothing of it"]),
    ("drop and refuse", A, A, r#"{ old = "name", drop = true, refuse = "no" }"#, &["3: `drop` and `refuse` exclude each other"]),
    ("a scale and a drop", A, A, r#"{ old = "count", drop = true, scale = 2 }"#, &["3: `scale` and `drop` exclude each other"]),
    ("an expression and an encoding", A, A, r#"{ old = "name", down = "new.name", encoding = "hex" }"#, &["3: `encoding` and `down` exclude each other"]),
    ("drop of both sides", A, A, r#"{ old = "name", new = "name", drop = true }"#, &["3: `drop` speaks of one field"]),
    ("drop that is neither", A, A, r#"{ old = "name", drop = "full" }"#, &["3: `drop` is neither `true` nor \"empty\""]),
    ("advice without a refusal", A, A, r#"{ old = "name", new = "name", advice = "x" }"#, &["3: `advice` without `refuse`"]),
    ("unknown without values", A, A, r#"{ old = "name", new = "name", unknown = "pass" }"#, &["3: `unknown` without `values`"]),
    ("key without value", A, A, r#"{ old = "ns", new = "ns", key = "x" }"#, &["3: `key` without `value`"]),
    ("a scale that is none", A, A, r#"{ old = "count", new = "count", scale = "1/0" }"#, &["3: `scale` is no fraction"]),
    ("an expression that makes nothing", A, A, r#"{ old = "name", up = "old.name" }"#, &["3: `up` makes a field of the other side, but the rule has no `new`"]),
    ("an expression of the wrong variable", A, A, r#"{ new = "name", up = "new.name" }"#, &["3: `new.name` cannot be evaluated on the way up"]),
    ("an expression of a field that is not there", A, A, r#"{ new = "name", up = "old.nme" }"#, &["3: `old.nme` cannot be evaluated on the way up"]),
    ("a condition for both ways that knows one", A, A, r#"{ old = "name", new = "name", when = "old.count > 1" }"#, &["3: `old.count > 1` cannot be evaluated on the way down"]),
    ("a refusal of neither direction", A, A, r#"{ refuse = "no", when = "old.count > 1" }"#, &["3: a message is refused, but in which direction?"]),
    ("a direction that says nothing", A, A, r#"{ old = "name", drop = true, direction = "down" }"#, &["3: the rule says nothing of the way down"]),
    ("a condition and a loss", A, A, r#"{ old = "name", loss = { request = "drop" }, when = "old.count > 1" }"#, &["3: `when` and `loss` exclude each other"]),
    ("one field written twice", A, "message M { string name = 1; string c = 2; }", r#"{ old = "name", new = "c" }, { new = "c", value = "x", direction = "up" }"#, &["3: on the way up, `c` is written twice: by two rules of line 3"]),
    ("one field written twice, by lines", A, "message M { string name = 1; string c = 2; }", "{ old = \"name\", new = \"c\" },\n{ new = \"c\", value = \"x\", direction = \"up\" }", &["4: on the way up, `c` is written twice: by the rules of lines 3 and 4"]),
    ("an expression that comes to a number for a text", A, A, r#"{ new = "name", up = "old.count + 1" }"#, &["3: `old.count + 1` comes to an int, which `name` cannot hold|or write another field"]),
    ("an expression that comes to a text for a number", A, A, r#"{ old = "count", down = "new.name" }"#, &["3: `new.name` comes to a string, which `count` cannot hold"]),
    ("an expression that compares for a text", A, A, r#"{ new = "name", up = "old.count > 1" }"#, &["3: `old.count > 1` comes to a bool, which `name` cannot hold"]),
    ("an expression that comes to a text for a message", A, A, r#"{ new = "n", up = "old.name" }"#, &["3: `old.name` comes to a string, which `n` cannot hold"]),
    ("an expression that comes to one for a list", A, A, r#"{ new = "ns", up = "old.n" }"#, &["3: `old.n` comes to a message p.N, which `ns` cannot hold"]),
    ("an expression that comes to texts for messages", A, A, r#"{ new = "ns", up = "[old.name]" }"#, &["3: `[old.name]` comes to a list of string, which `ns` cannot hold"]),
    ("a refusal of what is carried over", "message M { string name = 1; }", "message M { string c = 2; }", r#"{ old = "name", new = "c" }, { old = "name", refuse = "no" }"#, &["3: on the way up, line 3 carries `name` over, so it is neither dropped nor refused"]),
    ("a constant of another type", A, A, r#"{ new = "count", value = "many" }"#, &["3: `value` does not fit `count`"]),
    ("a list without a join", A, A, r#"{ old = ["name", "count"], new = "name" }"#, &["3: `old` is a list without `join`"]),
    ("a join of numbers", A, A, r#"{ old = ["name", "count"], new = "name", join = " " }"#, &["3: `count` is joined or split, but is no string"]),
    ("a join of one", A, A, r#"{ old = ["name"], new = "name", join = " " }"#, &["3: `join` needs a list of at least two fields"]),
    ("values of which nobody knows the way back", A, A, r#"{ old = "name", new = "name", values = { a = "c", b = "c" } }"#, &["3: `a` and `b` both become `c`"]),
    ("a rename of a message that is not there", A, A, "[rename.messages]\n\"p.Mn\" = \"p.M\"", &["3: 1.0.0 declares no message `p.Mn`|did you mean `p.M`?"]),
    ("a rename to a message that is not there", A, A, "[rename.messages]\n\"p.M\" = \"p.Mn\"", &["3: 2.0.0 declares no message `p.Mn`"]),
    ("two messages that become one", "message M {} message O {}", "message M {}", "[rename.messages]\n\"p.M\" = \"p.M\"\n\"p.O\" = \"p.M\"", &["4: the messages `p.M` and `p.O` both become `p.M`"]),
    ("a rename of a package that is not there", A, A, "[rename.packages]\n\"q\" = \"p\"", &["3: 1.0.0 declares no package `q`"]),
    ("a rename of an enum that is not there", A, A, "[rename.enums]\n\"p.F\" = \"p.E\"", &["3: 1.0.0 declares no enum `p.F`"]),
    ("a rename of a field that is not there", A, A, "[rename.fields]\n\"p.M.nme\" = \"name\"", &["3: the message `p.M` has no field `nme` in 1.0.0"]),
    ("a rename of a field of no message", A, A, "[rename.fields]\n\"p.Mm.name\" = \"name\"", &["3: neither 1.0.0 nor 2.0.0 declares a message `p.Mm`"]),
    ("a value that is not there", A, A, "[rename.values]\n\"p.E.X\" = \"Y\"", &["3: the enum `p.E` has no value `X`"]),
    ("values of an enum that is not there", A, A, "[enums.\"p.F\"]\nvalues = { X = \"Y\" }", &["2: 1.0.0 declares no enum `p.F`"]),
    ("options that do not fit", A, A, r#"{ old = "count", new = "count", encoding = "hex" }"#, &["3: `count` cannot become `count` on the way up", "3: `count` cannot become `count` on the way down"]),
    ("a value of a rule that is not there", "message M { E e = 1; } enum E { Z = 0; Y = 1; }", "message M { bool f = 2; } enum E { Z = 0; }", r#"{ old = "e", new = "f", values = { Z = false, X = true } }"#, &["3: `e` cannot become `f` on the way up", "3: `f` cannot become `e` on the way down"]),
    ("a mask of a field that is no message", "message M { google.protobuf.FieldMask m = 1; string a = 2; }", "message M { google.protobuf.FieldMask m = 1; string a = 2; }", r#"{ old = "m", new = "m", mask = "a" }"#, &["3: `m` cannot become `m` on the way up: `mask` names `a`, which is no message", "3: `m` cannot become `m` on the way down"]),
    ("two values that become one", A, A, "[enums.\"p.E\"]\nvalues = { Z = \"Y\" }", &["3: `Y` and `Z` of `p.E` both become `Y`"]),
    ("an unknown that is no value", A, A, "[enums.\"p.E\"]\nunknown = \"W\"", &["3: `unknown` names no value of `p.E`"]),
    ("an acceptance of no method", A, A, "accept_refused_responses = [\"p.S.Cal\"]", &["2: 1.0.0 declares no method or service `p.S.Cal`"]),
    ("a word that is none", A, A, r#"{ old = "name", new = "name", encoding = "base32" }"#, &["3: unknown variant `base32`"]),
    ("a use that is none", A, A, r#"{ old = "name", drop = true, use = ["request", "answer"] }"#, &["3: `use` is no use"]),
    ("a use without any", A, A, r#"{ old = "name", drop = true, use = [] }"#, &["3: `use` is no use"]),
    ("a use that is said twice", A, A, r#"{ old = "name", drop = true, use = ["stored", "stored"] }"#, &["3: `use` is no use"]),
    ("a use that is no text", A, A, r#"{ old = "name", drop = true, use = true }"#, &["3: `use` is no use"]),
    ("money of no currency", A, A, r#"{ old = "count", new = "count", money = "dollars" }"#, &["3: `money` is no currency"]),
    ("money that is dropped", A, A, r#"{ old = "count", drop = true, money = "USD" }"#, &["3: `money` and `drop` exclude each other"]),
    ("a key that is none", A, A, r#"{ old = "name", new = "name", encode = "hex" }"#, &["3: unknown field `encode`"]),
    ("all at once", A, A, "[rename.messages]\n\"p.X\" = \"p.M\"\n[messages.\"p.M\"]\nrules = [\n{ old = \"nme\", drop = true },\n{ old = \"name\" },\n]", &["3: 1.0.0 declares no message `p.X`", "6: the message `p.M` has no field `nme`", "7: the rule names one field"]),
];

#[test]
fn each_fault_of_a_rule_has_its_line_and_says_what_to_do() {
    let mut wrong = Vec::new();
    for (name, old, new, said, expected) in CASES {
        let step = match said.chars().next() {
            Some('{') => format!("[messages.\"p.M\"]\nrules = [{said}]"),
            _ => (*said).to_owned(),
        };
        let faults: Vec<String> = match load_versions("2.0.0", old, new, &step) {
            Ok(_) => Vec::new(),
            Err(error) => {
                let told = |fault: &straddle::protocol::Fault| {
                    assert!(!fault.advice().is_empty(), "{name}: says nothing to do");
                    format!("{}: {}|{}", fault.line().unwrap_or_default(), fault.what(), fault.advice())
                };
                error.faults().iter().map(told).collect()
            }
        };
        let fits = faults.len() == expected.len()
            && faults.iter().zip(*expected).all(|(fault, expected)| {
                let (what, advice) = expected.split_once('|').unwrap_or((expected, ""));
                fault.starts_with(what) && fault.ends_with(advice)
            });
        if !fits {
            wrong.push(format!("{name}:\n  expected {expected:#?}\n  found {faults:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
