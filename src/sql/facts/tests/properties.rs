//! What holds for any statement: in other case, with its comments moved, under other names; and for any text.

use std::{collections::BTreeMap, slice};

use proptest::prelude::*;
use serde_json::Value;

use super::{data::statements, *};
use crate::{model::kind::ObjectKind, sql::lex};

fn objects(facts: &Facts) -> impl Iterator<Item = &ObjectRef> {
    let Facts { object, defines, reads, destroys, details, .. } = facts;
    object.iter().chain(defines).chain(reads).chain(destroys).chain(&details.targets).chain(&details.body)
}

/// Whether the text at an object's place reads as its name.
fn reads_as_its_name(sql: &str, object: &ObjectRef) -> bool {
    let Some(slice) = sql.get(object.at.start..object.at.end) else { return false };
    let text = Tokens::of(slice).cursor().string().unwrap_or_else(|| slice.to_owned());
    let tokens = Tokens::of(&text);
    let named = tokens.cursor().eat_name().and_then(|named| named.qualified(object.kind.scope()));
    named.as_ref() == Some(&object.name)
}

/// Facts without their places.
fn placeless(facts: &Facts) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("at");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(facts).unwrap();
    strip(&mut value);
    value
}

/// All facts and all that follows from them, without a panic.
fn decide(sql: &str) -> Facts {
    let found = facts(sql);
    let context = Context4 { database: Some(Ident::stored("D")), ..Context4::default() };
    let ledger =
        LedgerName { database: Ident::stored("D"), schema: Ident::stored("S"), table: "t".to_owned() };
    let _ = (class(&found), probe(&found), hazard(&found), undo(&found), guard(&found, &ledger, &context));
    let _ = (
        privileges(&found, &context),
        depends(&[slice::from_ref(&found), slice::from_ref(&found)], &context),
    );
    for change in [
        Renamed::Database { from: Ident::stored("D"), to: Ident::stored("e f") },
        Renamed::Schema { from: Ident::stored("S"), to: Ident::stored("X") },
    ] {
        let _ = retarget(sql, &found, &change);
    }
    found
}

fn sound(sql: &str) -> Result<(), TestCaseError> {
    let found = decide(sql);
    for object in objects(&found) {
        prop_assert!(reads_as_its_name(sql, object), "{}: {:?}", sql, object);
    }
    if let Certainty::Partial(why) = &found.certainty {
        prop_assert!(sql.is_char_boundary(why.at), "{}: {:?}", sql, why);
    }
    prop_assert_eq!(facts(sql), found, "{}", sql);
    Ok(())
}

/// The statement with every word in the case that the bits say.
fn recased(sql: &str, bits: &[bool]) -> String {
    let mut bits = bits.iter().copied().cycle();
    let mut out = String::new();
    for token in lex::tokens(sql) {
        let text = &sql[token.start..token.end];
        if token.kind == lex::TokenKind::Word {
            let case = |c: char| {
                if bits.next() == Some(true) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            };
            out.extend(text.chars().map(case));
        } else {
            out.push_str(text);
        }
    }
    out
}

const GAPS: &[&str] = &[
    " ",
    "\n",
    "\r\n\t",
    " /* ; DROP TABLE x '\" */ ",
    " -- it's (\n",
    "\t// AS BEGIN $$\n",
    " /**/\n-- x\n ",
];

/// The statement with other blanks and comments between its tokens, where blanks stood and around parentheses and
/// commas.
fn spread(sql: &str, choices: &[usize]) -> String {
    let mut choices = choices.iter().map(|choice| GAPS[choice % GAPS.len()]).cycle();
    let mut gap = || choices.next().unwrap_or(" ");
    let mut out = String::new();
    for token in lex::tokens(sql) {
        let text = &sql[token.start..token.end];
        let open =
            matches!(token.kind, lex::TokenKind::LeftParen | lex::TokenKind::RightParen) || text == ",";
        match () {
            () if token.kind.is_trivia() => out.push_str(gap()),
            () if open => [gap(), text, gap()].into_iter().for_each(|part| out.push_str(part)),
            () => out.push_str(text),
        }
    }
    out
}

/// The statement with each plain name that its facts know replaced, and how.
fn renamed(sql: &str, found: &Facts, style: usize) -> (String, BTreeMap<String, String>) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    // Names in literals stay.
    let plain = |object: &ObjectRef| {
        lex::tokens(sql).any(|token| {
            matches!(token.kind, lex::TokenKind::Word | lex::TokenKind::QuotedName)
                && token.start == object.at.start
        })
    };
    let literal: Vec<_> = objects(found).filter(|object| !plain(object)).map(|object| &object.name).collect();
    for object in objects(found)
        .filter(|object| !literal.contains(&&object.name))
        .filter(|object| object.kind != ObjectKind::Stage)
    {
        for part in [Some(&object.name.name), object.name.schema.as_ref(), object.name.database.as_ref()] {
            let known = part.map_or("", Ident::as_str);
            // Words of the language, and the schema that `d..t` leaves out.
            if !["PUBLIC", ""].contains(&known) {
                let fresh = format!("{} {}", ["N", "n"][style % 2], names.len());
                names.entry(known.to_owned()).or_insert(if style < 2 {
                    fresh.replace(' ', "_")
                } else {
                    fresh
                });
            }
        }
    }
    let mut out = String::new();
    for token in lex::tokens(sql) {
        let text = &sql[token.start..token.end];
        let name = matches!(token.kind, lex::TokenKind::Word | lex::TokenKind::QuotedName)
            .then(|| names.get(Ident::written(text).as_str()))
            .flatten();
        match name {
            Some(name) => out.push_str(&Ident::stored(name.clone()).to_string()),
            None => out.push_str(text),
        }
    }
    (out, names)
}

/// Facts with every name replaced.
fn with_names(mut value: Value, names: &BTreeMap<String, String>) -> Value {
    fn replace(value: &mut Value, names: &BTreeMap<String, String>) {
        match value {
            Value::String(text) => {
                if let Some(name) = names.get(text) {
                    *text = name.clone();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, names)),
            Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, names)),
            _ => {}
        }
    }
    replace(&mut value, names);
    value
}

#[test]
fn every_statement_is_sound() {
    for sql in statements() {
        sound(&sql).unwrap();
    }
}

#[test]
fn other_names_change_nothing_but_the_names() {
    let mut tried = 0;
    for sql in statements() {
        let found = facts(&sql);
        for style in 0..4 {
            let (other, names) = renamed(&sql, &found, style);
            tried += usize::from(other != sql);
            assert_eq!(placeless(&facts(&other)), with_names(placeless(&found), &names), "{sql}\n{other}");
        }
    }
    assert!(tried > 800, "{tried}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn case_of_words_changes_nothing(bits in prop::collection::vec(any::<bool>(), 61)) {
        for sql in statements() {
            let other = recased(&sql, &bits);
            let (mut a, mut b) = (facts(&sql), facts(&other));
            if let (Certainty::Partial(a), Certainty::Partial(b)) = (&mut a.certainty, &mut b.certainty) {
                // It may cite the text.
                b.reason.clone_from(&a.reason);
            }
            prop_assert_eq!(a, b, "{}", other);
        }
    }

    #[test]
    fn blanks_and_comments_change_nothing(choices in prop::collection::vec(0..GAPS.len(), 31)) {
        for sql in statements() {
            let other = spread(&sql, &choices);
            prop_assert_eq!(placeless(&facts(&sql)), placeless(&facts(&other)), "{}", other);
            sound(&other)?;
        }
    }
}

proptest! {
    /// Any row of words that statements are made of.
    #[test]
    fn any_words_have_sound_facts(words in prop::collection::vec(
        prop::sample::select(vec![
            "CREATE", "OR", "REPLACE", "ALTER", "TABLE", "VIEW", "DROP", "IF", "EXISTS", "t", "s.t", "\"q\"", ".", "(", ")", ",",
            "SET", "=", "'x'", "$v", "$$b$$", "@s/p", ";", "GRANT", "ON", "ALL", "TABLES", "IN", "SCHEMA", "TO", "ROLE", "SELECT",
            "FROM", "JOIN", "WITH", "AS", "BEGIN", "END", "TRANSACTION", "->>", "IDENTIFIER", "ADD", "COLUMN", "RENAME", "COMMENT",
            "IS", "USE", "INSERT", "INTO", "MERGE", "USING", "CALL", "EXECUTE", "IMMEDIATE", "'", "/*", "!", "\u{e9}", "TEMP",
            "INDEX", "d..t", "IDENTIFIER('d.s.\"t\"')", "IDENTIFIER($$ d . s $$)", "SWAP", "NOT", "FUNCTION", "TAG", "CLONE", "COPY",
            "@d.s.g/x", "@\"d\".\"s\".g", "SNOWFLAKE.ML.FORECAST", "UNDROP", "OWNERSHIP", "a.b.c.d", "TRUNCATE", "'d.s.t'",
        ]),
        0..14,
    )) {
        sound(&words.join(" "))?;
    }

    /// Real statements of which parts were lost, doubled or exchanged.
    #[test]
    fn broken_statements_have_sound_facts(
        at in any::<prop::sample::Index>(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3), 1..5),
    ) {
        let all = statements();
        let sql = at.get(&all);
        let mut tokens: Vec<&str> = lex::tokens(sql).map(|token| &sql[token.start..token.end]).collect();
        for (one, other, kind) in breaks {
            let (one, other) = (one.index(tokens.len()), other.index(tokens.len()));
            match kind {
                0 if tokens.len() > 1 => { tokens.remove(one); }
                1 => tokens.insert(one, tokens[other]),
                _ => tokens.swap(one, other),
            }
        }
        sound(&tokens.concat())?;
    }

    #[test]
    fn any_characters_have_sound_facts(sql in "\\PC{0,60}") {
        sound(&sql)?;
    }
}
