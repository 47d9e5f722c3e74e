//! Leads from a statement's text back to the source file, for errors that only the server can see.

use std::{collections::HashMap, ops::Range, sync::Arc};

use crate::{
    diagnostic::Place,
    render::{Output, SourceMap},
};

/// The rendered text of each script with its source map.
#[derive(Debug, Default)]
pub struct Places(HashMap<String, Placed>);

#[derive(Debug)]
struct Placed {
    text: Arc<str>,
    map: SourceMap,
    starts: Vec<usize>,
}

impl Places {
    /// Keeps what is needed for `script`; `starts` is where its statements begin in the rendered text.
    pub fn insert(&mut self, script: &str, output: Output, starts: Vec<usize>) {
        let placed = Placed { text: output.text.into(), map: output.map, starts };
        self.0.insert(script.to_owned(), placed);
    }

    /// Where the server's `line` (from 1) and `position` (from 0) in statement `ordinal` stand in the source, with
    /// the template calls on the way. Without a line: the start of the statement.
    pub fn of_error(
        &self,
        script: &str,
        ordinal: usize,
        line: Option<usize>,
        position: Option<usize>,
    ) -> Option<(Place, Vec<String>)> {
        let placed = self.0.get(script)?;
        let start = *placed.starts.get(ordinal.checked_sub(1)?)?;
        let at = start + line.map_or(0, |line| offset(&placed.text[start..], line, position.unwrap_or(0)));
        Some(placed.map.place(word_at(&placed.text, at)))
    }
}

/// Byte offset of a line (from 1) and a column (from 0, in characters).
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(at) => start += at + 1,
            None => return 0,
        }
    }
    text[start..].char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
}

/// The word that begins at `at`, so that a caret line has a width.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '"')));
    at..at + word.unwrap_or(rest.len()).max(usize::from(!rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lines_and_columns_as_the_server_counts() {
        let text = "SELECT a,\n  ü, b\nFROM t";
        assert_eq!(&text[offset(text, 1, 7)..][..1], "a");
        assert_eq!(&text[offset(text, 2, 5)..][..1], "b");
        assert_eq!(&text[offset(text, 3, 5)..][..1], "t");
        assert_eq!(offset(text, 9, 0), 0);
        assert_eq!(offset(text, 3, 900), text.len());
    }
}
