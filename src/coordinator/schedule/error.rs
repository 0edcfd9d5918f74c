//! Why a `schedule.toml` cannot be used.

/// Why a `schedule.toml` cannot be used; whoever wrote it has to change it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schedule.toml:{line}:{column}: {what}; {advice}")]
pub struct ScheduleError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
    unknown_own: bool,
}

impl ScheduleError {
    pub(super) fn new(text: &str, offset: usize, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, what: what.into(), advice: advice.into(), unknown_own: false }
    }

    pub(super) fn of_own(mut self) -> Self {
        self.unknown_own = true;
        self
    }

    /// Whether all that is wrong so far is a scheduling function of one's own that is not known here. Another program may know
    /// it.
    #[must_use]
    pub fn is_unknown_own(&self) -> bool {
        self.unknown_own
    }

    /// The error with its line of the text, and a caret under the place.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let line = text.lines().nth(self.line - 1).unwrap_or_default();
        // Tabs stay tabs, so that the caret stands where the eye sees the place.
        let before: String =
            line.chars().take(self.column - 1).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let bar = format!("{} | ", self.line);
        format!("{self}\n{bar}{line}\n{}{before}^", " ".repeat(bar.len()))
    }
}
