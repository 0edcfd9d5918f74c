//! What an image declares, by full name, with the path of each declaration in its file's source info.

use std::cell::OnceCell;
use std::collections::HashMap;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
};

use super::field::Field;
use crate::check::Image;
use crate::protocol::Spans;

/// The numbers of descriptor.proto's fields, of which paths in source info are made.
pub(super) mod tag {
    pub(in super::super) const FILE_EXTENSION: i32 = 7;
    pub(in super::super) const FILE_OPTIONS: i32 = 8;
    pub(in super::super) const FILE_PACKAGE: i32 = 2;
    pub(in super::super) const FILE_SYNTAX: i32 = 12;
    pub(super) const FILE_MESSAGE: i32 = 4;
    pub(super) const FILE_ENUM: i32 = 5;
    pub(super) const FILE_SERVICE: i32 = 6;
    pub(in super::super) const MESSAGE_FIELD: i32 = 2;
    pub(super) const MESSAGE_NESTED: i32 = 3;
    pub(super) const MESSAGE_ENUM: i32 = 4;
    pub(super) const MESSAGE_EXTENSION: i32 = 6;
    pub(in super::super) const MESSAGE_OPTIONS: i32 = 7;
    pub(in super::super) const FIELD_NAME: i32 = 1;
    pub(in super::super) const FIELD_TYPE: i32 = 5;
    pub(in super::super) const FIELD_TYPE_NAME: i32 = 6;
    pub(in super::super) const FIELD_DEFAULT: i32 = 7;
    pub(in super::super) const FIELD_OPTIONS: i32 = 8;
    pub(in super::super) const ENUM_VALUE: i32 = 2;
    pub(in super::super) const ENUM_VALUE_NUMBER: i32 = 2;
    pub(in super::super) const SERVICE_METHOD: i32 = 2;
    pub(in super::super) const METHOD_INPUT: i32 = 2;
    pub(in super::super) const METHOD_OUTPUT: i32 = 3;
    pub(in super::super) const METHOD_OPTIONS: i32 = 4;
}

/// The language that a file is written in; it decides on defaults that nothing else says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Proto2,
    Proto3,
}

/// A file, and where its declarations stand.
pub(super) struct File<'a> {
    pub(super) item: &'a FileDescriptorProto,
    pub(super) syntax: Syntax,
    spans: &'a Spans,
    /// The positions of places, by path.
    by_path: OnceCell<Vec<u32>>,
}

impl<'a> File<'a> {
    /// The span of what has `path`, as source info writes it. The look-up is built when a file is first asked: most files
    /// never are.
    pub(super) fn span(&self, path: &[i32]) -> Option<&'a [i32]> {
        let spans = self.spans;
        let path_of = |position: u32| spans.path(position as usize);
        let by_path = self.by_path.get_or_init(|| {
            let mut positions: Vec<u32> = (0..u32::try_from(spans.len()).unwrap_or(0)).collect();
            // Stable: blocks of one kind may share a path, such as `extend` twice, and the first counts.
            positions.sort_by_key(|position| path_of(*position));
            positions
        });
        let first = by_path.partition_point(|position| path_of(*position) < path);
        let found = by_path.get(first).copied().filter(|position| path_of(*position) == path)?;
        Some(spans.span(found as usize))
    }
}

/// A message, enum, service or extension where it is declared.
pub(super) struct Declared<'a, T> {
    pub(super) item: &'a T,
    /// The full name, without a leading dot.
    pub(super) name: String,
    /// The file's position in the index.
    pub(super) file: usize,
    /// The path in source info.
    pub(super) path: Vec<i32>,
    /// Of a map's entry, which has no place of its own: the path of the field's type.
    pub(super) entry_of: Option<Vec<i32>>,
}

impl<T> Declared<'_, T> {
    /// The path of what shows this declaration to a reader.
    pub(super) fn shown(&self) -> &[i32] {
        self.entry_of.as_deref().unwrap_or(&self.path)
    }
}

/// The declarations of one kind.
pub(super) struct Named<'a, T> {
    all: Vec<Declared<'a, T>>,
    by_name: HashMap<String, usize>,
}

impl<'a, T> Named<'a, T> {
    fn new() -> Self {
        Self { all: Vec::new(), by_name: HashMap::new() }
    }

    fn add(&mut self, declared: Declared<'a, T>) {
        self.by_name.insert(declared.name.clone(), self.all.len());
        self.all.push(declared);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Declared<'a, T>> {
        self.by_name.get(name).map(|position| &self.all[*position])
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Declared<'a, T>> {
        self.all.iter()
    }
}

/// All that an image declares.
pub(super) struct Index<'a> {
    pub(super) files: Vec<File<'a>>,
    by_file_name: HashMap<&'a str, usize>,
    pub(super) messages: Named<'a, DescriptorProto>,
    pub(super) enums: Named<'a, EnumDescriptorProto>,
    pub(super) services: Named<'a, ServiceDescriptorProto>,
    pub(super) extensions: Named<'a, FieldDescriptorProto>,
}

impl<'a> Index<'a> {
    pub(super) fn new(image: &'a Image) -> Self {
        let files = image.files();
        let mut index = Self {
            files: Vec::with_capacity(files.len()),
            by_file_name: HashMap::with_capacity(files.len()),
            messages: Named::new(),
            enums: Named::new(),
            services: Named::new(),
            extensions: Named::new(),
        };
        for (position, item) in files.enumerate() {
            index.by_file_name.insert(item.name(), position);
            let syntax = if item.syntax() == "proto3" { Syntax::Proto3 } else { Syntax::Proto2 };
            index.files.push(File { item, syntax, spans: image.spans(position), by_path: OnceCell::new() });
            index.add_file(position, item);
        }
        index
    }

    pub(super) fn file_named(&self, name: &str) -> Option<usize> {
        self.by_file_name.get(name).copied()
    }

    /// Whether a file declares this package.
    pub(super) fn has_package(&self, package: &str) -> bool {
        self.files.iter().any(|file| file.item.package() == package)
    }

    /// The fields of a message, in the order of their declaration.
    pub(super) fn fields<'i>(&'i self, message: &'i Declared<'i, DescriptorProto>) -> Vec<Field<'i>> {
        let fields = message.item.field.iter().enumerate();
        fields.map(|(position, item)| Field::of_message(self, message, position, item)).collect()
    }

    fn add_file(&mut self, file: usize, item: &'a FileDescriptorProto) {
        let scope = item.package();
        for (position, message) in item.message_type.iter().enumerate() {
            self.add_message(file, scope, vec![tag::FILE_MESSAGE, number(position)], message, None);
        }
        for (position, item) in item.enum_type.iter().enumerate() {
            let path = vec![tag::FILE_ENUM, number(position)];
            self.enums.add(Declared { item, name: join(scope, item.name()), file, path, entry_of: None });
        }
        for (position, item) in item.service.iter().enumerate() {
            let path = vec![tag::FILE_SERVICE, number(position)];
            self.services.add(Declared { item, name: join(scope, item.name()), file, path, entry_of: None });
        }
        for (position, item) in item.extension.iter().enumerate() {
            let path = vec![tag::FILE_EXTENSION, number(position)];
            self.extensions.add(Declared { item, name: join(scope, item.name()), file, path, entry_of: None });
        }
    }

    fn add_message(
        &mut self,
        file: usize,
        scope: &str,
        path: Vec<i32>,
        item: &'a DescriptorProto,
        entry_of: Option<Vec<i32>>,
    ) {
        let name = join(scope, item.name());
        let below = |tag: i32, position: usize| [path.as_slice(), &[tag, number(position)]].concat();
        for (position, nested) in item.nested_type.iter().enumerate() {
            let entry_of = is_map_entry(nested).then(|| {
                let full = join(&name, nested.name());
                let field = item.field.iter().position(|field| field.type_name().trim_start_matches('.') == full);
                let mut path = field.map_or_else(|| path.clone(), |field| below(tag::MESSAGE_FIELD, field));
                path.extend(field.map(|_| tag::FIELD_TYPE_NAME));
                path
            });
            self.add_message(file, &name, below(tag::MESSAGE_NESTED, position), nested, entry_of);
        }
        for (position, item) in item.enum_type.iter().enumerate() {
            let path = below(tag::MESSAGE_ENUM, position);
            self.enums.add(Declared { item, name: join(&name, item.name()), file, path, entry_of: None });
        }
        for (position, item) in item.extension.iter().enumerate() {
            let path = below(tag::MESSAGE_EXTENSION, position);
            self.extensions.add(Declared { item, name: join(&name, item.name()), file, path, entry_of: None });
        }
        self.messages.add(Declared { item, name, file, path, entry_of });
    }
}

/// Whether a message is what a map's field is made of.
pub(super) fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

/// `scope.name`, or `name` where the scope is empty.
pub(super) fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// A position in a path. Files are far below 2 GiB, so positions fit.
pub(super) fn number(position: usize) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}
