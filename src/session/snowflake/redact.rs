//! Secrets stay inside: every text of the server passes here before it leaves the session.

use std::{collections::BTreeMap, fmt::Write as _, sync::RwLock};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};

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
        let messages = secrets.iter().flat_map(|(name, value)| forms(name, value)).collect();
        let known = RwLock::new(Known { messages, cells: secrets.clone() });
        Self { secrets, known }
    }

    /// A credential: as it was read, or a token that the server gave.
    pub(super) fn add(&self, name: &str, value: &str) {
        let Ok(mut known) = self.known.write() else { return };
        let Known { messages, cells } = &mut *known;
        let add = |list: &mut Vec<(String, String)>, value: String| {
            if !list.iter().any(|(_, other)| *other == value) {
                list.push((name.to_owned(), value));
            }
        };
        for (_, form) in forms(name, value) {
            add(messages, form);
        }
        if value.len() >= LONG {
            add(cells, value.to_owned());
        }
    }

    /// A proxy's address: as a whole, its password, and user and password as they are sent to it.
    pub(super) fn add_proxy(&self, address: &str) {
        self.add("proxy address", address);
        let Some((user, password)) = reqwest::Url::parse(address).ok().and_then(|url| {
            let plain = |text: &str| decoded(text);
            Some((plain(url.username()), plain(url.password()?)))
        }) else {
            return;
        };
        self.add("proxy login", &format!("{user}:{password}"));
        self.add("proxy password", &password);
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

/// A value in the forms that a server, a proxy or a library may show it in: as it is, inside JSON, in an address, in a
/// header.
fn forms(name: &str, value: &str) -> Vec<(String, String)> {
    let json = |value: &str| {
        let quoted = serde_json::Value::from(value).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let mut all = vec![
        value.to_owned(),
        value.replace('\'', "''"),
        json(value),
        json(&slots::escape_quoted(value)),
        percent_encoded(value),
        BASE64_STANDARD.encode(value),
        BASE64_STANDARD_NO_PAD.encode(value),
    ];
    all.dedup();
    all.into_iter().map(|form| (name.to_owned(), form)).collect()
}

/// All but letters, digits and `-._~` as `%xx`, as addresses have it.
fn percent_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `%xx` read.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%');
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
    fn f29_a_value_in_another_writing_becomes_its_slot_too() {
        let redactor =
            Redactor::new(&BTreeMap::from([("LOADER".to_owned(), SecretText::new("p\"a/ss wörd"))]));
        redactor.add_proxy("http://me:pr%40xy-secret@proxy:8080");
        let slot = "\u{27E6}secret:LOADER\u{27E7}";
        for (text, shown) in [
            (r#"{"sqlText":"SELECT 'p\"a/ss wörd'"}"#, format!(r#"{{"sqlText":"SELECT '{slot}'"}}"#)),
            ("?x=p%22a%2Fss%20w%C3%B6rd&y", format!("?x={slot}&y")),
            ("Basic cCJhL3NzIHfDtnJk", format!("Basic {slot}")),
            ("login pr@xy-secret", "login \u{27E6}secret:proxy password\u{27E7}".to_owned()),
            ("login pr%40xy-secret", "login \u{27E6}secret:proxy password\u{27E7}".to_owned()),
            ("Basic bWU6cHJAeHktc2VjcmV0", "Basic \u{27E6}secret:proxy login\u{27E7}".to_owned()),
        ] {
            assert_eq!(redactor.text(text.to_owned()), shown);
        }
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
