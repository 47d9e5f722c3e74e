//! Makes text from SQL, servers and file names harmless for terminals and pipeline logs.

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

/// Control characters, and the marks that reorder or hide text (bidirectional controls, zero-width characters).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

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
