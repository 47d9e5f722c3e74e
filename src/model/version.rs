//! Versions, in Flyway's grammar (`MigrationVersion.java`): numbers of any length, parted by `.` or `_`.

use std::{cmp::Ordering, fmt, hash};

/// The version of a versioned, baseline or undo migration.
///
/// Ordered by its numbers: missing parts count as 0, so `1` = `1.0` = `01`. The text is kept as written, with
/// `_` as `.`, because that text stands in the history table.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    /// The numbers without leading zeros, without trailing zero parts; each is decimal digits.
    parts: Vec<String>,
}

impl Version {
    /// Reads a version. `None` for anything that is not numbers parted by single `.` or `_`.
    ///
    /// Flyway also accepts a sign (`V-1__x`) and the words `current`, `next` and `latest` in file names; snowops
    /// refuses those as misnamed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace('_', ".");
        let mut parts = Vec::new();
        for part in text.split('.') {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            parts.push(part.trim_start_matches('0').to_owned());
        }
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        Some(Self { text, parts })
    }

    /// The text for the history table: as written, with `.` between the numbers.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The next version for a new file: the last written number plus one, in the same width.
    #[must_use]
    pub fn next(&self) -> Self {
        let (head, last) = match self.text.rfind('.') {
            Some(at) => self.text.split_at(at + 1),
            None => ("", self.text.as_str()),
        };
        let mut digits: Vec<u8> = last.bytes().collect();
        let mut carry = true;
        for digit in digits.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        let sign = if carry { "1" } else { "" };
        let number = String::from_utf8_lossy(&digits).into_owned();
        let text = format!("{head}{sign}{number}");
        Self::parse(&text).unwrap_or_else(|| self.clone())
    }
}

fn compare_numbers(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        for at in 0..self.parts.len().max(other.parts.len()) {
            let a = self.parts.get(at).map_or("", String::as_str);
            let b = other.parts.get(at).map_or("", String::as_str);
            match compare_numbers(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Version {}

impl hash::Hash for Version {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
