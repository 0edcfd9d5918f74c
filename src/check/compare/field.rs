//! A field with all that decides how its bytes are read.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::field_options::{CType, JsType};
use prost_types::{DescriptorProto, FieldDescriptorProto};

use super::index::{Declared, Index, Syntax, is_map_entry, number, tag};

/// How many values a field holds, and whether none differs from the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cardinality {
    /// One, and absent is told from the default.
    Explicit,
    /// One, and the default is not written.
    Implicit,
    Required,
    Repeated,
    Map,
}

impl Cardinality {
    /// How to name it to people.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Explicit => "optional, with presence",
            Self::Implicit => "singular, without presence",
            Self::Required => "required",
            Self::Repeated => "repeated",
            Self::Map => "a map",
        }
    }
}

/// A field of a message, or an extension.
#[derive(Clone, Copy)]
pub(super) struct Field<'i> {
    pub(super) item: &'i FieldDescriptorProto,
    index: &'i Index<'i>,
    owner: Owner<'i>,
}

/// Where a field is declared.
#[derive(Clone, Copy)]
enum Owner<'i> {
    /// In this message, at this position.
    Message(&'i Declared<'i, DescriptorProto>, usize),
    /// By itself.
    Extension(&'i Declared<'i, FieldDescriptorProto>),
}

impl<'i> Field<'i> {
    pub(super) fn of_message(
        index: &'i Index<'i>,
        message: &'i Declared<'i, DescriptorProto>,
        position: usize,
        item: &'i FieldDescriptorProto,
    ) -> Self {
        Self { item, index, owner: Owner::Message(message, position) }
    }

    pub(super) fn of_extension(index: &'i Index<'i>, extension: &'i Declared<'i, FieldDescriptorProto>) -> Self {
        Self { item: extension.item, index, owner: Owner::Extension(extension) }
    }

    /// The file's position in its index.
    pub(super) fn file(&self) -> usize {
        match self.owner {
            Owner::Message(message, _) => message.file,
            Owner::Extension(extension) => extension.file,
        }
    }

    /// The path in source info; with `tail`, of a part of the field. All parts of a map's entry are shown at the map's type.
    pub(super) fn path(&self, tail: &[i32]) -> Vec<i32> {
        match self.owner {
            Owner::Message(message, position) => match &message.entry_of {
                Some(path) => path.clone(),
                None => [message.path.as_slice(), &[tag::MESSAGE_FIELD, number(position)], tail].concat(),
            },
            Owner::Extension(extension) => [extension.path.as_slice(), tail].concat(),
        }
    }

    /// The full name.
    pub(super) fn full_name(&self) -> String {
        match self.owner {
            Owner::Message(message, _) => format!("{}.{}", message.name, self.item.name()),
            Owner::Extension(extension) => extension.name.clone(),
        }
    }

    /// The message that declares it, or that it extends.
    pub(super) fn message_name(&self) -> &'i str {
        match self.owner {
            Owner::Message(message, _) => &message.name,
            Owner::Extension(extension) => extension.item.extendee().trim_start_matches('.'),
        }
    }

    /// How to name it in a sentence.
    pub(super) fn shown(&self) -> String {
        match self.owner {
            Owner::Message(message, _) if message.entry_of.is_some() => format!("the map's {}", self.item.name()),
            Owner::Message(..) => format!("field {} `{}`", self.item.number(), self.item.name()),
            Owner::Extension(extension) => format!("extension {} `{}`", self.item.number(), extension.name),
        }
    }

    pub(super) fn is_extension(&self) -> bool {
        matches!(self.owner, Owner::Extension(_))
    }

    pub(super) fn is_in_map_entry(&self) -> bool {
        matches!(self.owner, Owner::Message(message, _) if message.entry_of.is_some())
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.index.files[self.file()].syntax
    }

    pub(super) fn kind(&self) -> Type {
        self.item.r#type()
    }

    /// The full name of the message or enum that it holds.
    pub(super) fn type_name(&self) -> &'i str {
        self.item.type_name().trim_start_matches('.')
    }

    /// The type as people write it.
    pub(super) fn shown_type(&self) -> String {
        if self.is_map() {
            return "map".to_owned();
        }
        match self.kind() {
            Type::Message | Type::Enum => self.type_name().to_owned(),
            kind => kind.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        }
    }

    fn is_map(&self) -> bool {
        self.item.label() == Label::Repeated
            && self.kind() == Type::Message
            && self.index.messages.get(self.type_name()).is_some_and(|message| is_map_entry(message.item))
    }

    pub(super) fn cardinality(&self) -> Cardinality {
        match self.item.label() {
            Label::Required => Cardinality::Required,
            Label::Repeated if self.is_map() => Cardinality::Map,
            Label::Repeated => Cardinality::Repeated,
            Label::Optional if self.has_presence() => Cardinality::Explicit,
            Label::Optional => Cardinality::Implicit,
        }
    }

    fn has_presence(&self) -> bool {
        self.is_extension()
            || matches!(self.kind(), Type::Message | Type::Group)
            || self.item.oneof_index.is_some()
            || self.syntax() == Syntax::Proto2
    }

    /// Whether its values lie behind one tag, in one length.
    pub(super) fn is_packed(&self) -> bool {
        let packable = !matches!(self.kind(), Type::String | Type::Bytes | Type::Message | Type::Group);
        let said = self.item.options.as_ref().and_then(|options| options.packed);
        packable && self.item.label() == Label::Repeated && said.unwrap_or(self.syntax() == Syntax::Proto3)
    }

    /// The name of the oneof that the field is an arm of. The oneof that stands for `optional` in proto3 is none.
    pub(super) fn oneof(&self) -> Option<&'i str> {
        let Owner::Message(message, _) = self.owner else { return None };
        if self.item.proto3_optional() {
            return None;
        }
        let oneof = usize::try_from(self.item.oneof_index?).ok()?;
        Some(message.item.oneof_decl.get(oneof)?.name())
    }

    /// Whether the enum that it holds keeps numbers that it does not declare.
    pub(super) fn holds_closed_enum(&self) -> bool {
        let declared = self.index.enums.get(self.type_name());
        self.kind() == Type::Enum
            && declared.is_some_and(|declared| self.index.files[declared.file].syntax == Syntax::Proto2)
    }

    pub(super) fn ctype(&self) -> CType {
        self.item.options.as_ref().map(prost_types::FieldOptions::ctype).unwrap_or_default()
    }

    pub(super) fn jstype(&self) -> JsType {
        self.item.options.as_ref().map(prost_types::FieldOptions::jstype).unwrap_or_default()
    }

    /// Whether readers refuse a text that is no UTF-8.
    pub(super) fn checks_utf8(&self) -> bool {
        self.syntax() == Syntax::Proto3
    }

    /// The same, for readers in Java, which have an option of their own.
    pub(super) fn checks_utf8_in_java(&self) -> bool {
        let options = self.index.files[self.file()].item.options.as_ref();
        self.checks_utf8() || options.is_some_and(prost_types::FileOptions::java_string_check_utf8)
    }

    /// The name in JSON, which a compiler fills in where nothing says it.
    pub(super) fn json_name(&self) -> &'i str {
        self.item.json_name.as_deref().unwrap_or_else(|| self.item.name())
    }

    /// The enum that it holds, where the image declares it.
    pub(super) fn holds_enum(&self) -> Option<&'i Declared<'i, prost_types::EnumDescriptorProto>> {
        self.index.enums.get(self.type_name())
    }
}
