//! Where a finding stands, with the text around it.

use std::{fmt, ops::Range};

/// A place in a file: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Path as the user would type it, from the project's root, with `/`.
    pub file: String,
    /// Line and column of the first character; `None` when the file as a whole is meant.
    pub position: Option<(usize, usize)>,
    /// The text there, so that a renderer needs no file.
    pub excerpt: Option<Excerpt>,
}

/// Some whole lines of a file and the part of them that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Excerpt {
    /// The lines, without the last line end.
    pub text: String,
    /// Number of the first line of `text`.
    pub first_line: usize,
    /// Start of the part that is meant, a byte offset in `text`.
    pub start: usize,
    /// End of the part that is meant, a byte offset in `text`.
    pub end: usize,
}

/// An excerpt line longer than this many bytes is not carried along: it would fill the screen.
const LONGEST_LINE: usize = 400;

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), position: None, excerpt: None }
    }

    /// Line and column without the text.
    pub fn position(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), position: Some((line, column)), excerpt: None }
    }

    /// The bytes `range` of `text`, which is the whole content of `file`. A range outside the text, or
    /// inside a character, is moved to the nearest place before it.
    pub fn of(file: impl Into<String>, text: &str, range: Range<usize>) -> Self {
        let start = floor(text, range.start);
        let end = floor(text, range.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..line_start]).count();
        let column = 1 + text[line_start..start].chars().count();
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let shown = text[line_start..line_end].trim_end_matches('\r');
        let excerpt = (shown.len() <= LONGEST_LINE).then(|| Excerpt {
            text: shown.to_owned(),
            first_line: line,
            start: (start - line_start).min(shown.len()),
            end: (end - line_start).min(shown.len()),
        });
        Self { file: file.into(), position: Some((line, column)), excerpt }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_columns_from_one_and_in_characters() {
        let text = "é = 1;\r\nsecond ü here\n";
        let at = text.find("here").unwrap_or_default();
        let place = Place::of("a.sql", text, at..at + 4);
        assert_eq!(place.to_string(), "a.sql:2:10");
        let excerpt = place.excerpt.as_ref().map(|e| (&e.text[e.start..e.end], e.first_line));
        assert_eq!(excerpt, Some(("here", 2)));
    }

    #[test]
    fn a_range_outside_the_text_is_its_end() {
        assert_eq!(Place::of("a", "x\n", 90..99).to_string(), "a:2:1");
        assert_eq!(Place::of("a", "", 0..0).to_string(), "a:1:1");
    }
}
