//! Fields that proto2 requires: a message without them is none.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::expand::Expansion;
use super::paths::{below, singular_message};
use crate::protocol::plan::{Conversion, Made, Open, ValueConversion};

type Fields = [FieldDescriptor];

impl Expansion<'_, '_, '_> {
    /// Leaves open what is required of the target and may not come out.
    pub(super) fn required_fields(&mut self) {
        let mut open = Vec::new();
        let target = self.target.clone();
        self.required_of(&[], &target, &mut open);
        self.open.extend(open);
    }

    fn required_of(&self, at: &Fields, message: &MessageDescriptor, open: &mut Vec<Open>) {
        for field in message.fields() {
            let path = below(at, &field);
            let container = self.containers.iter().find(|container| container.to.fields() == path);
            if let (Some(_), Some(inner)) = (container, singular_message(&field)) {
                self.required_of(&path, &inner, open);
            }
            if !field.is_required() {
                continue;
            }
            let handed_on = container.is_some_and(|container| container.from.leaf().is_required());
            if handed_on || self.is_always_written(&path) {
                continue;
            }
            open.push(Open {
                element: format!("{}.{}", self.target.full_name(), super::paths::show(&path)),
                what: "is required, but may not come out of this step: say what it comes from, and a `default` or a \
                       `value` where that may be absent"
                    .to_owned(),
            });
        }
    }

    fn is_always_written(&self, path: &Fields) -> bool {
        let moved = self.moves.iter().any(|step| {
            let has_default = matches!(
                &step.conversion,
                Conversion::One(ValueConversion::Scalar(scalar)) | Conversion::FromList { value: ValueConversion::Scalar(scalar), .. }
                    if scalar.absent.is_some()
            );
            let always = step.from.fields().iter().all(FieldDescriptor::is_required);
            step.when.is_none() && step.to.fields() == path && (always || has_default)
        });
        moved
            || self.said.makes.iter().any(|make| {
                let constant = matches!(make.value, Made::Constant { .. } | Made::Expression(_));
                make.when.is_none() && constant && make.to.fields() == path
            })
    }
}
