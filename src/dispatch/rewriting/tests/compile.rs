//! What routes need, compiled once.

use super::super::super::route::{End, Walk};
use super::*;

const PROTO: &str = r#"
syntax = "proto3";
package p;
message Stock { string name = 1; COUNT }
message Name { string name = 1; }
service S {
  rpc Get(Stock) returns (Stock) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Put(Stock) returns (Name);
  rpc Ask(Name) returns (Name);
}
"#;

/// Two versions, of which the second counts under another name.
fn two() -> Protocol {
    let folder = tempfile::tempdir().unwrap();
    let step = "from = \"1.0.0\"\n[rename.fields]\n\"p.Stock.qty\" = \"quantity\"\n";
    for (path, text) in [
        ("protocol.toml", "name = \"p\"\n".to_owned()),
        ("1.0.0/p.proto", PROTO.replace("COUNT", "int32 qty = 2;")),
        ("2.0.0/p.proto", PROTO.replace("COUNT", "reserved 2; int64 quantity = 3;")),
        ("2.0.0/step.toml", step.to_owned()),
    ] {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn routes_that_need_the_same_rewrite_share_it_and_same_ones_need_none() {
    let protocol = two();
    let mut compiling = Compiling::new(&protocol);
    let [get, put, ask] = [0, 1, 2].map(|method| compiling.of(0, &Walk::new(&protocol, 0, method, 1)).unwrap());
    let (get, put) = (get.unwrap(), put.unwrap());
    assert!(ask.is_none(), "a way that is same alone");
    assert!(Arc::ptr_eq(get.request.as_ref().unwrap(), put.request.as_ref().unwrap()));
    assert!(Arc::ptr_eq(&get.details, &put.details));
    assert!(get.response.is_some());
    assert!(put.response.is_none(), "names pass as they are");
    assert_eq!((get.changes, put.changes), (false, true));
}

#[test]
fn a_way_that_comes_to_no_rewrite_is_told_in_words() {
    let protocol = two();
    // `Get` of one version does not meet `Ask` of the other.
    let walk = Walk { same: 0, rules: 1, methods: vec![0, 2], version: 1, method: 2, end: End::Native };
    let why = Compiling::new(&protocol).of(0, &walk).err().expect("a stock is no name");
    assert!(why.contains("p.Stock"), "{why}");
}
