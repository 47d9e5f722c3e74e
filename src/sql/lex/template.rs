//! Templates that were not rendered: what stands between `{{ }}`, `{% %}`, `{# #}` and `<% %>` is no SQL.
//!
//! None of the four opening pairs can stand in Snowflake's SQL outside literals and comments, so reading them takes
//! nothing away from rendered text.

use memchr::memmem;

use super::TokenKind;

/// What was learned about the rest of the text, so that no byte of it is searched again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Templates {
    /// Quotes or braces inside a template have no partner: from here on the first closing pair ends one.
    careless: bool,
    /// Closing pairs that do not come any more, a bit each.
    none_left: u8,
}

impl Templates {
    /// The template that opens at `start` with these two bytes; `None` when they open none, or it has no end.
    pub(super) fn token(&mut self, text: &[u8], start: usize) -> Option<(TokenKind, usize)> {
        let (kind, close, bit) = match (text[start], text.get(start + 1)?) {
            (b'{', b'{') => (TokenKind::TemplateValue, b"}}", 1),
            (b'<', b'%') => (TokenKind::TemplateValue, b"%>", 2),
            (b'{', b'%') => (TokenKind::TemplateTag, b"%}", 4),
            (b'{', b'#') => (TokenKind::TemplateTag, b"#}", 8),
            _ => return None,
        };
        if self.none_left & bit != 0 {
            return None;
        }
        let code = kind == TokenKind::TemplateValue || bit == 4;
        if code && !self.careless {
            if let Some(end) = end_of_code(text, start + 2, *close) {
                return Some((kind, end));
            }
            self.careless = true;
            #[cfg(test)]
            super::steps::add(text.len() - start);
        }
        let found = memmem::find(&text[start + 2..], close);
        if found.is_none() {
            self.none_left |= bit;
            #[cfg(test)]
            super::steps::add(text.len() - start);
        }
        found.map(|at| (kind, start + 2 + at + 2))
    }
}

/// The end of template code at `at`: a closing pair inside its strings and braces does not count.
fn end_of_code(text: &[u8], mut at: usize, close: [u8; 2]) -> Option<usize> {
    let mut braces = 0_usize;
    loop {
        match *text.get(at)? {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while *text.get(at)? != quote {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ if braces == 0 && text[at..].starts_with(&close) => return Some(at + 2),
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
}
