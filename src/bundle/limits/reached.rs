//! How much the methods of a version reach.
//!
//! Each method is compared with its counterpart, with all that its messages lead to; so what several reach counts once for
//! each. A service of thousands of methods over one graph of messages would cost their product.

use std::collections::HashMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

use crate::bundle::error::BundleError;

/// What an `Any` may hold is whatever the version declares.
const ANY: &str = ".google.protobuf.Any";

/// The messages and enums of a version: how large each is, and where it leads.
#[derive(Default)]
struct Graph<'a> {
    ids: HashMap<String, usize>,
    sizes: Vec<usize>,
    fields: Vec<Vec<&'a str>>,
    /// Fields that extend a message: its name, and that of their type.
    extensions: Vec<(&'a str, Option<&'a str>)>,
}

/// How many messages, enums, fields and values the methods reach, each counted for each method; no further than `most`.
pub(super) fn count(set: &FileDescriptorSet, most: usize) -> Result<usize, BundleError> {
    if set.file.iter().all(|file| file.service.is_empty()) {
        return Ok(0);
    }
    let mut graph = Graph::default();
    set.file.iter().for_each(|file| graph.file(file));
    graph.extend()?;
    let edges = graph.edges()?;
    let mut seen = vec![0_usize; edges.len()];
    let mut total = 0;
    let methods = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
    for (turn, method) in methods.enumerate() {
        let mut pending = vec![graph.id(method.input_type())?, graph.id(method.output_type())?];
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut seen[id], turn + 1) == turn + 1 {
                continue;
            }
            total += graph.sizes[id];
            if total > most {
                return Ok(total);
            }
            pending.extend(&edges[id]);
        }
    }
    Ok(total)
}

impl<'a> Graph<'a> {
    fn file(&mut self, file: &'a FileDescriptorProto) {
        let scope = if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
        file.message_type.iter().for_each(|message| self.message(&scope, message));
        file.enum_type.iter().for_each(|declared| self.declared(&scope, declared));
        self.extensions.extend(file.extension.iter().map(|field| (field.extendee(), field.type_name.as_deref())));
    }

    fn message(&mut self, scope: &str, message: &'a DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.enum_type.iter().for_each(|declared| self.declared(&name, declared));
        message.nested_type.iter().for_each(|nested| self.message(&name, nested));
        self.extensions.extend(message.extension.iter().map(|field| (field.extendee(), field.type_name.as_deref())));
        let types = message.field.iter().filter_map(|field| field.type_name.as_deref());
        self.add(name, 1 + message.field.len(), types.collect());
    }

    fn declared(&mut self, scope: &str, declared: &'a EnumDescriptorProto) {
        self.add(format!("{scope}.{}", declared.name()), 1 + declared.value.len(), Vec::new());
    }

    fn add(&mut self, name: String, size: usize, types: Vec<&'a str>) {
        self.ids.insert(name, self.sizes.len());
        self.sizes.push(size);
        self.fields.push(types);
    }

    /// Extensions count as fields of what they extend.
    fn extend(&mut self) -> Result<(), BundleError> {
        for (extended, of_type) in std::mem::take(&mut self.extensions) {
            let id = self.id(extended)?;
            self.sizes[id] += 1;
            self.fields[id].extend(of_type);
        }
        Ok(())
    }

    /// Compilers write full names. What is left to look for in scopes could not be counted.
    fn id(&self, name: &str) -> Result<usize, BundleError> {
        self.ids.get(name).copied().ok_or_else(|| {
            let shown: String = name.chars().take(super::NAME).collect();
            BundleError::invalid(format!(
                "a proto names the type {shown:?}, which is not the full name of one that is there"
            ))
        })
    }

    fn edges(&self) -> Result<Vec<Vec<usize>>, BundleError> {
        let of = |types: &Vec<&str>| -> Result<Vec<usize>, BundleError> {
            let mut led: Vec<usize> = types.iter().map(|name| self.id(name)).collect::<Result<_, _>>()?;
            led.sort_unstable();
            led.dedup();
            Ok(led)
        };
        let mut edges: Vec<Vec<usize>> = self.fields.iter().map(of).collect::<Result<_, _>>()?;
        if let Some(any) = self.ids.get(ANY) {
            edges[*any] = (0..edges.len()).collect();
        }
        Ok(edges)
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{FieldDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto};

    use super::*;

    fn set(messages: &[(&str, &[&str])], methods: &[(&str, &str)]) -> FileDescriptorSet {
        let field = |name: &&str| FieldDescriptorProto { type_name: Some((*name).to_owned()), ..Default::default() };
        let message = |(name, fields): &(&str, &[&str])| DescriptorProto {
            name: Some((*name).to_owned()),
            field: fields.iter().map(field).collect(),
            ..Default::default()
        };
        let method = |(input, output): &(&str, &str)| MethodDescriptorProto {
            input_type: Some((*input).to_owned()),
            output_type: Some((*output).to_owned()),
            ..Default::default()
        };
        let service = ServiceDescriptorProto { method: methods.iter().map(method).collect(), ..Default::default() };
        let file = FileDescriptorProto {
            package: Some("p".to_owned()),
            message_type: messages.iter().map(message).collect(),
            service: vec![service],
            ..Default::default()
        };
        FileDescriptorSet { file: vec![file] }
    }

    #[test]
    fn what_several_methods_reach_counts_for_each_and_circles_end() {
        let messages: &[(&str, &[&str])] = &[("A", &[".p.B"]), ("B", &[".p.A", ".p.B"]), ("C", &[])];
        let all = |methods: &[(&str, &str)]| count(&set(messages, methods), 1000).unwrap();
        assert_eq!(all(&[]), 0);
        assert_eq!(all(&[(".p.C", ".p.C")]), 1);
        assert_eq!(all(&[(".p.A", ".p.C")]), 2 + 3 + 1);
        assert_eq!(all(&[(".p.A", ".p.A"), (".p.B", ".p.C")]), 5 + 6);
        assert_eq!(count(&set(messages, &[(".p.A", ".p.A"); 100]), 7).unwrap(), 10, "no further than that");
    }

    #[test]
    fn an_any_reaches_all_messages() {
        let mut set = set(&[("A", &[".google.protobuf.Any"]), ("B", &[]), ("C", &[])], &[(".p.A", ".p.A")]);
        let any = DescriptorProto { name: Some("Any".to_owned()), ..Default::default() };
        let package = Some("google.protobuf".to_owned());
        set.file.push(FileDescriptorProto { package, message_type: vec![any], ..Default::default() });
        assert_eq!(count(&set, 1000).unwrap(), 2 + 1 + 1 + 1);
    }

    #[test]
    fn an_extension_counts_as_a_field_of_what_it_extends() {
        let mut set = set(&[("A", &[]), ("B", &[])], &[(".p.A", ".p.A")]);
        assert_eq!(count(&set, 1000).unwrap(), 1);
        let (extendee, type_name) = (Some(".p.A".to_owned()), Some(".p.B".to_owned()));
        set.file[0].extension.push(FieldDescriptorProto { extendee, type_name, ..Default::default() });
        assert_eq!(count(&set, 1000).unwrap(), 2 + 1);
    }

    #[test]
    fn a_type_that_is_not_named_in_full_is_refused() {
        let error = count(&set(&[("A", &["B"]), ("B", &[])], &[(".p.A", ".p.A")]), 1000).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("the type \"B\""), "{error}");
    }
}
