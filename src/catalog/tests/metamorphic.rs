//! Changes of a script that must not change what comes out.

use super::*;

/// The reply of each statement without its times, for comparing runs.
fn outcomes(sqls: &[String]) -> (Vec<String>, String) {
    let mut bench = Bench::new();
    let effects = sqls.iter().map(|sql| format!("{:?}", bench.run(sql))).collect();
    (effects, bench.catalog.to_text())
}

/// Changes the words of a text that are neither quoted nor comments nor in a `$$` body.
pub(super) fn each_word(sql: &str, change: impl Fn(&str) -> String) -> String {
    use crate::sql::lex::{TokenKind, tokens};
    let mut out = String::new();
    for token in tokens(sql) {
        let text = &sql[token.start..token.end];
        out.push_str(&if token.kind == TokenKind::Word { change(text) } else { text.to_owned() });
    }
    out
}

#[test]
fn the_case_of_words_changes_nothing() {
    let plain: Vec<String> = typical().into_iter().map(|line| line.sql).collect();
    // Defaults and definitions are kept as written, so they are compared folded.
    let fold = |(effects, text): (Vec<String>, String)| {
        (effects.into_iter().map(|text| text.to_uppercase()).collect::<Vec<_>>(), text.to_uppercase())
    };
    let expected = fold(outcomes(&plain));
    for change in [str::to_lowercase as fn(&str) -> String, str::to_uppercase] {
        let changed: Vec<String> = plain.iter().map(|sql| each_word(sql, change)).collect();
        let found = fold(outcomes(&changed));
        for ((a, b), sql) in expected.0.iter().zip(&found.0).zip(&changed) {
            assert_eq!(a, b, "{sql}");
        }
        assert_eq!(expected.1, found.1);
    }
}

#[test]
fn other_names_change_nothing_but_names() {
    let names = ["customer", "orders", "v_customer", "email", "balance", "order_id", "amount", "seq", "p"];
    let rename = |sql: &str| {
        each_word(sql, |word| {
            let ours = names.iter().any(|name| name.eq_ignore_ascii_case(word));
            if ours { format!("zz_{word}") } else { word.to_owned() }
        })
    };
    let statements = [
        "INSERT INTO customer (id, email) SELECT order_id, 'x' FROM orders WHERE amount > 1",
        "SELECT nope FROM customer",
        "UPDATE orders SET amount = balance FROM customer WHERE id = customer_id",
        "ALTER TABLE customer DROP COLUMN email",
        "SELECT email FROM v_customer",
        "DROP SEQUENCE seq",
        "CALL p(1)",
        "DROP TABLE orders",
        "SELECT * FROM orders",
    ];
    let script: Vec<String> = BASE.iter().chain(&statements).map(|sql| (*sql).to_owned()).collect();
    let renamed: Vec<String> = script.iter().map(|sql| rename(sql)).collect();
    let clean = |effects: Vec<String>| -> Vec<String> {
        // Positions move with the length of the names.
        let place = regex::Regex::new(r"(position|line): Some\(\d+\)|position \d+").unwrap();
        effects
            .iter()
            .map(|text| place.replace_all(&text.to_uppercase().replace("ZZ_", ""), "").into_owned())
            .collect()
    };
    let place = |effects: Vec<String>| -> Vec<String> {
        let number = regex::Regex::new(r"POSITION(: SOME\()? ?\d+").unwrap();
        effects.iter().map(|text| number.replace_all(text, "").into_owned()).collect()
    };
    assert_eq!(place(clean(outcomes(&script).0)), place(clean(outcomes(&renamed).0)));
}

#[test]
fn the_text_gives_the_same_catalogue_again_and_every_run_the_same_text() {
    let script: Vec<String> = typical().into_iter().map(|line| line.sql).collect();
    let (effects, text) = outcomes(&script);
    let (again, same) = outcomes(&script);
    assert_eq!((&effects, &text), (&again, &same));
    let read = Catalog::from_text(&text).unwrap();
    assert_eq!(read.to_text(), text);
    for (broken, why) in
        [("", "cannot be read"), ("{\"snowops_catalog\": 9}", "layout 9"), ("{}", "snowops_catalog")]
    {
        let error = Catalog::from_text(broken).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_catalogue_that_was_stored_in_between_goes_on_alike() {
    let script = typical();
    let mut whole = Bench::new();
    let mut stored = Bench::new();
    for line in script {
        let expected = whole.run(&line.sql);
        assert_eq!(expected, stored.run(&line.sql), "{}", line.sql);
        stored.catalog = Catalog::from_text(&stored.catalog.to_text()).unwrap();
        assert_eq!(whole.catalog, stored.catalog, "{}", line.sql);
    }
}
