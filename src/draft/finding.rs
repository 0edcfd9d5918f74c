//! What is found between two versions, as it will be written.

/// Something that the draft says.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) place: Place,
    /// What to write there: a line of a table, or a rule.
    pub(super) line: String,
    /// Why, as the end of a sentence that begins with "because".
    pub(super) because: String,
    pub(super) sure: Sure,
    /// Elements, by full name, of which nothing is left to decide once this is decided.
    pub(super) along: Vec<String>,
}

/// Where a finding is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A table under `rename`: `packages`, `services`, ….
    Rename(&'static str),
    /// The rules of a message, by the full name that they stand under.
    Message(String),
    /// The methods that nothing relates.
    Method,
}

/// How certain a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// It is written as a rule, and said to be a guess.
    Guess,
    /// It is written as a comment, and these elements stay open.
    Undecided(Vec<String>),
    /// It is written as a comment, and what it is about is refused as it is, or needs no word.
    Note,
}

impl Finding {
    pub(super) fn guess(place: Place, line: String, because: impl Into<String>) -> Self {
        Self { place, line, because: because.into(), sure: Sure::Guess, along: Vec::new() }
    }

    pub(super) fn undecided(place: Place, line: String, because: impl Into<String>, elements: Vec<String>) -> Self {
        Self { place, line, because: because.into(), sure: Sure::Undecided(elements), along: Vec::new() }
    }

    /// The same, with what is decided along with it.
    pub(super) fn with(self, along: Vec<String>) -> Self {
        Self { along, ..self }
    }

    pub(super) fn note(place: Place, because: impl Into<String>) -> Self {
        Self { place, line: String::new(), because: because.into(), sure: Sure::Note, along: Vec::new() }
    }
}
