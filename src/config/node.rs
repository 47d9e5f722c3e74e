//! A YAML text as a tree in which each key and value knows where it came from.
//!
//! serde stops at the first fault and keeps no places, so the file is read into this tree first, checked as a
//! whole, and only then turned into types.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Spanned, options::DuplicateKeyPolicy};

use super::load::{FILE_NAME, LOCAL_FILE_NAME};
use crate::diagnostic::{Code, Diagnostic, Place};

/// Where a value came from, weakest layer first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Built in.
    Default,
    /// A configuration file: its index in [`Sources`] and the bytes there.
    File { file: usize, at: Range<usize> },
    /// A variable of the process.
    Variable(String),
    /// An option of the command line.
    Flag(&'static str),
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) origin: Origin,
}

/// The YAML kinds that a configuration may hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) origin: Origin,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(kind: Kind, origin: Origin) -> Self {
        Self { kind, origin }
    }

    pub(super) fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self::new(Kind::Text(text.into()), origin)
    }

    pub(super) fn map(entries: Vec<Entry>, origin: Origin) -> Self {
        Self::new(Kind::Map(entries), origin)
    }

    /// The entries of a map; nothing for any other kind.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; nothing for any other kind.
    pub(super) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The last value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value at a dotted path.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    pub(super) fn is_true(&self) -> bool {
        self.kind == Kind::Bool(true)
    }

    /// The word for the kind, with its article.
    pub(super) fn kind_word(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// A number, truth value or text as the text that a person would write.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Number(value) => Some(value.to_string()),
            Kind::Text(text) => Some(text.clone()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }

    /// A JSON value from one origin.
    pub(super) fn from_json(value: Value, origin: &Origin) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(value),
            Value::Number(value) => Kind::Number(value),
            Value::String(text) => Kind::Text(text),
            Value::Array(items) => {
                Kind::List(items.into_iter().map(|item| Self::from_json(item, origin)).collect())
            }
            Value::Object(fields) => Kind::Map(
                fields
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key,
                        origin: origin.clone(),
                        value: Self::from_json(value, origin),
                    })
                    .collect(),
            ),
        };
        Self::new(kind, origin.clone())
    }

    /// Sets `key` of a map, which keeps its place in the order.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        if let Kind::Map(entries) = &mut self.kind {
            entries.retain(|entry| entry.key != key || entry.value.kind != Kind::Null);
            match entries.iter_mut().rev().find(|entry| entry.key == key) {
                Some(entry) => {
                    entry.origin = value.origin.clone();
                    entry.value = value;
                }
                None => entries.push(Entry { key: key.to_owned(), origin: value.origin.clone(), value }),
            }
        }
    }

    /// `over` laid over `self`: maps are merged by key, anything else is replaced. An empty section (`vars:`
    /// with nothing behind it) says nothing about the keys below it.
    #[must_use]
    pub(super) fn merged(self, over: Self) -> Self {
        match (self.kind, over.kind) {
            (Kind::Map(base), Kind::Map(over_entries)) => {
                let mut result = Self::map(base, over.origin);
                for entry in over_entries {
                    let value = match result.get(&entry.key) {
                        Some(old) => old.clone().merged(entry.value),
                        None => entry.value,
                    };
                    result.put(Entry { value, ..entry });
                }
                result
            }
            (Kind::Map(base), Kind::Null) => Self::map(base, self.origin),
            (_, kind) => Self::new(kind, over.origin),
        }
    }

    fn put(&mut self, entry: Entry) {
        if let Kind::Map(entries) = &mut self.kind {
            match entries.iter_mut().rev().find(|old| old.key == entry.key) {
                Some(old) => *old = entry,
                None => entries.push(entry),
            }
        }
    }

    /// The tree without keys that have no value: they fall back to what lies below.
    #[must_use]
    pub(super) fn without_nulls(self) -> Self {
        match self.kind {
            Kind::Map(entries) => Self::map(
                entries
                    .into_iter()
                    .filter(|entry| !entry.value.is_null())
                    .map(|entry| Entry { value: entry.value.without_nulls(), ..entry })
                    .collect(),
                self.origin,
            ),
            kind => Self::new(kind, self.origin),
        }
    }
}

/// A configuration file that was read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Path for messages.
    pub(super) file: String,
    pub(super) text: String,
    /// The layer, whatever the file is called: `snowops.yml`, `snowops.local.yml`, `connections.toml` or `config.toml`.
    pub(super) layer: &'static str,
}

/// The files of a configuration: its own, weakest first, then those of connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources(pub(super) Vec<Source>);

impl Sources {
    /// Where a value stands, if it stands in a file. A line that seems to hold a literal secret is not quoted:
    /// findings end up in logs.
    pub(super) fn place(&self, origin: &Origin) -> Option<Place> {
        let Origin::File { file, at } = origin else { return None };
        let source = self.0.get(*file)?;
        let place = Place::of(source.file.clone(), &source.text, at.clone());
        // Files of connections are not committed, and every second line of them may be a secret.
        if self.is_project_file(origin) {
            Some(guarded(place))
        } else {
            Some(Place { excerpt: None, ..place })
        }
    }

    /// Whether a value stands in `snowops.yml` or the file beside it.
    pub(super) fn is_project_file(&self, origin: &Origin) -> bool {
        let Origin::File { file, .. } = origin else { return false };
        self.0.get(*file).is_some_and(|source| [FILE_NAME, LOCAL_FILE_NAME].contains(&source.layer))
    }

    /// A value as it was written, if it stands in a file.
    pub(super) fn written(&self, origin: &Origin) -> Option<&str> {
        let Origin::File { file, at } = origin else { return None };
        self.0.get(*file)?.text.get(at.clone()).map(str::trim)
    }

    /// Line of a value, from 1.
    pub(super) fn line(&self, origin: &Origin) -> Option<usize> {
        self.place(origin).and_then(|place| place.position).map(|(line, _)| line)
    }

    /// Reads one file into a tree.
    pub(super) fn parse(&self, file: usize) -> Result<Node, Box<Diagnostic>> {
        let Some(source) = self.0.get(file) else {
            return Err(Box::new(Diagnostic::error(Code::Internal, "a configuration file was not kept")));
        };
        let read: Result<Option<Spanned<Raw>>, _> =
            serde_saphyr::from_str_with_options(&source.text, options());
        match read {
            Ok(Some(raw)) => Ok(node(raw, file)),
            Ok(None) => Ok(Node::map(Vec::new(), Origin::File { file, at: 0..0 })),
            Err(error) => Err(Box::new(fault(source, &error))),
        }
    }
}

/// A key that ends as a secret's name does, with a value behind it.
static LITERAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names =
        "password|passwd|passwort|passwrd|pasword|passphrase|passcode|pwd|secret|token|key_raw|private_key";
    Regex::new(&format!(r#"(?i)({names})["']?\s*:\s*["']?[^\s,}}]"#)).ok()
});
/// `{name: X, secret: false}` holds none.
static HARMLESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\bsecret\s*:\s*(true|false)\b").ok());
/// The place that the parser's own messages carry at their end.
static PARSER_PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)[,:]?\s*\(?(at )?line \d+,? col(umn)?:? \d+\)?:?\s*").ok());

fn guarded(mut place: Place) -> Place {
    if let (Some(literal), Some(harmless), Some(excerpt)) = (&*LITERAL, &*HARMLESS, &place.excerpt)
        && literal.is_match(&harmless.replace_all(&excerpt.text, ""))
    {
        place.excerpt = None;
    }
    place
}

/// Limits far above any real configuration: an alias bomb ends in an error at once.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 50_000,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

fn fault(source: &Source, error: &serde_saphyr::Error) -> Diagnostic {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let text = error.to_string();
    let reason = match error {
        Error::Budget { .. } => "it is larger or deeper than any configuration needs to be".to_owned(),
        Error::MultipleDocuments { .. } => "it holds more than one document (`---`)".to_owned(),
        Error::NullIntoString { .. } => "a key is missing".to_owned(),
        _ => {
            let line = text.lines().next().unwrap_or_default();
            let line =
                PARSER_PLACE.as_ref().map_or_else(|| line.into(), |place| place.replace_all(line, " "));
            line.trim().trim_end_matches('.').to_owned()
        }
    };
    let message = format!("the configuration is not valid YAML: {reason}");
    let diagnostic = Diagnostic::error(Code::InvalidConfig, message);
    match error.location() {
        Some(location) => {
            let at = fault_range(&source.text, location);
            diagnostic.at(guarded(Place::of(source.file.clone(), &source.text, at)))
        }
        None => diagnostic.in_file(source.file.clone()),
    }
}

/// Faults of form carry line and column only.
fn fault_range(text: &str, location: Location) -> Range<usize> {
    if location.span().byte_offset().is_some() {
        return range(location);
    }
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(number(location.line())).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let column = line.char_indices().nth(number(location.column())).map_or(line.len(), |(at, _)| at);
    before + column..before + column
}

fn range(location: Location) -> Range<usize> {
    let number = |value: Option<u64>| usize::try_from(value.unwrap_or_default()).unwrap_or_default();
    let start = number(location.span().byte_offset());
    start..start + number(location.span().byte_len())
}

fn node(raw: Spanned<Raw>, file: usize) -> Node {
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Bool(value) => Kind::Bool(value),
        Raw::Number(value) => Kind::Number(value),
        Raw::Text(text) => Kind::Text(text),
        Raw::List(items) => Kind::List(items.into_iter().map(|item| node(item, file)).collect()),
        Raw::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    origin: Origin::File { file, at: range(key.referenced) },
                    key: key.value,
                    value: node(value, file),
                })
                .collect(),
        ),
    };
    Node::new(kind, Origin::File { file, at: range(raw.referenced) })
}

enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Number::from_f64(value).map_or_else(|| Raw::Text(value.to_string()), Raw::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
