//! Secrets stay inside: every text of the server passes here before it leaves the session.

use std::{collections::BTreeMap, sync::RwLock};

use crate::{model::secret::SecretText, render::slots};

/// Values that no text may show, with the names that stand in their place.
pub(super) struct Redactor(RwLock<Vec<(String, String)>>);

impl Redactor {
    pub(super) fn new(secrets: &BTreeMap<String, SecretText>) -> Self {
        Self(RwLock::new(
            secrets.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
        ))
    }

    /// A further value: a credential as it was read, a token that the server gave.
    pub(super) fn add(&self, name: &str, value: &str) {
        let Ok(mut known) = self.0.write() else { return };
        if !known.iter().any(|(_, other)| other == value) {
            known.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The text with slots in place of values.
    pub(super) fn text(&self, text: String) -> String {
        let Ok(known) = self.0.read() else { return String::new() };
        let hit = |value: &str| memchr::memmem::find(text.as_bytes(), value.as_bytes()).is_some();
        // Escaped forms are longer than what is looked for here only where the value holds a quote or a backslash.
        let seen = known.iter().any(|(_, value)| value.contains(['\'', '\\']) || hit(value));
        if seen { slots::mask(&text, &known) } else { text }
    }

    /// The value of a slot.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let known = self.0.read().ok()?;
        known.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
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
    }
}
