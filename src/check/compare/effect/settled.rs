//! Several changes of one field, whose effects have to be true together.

use super::super::super::{Difference, Effect};
use super::{NOT_FOUND, SAME};

/// How a text begins that says that the bytes are read as they were meant.
const CLAIMS: [&str; 2] = [SAME, "reads the same bytes"];

/// Of differences that are about one field, none may say that a reader gets what was written where another one says what
/// it gets instead: a field that has another name, and another type besides, is not read as before.
pub(in super::super) fn settle(found: &mut [Difference]) {
    if found.len() > 1 {
        settle_side(found, |effect| &mut effect.old_reader);
        settle_side(found, |effect| &mut effect.new_reader);
    }
}

fn settle_side(found: &mut [Difference], side: fn(&mut Effect) -> &mut String) {
    let is_claim = |text: &str| CLAIMS.iter().any(|claim| text.starts_with(claim));
    // Presence alone changes nothing of what is read where a value is.
    let decides = |difference: &Difference| {
        let id = difference.rule.id;
        id == "FIELD_SAME_TYPE" || id.starts_with("FIELD_WIRE") && id.ends_with("COMPATIBLE_CARDINALITY")
    };
    let deciding = found.iter_mut().filter(|difference| decides(difference));
    let texts: Vec<String> = deciding.map(|difference| side(&mut difference.effect).clone()).collect();
    let lost = texts.iter().any(|text| text == NOT_FOUND);
    let instead = match texts.iter().find(|text| !is_claim(text)) {
        _ if lost => NOT_FOUND,
        Some(text) => text.as_str(),
        None => return,
    };
    for difference in found {
        let about_type = difference.rule.id.ends_with("_TYPE") || difference.rule.id.ends_with("_CARDINALITY");
        let text = side(&mut difference.effect);
        if is_claim(text) {
            // What follows may say more than that, as of names in JSON; what becomes of the bytes is told with the type.
            *text = match text.split_once("; ").filter(|(_, rest)| rest.contains("JSON")) {
                Some((_, rest)) => format!("does not read the bytes as before; {rest}"),
                None => instead.to_owned(),
            };
        } else if lost && about_type {
            NOT_FOUND.clone_into(text);
        }
    }
}
