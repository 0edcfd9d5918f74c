//! Stages 6 and 7: what nothing carries over, and what the source version does not know.

use crate::protocol::plan::{Loss, MessagePlan, Path, Policy, Use};
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};

use super::{Carried, Cause, Hop, Refused, names, place};

impl Hop<'_> {
    /// Stage 6.
    pub(super) fn lose(
        &self,
        plan: &MessagePlan,
        source: &DynamicMessage,
        target: &mut DynamicMessage,
        carried: &Carried,
    ) -> Result<(), Refused> {
        for loss in &plan.losses {
            let Some(left) = left_over(plan, &loss.path, source, carried) else { continue };
            match loss.policies.of(self.used) {
                Policy::Drop => {}
                Policy::Refuse => return Err(refusal(loss)),
                Policy::Pass => match self.landing(plan, &loss.path, target) {
                    Some(landing) => {
                        let field = loss.path.leaf();
                        let mut alone = DynamicMessage::new(field.parent_message().clone());
                        alone.set_field(field, left);
                        merge(landing, &alone.encode_to_vec(), &loss.path)?;
                    }
                    None if self.used == Use::Response => {}
                    None => return Err(refusal(loss)),
                },
            }
        }
        Ok(())
    }

    /// The message of the target in which the field at `path` may go on under its number.
    fn landing<'a>(
        &self,
        plan: &MessagePlan,
        path: &Path,
        target: &'a mut DynamicMessage,
    ) -> Option<&'a mut DynamicMessage> {
        let field = path.leaf();
        let message = field.parent_message();
        if !self.side.number_is_free(message.full_name(), field.number(), Some(field)) {
            return None;
        }
        if path.parents().is_empty() {
            // What is lost may not overwrite what is carried over.
            return (!written(plan, &[]).contains(&field.number())).then_some(target);
        }
        let container = plan.containers.iter().find(|container| container.from.fields() == path.parents())?;
        let is_free = !written(plan, container.to.fields()).contains(&field.number());
        is_free.then(|| place::message_at(target, &container.to))
    }

    /// Stage 7.
    pub(super) fn pass_unknown_fields(
        &self,
        plan: &MessagePlan,
        source: &DynamicMessage,
        target: &mut DynamicMessage,
    ) -> Result<(), Refused> {
        self.pass_unknown_fields_of(source, target, &written(plan, &[]))?;
        for container in &plan.containers {
            if let Some(Value::Message(inner)) = place::read(source, &container.from) {
                let landing = place::message_at(target, &container.to);
                let written = written(plan, container.to.fields());
                self.pass_unknown_fields_of(&inner, landing, &written)
                    .map_err(|refused| refused.within(&container.from))?;
            }
        }
        Ok(())
    }

    fn pass_unknown_fields_of(
        &self,
        source: &DynamicMessage,
        target: &mut DynamicMessage,
        written: &[u32],
    ) -> Result<(), Refused> {
        let descriptor = source.descriptor();
        // As the moves left it: unknown arms do not push each other out here, the last one counts as in any message.
        let known: Vec<String> = target
            .descriptor()
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic() && oneof.fields().any(|arm| target.has_field(&arm)))
            .map(|oneof| oneof.full_name().to_owned())
            .collect();
        for field in source.unknown_fields() {
            let number = field.number();
            let free = self.side.number_is_free(descriptor.full_name(), number, None);
            if !free || written.contains(&number) {
                if self.used == Use::Response {
                    continue;
                }
                let why = "a version of the protocol gives this number another meaning";
                return Err(Refused::value(format!("#{number}"), why));
            }
            let oneof = target.descriptor().get_field(number).and_then(|field| field.containing_oneof());
            if oneof.is_some_and(|oneof| known.iter().any(|known| known == oneof.full_name())) {
                continue;
            }
            let mut bytes = Vec::new();
            field.encode(&mut bytes);
            merge(target, &bytes, format!("#{number}"))?;
        }
        Ok(())
    }
}

/// Numbers of the fields that the plan writes, or writes into, in the message of the target at `parents`.
fn written(plan: &MessagePlan, parents: &[FieldDescriptor]) -> Vec<u32> {
    let paths = plan.moves.iter().map(|moved| &moved.to).chain(plan.makes.iter().map(|make| &make.to));
    paths.filter_map(|path| path.fields().strip_prefix(parents)?.first()).map(FieldDescriptor::number).collect()
}

fn refusal(loss: &Loss) -> Refused {
    let why = loss.reason.clone().unwrap_or_else(|| "cannot be expressed".to_owned());
    Refused::value(&loss.path, why)
}

fn merge(target: &mut DynamicMessage, bytes: &[u8], path: impl std::fmt::Display) -> Result<(), Refused> {
    target.merge(bytes).map_err(|error| Refused::new(Cause::Malformed, path, error))
}

/// What is set at `path` and was carried nowhere.
///
/// Of a message, that is what remains when all that was carried is taken out, and all that has a loss of its own. Its
/// presence counts as carried when something was taken out.
fn left_over(plan: &MessagePlan, path: &Path, source: &DynamicMessage, carried: &Carried) -> Option<Value> {
    let value = place::read(source, path)?;
    let own = names(path);
    if carried.paths.iter().any(|whole| own.starts_with(whole)) {
        return None;
    }
    let Value::Message(mut rest) = value else { return Some(value) };
    let mut presence_is_carried = plan.containers.iter().any(|container| container.from == *path);
    let parts = plan.losses.iter().map(|loss| names(&loss.path)).filter(|part| part.len() > own.len());
    for inner in carried.paths.iter().cloned().chain(parts).filter(|inner| inner.starts_with(&own)) {
        presence_is_carried |= take_out(&mut rest, &inner[own.len()..]);
    }
    // Messages that were there for a constant go with it.
    for constant in carried.consumed.iter().filter(|constant| constant.len() > own.len() && constant.starts_with(&own))
    {
        presence_is_carried = true;
        for length in (own.len() + 1..constant.len()).rev() {
            let emptied = take_emptied_out(&mut rest, &constant[own.len()..length]);
            if !emptied {
                break;
            }
        }
    }
    // Messages that are messages of both sides are carried over as such, and their unknown fields with them.
    let mut containers: Vec<_> = plan.containers.iter().map(|container| names(&container.from)).collect();
    containers.sort_by_key(|container| std::cmp::Reverse(container.len()));
    for inner in containers.iter().filter(|inner| inner.len() > own.len() && inner.starts_with(&own)) {
        presence_is_carried |= take_presence_out(&mut rest, &inner[own.len()..]);
    }
    (rest.encoded_len() > 0 || !presence_is_carried).then_some(Value::Message(rest))
}

/// Takes the unknown fields of the message at these names out, and the message itself and those that lead to it where
/// nothing else is in them. Whether it was there.
fn take_presence_out(message: &mut DynamicMessage, names: &[String]) -> bool {
    let (name, deeper) = names.split_first().expect("a path has a field");
    let field = message.descriptor().get_field_by_name(name).expect("a field of the source");
    if !message.has_field(&field) {
        return false;
    }
    let inner = message.get_field_mut(&field).as_message_mut().expect("paths lead through messages");
    let found = if deeper.is_empty() {
        inner.take_unknown_fields().for_each(std::mem::drop);
        true
    } else {
        take_presence_out(inner, deeper)
    };
    if found && inner.encoded_len() == 0 {
        message.clear_field(&field);
    }
    found
}

/// Takes the message at these names out if nothing is in it. Whether it was there, and empty.
fn take_emptied_out(message: &mut DynamicMessage, names: &[String]) -> bool {
    let (name, deeper) = names.split_first().expect("a path has a field");
    let field = message.descriptor().get_field_by_name(name).expect("a field of the source");
    if !message.has_field(&field) {
        return false;
    }
    let inner = message.get_field_mut(&field).as_message_mut().expect("paths lead through messages");
    if !deeper.is_empty() {
        return take_emptied_out(inner, deeper);
    }
    let is_empty = inner.encoded_len() == 0;
    if is_empty {
        message.clear_field(&field);
    }
    is_empty
}

/// Takes the field at these names out, and the messages that lead to it where nothing else is in them. Whether it was
/// there.
fn take_out(message: &mut DynamicMessage, names: &[String]) -> bool {
    let (name, deeper) = names.split_first().expect("a path has a field");
    let field = message.descriptor().get_field_by_name(name).expect("a field of the source");
    if !place::is_set(message, &field) {
        return false;
    }
    if deeper.is_empty() {
        message.clear_field(&field);
        return true;
    }
    let inner = message.get_field_mut(&field).as_message_mut().expect("paths lead through messages");
    let found = take_out(inner, deeper);
    if found && inner.encoded_len() == 0 {
        message.clear_field(&field);
    }
    found
}
