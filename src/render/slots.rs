//! Slots: what stands in a rendered text in place of a secret, `⟦secret:NAME⟧`.
//!
//! Plans, hashes, journal, logs and messages hold slots only. The value enters the request's body, escaped for the
//! literal that the slot stands in, and the session puts slots back into every text that comes from the server.

use std::ops::Range;

use self::literals::{Kind, Literal, literals};

mod literals;

/// First character of a slot.
pub const OPEN: char = '\u{27E6}';

/// Last character of a slot.
pub const CLOSE: char = '\u{27E7}';

const PREFIX: &str = "secret:";

/// Secrets shorter than this are not masked in server texts: they would be found everywhere. The configuration
/// refuses them before.
const SHORTEST_MASKED: usize = 4;

/// The slot of a secret.
pub fn slot(name: &str) -> String {
    format!("{OPEN}{PREFIX}{name}{CLOSE}")
}

/// The names in the whole slots of a text, in order, repeated as they are.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    places(text).map(|(_, name)| name)
}

/// A slot that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotError {
    /// Where, in bytes of the rendered text.
    pub range: Range<usize>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It stands outside of a literal: in a comment, a name, or bare.
    Outside,
    /// It is not whole any more: a filter or an expression changed it.
    Broken,
    /// A backslash before it would swallow the first character of its value.
    Escaped,
}

impl Fault {
    /// One sentence for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Outside => "a secret may only stand inside a '...' or $$...$$ literal",
            Self::Broken => "a secret was changed by a filter or an expression",
            Self::Escaped => "a backslash stands directly before a secret",
        }
    }
}

/// All slots that could not be filled, and all slot characters that belong to no whole slot.
pub fn check(text: &str) -> Vec<SlotError> {
    let mut marks = marks(text).peekable();
    if marks.peek().is_none() {
        return vec![];
    }
    let literals = literals(text);
    marks
        .filter_map(|mark| {
            let (range, fault) = match mark {
                Mark::Stray(range) => (range, Fault::Broken),
                Mark::Slot(range, _) => match around(&literals, &range) {
                    None => (range, Fault::Outside),
                    Some(literal) if literal.kind == Kind::Quoted && is_escaped(text, range.start) => {
                        (range, Fault::Escaped)
                    }
                    Some(_) => return None,
                },
            };
            Some(SlotError { range, fault })
        })
        .collect()
}

/// The text with the value of each slot in its place. Inside `'...'` quotes and backslashes of the value are doubled.
/// Inside `$$...$$` nothing can be escaped: a value is refused that holds `$$` or would make one with what stands
/// beside it, and in a string, a name or a comment within such a body one with a quote, a backslash or a line end.
///
/// The error is the name of a secret that has no value, stands where [`check`] refuses it, or is refused here.
pub fn fill(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut places = places(text).peekable();
    if places.peek().is_none() {
        return Ok(text.to_owned());
    }
    let literals = literals(text);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, name) in places {
        let refused = || name.to_owned();
        let value = lookup(name).ok_or_else(refused)?;
        let literal = around(&literals, &range).ok_or_else(refused)?;
        out.push_str(&text[done..range.start]);
        match literal.kind {
            Kind::Quoted if is_escaped(text, range.start) => return Err(refused()),
            Kind::Quoted => out.push_str(&escape_quoted(&value)),
            Kind::Dollar => {
                let beside_dollar = (text[..range.start].ends_with('$')
                    && range.start > literal.range.start + 2
                    && value.starts_with('$'))
                    || (text[range.end..].starts_with('$') && value.ends_with('$'));
                if value.contains("$$") || beside_dollar || !fits_inside(text, literal, &range, &value) {
                    return Err(refused());
                }
                out.push_str(&value);
            }
        }
        done = range.end;
    }
    out.push_str(&text[done..]);
    Ok(out)
}

/// A text of the server with slots in place of values, as they are and as [`fill`] writes them; the longest value
/// first, and what was put in is not read again.
pub fn mask(text: &str, secrets: &[(String, String)]) -> String {
    let mut wanted: Vec<(String, &str)> = vec![];
    for (name, value) in secrets {
        if value.len() >= SHORTEST_MASKED {
            let escaped = escape_quoted(value);
            if escaped != *value {
                wanted.push((escaped, name));
            }
            wanted.push((value.clone(), name));
        }
    }
    wanted.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
    let mut taken: Vec<(Range<usize>, &str)> = vec![];
    for (value, name) in &wanted {
        for at in memchr::memmem::find_iter(text.as_bytes(), value) {
            let range = at..at + value.len();
            if taken.iter().all(|(other, _)| other.end <= range.start || range.end <= other.start) {
                taken.push((range, name));
            }
        }
    }
    if taken.is_empty() {
        return text.to_owned();
    }
    taken.sort_by_key(|(range, _)| range.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (range, name) in taken {
        out.push_str(&text[done..range.start]);
        out.push_str(&slot(name));
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// The inside of a `'...'` literal for `value`: Snowflake reads `''` and backslash escapes there.
pub(crate) fn escape_quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "''")
}

/// The whole slots of a text with their names.
pub(super) fn places(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    marks(text).filter_map(|mark| match mark {
        Mark::Slot(range, name) => Some((range, name)),
        Mark::Stray(_) => None,
    })
}

/// Whether a slot bracket at `range` has the rest of a slot beside it.
pub(super) fn near_prefix(text: &str, range: &Range<usize>) -> bool {
    let after = text[range.end..].get(..PREFIX.len());
    let before = text[..range.start].trim_end_matches(is_name_char);
    after.is_some_and(|t| t.eq_ignore_ascii_case(PREFIX))
        || before.len() >= PREFIX.len()
            && before.get(before.len() - PREFIX.len()..).is_some_and(|t| t.eq_ignore_ascii_case(PREFIX))
}

/// The inside of the `$$...$$` body that holds the byte `at`.
pub(super) fn body(text: &str, at: usize) -> Option<Range<usize>> {
    if !text.contains("$$") {
        return None;
    }
    let literals = literals(text);
    let literal = around(&literals, &(at..at)).filter(|literal| literal.kind == Kind::Dollar)?;
    Some(literal.range.start + 2..literal.range.end - 2)
}

/// Where the inside of a slot stands, whole or not, with or without its brackets.
pub(super) fn remnants(text: &str) -> impl Iterator<Item = Range<usize>> {
    memchr::memchr_iter(b':', text.as_bytes()).filter_map(|colon| {
        let start = (colon + 1).checked_sub(PREFIX.len())?;
        let found = text.get(start..=colon)?.eq_ignore_ascii_case(PREFIX);
        let has_name = text[colon + 1..].starts_with(is_name_char);
        (found && has_name).then_some(start..colon + 1)
    })
}

enum Mark<'t> {
    Slot(Range<usize>, &'t str),
    Stray(Range<usize>),
}

/// Whole slots and brackets that belong to none, in order.
fn marks(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        // Both brackets start with these two bytes.
        let start = loop {
            let found = at + memchr::memmem::find(&text.as_bytes()[at..], &[0xE2, 0x9F])?;
            if text[found..].starts_with([OPEN, CLOSE]) {
                break found;
            }
            at = found + 2;
        };
        let inner = start + OPEN.len_utf8();
        let name = text[start..]
            .strip_prefix(OPEN)
            .and_then(|t| t.strip_prefix(PREFIX))
            .and_then(|t| t.split_once(CLOSE))
            .map(|(name, _)| name)
            .filter(|name| !name.is_empty() && name.chars().all(is_name_char));
        if let Some(name) = name {
            at = inner + PREFIX.len() + name.len() + CLOSE.len_utf8();
            Some(Mark::Slot(start..at, name))
        } else {
            at = inner;
            Some(Mark::Stray(start..inner))
        }
    })
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn around<'l>(literals: &'l [Literal], range: &Range<usize>) -> Option<&'l Literal> {
    let index = literals.partition_point(|l| l.range.start <= range.start).checked_sub(1)?;
    literals.get(index).filter(|l| range.end <= l.range.end)
}

fn is_escaped(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Whether `value` means itself inside the body of a `$$` literal, which may hold SQL or another language.
fn fits_inside(text: &str, literal: &Literal, range: &Range<usize>, value: &str) -> bool {
    let body = literal.range.start + 2..literal.range.end - 2;
    let alone = body == *range;
    let plain = !value.contains(['\'', '"', '`', '\\', '\n', '\r']);
    alone || plain || {
        let inside = range.start - body.start..range.end - body.start;
        literals::is_bare(&text[body], &inside)
    }
}

#[cfg(test)]
mod tests;
