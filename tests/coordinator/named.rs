//! What is asked for by a name that nothing has.

use crate::coordinator;

#[test]
fn what_nobody_knows_by_this_name_is_told_and_not_taken_for_nothing() {
    let (at, _data) = coordinator();
    at.publish("2.0.0");
    let unknown = |arguments: &[&str], reason: &str| {
        let run = at.asked(arguments).ended(1, &[reason]);
        assert_eq!(run.out, "", "{arguments:?}");
    };
    unknown(&["events", "--protocol", "inventorry"], "NO_SUCH_PROTOCOL");
    unknown(&["events", "--node", "one"], "NO_SUCH_NODE");
    unknown(&["events", "--upgrade", "7", "--follow"], "NO_SUCH_UPGRADE");
    unknown(&["nodes", "--protocol", "inventorry"], "NO_SUCH_PROTOCOL");
    unknown(&["versions", "inventorry"], "NO_SUCH_PROTOCOL");
    unknown(&["upgrade", "status", "--protocol", "inventorry"], "NO_SUCH_PROTOCOL");
    unknown(&["upgrade", "status", "inventorry"], "NO_SUCH_PROTOCOL");
    unknown(&["upgrade", "rollback", "inventorry"], "NO_SUCH_PROTOCOL");
    for known in [&["events", "--protocol", "inventory"][..], &["nodes", "--protocol", "inventory"]] {
        at.asked(known).ended(0, &[]);
    }
    let none = at.asked(&["upgrade", "status", "inventory"]).ended(0, &[]).out;
    assert!(none.contains("no upgrade yet"), "{none}");
    at.asked(&["upgrade", "status", "one/two"]).ended(2, &["the number of an upgrade, or the name of a protocol"]);
}
