//! Where the declarations of a file stand: what is needed of its `SourceCodeInfo` (descriptor.proto), in a fraction of the
//! memory that its messages take.

use prost::DecodeError;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_types::SourceCodeInfo;
use prost_types::source_code_info::Location;

/// The places in one file, in the order in which they were written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    /// Of each place its path, then its span.
    numbers: Vec<i32>,
    places: Vec<Spanned>,
}

/// A place, as positions in [`Spans::numbers`].
#[derive(Clone, Copy, Debug)]
struct Spanned {
    path: u32,
    span: u32,
    end: u32,
}

/// The field of `SourceCodeInfo` that holds the places.
const LOCATION: u32 = 1;

impl Spans {
    /// Those of an encoded `SourceCodeInfo`, read one by one.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(mut info: &[u8]) -> Result<Self, DecodeError> {
        let mut spans = Self::default();
        while !info.is_empty() {
            let (tag, kind) = decode_key(&mut info)?;
            if (tag, kind) != (LOCATION, WireType::LengthDelimited) {
                skip_field(kind, tag, &mut info, DecodeContext::default())?;
                continue;
            }
            let length = usize::try_from(decode_varint(&mut info)?).unwrap_or(usize::MAX);
            let whole = info.split_at_checked(length);
            // Skipping what is too short tells what is wrong.
            let Some((location, rest)) = whole else { return Location::decode_length_delimited(info).map(|_| spans) };
            spans.add(&Location::decode(location)?);
            info = rest;
        }
        spans.numbers.shrink_to_fit();
        spans.places.shrink_to_fit();
        Ok(spans)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The path of what stands there.
    pub(crate) fn path(&self, position: usize) -> &[i32] {
        let Spanned { path, span, .. } = self.places[position];
        &self.numbers[path as usize..span as usize]
    }

    /// Where it stands: three or four numbers, as source info has them.
    pub(crate) fn span(&self, position: usize) -> &[i32] {
        let Spanned { span, end, .. } = self.places[position];
        &self.numbers[span as usize..end as usize]
    }

    fn add(&mut self, location: &Location) {
        let position = |numbers: &[i32]| u32::try_from(numbers.len());
        let path = position(&self.numbers);
        self.numbers.extend(&location.path);
        let span = position(&self.numbers);
        self.numbers.extend(&location.span);
        // A file of more than four billion numbers has no places from there on.
        if let (Ok(path), Ok(span), Ok(end)) = (path, span, position(&self.numbers)) {
            self.places.push(Spanned { path, span, end });
        }
    }
}

impl From<&SourceCodeInfo> for Spans {
    fn from(info: &SourceCodeInfo) -> Self {
        let mut spans = Self::default();
        info.location.iter().for_each(|location| spans.add(location));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> SourceCodeInfo {
        let location = |path: &[i32], span: &[i32], comment: &str| Location {
            path: path.to_vec(),
            span: span.to_vec(),
            leading_comments: Some(comment.to_owned()),
            ..Location::default()
        };
        SourceCodeInfo {
            location: vec![
                location(&[], &[0, 0, 9, 1], ""),
                location(&[4, 0, 2, 1], &[3, 2, 17], " Kept by nobody.\n"),
                location(&[4, 0, 2, 1], &[5, 2, 17], ""),
            ],
        }
    }

    #[test]
    fn encoded_or_not_the_places_are_the_same() {
        let read = Spans::read(&info().encode_to_vec()).unwrap();
        for spans in [read, Spans::from(&info())] {
            let all: Vec<_> = (0..spans.len()).map(|position| (spans.path(position), spans.span(position))).collect();
            let expected: Vec<_> = info().location;
            let expected: Vec<_> = expected.iter().map(|one| (one.path.as_slice(), one.span.as_slice())).collect();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn what_ends_too_early_is_an_error() {
        let whole = info().encode_to_vec();
        assert!(Spans::read(&whole[..whole.len() - 1]).is_err());
        assert!(Spans::read(&[0xff]).is_err());
    }
}
