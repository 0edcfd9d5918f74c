//! Why a message is not rewritten, while that is still on its way up to the message's root.

use crate::refusal::Refusal;

use super::RewriteError;
use super::input::Input;
use super::wire::Unreadable;

/// Why a message is not rewritten.
#[derive(Debug)]
pub(super) enum Failure {
    /// The hasty way through a table met what it is not made for; the careful way has to say.
    Hasty,
    /// As in [`RewriteError`], which is boxed so that results fit into registers.
    Error(Box<RewriteError>),
    /// The message is refused.
    Refused(Box<Refused>),
}

/// A refusal whose path grows on its way up.
#[derive(Debug)]
pub(super) struct Refused {
    /// From the leaf to the root.
    pub(super) path: Vec<String>,
    pub(super) why: String,
    pub(super) advice: Option<String>,
}

/// What a part of a rewrite comes to.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A refusal of the value that is just looked at.
    #[cold]
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refused { path: Vec::new(), why: why.into(), advice: None }))
    }

    /// Bytes that are no message of this type.
    #[cold]
    pub(super) fn unreadable(fault: Unreadable, input: Input<'_>, message: &str) -> Self {
        if fault.too_deep {
            return Self::too_deep();
        }
        Self::malformed(fault.what, fault.offset, input, message)
    }

    /// Bytes that are no message of this type.
    #[cold]
    pub(super) fn malformed(what: &'static str, at: usize, input: Input<'_>, message: &str) -> Self {
        let offset = input.place(at);
        Self::Error(Box::new(RewriteError::Malformed { message: message.to_owned(), offset, what }))
    }

    #[cold]
    pub(super) fn too_deep() -> Self {
        let what = "messages within messages are nested deeper than is allowed".to_owned();
        Self::Error(Box::new(RewriteError::TooMuch { what }))
    }

    #[cold]
    pub(super) fn too_long(limit: usize) -> Self {
        let what = format!("the message would become longer than {limit} bytes");
        Self::Error(Box::new(RewriteError::TooMuch { what }))
    }

    /// Says that the failure came up inside the field `name`.
    #[cold]
    pub(super) fn within(mut self, name: &str) -> Self {
        if let Self::Refused(refused) = &mut self {
            refused.path.push(name.to_owned());
        }
        self
    }

    /// Says that the failure came up inside an element, or an entry, of the field that is named next.
    #[cold]
    pub(super) fn at(mut self, index: impl std::fmt::Display) -> Self {
        if let Self::Refused(refused) = &mut self {
            refused.path.push(format!("[{index}]"));
        }
        self
    }
}

impl From<Failure> for RewriteError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error(error) => *error,
            // The careful way never ends like this.
            Failure::Hasty => Self::TooMuch { what: "the message needs more care than there is".to_owned() },
            Failure::Refused(refused) => {
                let mut path = String::new();
                for segment in refused.path.iter().rev() {
                    if !path.is_empty() && !segment.starts_with('[') {
                        path.push('.');
                    }
                    path.push_str(segment);
                }
                let refusal =
                    if path.is_empty() { Refusal::disallowed(refused.why) } else { Refusal::lossy(path, refused.why) };
                Self::Refused(Box::new(match refused.advice {
                    Some(advice) => refusal.advice(advice),
                    None => refusal,
                }))
            }
        }
    }
}
