//! From bytes to text, strictly: what cannot be decoded is an error with its offset, never a replacement character.

use encoding_rs::{DecoderResult, Encoding};

/// An encoding of scripts.
///
/// UTF-16, ISO-8859-1 and US-ASCII are decoded here, not by `encoding_rs`: the web's rules, which that follows, read
/// the latter two as windows-1252 and give no offset for a lone surrogate. Flyway reads them as Java does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8; a byte-order mark stays in the text.
    Utf8,
    /// UTF-16 by its byte-order mark, which is dropped; big-endian without one, as in Java.
    Utf16,
    /// UTF-16, little-endian; a byte-order mark stays in the text.
    Utf16Le,
    /// UTF-16, big-endian; a byte-order mark stays in the text.
    Utf16Be,
    /// ISO-8859-1: each byte is the character of its number.
    Latin1,
    /// US-ASCII: bytes below 128 only.
    Ascii,
    /// One of the web's other encodings.
    Other(&'static Encoding),
}

/// Why some bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// What is wrong, with the offset.
    pub reason: String,
    /// Offset of the first bad byte in the file, from 0.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// What to do.
    pub hint: String,
}

const LITTLE_MARK: &[u8] = &[0xFF, 0xFE];
const BIG_MARK: &[u8] = &[0xFE, 0xFF];

impl Charset {
    /// Reads a label, of the web or of Java, without regard to case.
    pub fn parse(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase().replace('_', "-");
        Some(match label.as_str() {
            "utf-16" | "utf16" => Self::Utf16,
            "utf-16le" | "utf-16-le" | "x-utf-16le" => Self::Utf16Le,
            "utf-16be" | "utf-16-be" | "x-utf-16be" => Self::Utf16Be,
            "iso-8859-1" | "iso8859-1" | "iso88591" | "latin1" | "latin-1" | "l1" => Self::Latin1,
            "ascii" | "us-ascii" | "ascii7" | "iso646-us" => Self::Ascii,
            _ => match Encoding::for_label_no_replacement(label.as_bytes())? {
                utf8 if utf8 == encoding_rs::UTF_8 => Self::Utf8,
                other => Self::Other(other),
            },
        })
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Latin1 => "ISO-8859-1",
            Self::Ascii => "US-ASCII",
            Self::Other(encoding) => encoding.name(),
        }
    }

    /// The text of a file. A NUL character is refused too: Snowflake takes none in a statement, and its presence
    /// shows that the file has another encoding or is no text.
    pub fn decode(self, bytes: Vec<u8>) -> Result<String, Undecodable> {
        match self {
            Self::Utf8 => utf8(bytes),
            Self::Utf16 => match bytes.strip_prefix(LITTLE_MARK) {
                Some(rest) => self.utf16(rest, LITTLE_MARK.len(), u16::from_le_bytes),
                None => match bytes.strip_prefix(BIG_MARK) {
                    Some(rest) => self.utf16(rest, BIG_MARK.len(), u16::from_be_bytes),
                    None => self.utf16(&bytes, 0, u16::from_be_bytes),
                },
            },
            Self::Utf16Le => self.utf16(&bytes, 0, u16::from_le_bytes),
            Self::Utf16Be => self.utf16(&bytes, 0, u16::from_be_bytes),
            Self::Latin1 => {
                without_nul(&bytes, |before| encoding_rs::mem::decode_latin1(before).into_owned())?;
                Ok(encoding_rs::mem::decode_latin1(&bytes).into_owned())
            }
            Self::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(at) => Err(self.bad_byte(&bytes, at, &String::from_utf8_lossy(&bytes[..at]))),
                None => utf8(bytes),
            },
            Self::Other(encoding) => self.other(encoding, &bytes),
        }
    }

    fn utf16(self, bytes: &[u8], skipped: usize, unit: fn([u8; 2]) -> u16) -> Result<String, Undecodable> {
        let pairs = bytes.chunks_exact(2);
        let odd = !pairs.remainder().is_empty();
        let units = pairs.map(|pair| unit([pair[0], pair[1]]));
        let mut text = String::with_capacity(bytes.len());
        let mut at = skipped;
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok('\0') => return Err(nul(at, &text)),
                Ok(c) => {
                    text.push(c);
                    at += 2 * c.len_utf16();
                }
                Err(lone) => {
                    let unit = lone.unpaired_surrogate();
                    let what = format!("the surrogate 0x{unit:04X} at offset {at} has no partner");
                    return Err(undecodable(what, at, &text, self.advice()));
                }
            }
        }
        if odd {
            let what = format!("the last character, at offset {at}, is only half there");
            return Err(undecodable(what, at, &text, self.advice()));
        }
        Ok(text)
    }

    fn other(self, encoding: &'static Encoding, bytes: &[u8]) -> Result<String, Undecodable> {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let longest = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let mut text = String::with_capacity(longest.unwrap_or_default());
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        if let DecoderResult::Malformed(bad, after) = result {
            let at = read.saturating_sub(usize::from(bad) + usize::from(after));
            return Err(self.bad_byte(bytes, at, &text));
        }
        // Every encoding here holds ASCII, so a zero byte is a NUL.
        without_nul(bytes, |before| encoding.decode_without_bom_handling(before).0.into_owned())?;
        Ok(text)
    }

    fn bad_byte(self, bytes: &[u8], at: usize, before: &str) -> Undecodable {
        let byte = bytes.get(at).copied().unwrap_or_default();
        let what = format!("byte 0x{byte:02X} at offset {at} is not {}", self.name());
        undecodable(what, at, before, self.advice())
    }

    fn advice(self) -> String {
        let name = self.name();
        format!(
            "save the file as {name}, or name its encoding: 'encoding' in snowops.yml for all scripts, \
             'encoding=...' in the file's .conf for this one"
        )
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Undecodable> {
    let marked = bytes.starts_with(LITTLE_MARK) || bytes.starts_with(BIG_MARK);
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..at]);
        let mut found = Charset::Utf8.bad_byte(bytes, at, &before);
        if marked {
            found.hint = "the file begins as UTF-16 does: save it as UTF-8, or set 'encoding: utf-16'".into();
        }
        found
    })?;
    match memchr::memchr(0, text.as_bytes()) {
        Some(at) => Err(nul(at, &text[..at])),
        None => Ok(text),
    }
}

fn without_nul(bytes: &[u8], decode: impl Fn(&[u8]) -> String) -> Result<(), Undecodable> {
    match memchr::memchr(0, bytes) {
        Some(at) => Err(nul(at, &decode(&bytes[..at]))),
        None => Ok(()),
    }
}

fn nul(at: usize, before: &str) -> Undecodable {
    let hint = "remove it; if every second byte is NUL, the file is UTF-16 and 'encoding' must say so";
    undecodable(format!("a NUL character stands at offset {at}"), at, before, hint.into())
}

/// `before`: the decoded text up to the bad place.
fn undecodable(reason: String, offset: usize, before: &str, hint: String) -> Undecodable {
    let line = 1 + memchr::memchr_iter(b'\n', before.as_bytes()).count();
    let column = 1 + before.rsplit('\n').next().map_or(0, |last| last.chars().count());
    Undecodable { reason, offset, line, column, hint }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::checksum::flyway_crc;

    fn decode(label: &str, bytes: &[u8]) -> Result<String, Undecodable> {
        Charset::parse(label).unwrap().decode(bytes.to_vec())
    }

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn utf16be(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn decoded_files_have_flyways_checksum() {
        let vectors: &[(&str, &str, Vec<u8>, i32)] = &[
            ("BOM only", "utf-8", b"\xEF\xBB\xBF".to_vec(), 0),
            ("BOM and statement", "utf-8", b"\xEF\xBB\xBFSELECT 1;\n".to_vec(), 78_787_420),
            ("two BOMs", "utf-8", b"\xEF\xBB\xBF\xEF\xBB\xBFSELECT 1;\n".to_vec(), -1_606_921_097),
            ("BOM on line 2", "UTF-8", b"SELECT 1;\n\xEF\xBB\xBFSELECT 2;\n".to_vec(), -737_986_772),
            ("astral", "utf8", b"SELECT '\xF0\x9F\x98\x80';\n".to_vec(), -1_517_219_030),
            ("form feed", "utf-8", b"a\x0Cb\n".to_vec(), -1_185_073_283),
            ("ISO-8859-1", "ISO-8859-1", b"-- caf\xE9\n".to_vec(), -266_846_164),
            ("the same in UTF-8", "UTF-8", "-- caf\u{E9}\n".into(), -266_846_164),
            ("UTF-16LE with mark", "UTF-16", [LITTLE_MARK, &utf16le("SELECT 1;\n")].concat(), 78_787_420),
            ("UTF-16LE, mark kept", "utf-16le", [LITTLE_MARK, &utf16le("SELECT 1;\n")].concat(), 78_787_420),
            ("UTF-16BE with mark", "utf-16", [BIG_MARK, &utf16be("SELECT 1;")].concat(), 78_787_420),
            ("UTF-16, no mark", "UTF-16", utf16be("SELECT 1;"), 78_787_420),
        ];
        for (case, label, bytes, crc) in vectors {
            assert_eq!(decode(label, bytes).map(|text| flyway_crc(&text)), Ok(*crc), "{case}");
        }
    }

    #[test]
    fn the_texts_are_those_of_the_encoding() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("utf-8", b"\xEF\xBB\xBFa\r\n", "\u{FEFF}a\r\n"),
            ("latin1", b"\x80\x9F\xFF", "\u{80}\u{9F}\u{FF}"),
            ("windows-1252", b"\x80", "\u{20AC}"),
            ("Cp1252", b"\x80", "\u{20AC}"),
            ("ISO8859_15", b"\xA4", "\u{20AC}"),
            ("shift_jis", b"\x93\xFA", "\u{65E5}"),
            ("US-ASCII", b"abc", "abc"),
            ("utf-16", b"\xFF\xFEa\0", "a"),
        ];
        for (label, bytes, text) in cases {
            assert_eq!(decode(label, bytes).as_deref(), Ok(*text), "{label}");
        }
        for label in ["", "utf-7", "klingon", "utf-32", "replacement"] {
            assert_eq!(Charset::parse(label), None, "{label}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        type Case<'a> = (&'a str, &'a [u8], &'a str, usize, (usize, usize));
        let cases: &[Case<'_>] = &[
            ("utf-8", b"ok\nab\xFFc", "byte 0xFF at offset 5 is not UTF-8", 5, (2, 3)),
            ("utf-8", b"\xC3", "byte 0xC3 at offset 0", 0, (1, 1)),
            ("utf-8", b"\xC0\x80", "byte 0xC0 at offset 0", 0, (1, 1)),
            // A surrogate, written as UTF-8 would if it could.
            ("utf-8", b"a\xED\xA0\x80", "byte 0xED at offset 1", 1, (1, 2)),
            ("utf-8", b"\xC3\xA9\n\xC3\xA9\0", "NUL character stands at offset 5", 5, (2, 2)),
            ("utf-16", b"\xFF\xFEa\0\0\xD8b\0", "surrogate 0xD800 at offset 4", 4, (1, 2)),
            ("utf-16", b"\xFE\xFF\0a\0\n\xDC\0", "surrogate 0xDC00 at offset 6", 6, (2, 1)),
            ("utf-16", b"\xFF\xFEa\0b", "offset 4, is only half there", 4, (1, 2)),
            ("utf-16", b"\xFF\xFEa\0\0\0", "NUL character stands at offset 4", 4, (1, 2)),
            ("us-ascii", b"a\n\xE9", "byte 0xE9 at offset 2 is not US-ASCII", 2, (2, 1)),
            ("latin1", b"\xE9\0", "NUL character stands at offset 1", 1, (1, 2)),
            ("shift_jis", b"a\n\x93", "at offset 2 is not Shift_JIS", 2, (2, 1)),
            ("shift_jis", b"\x93\xFA\0", "NUL character stands at offset 2", 2, (1, 2)),
        ];
        for (label, bytes, part, offset, place) in cases {
            let error = decode(label, bytes).unwrap_err();
            assert!(error.reason.contains(part), "{label} {bytes:?}: {}", error.reason);
            assert_eq!((error.offset, (error.line, error.column)), (*offset, *place), "{label} {bytes:?}");
        }
    }

    #[test]
    fn utf16_read_as_utf8_is_told() {
        let error = decode("utf-8", b"\xFF\xFES\0").unwrap_err();
        assert!(error.hint.contains("utf-16"), "{}", error.hint);
    }

    proptest! {
        #[test]
        fn text_without_nul_survives(text in "[^\\x00]{0,40}") {
            prop_assert_eq!(decode("utf-8", text.as_bytes()), Ok(text.clone()));
            prop_assert_eq!(decode("utf-16le", &utf16le(&text)), Ok(text));
        }

        #[test]
        fn any_bytes_are_text_or_an_error_inside_the_file(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for label in ["utf-8", "utf-16", "latin1", "ascii", "gb18030", "euc-jp", "windows-1252"] {
                if let Err(error) = decode(label, &bytes) {
                    prop_assert!(error.offset < bytes.len(), "{} {:?}", label, error);
                }
            }
        }
    }
}
