//! Secrets stay inside: every text of the server passes here before it leaves the session.

use std::{collections::BTreeMap, sync::RwLock};

use crate::{model::secret::SecretText, render::slots};

/// A credential from this length on is masked in cells too. A shorter one, a passcode say, would be found in numbers
/// that have nothing to do with it, and what is read of the ledger would be wrong.
const LONG: usize = 12;

/// Values that no text may show, with the names that stand in their place.
pub(super) struct Redactor {
    /// The project's secrets, for messages and cells.
    secrets: Vec<(String, String)>,
    /// These and the credentials of the connection, long and short.
    known: RwLock<Known>,
}

/// See [`Redactor`].
struct Known {
    messages: Vec<(String, String)>,
    cells: Vec<(String, String)>,
}

impl Redactor {
    pub(super) fn new(secrets: &BTreeMap<String, SecretText>) -> Self {
        let secrets: Vec<_> =
            secrets.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
        let known = RwLock::new(Known { messages: secrets.clone(), cells: secrets.clone() });
        Self { secrets, known }
    }

    /// A credential: as it was read, or a token that the server gave.
    pub(super) fn add(&self, name: &str, value: &str) {
        let Ok(mut known) = self.known.write() else { return };
        let Known { messages, cells } = &mut *known;
        for list in [Some(messages), (value.len() >= LONG).then_some(cells)].into_iter().flatten() {
            if !list.iter().any(|(_, other)| other == value) {
                list.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// A message with slots in place of values.
    pub(super) fn text(&self, text: String) -> String {
        self.known.read().map(|known| mask(text, &known.messages)).unwrap_or_default()
    }

    /// A cell of a result with slots in place of values.
    pub(super) fn cell(&self, text: String) -> String {
        self.known.read().map(|known| mask(text, &known.cells)).unwrap_or_default()
    }

    /// The value of a slot: of the project's secrets alone.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.secrets.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

fn mask(text: String, values: &[(String, String)]) -> String {
    let hit = |value: &str| memchr::memmem::find(text.as_bytes(), value.as_bytes()).is_some();
    // What is looked for has another form only where the value holds a quote or a backslash.
    let seen = values.iter().any(|(_, value)| value.contains(['\'', '\\']) || hit(value));
    if seen { slots::mask(&text, values) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_slots_as_they_are_and_as_they_were_escaped() {
        let secrets = BTreeMap::from([("LOADER".to_owned(), SecretText::new("it's\\me"))]);
        let redactor = Redactor::new(&secrets);
        redactor.add("session token", "ver:1-abcdef");
        for (text, shown) in [
            ("unexpected 'it''s\\\\me'", "unexpected '\u{27E6}secret:LOADER\u{27E7}'"),
            ("it's\\me", "\u{27E6}secret:LOADER\u{27E7}"),
            ("Token=\"ver:1-abcdef\"", "Token=\"\u{27E6}secret:session token\u{27E7}\""),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(redactor.text(text.to_owned()), shown);
        }
        assert_eq!(redactor.value("LOADER").as_deref(), Some("it's\\me"));
        assert_eq!(redactor.value("OTHER"), None);
        assert_eq!(redactor.value("session token"), None);
    }

    #[test]
    fn a_short_credential_does_not_spoil_cells() {
        let redactor = Redactor::new(&BTreeMap::from([("PIN".to_owned(), SecretText::new("4711ab"))]));
        redactor.add("login passcode", "123456");
        redactor.add("login password", "correct horse");
        for (text, message, cell) in [
            ("-1123456", "-1\u{27E6}secret:login passcode\u{27E7}", "-1123456"),
            (
                "correct horse",
                "\u{27E6}secret:login password\u{27E7}",
                "\u{27E6}secret:login password\u{27E7}",
            ),
            ("4711ab", "\u{27E6}secret:PIN\u{27E7}", "\u{27E6}secret:PIN\u{27E7}"),
        ] {
            assert_eq!(
                (redactor.text(text.into()).as_str(), redactor.cell(text.into()).as_str()),
                (message, cell)
            );
        }
    }
}
