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

    /// Version 1, for the first file of a project.
    pub fn first() -> Self {
        Self { text: "1".to_owned(), parts: vec!["1".to_owned()] }
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

#[cfg(test)]
mod tests {
    use std::{
        collections::hash_map::DefaultHasher,
        hash::{Hash as _, Hasher as _},
    };

    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn hash_of(version: &Version) -> u64 {
        let mut hasher = DefaultHasher::new();
        version.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn the_text_is_kept_as_written_with_points() {
        let cases = [
            ("1", "1"),
            ("001", "001"),
            ("1_1", "1.1"),
            ("1.2_3", "1.2.3"),
            ("0", "0"),
            ("20240131120000", "20240131120000"),
            ("1.0.0", "1.0.0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ];
        for (written, kept) in cases {
            assert_eq!(version(written).as_str(), kept, "{written}");
            assert_eq!(version(written).to_string(), kept, "{written}");
        }
    }

    #[test]
    fn what_is_not_numbers_between_points_is_no_version() {
        let refused = [
            "", ".", "_", "1.", ".1", "1..2", "1__2", "1.a", "a", "1-2", "-1", "+1", "1 ", " 1", "1.-2",
            "current", "latest", "next", "Latest", "1e3", "٣", "1,2",
        ];
        for text in refused {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn zeros_in_front_and_zero_parts_behind_do_not_count() {
        for (a, b) in
            [("1", "1.0"), ("1", "1.0.0"), ("1", "01"), ("0", "0.0"), ("1.01", "1.1.0"), ("00", "0")]
        {
            assert_eq!(version(a), version(b), "{a} {b}");
            assert_eq!(version(a).cmp(&version(b)), Ordering::Equal, "{a} {b}");
            assert_eq!(hash_of(&version(a)), hash_of(&version(b)), "{a} {b}");
        }
        assert_ne!(version("1"), version("10"));
        assert_ne!(version("1"), version("0.1"));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let rising = [
            "0",
            "0.0.1",
            "0.1",
            "1",
            "1.0.1",
            "1.1",
            "1.9",
            "1.10",
            "2",
            "10",
            "20240131120000",
            "123456789012345678901234567890",
        ];
        for pair in rising.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn the_next_version_has_the_same_width() {
        let cases = [
            ("1", "2"),
            ("9", "10"),
            ("09", "10"),
            ("099", "100"),
            ("99", "100"),
            ("001", "002"),
            ("1.2", "1.3"),
            ("1.2.0", "1.2.1"),
            ("1.09", "1.10"),
            ("1_9", "1.10"),
            ("0", "1"),
            ("999999999999999999999999", "1000000000000000000000000"),
        ];
        for (last, next) in cases {
            assert_eq!(version(last).next().as_str(), next, "{last}");
        }
    }

    fn any_version() -> impl Strategy<Value = Version> {
        // Few and small numbers, so that equal ones are met often.
        let part = prop_oneof!["0{0,2}[0-3]", "[0-9]{1,25}"];
        prop::collection::vec(part, 1..5).prop_map(|parts| version(&parts.join(".")))
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            if a == b {
                prop_assert_eq!(hash_of(&a), hash_of(&b));
                prop_assert_eq!(a.cmp(&c), b.cmp(&c));
            }
        }

        #[test]
        fn the_order_is_that_of_the_numbers(a in prop::collection::vec(0_u64..30, 1..4), b in prop::collection::vec(0_u64..30, 1..4)) {
            let text = |parts: &[u64]| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            let padded = |parts: &[u64]| { let mut p = parts.to_vec(); p.resize(4, 0); p };
            prop_assert_eq!(version(&text(&a)).cmp(&version(&text(&b))), padded(&a).cmp(&padded(&b)));
        }

        #[test]
        fn the_next_version_is_higher(a in any_version()) {
            prop_assert!(a.next() > a);
            prop_assert!(a.next().as_str().len() >= a.as_str().len());
        }
    }
}
