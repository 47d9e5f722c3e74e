//! The two checksums of a script: Flyway's CRC-32, for the history table, and SHA-256, for the journal.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};

/// Flyway's checksum of a decoded text (`ChecksumCalculator.java`): CRC-32 over the lines without their ends, one
/// leading byte-order mark dropped, read as a signed number. Line breaks and blank lines do not count.
pub fn flyway_crc(text: &str) -> i32 {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut hasher = crc32fast::Hasher::new();
    for line in text.split(['\n', '\r']) {
        hasher.update(line.as_bytes());
    }
    i32::from_ne_bytes(hasher.finalize().to_ne_bytes())
}

/// A SHA-256 digest, shown and stored as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of some bytes, as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// The digest of a script's text: one leading byte-order mark dropped, CRLF and CR read as LF, line ends at
    /// the end of the text removed. Unlike [`flyway_crc`] it sees where lines break.
    pub fn of_text(text: &str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).trim_end_matches(['\n', '\r']);
        let mut hasher = Hasher::new();
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
            hasher.update(&rest.as_bytes()[..at]);
            hasher.update(b"\n");
            rest = &rest[at + 1..];
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        hasher.update(rest.as_bytes());
        Self(hasher.finalize().into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        // The second condition because `from_str_radix` takes a sign.
        if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("'{text}' is no SHA-256 digest"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_flyways() {
        // The decoded texts; what decoding itself must give is tested where files are decoded.
        let vectors: &[(&str, &str, i32)] = &[
            ("empty file", "", 0),
            ("one LF", "\n", 0),
            ("three blank lines", "\n\n\n", 0),
            ("BOM only", "\u{FEFF}", 0),
            ("no trailing newline", "SELECT 1;", 78_787_420),
            ("trailing LF", "SELECT 1;\n", 78_787_420),
            ("trailing CRLF", "SELECT 1;\r\n", 78_787_420),
            ("trailing CR", "SELECT 1;\r", 78_787_420),
            ("trailing blank lines", "SELECT 1;\n\n\n", 78_787_420),
            ("leading blank lines", "\n\nSELECT 1;", 78_787_420),
            ("BOM and statement", "\u{FEFF}SELECT 1;\n", 78_787_420),
            ("two BOMs, one removed", "\u{FEFF}\u{FEFF}SELECT 1;\n", -1_606_921_097),
            ("BOM on line 2, kept", "SELECT 1;\n\u{FEFF}SELECT 2;\n", -737_986_772),
            ("two lines LF", "SELECT 1;\nSELECT 2;\n", -1_665_099_012),
            ("two lines CRLF", "SELECT 1;\r\nSELECT 2;\r\n", -1_665_099_012),
            ("same on one line", "SELECT 1;SELECT 2;", -1_665_099_012),
            ("blank line between", "SELECT 1;\n\nSELECT 2;\n", -1_665_099_012),
            ("line broken inside a token", "SELECT\n1;", -713_821_291),
            ("trailing space", "SELECT 1; \n", -1_951_047_511),
            ("leading blanks and tab", "  \tSELECT 1;\n", -69_820_808),
            ("lines of white space", "\t\n \n", -1_418_360_450),
            ("LF then CR", "a\n\rb", -1_635_563_411),
            ("split", "ab\ncd", -310_194_927),
            ("joined", "abcd", -310_194_927),
            ("Latin letters", "-- caf\u{E9}\nSELECT '\u{FC}\u{DF}';\n", 1_940_118_307),
            ("astral character", "SELECT '\u{1F600}';\n", -1_517_219_030),
            ("CJK", "SELECT '\u{65E5}\u{672C}\u{8A9E}';\n", 940_631_042),
            ("NEL and U+2028 are data", "a\u{85}b\u{2028}c", -1_605_843_816),
            ("form feed is data", "a\u{C}b\n", -1_185_073_283),
            ("NUL is data", "a\0b\n", 367_556_721),
            ("V with placeholder, raw", "CREATE TABLE ${schema}.T (ID NUMBER);\n", 1_015_953_787),
            ("R of the same, replaced", "CREATE TABLE DEV.T (ID NUMBER);\n", -110_853_734),
            ("R raw", "CREATE OR REPLACE VIEW V AS\nSELECT '${env}' AS E;\n", 833_343_618),
            ("R replaced", "CREATE OR REPLACE VIEW V AS\nSELECT 'prod' AS E;\n", 881_586_993),
            ("DDL of lines, LF", "CREATE TABLE T (\n  ID NUMBER,\n  NAME VARCHAR\n);\n", -32_010_908),
            (
                "DDL of lines, CRLF",
                "CREATE TABLE T (\r\n  ID NUMBER,\r\n  NAME VARCHAR\r\n);\r\n",
                -32_010_908,
            ),
            ("ISO-8859-1, decoded", "-- caf\u{E9}\n", -266_846_164),
            ("UTF-16LE, decoded", "SELECT 1;\n", 78_787_420),
        ];
        for (case, text, crc) in vectors {
            assert_eq!(flyway_crc(text), *crc, "{case}");
        }
    }

    #[test]
    fn the_text_digest_ignores_the_form_of_line_ends_but_not_their_place() {
        let same = ["a\nb", "a\r\nb", "a\rb", "\u{FEFF}a\nb", "a\nb\n", "a\r\nb\r\n\r\n", "a\rb\r"];
        for text in same {
            assert_eq!(Sha256::of_text(text), Sha256::of(b"a\nb"), "{text:?}");
        }
        let other =
            ["ab", "a\n\nb", "\na\nb", "a\n\rb", "a \nb", "a\nb ", "\u{FEFF}\u{FEFF}a\nb", "a\u{2028}b"];
        for text in other {
            assert_ne!(Sha256::of_text(text), Sha256::of(b"a\nb"), "{text:?}");
        }
        assert_eq!(Sha256::of_text("\r\n\n"), Sha256::of(b""));
    }

    #[test]
    fn a_digest_is_read_back() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of(b"").to_string(), empty);
        assert_eq!(Sha256::parse(empty), Some(Sha256::of(b"")));
        assert_eq!(Sha256::of(b"").short(), "e3b0c44298fc");
        let json = serde_json::to_string(&Sha256::of(b"x")).unwrap();
        assert_eq!(serde_json::from_str::<Sha256>(&json).unwrap(), Sha256::of(b"x"));
        let signed = format!("+{}", &empty[1..]);
        for text in ["", &empty[1..], "zz", &empty.replace('e', "g"), &signed, &"é".repeat(32)] {
            assert_eq!(Sha256::parse(text), None, "{text}");
        }
    }
}
