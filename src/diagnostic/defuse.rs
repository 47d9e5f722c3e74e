//! Makes text from SQL, servers and file names harmless for terminals and pipeline logs.

use std::{borrow::Cow, fmt::Write as _};

/// The text without control characters (line feed and tab stay, others show as `\u{..}`), and with `##vso[` and
/// `##[` broken: an Azure agent would take them as commands wherever they stand in a line, invisible characters
/// between notwithstanding.
pub fn defuse(text: &str) -> String {
    let clean = !text.contains("##") && text.chars().all(|c| c == '\n' || c == '\t' || !is_unsafe(c));
    if clean {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.replace("##vso[", "**vso[").replace("##[", "**[")
}

/// [`defuse`] for a text that must stay on one line.
pub fn defuse_line(text: &str) -> String {
    defuse(text).replace(['\n', '\t'], " ")
}

/// Text inside a JSON document made as harmless, without loss: what [`defuse`] would change is written as `\u....`, so that
/// a reader of the JSON gets the very text. JSON's own escapes have been put in before.
pub fn defuse_json(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let plain = bytes.iter().all(|byte| *byte < 0x7f) && memchr::memmem::find(bytes, b"##").is_none();
    if plain {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        let command = c == '#' && chars.peek() == Some(&'#');
        if command || (c > '\u{7e}' && is_unsafe(c)) {
            // All of them lie in the plane that four digits name.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and the marks that reorder or hide text (bidirectional controls, zero-width characters).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_harmless_and_says_the_same() {
        for text in [
            "plain",
            "###[x",
            "##vso[a]",
            "a\u{202E}\u{7f}\u{9b}b\u{FEFF}",
            "é\r\n\t\u{1b}[31m",
            "\\##[\\#\\\u{200B}",
            "\u{1F600}##",
        ] {
            let json = serde_json::to_string(text).unwrap();
            let safe = defuse_json(&json);
            assert!(!safe.contains("##") && !safe.chars().any(is_unsafe), "{safe}");
            assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
    }

    #[test]
    fn breaks_commands_and_shows_control_characters() {
        for (text, safe) in [
            ("plain\ttext\nline", "plain\ttext\nline"),
            ("##vso[task.setvariable]x", "**vso[task.setvariable]x"),
            ("a ##[error]b", "a **[error]b"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{202E}b", "a\\u{202e}b"),
            ("a\r\nb\rc", "a\nb\\u{d}c"),
            ("# #vso[", "# #vso["),
        ] {
            assert_eq!(defuse(text), safe, "{text:?}");
        }
        assert!(!defuse("#\u{200B}#vso[x]").contains("##vso["));
    }
}
