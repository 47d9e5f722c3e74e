//! Where text comes from that a macro, a `call`, a `set` or a `filter` block wrote.
//!
//! minijinja attributes such text to the expression that prints it, as it is captured first. To look behind that,
//! the templates are rendered once more with marks in them: a mark is two private-use characters in front of the
//! first character of each raw line and in front of each `{{`, and they travel with the text. Without the marks the
//! text must be byte for byte what it was, or the marks have changed what the templates do and nothing is said.
//!
//! A mark stands beside a character that is no blank, so that `{%-` and `-%}` take away the same blanks as before.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use minijinja::{
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use super::TemplateFile;

/// Number of characters in each of the two private-use planes.
const BASE: usize = 0xFFFE;
const FIRST: u32 = 0xF_0000;
const SECOND: u32 = 0x10_0000;

/// As much of a marked line must still stand behind its mark: a filter that turns text around leaves marks where
/// they do not belong.
const SURE: usize = 8;

/// What is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Raw lines and expressions.
    All,
    /// Raw lines alone: a captured text that is empty stays so, and a test for that is not changed.
    Raw,
}

/// A set of templates with marks in them.
pub(super) struct Marked {
    what: What,
    syntax: SyntaxConfig,
    files: Vec<TemplateFile>,
    marks: Vec<Mark>,
}

#[derive(Clone, Debug)]
struct Mark {
    file: usize,
    source: Range<usize>,
    raw: bool,
}

impl Marked {
    pub(super) fn new(what: What, syntax: SyntaxConfig) -> Self {
        Self { what, syntax, files: vec![], marks: vec![] }
    }

    /// The text of `file` with marks. A text that does not parse stays as it is.
    pub(super) fn mark(&mut self, file: &TemplateFile) -> String {
        let number = self.files.len();
        self.files.push(file.clone());
        let text = &*file.text;
        let mut places: Vec<(usize, Mark)> = vec![];
        let (mut token_end, mut opened) = (0, None);
        for item in tokenize(text, false, self.syntax.clone()) {
            let Ok((token, span)) = item else { break };
            let range = span.start_offset as usize..span.end_offset as usize;
            match token {
                Token::TemplateData(_) => {
                    for line in lines(text, range.clone()) {
                        places.push((line.start, Mark { file: number, source: line, raw: true }));
                    }
                }
                Token::VariableStart if self.what == What::All => {
                    let at = if text[range.start..].starts_with("{{-") {
                        token_end + text[token_end..range.start].trim_end().len()
                    } else {
                        range.start
                    };
                    opened = Some(places.len());
                    places.push((at, Mark { file: number, source: range.end..range.end, raw: false }));
                }
                Token::VariableEnd => {
                    let inside = opened.take().and_then(|index: usize| places.get_mut(index));
                    if let Some((_, mark)) = inside {
                        let shown = &text[mark.source.start..range.start];
                        let blank = shown.len() - shown.trim_start().len();
                        mark.source = mark.source.start + blank..mark.source.start + shown.trim_end().len();
                    }
                }
                _ => {}
            }
            token_end = range.end;
        }
        let mut out = String::with_capacity(text.len() + places.len() * 8);
        let mut done = 0;
        for (at, mark) in places {
            out.push_str(&text[done..at]);
            done = at;
            out.extend(sign(self.marks.len()));
            self.marks.push(mark);
        }
        out.push_str(&text[done..]);
        out
    }

    /// The places that a rendered text tells by its marks, if it is `plain` without them.
    pub(super) fn read(self, rendered: &str, plain: &str) -> Option<Places> {
        let mut text = String::with_capacity(plain.len());
        let mut pieces: Vec<Piece> = vec![];
        let mut first = None;
        for c in rendered.chars() {
            match (digit(c, FIRST), digit(c, SECOND), first.take()) {
                (Some(high), _, _) => first = Some(high),
                (None, Some(low), Some(high)) => {
                    let mark = high * BASE + low;
                    if mark < self.marks.len() {
                        pieces.push(Piece { start: text.len(), mark });
                    }
                }
                (None, Some(_), None) => {}
                (None, None, _) => text.push(c),
            }
        }
        let Self { syntax, files, marks, .. } = self;
        (text == plain).then_some(Places { syntax, files, marks, pieces, text })
    }
}

/// The raw lines of a piece of source, each from its first character that is no blank to that of the next.
fn lines(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut starts = vec![];
    let mut at = range.start;
    for line in text[range.clone()].split_inclusive('\n') {
        let blank = line.len() - line.trim_start().len();
        if blank < line.len() {
            starts.push(at + blank);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([range.end]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).map(|(start, end)| start..end).collect()
}

fn sign(number: usize) -> impl Iterator<Item = char> {
    let digit = |base: u32, value: usize| char::from_u32(base + u32::try_from(value % BASE).unwrap_or(0));
    digit(FIRST, number / BASE).into_iter().chain(digit(SECOND, number))
}

fn digit(c: char, base: u32) -> Option<usize> {
    let value = usize::try_from(u32::from(c).checked_sub(base)?).ok()?;
    (value < BASE).then_some(value)
}

/// Where each part of a rendered text was written.
pub(super) struct Places {
    syntax: SyntaxConfig,
    files: Vec<TemplateFile>,
    marks: Vec<Mark>,
    pieces: Vec<Piece>,
    text: String,
}

/// Rendered text from `start` to the next piece.
struct Piece {
    start: usize,
    mark: usize,
}

/// A place that was found.
pub(super) struct Found<'a> {
    pub(super) file: &'a TemplateFile,
    pub(super) source: Range<usize>,
    /// Whether the text is a copy of the source, and no value.
    pub(super) copied: bool,
    /// The macro whose body it stands in.
    pub(super) in_macro: Option<String>,
}

impl Places {
    /// Where the rendered bytes were written; `None` where nothing is sure.
    pub(super) fn find(&self, rendered: Range<usize>) -> Option<Found<'_>> {
        let first = self.index(rendered.start)?;
        let mark = &self.marks[self.pieces[first].mark];
        let file = &self.files[mark.file];
        let source = if mark.raw {
            let start = self.copied(first, rendered.start)?;
            let last = self.index(rendered.end.saturating_sub(1).max(rendered.start))?;
            let end = if last == first {
                start + rendered.len()
            } else {
                let same = self.marks[self.pieces[last].mark].file == mark.file;
                let end = self.copied(last, rendered.end.saturating_sub(1)).filter(|_| same);
                end.map_or(mark.source.end, |end| end + 1)
            };
            start..if end < start { mark.source.end } else { end }
        } else {
            mark.source.clone()
        };
        let in_macro = enclosing_macro(&file.text, source.start, self.syntax.clone());
        Some(Found { file, source, copied: mark.raw, in_macro })
    }

    fn index(&self, rendered: usize) -> Option<usize> {
        self.pieces.partition_point(|piece| piece.start <= rendered).checked_sub(1)
    }

    /// The source offset of a rendered byte in a raw piece, if the piece is still the source there.
    fn copied(&self, index: usize, rendered: usize) -> Option<usize> {
        let Piece { start, mark } = self.pieces[index];
        let Mark { file, source, raw } = &self.marks[mark];
        let end = self.pieces.get(index + 1).map_or(self.text.len(), |next| next.start);
        let (shown, written) = (&self.text[start..end], &self.files[*file].text[source.clone()]);
        let same = same_but_case(shown, written);
        let sure = same >= written.trim_end().len().min(SURE);
        (*raw && sure && rendered - start < same.max(1)).then_some(source.start + (rendered - start))
    }
}

/// Bytes at the start of both texts that differ in case at most.
fn same_but_case(a: &str, b: &str) -> usize {
    let same = |(a, b): &(char, char)| {
        a == b || a.len_utf8() == b.len_utf8() && a.to_lowercase().eq(b.to_lowercase())
    };
    a.chars().zip(b.chars()).take_while(same).map(|(a, _)| a.len_utf8()).sum()
}

/// The name of the macro whose body holds the byte `at`.
fn enclosing_macro(text: &str, at: usize, syntax: SyntaxConfig) -> Option<String> {
    let mut open: Vec<&str> = vec![];
    let mut words = [""; 2];
    for item in tokenize(text, false, syntax) {
        let Ok((token, span)) = item else { return None };
        if span.start_offset as usize >= at {
            break;
        }
        match token {
            Token::BlockStart => words = ["{%", ""],
            Token::Ident(word) if words[0] == "{%" => {
                words = [word, ""];
                if word == "endmacro" {
                    open.pop();
                }
            }
            Token::Ident(name) if words == ["macro", ""] => {
                words[1] = name;
                open.push(name);
            }
            _ => words[0] = "",
        }
    }
    open.last().map(|name| (*name).to_owned())
}

/// Names of templates and their texts with marks, and what the marks mean.
pub(super) fn mark_all(
    what: What,
    syntax: SyntaxConfig,
    script: &TemplateFile,
    loaded: &BTreeMap<String, TemplateFile>,
) -> (Marked, Arc<str>, BTreeMap<String, String>) {
    let mut marked = Marked::new(what, syntax);
    let text = marked.mark(script).into();
    let others = loaded.iter().map(|(name, file)| (name.clone(), marked.mark(file))).collect();
    (marked, text, others)
}
