//! Scripts made of traps: what is known to mislead splitters, put together at random. Each trap must come up.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::*;

/// What may stand where an expression may, in a block or outside.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("END_DATE", "END_DATE"),
    ("t.end", "t.end"),
    ("t.begin", "t.begin"),
    ("name after a colon", "v:end.case"),
    ("bind", ":end"),
    ("alias end", "1 AS end"),
    ("CASE", "CASE WHEN a THEN 1 ELSE 2 END"),
    ("CASE in CASE", "CASE CASE WHEN a THEN 1 END WHEN 2 THEN CASE b WHEN 1 THEN 2 END ELSE 3 END"),
    ("CASE in parentheses", "(CASE WHEN (a) THEN (CASE WHEN b THEN 1 END) END)"),
    ("CASE in an object", "{'k':CASE WHEN a THEN 1 END}"),
    ("$$ in a string", "'a $$ b'"),
    ("; in a string", "'a;b'"),
    ("END in a string", "'THE END;'"),
    ("doubled quote", "'it''s;'"),
    ("backslash quote", "'it\\'s;'"),
    ("backslash at the end", "'C:\\\\'"),
    ("comment in a string", "'-- /* //'"),
    ("; in $$", "$$ a; 'b $$"),
    ("END in $$", "$$ END; $$"),
    ("quoted END", "\"END;\""),
    ("quoted quote", "\"a\"\"; b\""),
    ("REPEAT as a function", "REPEAT('x;', 3)"),
    ("division", "a / b"),
    ("cast", "a::INT"),
    ("lambda", "FILTER(x, i -> i > 1)"),
    ("variable", "$name"),
    ("word with dollars", "SYSTEM$TYPEOF(a$$b)"),
];

/// What may stand between any two tokens.
const BLANKS: &[(&str, &str)] = &[
    ("blank", " "),
    ("line end", "\n"),
    ("CRLF", "\r\n"),
    ("-- with a quote", " -- it's; \"\n"),
    ("// with a quote", " // don't; END\n"),
    ("-- with $$", " -- $$ BEGIN\n"),
    ("/* with a quote", " /* it's; */ "),
    ("/* in /*", " /* a /* b; */ "),
    ("/**/", "/**/"),
    ("no-break space", "\u{a0}"),
];

/// Statements that stand in a block or outside; `%` is an expression, `^` a blank.
const STATEMENTS: &[(&str, &str)] = &[
    ("SELECT", "SELECT^%,^%^FROM t"),
    ("INSERT", "INSERT INTO t^SELECT^%"),
    ("UPDATE", "UPDATE t^SET a = %^WHERE % = %"),
    ("MERGE", "MERGE INTO t USING s ON a = b^WHEN MATCHED THEN UPDATE SET a = %"),
    ("IF EXISTS", "DROP SECRET^IF EXISTS s"),
    ("IF NOT EXISTS", "CREATE TABLE^IF NOT EXISTS t^(a INT)"),
    ("FOR UPDATE", "SELECT % FROM t^FOR^UPDATE"),
    ("OPTION FOR", "REVOKE GRANT OPTION^FOR SELECT ON t FROM ROLE r"),
    ("BEGIN;", "BEGIN"),
    ("BEGIN TRANSACTION", "BEGIN^TRANSACTION"),
    ("BEGIN NAME", "BEGIN NAME^t1"),
    ("COMMIT", "COMMIT"),
    ("path", "LIST^@~/a//b--c/*.csv"),
    ("copy", "COPY INTO t FROM^@s/dir/*.csv"),
    ("task", "CREATE TASK t^AS^INSERT INTO t SELECT^%"),
    ("alert", "CREATE ALERT a IF^(EXISTS (SELECT %))^THEN^CALL p()"),
    (
        "JavaScript",
        "CREATE PROCEDURE p() RETURNS INT LANGUAGE JAVASCRIPT AS^$$ if (a) { b = 'x'; } // it's\n $$",
    ),
    ("EXECUTE IMMEDIATE", "EXECUTE IMMEDIATE^$$ BEGIN RETURN 1; END; $$"),
];

/// Statements that stand outside only; `#` is a list of statements, each with its `;`.
const BLOCKS: &[(&str, &str)] = &[
    ("block", "BEGIN^#END"),
    ("labelled block", "BEGIN^#END^main_block"),
    ("DECLARE", "DECLARE^end_date DATE;^c CURSOR FOR SELECT^%;^BEGIN^#END"),
    ("nested procedure", "DECLARE^p PROCEDURE () RETURNS INT AS^BEGIN^#END;^BEGIN^#END"),
    ("procedure", "CREATE PROCEDURE p() RETURNS INT^AS^BEGIN^#END"),
    (
        "procedure with DECLARE",
        "CREATE PROCEDURE p() RETURNS INT EXECUTE AS CALLER^AS^DECLARE^x INT;^BEGIN^#END",
    ),
    ("function", "CREATE FUNCTION f() RETURNS INT^AS^BEGIN^#END"),
    ("task with a block", "CREATE TASK t^AS^BEGIN^#END"),
    ("alert with a block", "CREATE ALERT a IF (EXISTS (SELECT %))^THEN^BEGIN^#END"),
    ("ALTER TASK", "ALTER TASK t MODIFY AS^BEGIN^#END"),
    ("chain", "BEGIN ->> INSERT INTO t SELECT^% ->> COMMIT"),
];

/// Statements that stand in a block only.
const INNER: &[(&str, &str)] = &[
    ("IF", "IF (%)^THEN^#ELSEIF (%)^THEN^#ELSE^#END^IF"),
    ("FOR DO", "FOR r IN c^DO^#END^FOR"),
    ("FOR LOOP", "FOR i IN 1 TO 2^LOOP^#END^LOOP^l1"),
    ("WHILE DO", "WHILE (%)^DO^#END^WHILE"),
    ("LOOP", "LOOP^#END^LOOP"),
    ("REPEAT", "REPEAT^#UNTIL (%)^END^REPEAT"),
    ("CASE statement", "CASE (%)^WHEN % THEN^#ELSE^#END^CASE"),
    ("CASE statement with END", "CASE^WHEN % THEN^#END"),
    ("block in a block", "BEGIN^#END"),
    ("handler", "BEGIN^#EXCEPTION^WHEN a OR b THEN^#WHEN OTHER THEN^#END"),
    ("LET", "LET x := %"),
    ("assignment to end", "end := %"),
    ("RESULTSET", "LET r RESULTSET := ASYNC (SELECT %)"),
    ("AWAIT", "AWAIT ALL"),
    ("RETURN", "RETURN^%"),
];

/// Random numbers that choose; when they are used up, the first of each list.
struct Choices<'a> {
    numbers: std::slice::Iter<'a, usize>,
    hit: BTreeMap<&'static str, usize>,
}

impl Choices<'_> {
    fn one(&mut self, of: &[&'static [(&'static str, &'static str)]]) -> &'static str {
        let count: usize = of.iter().map(|list| list.len()).sum();
        let number = self.numbers.next().map_or(0, |number| number % count);
        let (name, text) = of.iter().copied().flatten().nth(number).unwrap();
        *self.hit.entry(name).or_default() += 1;
        text
    }

    fn write(&mut self, pattern: &str, depth: usize, out: &mut String) {
        for c in pattern.chars() {
            match c {
                '^' => out.push_str(self.one(&[BLANKS])),
                '%' => out.push_str(self.one(&[EXPRESSIONS])),
                '#' => {
                    let count = 1 + self.numbers.next().map_or(0, |number| number % 3);
                    for _ in 0..count {
                        let inner = self.one(if depth < 4 { &[STATEMENTS, INNER] } else { &[STATEMENTS] });
                        self.write(inner, depth + 1, out);
                        out.push(';');
                        out.push_str(self.one(&[BLANKS]));
                    }
                }
                c => out.push(c),
            }
        }
    }
}

/// A script of up to six statements, the statements, and how often each trap was put in.
fn script(numbers: &[usize]) -> (String, Vec<String>, BTreeMap<&'static str, usize>) {
    let mut choices = Choices { numbers: numbers.iter(), hit: BTreeMap::new() };
    let (mut text, mut statements) = (String::new(), Vec::new());
    for _ in 0..=numbers.len() % 6 {
        let mut statement = String::new();
        let pattern = choices.one(&[BLOCKS, STATEMENTS]);
        choices.write(pattern, 0, &mut statement);
        text.push_str(choices.one(&[BLANKS]));
        text.push_str(&statement);
        text.push(';');
        statements.push(statement);
    }
    (text, statements, choices.hit)
}

#[test]
#[expect(clippy::print_stdout, reason = "how often each trap came up is shown with `--nocapture`")]
fn scripts_made_of_traps_come_apart_as_they_were_put_together_and_hit_every_trap() {
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let numbers = vec(any::<usize>(), 0..400);
    let mut hit: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let numbers = numbers.new_tree(&mut runner).unwrap().current();
        let (text, statements, traps) = script(&numbers);
        assert_eq!(pieces(&text), statements, "{text}");
        for (trap, times) in traps {
            *hit.entry(trap).or_default() += times;
        }
    }
    for (trap, _) in [EXPRESSIONS, BLANKS, STATEMENTS, BLOCKS, INNER].into_iter().flatten() {
        let times = hit.get(trap).copied().unwrap_or_default();
        println!("{times:6}  {trap}");
        assert!(times > 0, "the trap `{trap}` was never hit");
    }
}

proptest! {
    #![proptest_config(Config { cases: 100, ..Config::default() })]

    #[test]
    fn what_follows_a_script_changes_none_of_its_pieces(a in vec(any::<usize>(), 0..200), b in vec(any::<usize>(), 0..200)) {
        let ((a, mut both, _), (b, of_b, _)) = (script(&a), script(&b));
        both.extend(of_b);
        let text = a + &b;
        prop_assert_eq!(pieces(&text), both);
    }

    /// Text and pieces with the gaps put together are the script.
    #[test]
    fn pieces_and_gaps_are_the_script(numbers in vec(any::<usize>(), 0..200)) {
        let (text, _, _) = script(&numbers);
        let (mut together, mut from) = (String::new(), 0);
        for piece in &split(&text).unwrap() {
            together.push_str(&text[from..piece.start]);
            together.push_str(piece.of(&text));
            from = piece.end;
        }
        together.push_str(&text[from..]);
        prop_assert_eq!(together, text);
    }

    /// A `;` put after the opening of any literal or comment changes no count.
    #[test]
    fn a_semicolon_in_any_literal_or_comment_changes_no_count(
        numbers in vec(any::<usize>(), 0..200),
        kind in select(vec![
            lex::TokenKind::String, lex::TokenKind::DollarString, lex::TokenKind::QuotedName,
            lex::TokenKind::LineComment, lex::TokenKind::BlockComment,
        ]),
        last in any::<bool>(),
    ) {
        let (text, statements, _) = script(&numbers);
        let mut places: Vec<usize> = lex::tokens(&text)
            .filter(|token| token.kind == kind)
            .map(|token| token.start + if matches!(kind, lex::TokenKind::String | lex::TokenKind::QuotedName) { 1 } else { 2 })
            .collect();
        if !last {
            places.reverse();
        }
        if let Some(at) = places.pop() {
            let changed = format!("{};{}", &text[..at], &text[at..]);
            prop_assert_eq!(pieces(&changed).len(), statements.len(), "{}", changed);
        }
    }
}
