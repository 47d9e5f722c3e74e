//! Which properties and words stand behind the name of an object: data, read once.

use std::{collections::BTreeMap, sync::LazyLock};

use super::reader::{Read, Reader};
use crate::model::{
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// The table; its head says how it is written.
const TEXT: &str = include_str!("properties.txt");

static SESSION: LazyLock<Vec<Spec>> =
    LazyLock::new(|| parse(TEXT).1.remove("session").unwrap_or_default().create);

static KINDS: LazyLock<BTreeMap<ObjectKind, Known>> = LazyLock::new(|| parse(TEXT).0);

/// Days that a table's data may be kept longer for its streams.
const LONGEST_EXTENSION: u64 = 90;

/// Everything that may stand behind the name of an object of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    create: Vec<Spec>,
    alter: Vec<Spec>,
    words: Vec<Phrase>,
    needs: Vec<&'static str>,
    once: Option<Twice>,
    /// Whether that is so in ALTER as well.
    always: bool,
    /// Properties that only one value of TYPE has.
    only: BTreeMap<&'static str, Vec<&'static str>>,
}

/// A property that a kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spec {
    name: &'static str,
    values: Values,
}

/// Which values a property takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    Any,
    Boolean,
    Number,
    NotNegative,
    Positive,
    OneOf(Sentence, Vec<&'static str>),
}

/// In which words the server refuses a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sentence {
    /// `invalid value ['X'] for parameter 'P'`
    Parameter,
    /// `invalid value 'X' for property 'P'`
    Property,
    /// `invalid type of property 'X' for 'P'`
    Type,
    /// `invalid property 'X' for 'P'`
    Name,
}

/// In which words the server refuses a property that stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twice {
    Property,
    Format,
}

/// Words that stand without `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase {
    words: &'static str,
    then: Then,
}

/// What follows such words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    Value,
    Parentheses,
    Anything,
}

/// A property as a statement has it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// As written.
    pub(super) name: String,
    /// As written, one blank between tokens.
    pub(super) value: String,
}

/// Which statement has the properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Create,
    Alter,
}

/// What is known of a kind; `None` where it takes anything.
pub(super) fn of(kind: ObjectKind) -> Option<&'static Known> {
    KINDS.get(&kind)
}

impl Known {
    /// Takes words that stand without `=`; answers false if none of this kind stand here.
    pub(super) fn take_words(&self, r: &mut Reader<'_>) -> Read<bool> {
        let Some(phrase) = self.words.iter().find(|phrase| r.is_phrase(phrase.words)) else {
            return Ok(false);
        };
        if phrase.then == Then::Parentheses && !r.is_op_at(phrase.words.split(' ').count(), "(") {
            return Ok(false);
        }
        r.take_phrase(phrase.words);
        match phrase.then {
            Then::Nothing => {}
            Then::Value => {
                r.take_op("=");
                super::options::value(r)?;
            }
            Then::Parentheses => r.skip()?,
            Then::Anything if r.done() => return Err(r.unexpected()),
            Then::Anything => r.skip_rest()?,
        }
        Ok(true)
    }

    fn find(&self, name: &str, place: Place) -> Option<&Spec> {
        let alter: &[Spec] = if place == Place::Alter { &self.alter } else { &[] };
        self.create.iter().chain(alter).find(|spec| spec.is(name))
    }

    /// Judges what stands behind a name, in the server's order: a repeated property, an unknown one, a value.
    pub(super) fn judge(&self, kind: ObjectKind, place: Place, written: &[Written]) -> Read<()> {
        // ALTER takes a repeated property of most kinds.
        let twice = self.once.filter(|_| place == Place::Create || self.always);
        if let Some(twice) = twice {
            for (n, one) in written.iter().enumerate() {
                let known = is_common(&one.name) || self.find(&one.name, place).is_some();
                let same = |other: &Written| {
                    if known { other.name.eq_ignore_ascii_case(&one.name) } else { other.name == one.name }
                };
                if written[..n].iter().any(same) {
                    let name = if known { one.name.to_ascii_uppercase() } else { one.name.clone() };
                    return Err(twice.refusal(&name));
                }
            }
        }
        let unknown = |one: &&Written| !is_common(&one.name) && self.find(&one.name, place).is_none();
        if let Some(one) = written.iter().find(unknown) {
            return Err(match self.once {
                Some(Twice::Format) => SnowflakeError::compilation(
                    UNKNOWN_CODE,
                    "22023",
                    format_args!("invalid parameter '{}'", one.name),
                ),
                _ => SnowflakeError::invalid_property(&one.name, kind),
            });
        }
        for one in written {
            match self.find(&one.name, place) {
                Some(spec) => spec.judge(&one.value)?,
                None if one.name.eq_ignore_ascii_case("COMMENT") => judge_comment(&one.value)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Refuses a property that another type has.
    pub(super) fn judge_types(&self, written: &[Written]) -> Read<()> {
        let bare = |value: &str| value.trim_matches('\'').to_ascii_uppercase();
        let chosen = written.iter().find(|one| one.name.eq_ignore_ascii_case("TYPE"));
        let Some(chosen) = chosen.map(|one| bare(&one.value)) else { return Ok(()) };
        for one in written {
            let name = one.name.to_ascii_uppercase();
            let owner = self.only.iter().find(|(_, names)| names.contains(&name.as_str()));
            if owner.is_some_and(|(of, _)| *of != chosen) {
                let detail = format!("Option {name} is not valid for file format type {chosen}.");
                return Err(SnowflakeError::compilation(UNKNOWN_CODE, "22023", detail));
            }
        }
        Ok(())
    }

    /// Refuses CREATE without what it needs.
    pub(super) fn missing(&self, written: &[Written]) -> Read<()> {
        let stands = |name: &str| written.iter().any(|one| one.name.eq_ignore_ascii_case(name));
        let first = |names: &'static str| names.split('|').next().unwrap_or(names);
        let unmet = self.needs.iter().copied().filter(|names| !names.split('|').any(stands));
        let missing: Vec<&str> = unmet.map(first).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let detail = format!("Missing option(s): [{}].", missing.join(", "));
        Err(SnowflakeError::compilation("002029", "42601", detail))
    }
}

/// A property that stands twice.
pub(super) fn repeated(property: &str) -> SnowflakeError {
    Twice::Property.refusal(property)
}

/// Judges a value of ALTER SESSION, which the server names without its quotes.
pub(super) fn judge_session(name: &str, value: &str) -> Read<()> {
    let Some(known) = SESSION.iter().find(|spec| spec.is(name)) else { return Ok(()) };
    let bare = value.trim_matches('\'');
    known.judge(value).map_err(|_| SnowflakeError::invalid_parameter(known.name, bare))
}

/// Judges the format options in the parentheses of `FILE_FORMAT = (...)`.
pub(super) fn judge_format(written: &[Written]) -> Read<()> {
    let Some(known) = of(ObjectKind::FileFormat) else { return Ok(()) };
    for (n, one) in written.iter().enumerate() {
        if written[..n].iter().any(|other| other.name.eq_ignore_ascii_case(&one.name)) {
            return Err(Twice::Format.refusal(&one.name.to_ascii_uppercase()));
        }
    }
    for one in written {
        if let Some(spec) = known.find(&one.name, Place::Create) {
            spec.judge(&one.value)?;
        }
    }
    Ok(())
}

/// A comment is a text or a name.
fn judge_comment(value: &str) -> Read<()> {
    let value = value.replace(' ', "");
    let truth = value.eq_ignore_ascii_case("TRUE") || value.eq_ignore_ascii_case("FALSE");
    if truth || value.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return Err(SnowflakeError::invalid_parameter("COMMENT", &value));
    }
    Ok(())
}

/// Properties of every kind, which stand in no list.
fn is_common(name: &str) -> bool {
    name.eq_ignore_ascii_case("COMMENT") || name.eq_ignore_ascii_case("CONTACT")
}

impl Twice {
    fn refusal(self, name: &str) -> SnowflakeError {
        match self {
            Self::Property => SnowflakeError::compilation(
                UNKNOWN_CODE,
                "42601",
                format_args!("duplicate property '{name}';"),
            ),
            Self::Format => SnowflakeError::compilation_line(
                UNKNOWN_CODE,
                "42601",
                format_args!("conflicting values file format parameter '{name}'"),
            ),
        }
    }
}

impl Spec {
    fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => self.name.eq_ignore_ascii_case(name),
        }
    }

    fn judge(&self, value: &str) -> Read<()> {
        // What a variable, a call or an empty setting stands for is not known here.
        let starts = value.chars().next().unwrap_or('$');
        if !(starts.is_ascii_alphanumeric() || matches!(starts, '\'' | '"' | '-' | '+' | '_'))
            || value.contains('(')
            || value.eq_ignore_ascii_case("NULL")
        {
            return Ok(());
        }
        let bare = value.trim_matches(['\'', '"']);
        match &self.values {
            Values::Boolean => {
                const TRUTHS: &[&str] =
                    &["TRUE", "FALSE", "1", "0", "YES", "NO", "ON", "OFF", "T", "F", "Y", "N"];
                if !TRUTHS.iter().any(|truth| truth.eq_ignore_ascii_case(bare)) {
                    return Err(SnowflakeError::compilation(
                        UNKNOWN_CODE,
                        "22023",
                        format_args!("invalid value [{value}] for parameter '{}'", self.name),
                    ));
                }
            }
            Values::Number if value.starts_with('\'') => {
                return Err(SnowflakeError::invalid_parameter(self.name, value));
            }
            Values::NotNegative if number(value).is_some_and(|number| number < 0) => {
                return Err(SnowflakeError::invalid_parameter(self.name, &value.replace(' ', "")));
            }
            Values::NotNegative
                if self.name == "MAX_DATA_EXTENSION_TIME_IN_DAYS"
                    && number(value).is_some_and(|number| number.unsigned_abs() > LONGEST_EXTENSION) =>
            {
                let detail = format!("Exceeds maximum allowable extension time ({LONGEST_EXTENSION}).");
                return Err(SnowflakeError::compilation(UNKNOWN_CODE, "22023", detail));
            }
            Values::Positive if number(value).is_some_and(|number| number < 1) => {
                return Err(Sentence::Property.refusal(self.name, &value.replace(' ', "")));
            }
            Values::Any | Values::Number | Values::NotNegative | Values::Positive => {}
            Values::OneOf(sentence, values) => {
                if !values.iter().any(|known| known.eq_ignore_ascii_case(bare)) {
                    return Err(sentence.refusal(self.name, value));
                }
            }
        }
        Ok(())
    }
}

fn number(value: &str) -> Option<i64> {
    value.replace(' ', "").parse().ok()
}

impl Sentence {
    fn refusal(self, property: &str, value: &str) -> SnowflakeError {
        let bare = value.trim_matches('\'');
        match self {
            Self::Parameter => SnowflakeError::invalid_parameter(property, value),
            Self::Property => SnowflakeError::invalid_value(property, bare),
            Self::Type => SnowflakeError::compilation(
                "001421",
                "22023",
                format_args!("invalid type of property '{bare}' for '{property}'"),
            ),
            Self::Name => SnowflakeError::compilation(
                "001420",
                "22023",
                format_args!("invalid property '{bare}' for '{property}'"),
            ),
        }
    }
}

/// Reads the table: kinds, groups, and what in it cannot be read.
fn parse(text: &'static str) -> (BTreeMap<ObjectKind, Known>, BTreeMap<&'static str, Known>, Vec<String>) {
    let mut groups: BTreeMap<&'static str, Known> = BTreeMap::new();
    let mut kinds: BTreeMap<ObjectKind, Known> = BTreeMap::new();
    let mut faults = Vec::new();
    let (mut group, mut current): (Option<&'static str>, Vec<ObjectKind>) = (None, Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (group, current) = (Some(name), Vec::new());
            groups.insert(name, Known::default());
            continue;
        }
        if line.starts_with('[') {
            (group, current) = (None, Vec::new());
            for words in line.split(']').map(|part| part.trim().trim_start_matches('[')) {
                match ObjectKind::ALL.iter().find(|kind| kind.words() == words) {
                    Some(kind) if kinds.insert(*kind, Known::default()).is_none() => current.push(*kind),
                    Some(kind) => faults.push(format!("{kind} stands twice")),
                    None if words.is_empty() => {}
                    None => faults.push(format!("'{words}' is no kind")),
                }
            }
            continue;
        }
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut added = Known::default();
        for word in rest.split_whitespace().filter(|_| matches!(what, "create" | "alter")) {
            let into = if what == "create" { &mut added.create } else { &mut added.alter };
            match word.strip_prefix('@').map(|name| groups.get(name)) {
                Some(Some(group)) => into.extend(group.create.iter().cloned()),
                Some(None) => faults.push(format!("no group {word}")),
                None => into.push(spec(word)),
            }
        }
        match what {
            "create" | "alter" => {}
            "words" => added.words = rest.split(';').map(|part| phrase(part.trim())).collect(),
            "needs" => added.needs = rest.split_whitespace().collect(),
            "only" => {
                let (of, names) = rest.split_once(' ').unwrap_or((rest, ""));
                added.only.insert(of, names.split_whitespace().collect());
            }
            "once" => {
                added.once = Some(if rest == "format" { Twice::Format } else { Twice::Property });
                added.always = rest == "always";
            }
            _ => faults.push(format!("'{line}' is no line")),
        }
        for kind in &current {
            kinds.entry(*kind).or_default().add(&added);
        }
        if let Some(name) = group {
            groups.entry(name).or_default().add(&added);
        }
    }
    (kinds, groups, faults)
}

impl Known {
    fn add(&mut self, other: &Self) {
        self.create.extend(other.create.iter().cloned());
        self.alter.extend(other.alter.iter().cloned());
        self.words.extend(other.words.iter().cloned());
        self.needs.extend(other.needs.iter().copied());
        self.once = self.once.or(other.once);
        self.always |= other.always;
        self.only.extend(other.only.iter().map(|(of, names)| (*of, names.clone())));
    }
}

fn spec(word: &'static str) -> Spec {
    let one_of = |sentence, list: &'static str| Values::OneOf(sentence, list.split(',').collect());
    if let Some(name) = word.strip_suffix('?') {
        return Spec { name, values: Values::Boolean };
    }
    if let Some(name) = word.strip_suffix('#') {
        return Spec { name, values: Values::Number };
    }
    if let Some(name) = word.strip_suffix("~1..") {
        return Spec { name, values: Values::Positive };
    }
    if let Some(name) = word.strip_suffix('+') {
        return Spec { name, values: Values::NotNegative };
    }
    let Some((name, list)) = word.strip_suffix('}').and_then(|word| word.split_once('{')) else {
        return Spec { name: word, values: Values::Any };
    };
    let (name, sentence) = match name.char_indices().next_back() {
        Some((at, '~')) => (&name[..at], Sentence::Property),
        Some((at, '!')) => (&name[..at], Sentence::Type),
        Some((at, '%')) => (&name[..at], Sentence::Name),
        _ => (name, Sentence::Parameter),
    };
    Spec { name, values: one_of(sentence, list) }
}

fn phrase(text: &'static str) -> Phrase {
    for (mark, then) in [(" ...", Then::Anything), (" *", Then::Value), (" (", Then::Parentheses)] {
        if let Some(words) = text.strip_suffix(mark) {
            return Phrase { words, then };
        }
    }
    Phrase { words: text, then: Then::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_closes_at_least_fifty_kinds() {
        let (kinds, _, faults) = parse(TEXT);
        assert!(faults.is_empty(), "{faults:?}");
        assert!(kinds.len() >= 60, "{} kinds", kinds.len());
        for (kind, known) in &kinds {
            let mut names: Vec<&str> =
                known.create.iter().chain(&known.alter).map(|spec| spec.name).collect();
            let right = |name: &&str| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_*".contains(&b))
            };
            assert!(names.iter().all(right), "{kind}: {names:?}");
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{kind} has a property twice");
            for name in known.needs.iter().flat_map(|names| names.split('|')) {
                assert!(
                    known.find(name, Place::Create).is_some(),
                    "{kind} needs {name} and does not have it"
                );
            }
        }
    }
}
