//! Values made simpler, in a message that cannot be cut down further.

use super::wire::{Content, Field};

/// Makes each value as simple as `still` allows. Whether anything changed.
pub(super) fn simplify(fields: &mut [Field], still: &mut dyn FnMut(&[Field]) -> bool) -> bool {
    let mut changed = false;
    for index in 0..fields.len() {
        // Each candidate is simpler than what it stands for, so this ends.
        while let Some(simpler) = candidates(fields[index].content()).into_iter().find(|candidate| {
            let mut whole = fields.to_vec();
            *whole[index].content_mut() = candidate.clone();
            still(&whole)
        }) {
            *fields[index].content_mut() = simpler;
            changed = true;
        }
        let (Content::Message(within) | Content::Group(within)) = fields[index].content() else { continue };
        let (mut within, outer) = (within.clone(), fields.to_vec());
        changed |= simplify(&mut within, &mut |candidate| {
            let mut whole = outer.clone();
            replace(&mut whole[index], candidate.to_vec());
            still(&whole)
        });
        replace(&mut fields[index], within);
    }
    changed
}

fn replace(field: &mut Field, within: Vec<Field>) {
    if let Content::Message(fields) | Content::Group(fields) = field.content_mut() {
        *fields = within;
    }
}

/// What is simpler, the simplest first.
fn candidates(content: &Content) -> Vec<Content> {
    match content {
        Content::Varint(value) => {
            [0, 1, value >> 32, value / 2].into_iter().filter(|less| less < value).map(Content::Varint).collect()
        }
        Content::LongVarint(value) => vec![Content::Varint(*value)],
        Content::Fixed32(0) | Content::Fixed64(0) | Content::Message(_) | Content::Group(_) => Vec::new(),
        Content::Fixed32(_) => vec![Content::Fixed32(0)],
        Content::Fixed64(_) => vec![Content::Fixed64(0)],
        Content::Bytes(bytes) => {
            let length = bytes.len();
            let halves = [&bytes[..0], &bytes[..length / 2], &bytes[length / 2..], &bytes[..length.saturating_sub(1)]];
            let shorter = halves.into_iter().filter(|half| half.len() < length);
            shorter.map(|half| Content::Bytes(half.to_vec())).collect()
        }
    }
}
