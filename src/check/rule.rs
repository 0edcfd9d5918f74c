//! The rules: their ids, their categories, and what they say.

/// A kind of difference that breaks somebody.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The id, as Buf has it: `FIELD_SAME_TYPE`.
    pub id: &'static str,
    /// The categories that it belongs to.
    pub categories: &'static [Category],
    /// What it checks, as a sentence.
    pub purpose: &'static str,
}

/// Who is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Readers of the bytes.
    Wire,
    /// Readers of the bytes or of the JSON mapping.
    WireJson,
    /// Generated code, by package.
    Package,
    /// Generated code, by file.
    File,
    /// What no rule of Buf tells of, such as an enum value that moved to another number.
    Straddle,
}

/// Writes down each rule once: as a row of [`RULES`], and as an [`Id`] that cannot be misspelt.
macro_rules! rules {
    ($($id:ident [$($category:ident)+] $purpose:literal;)+) => {
        /// All rules, in the order of their ids. Those of Buf have the categories of its configuration `version: v2`
        /// (Buf 1.75, <https://buf.build/docs/breaking/rules/>).
        pub const RULES: &[Rule] = &[$(Rule {
            id: stringify!($id),
            categories: &[$(Category::$category),+],
            purpose: $purpose,
        }),+];

        /// A rule's place in [`RULES`].
        #[expect(non_camel_case_types, reason = "the ids are Buf's, written as users know them")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Id {
            $($id),+
        }
    };
}

impl Id {
    /// The rule itself.
    pub(super) fn rule(self) -> &'static Rule {
        // One macro makes both lists from the same rows, so each id is the position of its rule.
        &RULES[self as usize]
    }
}

rules! {
    ENUM_NO_DELETE [File] "An enum stays in its file.";
    ENUM_SAME_JSON_FORMAT [WireJson Package File] "An enum keeps its JSON mapping.";
    ENUM_SAME_TYPE [Package File] "An enum stays open or closed.";
    ENUM_VALUE_NO_DELETE [Package File] "An enum keeps its values.";
    ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED [WireJson] "A value that an enum loses leaves its name reserved.";
    ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED [Wire WireJson] "A value that an enum loses leaves its number reserved.";
    ENUM_VALUE_SAME_NAME [WireJson Package File] "A number of an enum keeps its name.";
    EXTENSION_MESSAGE_NO_DELETE [Package File] "A message keeps its extension ranges.";
    EXTENSION_NO_DELETE [File] "An extension stays in its file.";
    FIELD_NO_DELETE [Package File] "A message keeps its fields.";
    FIELD_NO_DELETE_UNLESS_NAME_RESERVED [WireJson] "A field that a message loses leaves its name reserved.";
    FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED [Wire WireJson] "A field that a message loses leaves its number reserved.";
    FIELD_SAME_CARDINALITY [Package File] "A field stays singular, required, repeated or a map, and keeps its presence.";
    FIELD_SAME_CPP_STRING_TYPE [Package File] "A text field keeps its type in C++ (ctype).";
    FIELD_SAME_DEFAULT [Wire WireJson Package File] "A field keeps its default.";
    FIELD_SAME_JAVA_UTF8_VALIDATION [Package File] "A string field keeps its check of UTF-8 in Java.";
    FIELD_SAME_JSON_NAME [WireJson Package File] "A field keeps its name in JSON.";
    FIELD_SAME_JSTYPE [Package File] "A 64-bit field keeps its type in JavaScript (jstype).";
    FIELD_SAME_NAME [WireJson Package File] "A field keeps its name.";
    FIELD_SAME_ONEOF [Wire WireJson Package File] "A field stays in its oneof, or outside of any.";
    FIELD_SAME_TYPE [Package File] "A field keeps its type.";
    FIELD_SAME_UTF8_VALIDATION [Package File] "A string field keeps its check of UTF-8.";
    FIELD_WIRE_COMPATIBLE_CARDINALITY [Wire] "A field keeps a cardinality that reads the same bytes.";
    FIELD_WIRE_COMPATIBLE_TYPE [Wire] "A field keeps a type that reads the same bytes.";
    FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY [WireJson] "A field keeps a cardinality that reads the same bytes and the same JSON.";
    FIELD_WIRE_JSON_COMPATIBLE_TYPE [WireJson] "A field keeps a type that reads the same bytes and the same JSON.";
    FILE_NO_DELETE [File] "A file stays.";
    FILE_SAME_CC_ENABLE_ARENAS [Package File] "A file keeps its option `cc_enable_arenas`.";
    FILE_SAME_CC_GENERIC_SERVICES [Package File] "A file keeps its option `cc_generic_services`.";
    FILE_SAME_CSHARP_NAMESPACE [Package File] "A file keeps its option `csharp_namespace`.";
    FILE_SAME_GO_PACKAGE [Package File] "A file keeps its option `go_package`.";
    FILE_SAME_JAVA_GENERIC_SERVICES [Package File] "A file keeps its option `java_generic_services`.";
    FILE_SAME_JAVA_MULTIPLE_FILES [Package File] "A file keeps its option `java_multiple_files`.";
    FILE_SAME_JAVA_OUTER_CLASSNAME [Package File] "A file keeps its option `java_outer_classname`.";
    FILE_SAME_JAVA_PACKAGE [Package File] "A file keeps its option `java_package`.";
    FILE_SAME_OBJC_CLASS_PREFIX [Package File] "A file keeps its option `objc_class_prefix`.";
    FILE_SAME_OPTIMIZE_FOR [Package File] "A file keeps its option `optimize_for`.";
    FILE_SAME_PACKAGE [Wire WireJson Package File] "A file keeps its package.";
    FILE_SAME_PHP_CLASS_PREFIX [Package File] "A file keeps its option `php_class_prefix`.";
    FILE_SAME_PHP_METADATA_NAMESPACE [Package File] "A file keeps its option `php_metadata_namespace`.";
    FILE_SAME_PHP_NAMESPACE [Package File] "A file keeps its option `php_namespace`.";
    FILE_SAME_PY_GENERIC_SERVICES [Package File] "A file keeps its option `py_generic_services`.";
    FILE_SAME_RUBY_PACKAGE [Package File] "A file keeps its option `ruby_package`.";
    FILE_SAME_SWIFT_PREFIX [Package File] "A file keeps its option `swift_prefix`.";
    FILE_SAME_SYNTAX [Package File] "A file keeps its syntax.";
    MESSAGE_NO_DELETE [File] "A message stays in its file.";
    MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR [Package File] "A message keeps its standard accessor of the descriptor.";
    MESSAGE_SAME_JSON_FORMAT [WireJson Package File] "A message keeps its JSON mapping.";
    MESSAGE_SAME_REQUIRED_FIELDS [Wire WireJson Package File] "A message gains and loses no required field.";
    ONEOF_NO_DELETE [Package File] "A message keeps its oneofs.";
    PACKAGE_ENUM_NO_DELETE [Package] "An enum stays in its package.";
    PACKAGE_EXTENSION_NO_DELETE [Package] "An extension stays in its package.";
    PACKAGE_MESSAGE_NO_DELETE [Package] "A message stays in its package.";
    PACKAGE_NO_DELETE [Package] "A package stays.";
    PACKAGE_SERVICE_NO_DELETE [Package] "A service stays in its package.";
    RESERVED_ENUM_NO_DELETE [Wire WireJson Package File] "An enum keeps what it reserves.";
    RESERVED_MESSAGE_NO_DELETE [Wire WireJson Package File] "A message keeps what it reserves.";
    RPC_NO_DELETE [Package File] "A service keeps its methods.";
    RPC_SAME_CLIENT_STREAMING [Wire WireJson Package File] "A method keeps its kind of request, one message or a stream.";
    RPC_SAME_IDEMPOTENCY_LEVEL [Wire WireJson Package File] "A method keeps its idempotency level.";
    RPC_SAME_REQUEST_TYPE [Wire WireJson Package File] "A method keeps its request type.";
    RPC_SAME_RESPONSE_TYPE [Wire WireJson Package File] "A method keeps its response type.";
    RPC_SAME_SERVER_STREAMING [Wire WireJson Package File] "A method keeps its kind of response, one message or a stream.";
    SERVICE_NO_DELETE [File] "A service stays in its file.";
    STRADDLE_ENUM_CLOSED_NO_ADD [Straddle] "A closed enum gains no values: older readers take them for absent.";
    STRADDLE_ENUM_SAME_DEFAULT [Straddle] "What an absent field of an enum means stays.";
    STRADDLE_ENUM_VALUE_SAME_NUMBER [Straddle] "A value of an enum keeps its number.";
    STRADDLE_FIELD_SAME_NUMBER [Straddle] "A field keeps its number.";
    STRADDLE_FIELD_SAME_PRESENCE [Straddle] "A field that tells absent from default goes on doing so, and one that does not goes on not doing so.";
    STRADDLE_ONEOF_NO_ADD [Straddle] "A oneof gains no fields: older readers see none of its fields set.";
    STRADDLE_ONEOF_NO_FIELD_DELETE [Straddle] "A oneof loses no fields, reserved or not.";
    STRADDLE_RESERVED_NAME_NO_USE [Straddle] "A name that was reserved is not used again.";
    STRADDLE_RESERVED_NUMBER_NO_USE [Straddle] "A number that was reserved is not used again.";
    STRADDLE_RPC_NO_DELETE [Straddle] "A method stays callable.";
    STRADDLE_SERVICE_NO_DELETE [Straddle] "A service stays callable, in whichever file.";
}
