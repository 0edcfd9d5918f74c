//! JSON to messages, and where it does not fit.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};

use crate::protocol::nearest;

/// The message that `text` says; the fault names the field, the position and the message.
pub(super) fn read(text: &str, descriptor: &MessageDescriptor) -> Result<DynamicMessage, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    DynamicMessage::deserialize(descriptor.clone(), &mut deserializer)
        .and_then(|message| deserializer.end().map(|()| message))
        .map_err(|error| fault(text, descriptor, &error))
}

fn fault(text: &str, descriptor: &MessageDescriptor, error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    let what = error.to_string();
    let what = what.strip_suffix(&format!(" at {place}")).unwrap_or(&what);
    // Of a single line, whoever reads it already knows the number, or there is none to know.
    let place = if text.trim_end().contains('\n') { place } else { format!("column {}", error.column()) };
    if error.is_syntax() || error.is_eof() {
        return format!("this is no JSON at {place}, where {} is wanted: {what}", descriptor.full_name());
    }
    // The value itself was wrong before anything of it was read.
    let place = if error.column() == 0 { "at its beginning".to_owned() } else { place };
    let path = path_at(text, error.line(), error.column());
    let at = if path.is_empty() { String::new() } else { format!(" at {}", written(&path)) };
    let advice = advice(descriptor, &path).map(|advice| format!("\n  {advice}")).unwrap_or_default();
    format!("it does not fit {}{at} ({place}): {what}{advice}", descriptor.full_name())
}

/// One step from a JSON value to one that lies in it.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

/// What lies at a position, by the keys and indices that lead to it. The text before it is well-formed: the reader came
/// that far.
fn path_at(text: &str, line: usize, column: usize) -> Vec<Segment> {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let read = &text.as_bytes()[..text.len().min(before + column)];
    let mut path: Vec<Segment> = Vec::new();
    let mut position = 0;
    while position < read.len() {
        match read[position] {
            b'{' => path.push(Segment::Key(String::new())),
            b'[' => path.push(Segment::Index(0)),
            b'}' | b']' => {
                path.pop();
            }
            b',' => match path.last_mut() {
                Some(Segment::Index(index)) => *index += 1,
                Some(Segment::Key(key)) => key.clear(),
                None => {}
            },
            b'"' => {
                let start = position + 1;
                position = end_of_string(read, start);
                // The first string of a member is its key; what follows until the comma is its value.
                if let Some(Segment::Key(key)) = path.last_mut()
                    && key.is_empty()
                {
                    *key = String::from_utf8_lossy(&read[start..position.min(read.len())]).into_owned();
                }
            }
            _ => {}
        }
        position += 1;
    }
    // A brace that was just opened has no key yet.
    path.retain(|segment| *segment != Segment::Key(String::new()));
    path
}

/// The index of the quote that ends the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut position = start;
    while position < text.len() && text[position] != b'"' {
        position += if text[position] == b'\\' { 2 } else { 1 };
    }
    position
}

fn written(path: &[Segment]) -> String {
    path.iter().fold(String::new(), |text, segment| match segment {
        Segment::Key(key) if text.is_empty() => key.clone(),
        Segment::Key(key) => format!("{text}.{key}"),
        Segment::Index(index) => format!("{text}[{index}]"),
    })
}

/// What the message has instead, when the path leads to a field that it does not declare.
fn advice(descriptor: &MessageDescriptor, path: &[Segment]) -> Option<String> {
    let mut message = descriptor.clone();
    let mut segments = path.iter();
    while let Some(segment) = segments.next() {
        let Segment::Key(key) = segment else { continue };
        let named = message.get_field_by_json_name(key).or_else(|| message.get_field_by_name(key));
        let Some(field) = named else {
            let known: Vec<String> = message.fields().map(|field| field.json_name().to_owned()).collect();
            let near = nearest(key, known.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            return Some(format!("{near}{} has {}", message.full_name(), known.join(", ")));
        };
        let kind = if field.is_map() {
            // The key of an entry is no field.
            segments.next();
            let Kind::Message(entry) = field.kind() else { return None };
            entry.map_entry_value_field().kind()
        } else {
            field.kind()
        };
        match kind {
            Kind::Message(next) if !next.full_name().starts_with("google.protobuf.") => message = next,
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_told_by_the_keys_that_lead_to_it() {
        for (text, path) in [
            (r#"{"sku": 5"#, "sku"),
            (r#"{"a": {"b": 1, "c": [1, {"d": "x"#, "a.c[1].d"),
            (r#"{"a": {"b": 1}, "c""#, "c"),
            (r#"{"a": "q\"{[", "b": 1"#, "b"),
            ("{\"a\": 1,\n \"b\": true", "b"),
            ("5", ""),
        ] {
            let line = text.lines().count();
            let column = text.lines().last().map_or(0, str::len);
            assert_eq!(written(&path_at(text, line, column)), path, "{text}");
        }
    }
}
