//! How much a bundle may hold, and what is looked at before anything is decoded.
//!
//! Two bytes of protobuf can become a message of hundreds, and a name can be repeated in front of each name below it. So
//! records are counted while they are still bytes, and names are measured before the descriptors are put together.

mod reached;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

use super::error::BundleError;

/// Most bytes of the file.
pub(super) const BYTES: usize = 32 << 20;
/// Most versions.
pub(super) const VERSIONS: usize = 1000;
/// Most words under `requires`, and most bytes of each.
pub(super) const REQUIRED: usize = 64;
/// Most bytes of the protocol's name.
pub(super) const NAME: usize = 256;
/// Most bytes of the text of one `step.toml`.
pub(super) const STEP: usize = 1 << 20;
/// Most bytes of all of them: a MiB of expressions takes seconds to compile, and some 70 MiB.
pub(super) const STEPS: usize = 4 << 20;
/// Most records of protobuf, at any depth: fields of messages, and of the descriptors that are messages themselves.
const RECORDS: usize = 2_000_000;
/// Most messages, enums and methods of one version, and of all together: relating versions takes longer than in line with them.
const TYPES: usize = 20_000;
const TYPES_OF_ALL: usize = 100_000;
/// Most that the methods of one version reach, and those of all together: messages, fields, enums and values, each counted for
/// each method that reaches it.
const REACHED: usize = 500_000;
const REACHED_BY_ALL: usize = 2_000_000;
/// Most bytes of the full name of anything that protos declare.
pub(super) const FULL_NAME: usize = 512;
/// Most methods whose streams go on where they ended.
pub(super) const RESUMED: usize = 1000;
/// Most fields of one message, and values of one enum: what becomes of each is looked for among all others.
const MEMBERS: usize = 10_000;
/// Most ranges that one message or enum reserves or leaves to extensions: each field is compared with each.
const RANGES: usize = 1000;
/// No deeper than protobuf's readers go themselves.
const DEPTH: usize = 128;

/// Checks that no reader of these bytes can come upon more records than there may be.
///
/// Which bytes are messages the schema would say; here all are taken for messages that can be, so texts may count as well,
/// and nothing is missed.
pub(super) fn count_records(body: &[u8]) -> Result<(), BundleError> {
    let mut left = RECORDS;
    let _ = walk(body, &mut left, DEPTH);
    if left == 0 {
        return Err(BundleError::beyond(format!("the bundle has more than {RECORDS} records of protobuf")));
    }
    Ok(())
}

/// `None` where the bytes are no message, or there are too many records. What comes before a fault is counted: a reader
/// comes upon it as well.
fn walk(mut bytes: &[u8], left: &mut usize, depth: usize) -> Option<()> {
    while !bytes.is_empty() {
        *left = left.checked_sub(1)?;
        let tag = varint(&mut bytes)?;
        if *left == 0 || tag >> 3 == 0 {
            return None;
        }
        match tag & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let within = bytes.get(..length)?;
                bytes = &bytes[length..];
                if depth > 0 {
                    // A text or a number is no message, and no fault either.
                    let _ = walk(within, left, depth - 1);
                }
            }
            // Groups: what is in them is counted as what is beside them.
            3 | 4 => {}
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for index in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << (7 * index);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Checks the names in descriptor sets, and what is compared each with each.
#[derive(Default)]
pub(super) struct Descriptors {
    types: usize,
    reached: usize,
}

impl Descriptors {
    /// Checks one more set.
    pub(super) fn check(&mut self, set: &FileDescriptorSet) -> Result<(), BundleError> {
        set.file.iter().try_for_each(check_file)?;
        let types: usize = set.file.iter().map(types_of_file).sum();
        self.types += types;
        for (found, most, whose) in [(types, TYPES, "one of its versions"), (self.types, TYPES_OF_ALL, "its versions")]
        {
            if found > most {
                let what = format!("{found} messages, enums and methods are in {whose}, and there may be {most}");
                return Err(BundleError::beyond(what));
            }
        }
        let reached = reached::count(set, REACHED)?;
        self.reached += reached;
        for (found, most, whose) in
            [(reached, REACHED, "one of its versions"), (self.reached, REACHED_BY_ALL, "its versions")]
        {
            if found > most {
                let what = format!(
                    "the methods of {whose} reach more than {most} messages, fields, enums and values, each counted for each \
                     method"
                );
                return Err(BundleError::beyond(what));
            }
        }
        Ok(())
    }
}

fn types_of_file(file: &FileDescriptorProto) -> usize {
    let methods: usize = file.service.iter().map(|service| service.method.len()).sum();
    methods + file.enum_type.len() + file.message_type.iter().map(types_of).sum::<usize>()
}

/// The message itself, and what lies in it.
fn types_of(message: &DescriptorProto) -> usize {
    1 + message.enum_type.len() + message.nested_type.iter().map(types_of).sum::<usize>()
}

fn check_file(file: &FileDescriptorProto) -> Result<(), BundleError> {
    if file.name().len() > FULL_NAME || file.name().chars().any(char::is_control) {
        return Err(BundleError::invalid("a proto's path is too long, or no path at all"));
    }
    let package = file.package();
    if !package.is_empty() {
        package.split('.').try_for_each(|part| check_name("", part))?;
        check_length(package.len())?;
    }
    file.message_type.iter().try_for_each(|message| check_message(package, message))?;
    file.enum_type.iter().try_for_each(|declared| check_enum(package, declared))?;
    file.extension.iter().try_for_each(|field| check_name(package, field.name()))?;
    file.service.iter().try_for_each(|service| {
        let name = check_scope(package, service.name())?;
        service.method.iter().try_for_each(|method| check_name(&name, method.name()))
    })
}

fn check_message(scope: &str, message: &DescriptorProto) -> Result<(), BundleError> {
    let name = check_scope(scope, message.name())?;
    check_number(&name, "ranges", message.reserved_range.len() + message.extension_range.len(), RANGES)?;
    check_number(&name, "fields", message.field.len(), MEMBERS)?;
    let fields = message.field.iter().chain(&message.extension).map(prost_types::FieldDescriptorProto::name);
    let oneofs = message.oneof_decl.iter().map(prost_types::OneofDescriptorProto::name);
    fields.chain(oneofs).try_for_each(|part| check_name(&name, part))?;
    message.enum_type.iter().try_for_each(|declared| check_enum(&name, declared))?;
    // As deep as the decoder went, which is 100.
    message.nested_type.iter().try_for_each(|nested| check_message(&name, nested))
}

fn check_enum(scope: &str, declared: &EnumDescriptorProto) -> Result<(), BundleError> {
    let name = check_scope(scope, declared.name())?;
    check_number(&name, "ranges", declared.reserved_range.len(), RANGES)?;
    check_number(&name, "values", declared.value.len(), MEMBERS)?;
    declared.value.iter().try_for_each(|value| check_name(&name, value.name()))
}

fn check_number(name: &str, of: &str, found: usize, most: usize) -> Result<(), BundleError> {
    if found > most {
        return Err(BundleError::beyond(format!("`{name}` has {found} {of}, and may have {most}")));
    }
    Ok(())
}

/// The full name of what other names stand in.
fn check_scope(scope: &str, name: &str) -> Result<String, BundleError> {
    check_name(scope, name)?;
    Ok(if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") })
}

fn check_name(scope: &str, name: &str) -> Result<(), BundleError> {
    check_length(scope.len() + 1 + name.len())?;
    let word = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(word) {
        return Err(BundleError::invalid(format!("a proto declares the name {name:?} in {scope:?}, which is none")));
    }
    Ok(())
}

fn check_length(bytes: usize) -> Result<(), BundleError> {
    if bytes > FULL_NAME {
        return Err(BundleError::beyond(format!(
            "a proto declares a name of {bytes} bytes, and {FULL_NAME} is the most"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn every_record_is_counted_at_every_depth() {
        let file = FileDescriptorProto {
            name: Some("a".into()),
            message_type: vec![DescriptorProto { name: Some("M".into()), ..Default::default() }; 10],
            ..Default::default()
        };
        let bytes = FileDescriptorSet { file: vec![file; 3] }.encode_to_vec();
        let mut left = 1000;
        assert_eq!(walk(&bytes, &mut left, DEPTH), Some(()));
        // Three files; in each its name, and ten messages with theirs. One letter is no message, but is looked at: `a`
        // and `M` count once each.
        let (files, names, messages) = (3, 3 * 2, 3 * 10 * 3);
        assert_eq!(1000 - left, files + names + messages);
    }

    #[test]
    fn more_records_than_there_may_be_are_told_of_and_not_walked() {
        // Empty messages: two bytes each.
        let many = [0x0a, 0x00].repeat(RECORDS + 1);
        let error = count_records(&many).unwrap_err();
        assert!(error.is_beyond_limits(), "{error}");
        let deep = (0..500).fold(Vec::new(), |within: Vec<u8>, _| {
            let mut around = vec![0x0a];
            prost::encoding::encode_varint(within.len() as u64, &mut around);
            around.extend(within);
            around
        });
        assert!(count_records(&deep).is_ok());
    }
}
