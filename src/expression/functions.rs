//! The functions that expressions may call, and what they give.

use super::types::Type;

/// What a function takes or gives, without the types of elements.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Strings,
}

use Shape::{Bool, Bytes, Double, Duration, Int, List, Map, String, Strings, Timestamp, Uint};

/// One way to call a function. That of a method takes what it is called on first.
struct Function {
    name: &'static str,
    method: bool,
    takes: &'static [Shape],
    gives: Shape,
}

const fn global(name: &'static str, takes: &'static [Shape], gives: Shape) -> Function {
    Function { name, method: false, takes, gives }
}

const fn method(name: &'static str, takes: &'static [Shape], gives: Shape) -> Function {
    Function { name, method: true, takes, gives }
}

/// The standard functions of CEL that concern values of messages, and its extension of strings.
const FUNCTIONS: &[Function] = &[
    global("size", &[String], Int),
    global("size", &[Bytes], Int),
    global("size", &[List], Int),
    global("size", &[Map], Int),
    method("size", &[String], Int),
    method("size", &[Bytes], Int),
    method("size", &[List], Int),
    method("size", &[Map], Int),
    method("contains", &[String, String], Bool),
    method("startsWith", &[String, String], Bool),
    method("endsWith", &[String, String], Bool),
    global("matches", &[String, String], Bool),
    method("matches", &[String, String], Bool),
    global("bool", &[Bool], Bool),
    global("bool", &[String], Bool),
    global("int", &[Int], Int),
    global("int", &[Uint], Int),
    global("int", &[Double], Int),
    global("int", &[String], Int),
    global("int", &[Timestamp], Int),
    global("uint", &[Uint], Uint),
    global("uint", &[Int], Uint),
    global("uint", &[Double], Uint),
    global("uint", &[String], Uint),
    global("double", &[Double], Double),
    global("double", &[Int], Double),
    global("double", &[Uint], Double),
    global("double", &[String], Double),
    global("string", &[String], String),
    global("string", &[Bool], String),
    global("string", &[Int], String),
    global("string", &[Uint], String),
    global("string", &[Double], String),
    global("string", &[Bytes], String),
    global("string", &[Timestamp], String),
    global("string", &[Duration], String),
    global("bytes", &[Bytes], Bytes),
    global("bytes", &[String], Bytes),
    global("timestamp", &[Timestamp], Timestamp),
    global("timestamp", &[String], Timestamp),
    global("timestamp", &[Int], Timestamp),
    global("duration", &[Duration], Duration),
    global("duration", &[String], Duration),
    method("getFullYear", &[Timestamp], Int),
    method("getFullYear", &[Timestamp, String], Int),
    method("getMonth", &[Timestamp], Int),
    method("getMonth", &[Timestamp, String], Int),
    method("getDayOfYear", &[Timestamp], Int),
    method("getDayOfYear", &[Timestamp, String], Int),
    method("getDayOfMonth", &[Timestamp], Int),
    method("getDayOfMonth", &[Timestamp, String], Int),
    method("getDate", &[Timestamp], Int),
    method("getDate", &[Timestamp, String], Int),
    method("getDayOfWeek", &[Timestamp], Int),
    method("getDayOfWeek", &[Timestamp, String], Int),
    method("getHours", &[Timestamp], Int),
    method("getHours", &[Timestamp, String], Int),
    method("getHours", &[Duration], Int),
    method("getMinutes", &[Timestamp], Int),
    method("getMinutes", &[Timestamp, String], Int),
    method("getMinutes", &[Duration], Int),
    method("getSeconds", &[Timestamp], Int),
    method("getSeconds", &[Timestamp, String], Int),
    method("getSeconds", &[Duration], Int),
    method("getMilliseconds", &[Timestamp], Int),
    method("getMilliseconds", &[Timestamp, String], Int),
    method("getMilliseconds", &[Duration], Int),
    method("charAt", &[String, Int], String),
    method("indexOf", &[String, String], Int),
    method("indexOf", &[String, String, Int], Int),
    method("lastIndexOf", &[String, String], Int),
    method("lastIndexOf", &[String, String, Int], Int),
    method("join", &[Strings], String),
    method("join", &[Strings, String], String),
    method("lowerAscii", &[String], String),
    method("upperAscii", &[String], String),
    method("trim", &[String], String),
    method("replace", &[String, String, String], String),
    method("split", &[String, String], Strings),
    method("split", &[String, String, Int], Strings),
    method("substring", &[String, Int], String),
    method("substring", &[String, Int, Int], String),
    method("reverse", &[String], String),
];

/// Comprehensions: calls to the author, though not to CEL.
const MACROS: &[&str] = &["has", "all", "exists", "exists_one", "existsOne", "filter", "map"];

/// The names of all functions and comprehensions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name).chain(MACROS.iter().copied())
}

/// Whether `name` is a comprehension or `has`.
pub(super) fn is_macro(name: &str) -> bool {
    MACROS.contains(&name)
}

/// Whether there is a function of this name, called in this way.
pub(super) fn exists(name: &str, method: bool) -> bool {
    FUNCTIONS.iter().any(|function| function.name == name && function.method == method)
}

/// What a call gives; nothing where no function takes such arguments.
pub(super) fn result(name: &str, method: bool, arguments: &[Type]) -> Option<Type> {
    FUNCTIONS
        .iter()
        .filter(|function| function.name == name && function.method == method)
        .filter(|function| function.takes.len() == arguments.len())
        .filter(|function| function.takes.iter().zip(arguments).all(|(shape, argument)| shape.fits(argument)))
        .map(|function| function.gives.as_type())
        .reduce(Type::join)
}

/// How many times the length of what a function takes first it makes anew, at most; nothing where it makes no text.
/// `other` is the length of the last argument, if it is written out.
pub(super) fn growth(name: &str, gives: &Type, other: Option<usize>) -> Option<usize> {
    match name {
        // For each character: the one that stays, or what it is replaced with.
        "replace" | "join" => other.map(|other| other.saturating_add(2)),
        // A value for each character.
        "split" => Some(64),
        _ => matches!(gives, Type::String | Type::Bytes).then_some(1),
    }
}

impl Shape {
    fn fits(self, argument: &Type) -> bool {
        match (self, argument) {
            (_, argument) if argument.is_open() => true,
            (List, Type::List(_)) | (Map, Type::Map(..)) => true,
            (Strings, Type::List(element)) => element.is_open() || **element == Type::String,
            (shape, argument) => shape.as_type() == *argument,
        }
    }

    fn as_type(self) -> Type {
        match self {
            Bool => Type::Bool,
            Int => Type::Int,
            Uint => Type::Uint,
            Double => Type::Double,
            String => Type::String,
            Bytes => Type::Bytes,
            Timestamp => Type::Timestamp,
            Duration => Type::Duration,
            List => Type::List(Box::new(Type::Dynamic)),
            Map => Type::Map(Box::new(Type::Dynamic), Box::new(Type::Dynamic)),
            Strings => Type::List(Box::new(Type::String)),
        }
    }
}
