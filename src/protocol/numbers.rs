//! Which field numbers are free for what one side does not know.

use prost_reflect::FieldDescriptor;

use super::Protocol;

impl Protocol {
    /// Whether a field with this number may pass, as an unknown field, through every version of the protocol: none
    /// declares or reserves the number of this message with another meaning.
    ///
    /// `version` is the index of the version whose `message` it is; `field` what that version knows the number as, if
    /// it does. One meaning means: the same field, as the rules of the steps relate it, copied as it is.
    #[must_use]
    pub fn number_is_free(&self, version: usize, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool {
        let _ = (version, message, number, field);
        todo!()
    }
}
