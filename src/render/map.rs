//! From rendered text back to the files that it came from.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use minijinja::{OutputSpan, OutputSpanKind};

use super::marks::{Found, Places};
use crate::{diagnostic::Place, model::statement::SourceSpan};

/// Where each byte of a rendered text comes from. Lines and columns are worked out from byte offsets: minijinja's
/// own line numbers are 16 bits wide and stop at 65,535.
#[derive(Clone, Debug)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    segments: Vec<Segment>,
    length: usize,
    captured: Option<Arc<Captured>>,
}

/// What is behind the expressions of a map: worked out when somebody asks for a place there, as it takes one more
/// render.
pub(super) struct Captured {
    places: OnceLock<Option<Places>>,
    again: Box<dyn Fn() -> Option<Places> + Send + Sync>,
}

impl Captured {
    pub(super) fn new(again: impl Fn() -> Option<Places> + Send + Sync + 'static) -> Self {
        Self { places: OnceLock::new(), again: Box::new(again) }
    }

    fn find(&self, range: Range<usize>) -> Option<Found<'_>> {
        self.places.get_or_init(|| (self.again)()).as_ref()?.find(range)
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").finish_non_exhaustive()
    }
}

/// How a piece of source text became rendered text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was copied; offsets inside the segment map one to one.
    Copied,
    /// A template expression wrote it: a value, or all that a macro, a `call` or a `filter` block put out.
    Expression,
    /// It is the value of a `${name}`.
    Placeholder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// First rendered byte; the segment ends where the next one starts.
    start: usize,
    file: u32,
    source: Range<usize>,
    origin: Origin,
    /// First byte in what the templates gave, before placeholders; for a placeholder where its `${` stood.
    template: usize,
}

impl SourceMap {
    /// The map of a text that was not changed: `text` is the whole content of `file`.
    pub fn identity(file: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let mut map = Self::empty(file, text.clone());
        map.push(text.len(), 0, 0..text.len(), Origin::Copied);
        map
    }

    /// The place in the source that the rendered bytes come from. Its end is that of the last byte, or, when that
    /// lies in another file or further up, the end of what the first byte belongs to.
    pub fn span(&self, rendered: Range<usize>) -> SourceSpan {
        let (file, range, _) = self.source(rendered);
        let source = &self.files[file];
        let (line, column) = source.position(range.start);
        SourceSpan { file: source.name.clone(), start: range.start, end: range.end, line, column }
    }

    /// The most exact place with the text around it: inside the macro or the captured block that wrote it, where
    /// that can be told. Notes say what the text there is if it is not a copy, and where it was called from.
    pub fn place(&self, rendered: Range<usize>) -> (Place, Vec<String>) {
        let (file, range, origin) = self.source(rendered.clone());
        let outer = &self.files[file];
        let Some(found) = self.captured(rendered, origin) else {
            let notes = written_by(&outer.text, &range, origin);
            return (Place::of(&*outer.name, &outer.text, range), notes);
        };
        let text = &found.file.text;
        let (source, origin) = match (origin, found.copied) {
            (Origin::Placeholder, _) => (to_brace(text, found.source.start), Origin::Placeholder),
            (_, true) => (found.source, Origin::Copied),
            (_, false) => (found.source, Origin::Expression),
        };
        let mut notes = written_by(text, &source, origin);
        let inside =
            *outer.name == *found.file.file && range.start <= source.start && source.end <= range.end;
        if !inside {
            let call = Place::of(&*outer.name, &outer.text, range);
            notes.insert(
                0,
                match found.in_macro {
                    Some(name) => format!("in macro {name}, called at {call}"),
                    None => format!("printed at {call}"),
                },
            );
        }
        (Place::of(&*found.file.file, text, source), notes)
    }

    /// What wrote the rendered bytes inside of the expression that printed them.
    fn captured(&self, rendered: Range<usize>, origin: Origin) -> Option<Found<'_>> {
        let captured = self.captured.as_ref().filter(|_| origin != Origin::Copied)?;
        let start = rendered.start.min(self.length);
        let index = self.index(start);
        let segment = self.segments.get(index)?;
        if origin == Origin::Placeholder {
            return captured.find(segment.template..segment.template + 1).filter(|found| found.copied);
        }
        let end = rendered.end.clamp(start, self.end(index));
        captured.find(segment.template + (start - segment.start)..segment.template + (end - segment.start))
    }

    /// The same map, with what is behind its expressions.
    pub(super) fn with_captured(mut self, captured: Captured) -> Self {
        self.captured = Some(Arc::new(captured));
        self
    }

    /// A map without a rendered byte yet; `file` is where an empty text comes from.
    pub(super) fn empty(file: impl Into<Arc<str>>, text: Arc<str>) -> Self {
        Self { files: vec![SourceFile::new(file.into(), text)], segments: vec![], length: 0, captured: None }
    }

    /// A map without a rendered byte yet that knows the files of this one.
    pub(super) fn same_files(&self) -> Self {
        Self { files: self.files.clone(), segments: vec![], length: 0, captured: self.captured.clone() }
    }

    /// Makes `file` known; its number serves [`Self::push`].
    pub(super) fn add_file(&mut self, file: &str, text: &Arc<str>) -> u32 {
        let known = self.files.iter().position(|f| &*f.name == file && f.text == *text);
        let at = known.unwrap_or_else(|| {
            self.files.push(SourceFile::new(file.into(), text.clone()));
            self.files.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Adds what minijinja says of its output. `file` gives the number of a template's file by its name.
    pub(super) fn push_spans(
        &mut self,
        spans: &[OutputSpan],
        length: usize,
        mut file: impl FnMut(&mut Self, &str) -> u32,
    ) {
        let mut last: Option<(&str, u32)> = None;
        for span in spans {
            let number = match last {
                Some((name, number)) if name == span.name() => number,
                _ => file(self, span.name()),
            };
            last = Some((span.name(), number));
            let output = span.output_range();
            self.fill_up_to(output.start);
            let origin = match span.kind() {
                OutputSpanKind::Raw if span.source_range().len() == output.len() => Origin::Copied,
                _ => Origin::Expression,
            };
            self.push(output.len(), number, span.source_range(), origin);
        }
        self.fill_up_to(length);
    }

    /// Bytes that no span speaks of belong to what was written before them.
    fn fill_up_to(&mut self, rendered: usize) {
        if rendered > self.length {
            let (file, end) = self.segments.last().map_or((0, 0), |s| (s.file, s.source.end));
            self.push(rendered - self.length, file, end..end, Origin::Expression);
        }
    }

    /// Adds the next `length` bytes of what the templates gave.
    pub(super) fn push(&mut self, length: usize, file: u32, source: Range<usize>, origin: Origin) {
        self.push_at(length, file, source, origin, self.length);
    }

    fn push_at(&mut self, length: usize, file: u32, source: Range<usize>, origin: Origin, template: usize) {
        if length == 0 {
            return;
        }
        let start = self.length;
        self.length += length;
        if let Some(last) = self.segments.last_mut()
            && (last.file, last.origin, origin) == (file, Origin::Copied, Origin::Copied)
            && last.source.end == source.start
        {
            last.source.end = source.end;
            return;
        }
        self.segments.push(Segment { start, file, source, origin, template });
    }

    /// Adds the next rendered bytes as `base` has them at `range`.
    pub(super) fn push_from(&mut self, base: &Self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let index = base.index(at);
            let segment = &base.segments[index];
            let end = base.end(index).min(range.end);
            let source = match segment.origin {
                Origin::Copied => {
                    let first = segment.source.start + (at - segment.start);
                    first..first + (end - at)
                }
                Origin::Expression | Origin::Placeholder => segment.source.clone(),
            };
            let template = segment.template + (at - segment.start);
            self.push_at(end - at, segment.file, source, segment.origin, template);
            at = end;
        }
    }

    /// Adds the next `length` rendered bytes as the value of the placeholder that `base` has at `range`.
    pub(super) fn push_placeholder(&mut self, base: &Self, range: Range<usize>, length: usize) {
        let template = range.start;
        let (file, source, _) = base.source(range);
        let file = u32::try_from(file).unwrap_or(u32::MAX);
        self.push_at(length, file, source, Origin::Placeholder, template);
    }

    /// Whether all bytes of `rendered` were copied from one file as they stand there.
    pub(super) fn is_copied(&self, rendered: Range<usize>) -> bool {
        if self.segments.is_empty() || rendered.end > self.length {
            return false;
        }
        let index = self.index(rendered.start);
        self.segments[index].origin == Origin::Copied && rendered.end <= self.end(index)
    }

    /// The parts of the rendered text that were written by expressions and placeholders.
    pub(super) fn written(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.segments.len())
            .filter(|index| self.segments[*index].origin != Origin::Copied)
            .map(|index| self.segments[index].start..self.end(index))
    }

    fn index(&self, rendered: usize) -> usize {
        self.segments.partition_point(|s| s.start <= rendered).saturating_sub(1)
    }

    fn end(&self, index: usize) -> usize {
        self.segments.get(index + 1).map_or(self.length, |next| next.start)
    }

    /// File number, bytes and origin of what `rendered` comes from.
    fn source(&self, rendered: Range<usize>) -> (usize, Range<usize>, Origin) {
        let start = rendered.start.min(self.length);
        let end = rendered.end.clamp(start, self.length);
        let Some(first) = self.segments.get(self.index(start)) else {
            return (0, 0..0, Origin::Copied);
        };
        let from = match first.origin {
            Origin::Copied => first.source.start + (start - first.start),
            Origin::Expression | Origin::Placeholder => first.source.start,
        };
        let to = if end == start && first.origin == Origin::Copied {
            from
        } else {
            let last = &self.segments[self.index(end.saturating_sub(1).max(start))];
            let to = match last.origin {
                Origin::Copied => last.source.start + (end - last.start),
                Origin::Expression | Origin::Placeholder => last.source.end,
            };
            if last.file == first.file && to >= from { to } else { first.source.end.max(from) }
        };
        (first.file as usize, from..to, first.origin)
    }
}

/// A note on text that is no copy of its source.
fn written_by(text: &str, source: &Range<usize>, origin: Origin) -> Vec<String> {
    let shown = text.get(source.clone()).map(one_line).unwrap_or_default();
    match origin {
        Origin::Copied => vec![],
        Origin::Expression => vec![format!("the text there is what the expression '{shown}' wrote")],
        Origin::Placeholder => vec![format!("the text there is the value of '{shown}'")],
    }
}

/// The placeholder that begins at `start`.
fn to_brace(text: &str, start: usize) -> Range<usize> {
    let length = text.get(start..).and_then(|rest| rest.find('}')).map_or(0, |at| at + 1);
    start..start + length
}

/// The first line of `text`, cut where it gets long.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default();
    if line.len() == text.trim().len() && line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain(" ...".chars()).collect()
}

#[derive(Clone, Debug)]
struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
    marks: OnceLock<Vec<Mark>>,
}

/// Line and column of one offset; there is one for each line and for every [`Mark::EVERY`] bytes of a long line,
/// so that a position costs a search and a short count wherever it is.
#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: usize,
    line: usize,
    column: usize,
}

impl Mark {
    const EVERY: usize = 1024;
}

impl SourceFile {
    fn new(name: Arc<str>, text: Arc<str>) -> Self {
        Self { name, text, marks: OnceLock::new() }
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let marks = self.marks.get_or_init(|| marks(&self.text));
        let mark = marks[marks.partition_point(|m| m.offset <= offset).saturating_sub(1)];
        let between = self.text.get(mark.offset..offset).unwrap_or_default();
        (mark.line, mark.column + between.chars().count())
    }
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = vec![];
    let mut line_start = 0;
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).chain([text.len()]);
    for (index, line_end) in ends.enumerate() {
        let mut mark = Mark { offset: line_start, line: index + 1, column: 1 };
        marks.push(mark);
        while line_end - mark.offset > Mark::EVERY {
            let next = text.floor_char_boundary(mark.offset + Mark::EVERY);
            mark.column += text[mark.offset..next].chars().count();
            mark.offset = next;
            marks.push(mark);
        }
        line_start = line_end;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(map: &SourceMap, range: Range<usize>) -> String {
        let span = map.span(range);
        format!("{}:{}:{} {}..{}", span.file, span.line, span.column, span.start, span.end)
    }

    #[test]
    fn identity_counts_as_place_does() {
        let text = "é = 1;\r\nsecond ü here\n\nlast";
        let map = SourceMap::identity("a.sql", text);
        for (start, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let span = map.span(start..text.len());
            let place = Place::of("a.sql", text, start..text.len());
            assert_eq!(Some((span.line, span.column)), place.position);
            assert_eq!((span.start, span.end), (start, text.len()));
            assert_eq!(map.place(start..text.len()), (place, vec![]));
        }
    }

    #[test]
    fn an_empty_text_and_ranges_outside_are_harmless() {
        assert_eq!(at(&SourceMap::identity("a", ""), 0..0), "a:1:1 0..0");
        assert_eq!(at(&SourceMap::identity("a", "x\n"), 7..9), "a:2:1 2..2");
        assert_eq!(at(&SourceMap::identity("a", "xyz"), 1..9), "a:1:2 1..3");
    }

    #[test]
    fn columns_in_a_long_line_are_exact() {
        let text = format!("first\n{}", "äb".repeat(5_000));
        let map = SourceMap::identity("a", text.as_str());
        for index in [0, 1, 700, 4_999] {
            let span = map.span(6 + index * 3..text.len());
            assert_eq!((span.line, span.column), (2, 1 + index * 2));
        }
    }

    #[test]
    fn segments_map_back_to_their_file() {
        let mut map = SourceMap::empty("a", "one {{ two }} three".into());
        let other = map.add_file("b", &"included".into());
        map.push(4, 0, 0..4, Origin::Copied);
        map.push(7, 0, 7..10, Origin::Expression);
        map.push(8, other, 0..8, Origin::Copied);
        map.push(6, 0, 13..19, Origin::Copied);
        assert_eq!(at(&map, 1..3), "a:1:2 1..3");
        assert_eq!(at(&map, 6..7), "a:1:8 7..10");
        assert_eq!(at(&map, 0..25), "a:1:1 0..19");
        assert_eq!(at(&map, 12..14), "b:1:2 1..3");
        assert_eq!(at(&map, 2..14), "a:1:3 2..4", "an end in another file is that of the first segment");
        assert_eq!(at(&map, 25..25), "a:1:20 19..19");
        assert_eq!(map.place(6..7).1, ["the text there is what the expression 'two' wrote"]);
        assert!(map.is_copied(0..4) && !map.is_copied(0..5) && map.is_copied(19..25));
        assert_eq!(map.written().collect::<Vec<_>>(), vec![4..11]);
    }

    #[test]
    fn a_loop_that_jumps_back_ends_where_its_first_segment_ends() {
        let mut map = SourceMap::empty("a", "0123456789".into());
        map.push(2, 0, 6..8, Origin::Copied);
        map.push(2, 0, 2..4, Origin::Copied);
        assert_eq!(at(&map, 1..4), "a:1:8 7..8");
    }
}
