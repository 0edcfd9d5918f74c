//! Where elements stand in the protos.

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use super::Pair;
use super::finding::Spot;
use crate::check::{Image, Place, Side};
use crate::protocol::Spans;

/// The spot of a place that a comparison found.
pub(super) fn of_place(pair: &Pair<'_>, place: &Place) -> Spot {
    let image = if place.side == Side::Old { pair.old } else { pair.new };
    Spot { file: image.root().join(&place.file), line: Some(place.line), column: place.column, end: place.end }
}

/// The spot of an element, by its full name or of the nearest thing around it: in the version of `first`, else in the
/// other one.
pub(super) fn of_element(pair: &Pair<'_>, element: &str, first: Side) -> Option<Spot> {
    let images = if first == Side::New { [pair.new, pair.old] } else { [pair.old, pair.new] };
    let mut name = element;
    loop {
        if let Some(spot) = images.iter().find_map(|image| find(image, name)) {
            return Some(spot);
        }
        name = name.rsplit_once('.')?.0;
    }
}

/// The spot of what has this path in a file's source info; else the file's first line.
pub(super) fn of_path(image: &Image, file: &FileDescriptorProto, path: &[i32]) -> Spot {
    let spans = image.files().position(|one| one.name() == file.name()).map(|file| image.spans(file));
    let (line, column, end) = spans.and_then(|spans| span(spans, path)).unwrap_or((1, 1, None));
    Spot { file: image.root().join(file.name()), line: Some(line), column, end }
}

fn find(image: &Image, name: &str) -> Option<Spot> {
    image.files().enumerate().find_map(|(position, file)| {
        let scope = file.package();
        let rest = if scope.is_empty() { name } else { name.strip_prefix(scope)?.strip_prefix('.')? };
        let parts: Vec<&str> = rest.split('.').collect();
        let mut path = in_file(file, &parts)?;
        // The name of an element comes first in its text; most readers look for it there.
        path.push(1);
        let spans = image.spans(position);
        let own = span(spans, &path);
        path.pop();
        let (line, column, end) = own.or_else(|| span(spans, &path))?;
        Some(Spot { file: image.root().join(file.name()), line: Some(line), column, end })
    })
}

/// The path of an element within a file's descriptor, as source info counts it (descriptor.proto, `SourceCodeInfo`).
fn in_file(file: &FileDescriptorProto, parts: &[&str]) -> Option<Vec<i32>> {
    let (first, rest) = parts.split_first()?;
    if let Some(index) = file.message_type.iter().position(|one| one.name() == *first) {
        return in_message(&file.message_type[index], rest, vec![4, number(index)]);
    }
    if let Some(index) = file.enum_type.iter().position(|one| one.name() == *first) {
        return in_enum(&file.enum_type[index], rest, vec![5, number(index)]);
    }
    let index = file.service.iter().position(|one| one.name() == *first)?;
    let path = vec![6, number(index)];
    let Some((method, [])) = rest.split_first() else { return rest.is_empty().then_some(path) };
    let method = file.service[index].method.iter().position(|one| one.name() == *method)?;
    Some([path, vec![2, number(method)]].concat())
}

fn in_message(message: &DescriptorProto, parts: &[&str], mut path: Vec<i32>) -> Option<Vec<i32>> {
    let Some((first, rest)) = parts.split_first() else { return Some(path) };
    if let Some(index) = message.nested_type.iter().position(|one| one.name() == *first) {
        path.extend([3, number(index)]);
        return in_message(&message.nested_type[index], rest, path);
    }
    if let Some(index) = message.enum_type.iter().position(|one| one.name() == *first) {
        path.extend([4, number(index)]);
        return in_enum(&message.enum_type[index], rest, path);
    }
    let field = message.field.iter().position(|one| one.name() == *first)?;
    path.extend([2, number(field)]);
    rest.is_empty().then_some(path)
}

fn in_enum(declared: &EnumDescriptorProto, parts: &[&str], mut path: Vec<i32>) -> Option<Vec<i32>> {
    let Some((first, rest)) = parts.split_first() else { return Some(path) };
    let value = declared.value.iter().position(|one| one.name() == *first)?;
    path.extend([2, number(value)]);
    rest.is_empty().then_some(path)
}

/// An index as source info has it. Files are bounded far below what an `i32` counts.
fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// Line, column and the column behind the end, from 1, where source info has the path.
fn span(spans: &Spans, path: &[i32]) -> Option<(usize, usize, Option<usize>)> {
    let place = (0..spans.len()).find(|place| spans.path(*place) == path)?;
    let span = spans.span(place);
    let at = |index: usize| usize::try_from(*span.get(index)?).ok().map(|zero_based| zero_based + 1);
    let end = if span.len() == 3 { at(2) } else { None };
    Some((at(0)?, at(1)?, end))
}
