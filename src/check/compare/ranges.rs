//! Ranges of numbers that messages and enums set aside.

/// From, to; both within.
pub(super) type Range = (i32, i32);

/// What a message reserves. Its descriptors write ends that lie behind.
pub(super) fn reserved_of_message(message: &prost_types::DescriptorProto) -> Vec<Range> {
    message.reserved_range.iter().map(|range| (range.start(), range.end() - 1)).collect()
}

/// What a message leaves to extensions.
pub(super) fn extensions_of_message(message: &prost_types::DescriptorProto) -> Vec<Range> {
    message.extension_range.iter().map(|range| (range.start(), range.end() - 1)).collect()
}

/// What an enum reserves. Its descriptors write ends that lie within.
pub(super) fn reserved_of_enum(item: &prost_types::EnumDescriptorProto) -> Vec<Range> {
    item.reserved_range.iter().map(|range| (range.start(), range.end())).collect()
}

pub(super) fn contains(ranges: &[Range], number: i32) -> bool {
    ranges.iter().any(|(start, end)| (*start..=*end).contains(&number))
}

/// The parts of a range that lie in none of `ranges`.
pub(super) fn missing(range: Range, ranges: &[Range]) -> Vec<Range> {
    let mut left = vec![(i64::from(range.0), i64::from(range.1))];
    for (start, end) in ranges.iter().map(|(start, end)| (i64::from(*start), i64::from(*end))) {
        left = left
            .into_iter()
            .flat_map(|(from, to)| [(from, to.min(start - 1)), (from.max(end + 1), to)])
            .filter(|(from, to)| from <= to)
            .collect();
    }
    // Parts of a range of 32 bits.
    left.into_iter().filter_map(|(from, to)| Some((i32::try_from(from).ok()?, i32::try_from(to).ok()?))).collect()
}

/// `3`, or `3 to 7`.
pub(super) fn shown(ranges: &[Range]) -> String {
    let one = |(start, end): &Range| if start == end { start.to_string() } else { format!("{start} to {end}") };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Range, missing};

    #[test]
    fn what_is_missing_is_what_lies_in_no_range() {
        let cases: [(Range, &[Range], &[Range]); 8] = [
            ((1, 9), &[], &[(1, 9)]),
            ((1, 9), &[(1, 9)], &[]),
            ((1, 9), &[(1, 4), (5, 9)], &[]),
            ((1, 9), &[(3, 4)], &[(1, 2), (5, 9)]),
            ((1, 9), &[(7, 20), (0, 2)], &[(3, 6)]),
            ((1, 9), &[(20, 30)], &[(1, 9)]),
            ((1, 9), &[(20, 30), (0, 0)], &[(1, 9)]),
            ((i32::MIN, i32::MAX), &[(0, 0)], &[(i32::MIN, -1), (1, i32::MAX)]),
        ];
        for (range, ranges, expected) in cases {
            assert_eq!(missing(range, ranges), expected, "{range:?} {ranges:?}");
        }
    }
}
