//! What holds for any text.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// 99 typical statements without their `;`.
fn statements() -> Vec<String> {
    include_str!("../../../../tests/data/statements.jsonl").lines().map(sql_of).collect()
}

fn sql_of(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    value["sql"].as_str().unwrap().to_owned()
}

/// Statements and blocks, each one piece.
fn whole() -> impl Strategy<Value = String> {
    let mut all = statements();
    all.extend(super::golden::CASES.iter().flat_map(|(_, text, _)| pieces(text)).map(str::to_owned));
    select(all)
}

/// What may stand between two statements.
fn between() -> impl Strategy<Value = &'static str> {
    select(vec![
        ";",
        " ;\n",
        ";\r\n",
        ";;",
        "; -- it's; a \" comment $$\n",
        " /* ; */ ; /* BEGIN */",
        ";\n// don't;\n;\n",
    ])
}

#[test]
fn typical_statements_stay_whole() {
    let statements = statements();
    assert_eq!(statements.len(), 99);
    assert_eq!(pieces(&statements.join(";\n")), statements);
    assert_eq!(pieces(&statements.join(" ; -- x\r\n;")), statements);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn statements_put_together_come_apart_again(parts in vec((whole(), between()), 0..12)) {
        let text: String = parts.iter().flat_map(|(statement, between)| [statement.as_str(), between]).collect();
        let statements: Vec<&str> = parts.iter().map(|(statement, _)| statement.as_str()).collect();
        prop_assert_eq!(pieces(&text), statements);
    }

    #[test]
    fn no_text_loses_a_byte_or_panics(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn no_order_of_words_loses_a_byte_or_panics(words in vec(select(WORDS.to_vec()), 0..60)) {
        check(&words.concat());
    }

    #[test]
    fn a_semicolon_inside_a_literal_or_comment_cuts_nothing(statement in whole(), at in any::<prop::sample::Index>()) {
        let inside: Vec<lex::Token> = lex::tokens(&statement)
            .filter(|token| token.end - token.start > 4 && matches!(
                token.kind,
                lex::TokenKind::String | lex::TokenKind::DollarString | lex::TokenKind::QuotedName
                    | lex::TokenKind::LineComment | lex::TokenKind::BlockComment
            ))
            .collect();
        prop_assume!(!inside.is_empty());
        let token = at.get(&inside);
        // Two bytes in: past the opening of every kind.
        prop_assume!(statement.is_char_boundary(token.start + 2) && statement.as_bytes()[token.start + 1] != b'\'');
        let changed = format!("{};{}", &statement[..token.start + 2], &statement[token.start + 2..]);
        prop_assert_eq!(pieces(&changed), [changed.as_str()]);
    }
}

const WORDS: &[&str] = &[
    " BEGIN ",
    " END ",
    " IF ",
    " THEN ",
    " ELSE ",
    " ELSEIF ",
    " CASE ",
    " WHEN ",
    " FOR ",
    " DO ",
    " WHILE ",
    " LOOP ",
    " REPEAT ",
    " UNTIL ",
    " DECLARE ",
    " EXCEPTION ",
    " CREATE ",
    " PROCEDURE ",
    " TASK ",
    " ALERT ",
    " ALTER ",
    " MODIFY ",
    " AS ",
    " ACTION ",
    " NAME ",
    " WORK ",
    " x ",
    ";",
    ";",
    ";",
    ";\n",
    "(",
    ")",
    ".",
    ":",
    ":=",
    "->>",
    "'",
    "$$",
    "\"a\"",
    "--",
    "\n",
    "/*",
    "*/",
    "@s/",
    "!set a\n",
    " é ",
    "\u{a0}",
    " SCOPED ",
    " TEMP ",
    " COMMIT ",
];

/// Pieces are in order and what lies between them is trivia and `;`; errors point into the text.
fn check(text: &str) {
    match split(text) {
        Ok(pieces) => {
            assert_eq!(lost(text, pieces.iter()), None);
            for piece in &pieces {
                let kinds: Vec<_> = lex::tokens(piece.of(text)).map(|token| token.kind).collect();
                let trivia = |kind: Option<&lex::TokenKind>| kind.is_none_or(|kind| kind.is_trivia());
                assert!(!trivia(kinds.first()) && !trivia(kinds.last()), "{text:?}: {piece:?}");
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert_ne!(error.code, Code::Internal, "{text:?}");
                assert!(!text[error.at].is_empty());
                assert!(
                    error.related.is_none_or(|(at, _)| text.get(at).is_some_and(|there| !there.is_empty()))
                );
            }
        }
    }
}

#[test]
fn what_is_lost_is_seen() {
    let text = "SELECT 1; /* x */ SELECT 2;";
    let (first, second) = (Piece { start: 0, end: 8 }, Piece { start: 18, end: 26 });
    let found = |pieces: &[Piece]| lost(text, pieces.iter().copied());
    assert_eq!(found(&[first, second]), None);
    assert_eq!(found(&[first]), Some(18..24));
    assert_eq!(found(&[second]), Some(0..6));
    assert!(found(&[second, first]).is_some());
    assert!(found(&[first, first]).is_some());
    let mut packed = Pieces::default();
    packed.push(second);
    packed.push(first);
    assert!(packed.disorder.is_some());
}

#[test]
fn deep_nesting_needs_no_call_stack() {
    const DEPTH: usize = 50_000;
    for (open, close) in
        [("BEGIN ", "END;"), ("IF (a) THEN ", "END IF;"), ("DECLARE p PROCEDURE () AS ", "END; BEGIN ")]
    {
        let text = format!("BEGIN {}BEGIN SELECT 1; END;{}END;", open.repeat(DEPTH), close.repeat(DEPTH));
        if close.starts_with("END; B") {
            check(&text);
        } else {
            assert_eq!(pieces(&text).len(), 1);
        }
    }
    let parens = format!("SELECT {}1{}", "(".repeat(DEPTH), ")".repeat(DEPTH));
    assert_eq!(pieces(&parens).len(), 1);
    let cases = format!("BEGIN x := {}1{}; END", "CASE WHEN a THEN (".repeat(DEPTH), ") END".repeat(DEPTH));
    assert_eq!(pieces(&cases).len(), 1);
}

/// Texts that make a careless splitter look at the same bytes again and again: a part before, one that is repeated,
/// one behind.
const HOSTILE: &[(&str, &str, &str)] = &[
    ("@\"", "@\"", ""),
    ("", "BEGIN ", ""),
    ("", "BEGIN IF (a) THEN ", "END IF; END; END FOR;"),
    ("", "BEGIN FOR a IN b DO ", "END IF; END;"),
    ("BEGIN x := ", "CASE (CASE ", ")"),
    ("BEGIN x := ", "CASE WHEN a THEN ", ");"),
    ("BEGIN ", "END ", ""),
    ("BEGIN ", "x end; ", ""),
    ("BEGIN x := CASE ", "end ", "END; END;"),
    ("", "SELECT 1\nCREATE TABLE t\n", ""),
    ("SELECT (", "\nCREATE VIEW ", ""),
    ("SELECT a FROM t {{ x }} ", "\nCREATE VIEW ", ""),
    ("   ", "!x\n", ""),
    ("", "; !", ""),
    ("", "SELECT 'a\nb'", "'"),
    ("", ")", ""),
    ("", "(", ""),
    ("", ";", ""),
    ("", "BEGIN /* x */ END /* y */ IF /* z */;", ""),
    ("$$ ", "$ /* ", ""),
    ("", "/*", ""),
    ("", "{{ ", ""),
    ("", "{% '", ""),
    ("", "{# {{ {% <% ", ""),
    ("", "{{ { }} ", ""),
    ("", "BEGIN {{ ", ""),
    ("", "DECLARE x INT\nBEGIN\n", ""),
    ("BEGIN ", "NAME ", ""),
    ("", "SHOW TABLES ->> BEGIN ", ""),
    ("SELECT ", "a.case:end ", ""),
];

#[test]
fn twice_the_text_needs_twice_the_steps() {
    for (before, again, behind) in HOSTILE {
        let steps = |times: usize| {
            let text = format!("{before}{}{behind}", again.repeat(times));
            let steps = lex::steps::of(|| check(&text));
            // Splitting and `check` read each byte; a word that may be a keyword is looked ahead from.
            assert!(steps < 40 * text.len() + 5_000, "{again:?}: {steps} steps for {} bytes", text.len());
            steps
        };
        let (once, twice) = (steps(2_000), steps(4_000));
        assert!(twice < 2 * once + once / 10 + 1_000, "{again:?}: {once} steps, then {twice}");
    }
}
