//! Tables for people: columns as wide as what is in them, the last one as long as it is.

use crate::cli::inspect::printable;

/// Between two columns.
const GAP: &str = "  ";

/// Lines, each with a newline, of which the first has the names of the columns.
pub(in crate::cli) fn table<const N: usize>(names: [&str; N], rows: &[[String; N]], indent: &str) -> String {
    let names = names.map(str::to_owned);
    aligned(&std::iter::once(&names).chain(rows).collect::<Vec<_>>(), indent)
}

/// The same without names.
pub(in crate::cli) fn lines<const N: usize>(rows: &[[String; N]], indent: &str) -> String {
    aligned(&rows.iter().collect::<Vec<_>>(), indent)
}

fn aligned<const N: usize>(rows: &[&[String; N]], indent: &str) -> String {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| printable(cell).replace('\n', " "))).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{indent}{}", cells.collect::<Vec<_>>().join(GAP)).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A text of at most so many letters: a longer one ends with `…`.
pub(in crate::cli) fn short(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        None => text.to_owned(),
        Some(_) => text.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!((short("four", 4), short("fünfe", 4)), ("four".to_owned(), "fün…".to_owned()));
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [["a".to_owned(), "one\nand".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["N", "WHAT"], &rows, "  "), "  N       WHAT\n  a       one and\n  longer\n");
        assert_eq!(lines(&rows, ""), "a       one and\nlonger\n");
    }
}
