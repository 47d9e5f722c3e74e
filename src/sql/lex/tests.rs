use proptest::prelude::*;

use super::{TokenKind::*, *};

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    tokens(text).filter(|t| t.kind != Whitespace).map(|t| (t.kind, t.of(text))).collect()
}

#[test]
fn each_kind_ends_where_snowflake_ends_it() {
    let cases: &[(&str, &[(TokenKind, &str)])] = &[
        ("'it''s \\' x' y", &[(String, "'it''s \\' x'"), (Word, "y")]),
        ("'C:\\\\' z", &[(String, "'C:\\\\'"), (Word, "z")]),
        ("''a", &[(String, "''"), (Word, "a")]),
        ("\"a;\"\"b\"c", &[(QuotedName, "\"a;\"\"b\""), (Word, "c")]),
        ("$$ a $b '; $$x", &[(DollarString, "$$ a $b '; $$"), (Word, "x")]),
        ("AS$$x$$", &[(Word, "AS"), (DollarString, "$$x$$")]),
        ("SYSTEM$TYPE a$$b", &[(Word, "SYSTEM$TYPE"), (Word, "a$$b")]),
        (
            "$1 $name t.$2",
            &[(Variable, "$1"), (Variable, "$name"), (Word, "t"), (Punct, "."), (Variable, "$2")],
        ),
        (
            "12 1.5 .5 5. 1e10 1.5E-3 1END 2e",
            &[
                (Number, "12"),
                (Number, "1.5"),
                (Number, ".5"),
                (Number, "5."),
                (Number, "1e10"),
                (Number, "1.5E-3"),
                (Number, "1"),
                (Word, "END"),
                (Number, "2"),
                (Word, "e"),
            ],
        ),
        ("a.5", &[(Word, "a"), (Punct, "."), (Number, "5")]),
        ("@~/a//b--c;", &[(StagePath, "@~/a//b--c"), (Semicolon, ";")]),
        ("@s/dir/*.csv)", &[(StagePath, "@s/dir/*.csv"), (RightParen, ")")]),
        ("@\"S\".\"a b;\"/p q", &[(StagePath, "@\"S\".\"a b;\"/p"), (Word, "q")]),
        ("@s(x", &[(StagePath, "@s"), (LeftParen, "("), (Word, "x")]),
        ("@ s", &[(Punct, "@"), (Word, "s")]),
        ("file:///tmp/x.csv @%t;", &[(StagePath, "file:///tmp/x.csv"), (StagePath, "@%t"), (Semicolon, ";")]),
        ("snow://a/b//c d", &[(StagePath, "snow://a/b//c"), (Word, "d")]),
        ("FILE:name", &[(Word, "FILE"), (Punct, ":"), (Word, "name")]),
        ("a // b\nc", &[(Word, "a"), (LineComment, "// b"), (Word, "c")]),
        ("a -- b\rc", &[(Word, "a"), (LineComment, "-- b"), (Word, "c")]),
        ("/* a /* b */c*/", &[(BlockComment, "/* a /* b */"), (Word, "c"), (Punct, "*"), (Punct, "/")]),
        ("/*/ a */b", &[(BlockComment, "/*/ a */"), (Word, "b")]),
        (
            "a::b->>c:=d||e->f<>g=>h**i>=j",
            &[
                (Word, "a"),
                (Punct, "::"),
                (Word, "b"),
                (Punct, "->>"),
                (Word, "c"),
                (Punct, ":="),
                (Word, "d"),
                (Punct, "||"),
                (Word, "e"),
                (Punct, "->"),
                (Word, "f"),
                (Punct, "<>"),
                (Word, "g"),
                (Punct, "=>"),
                (Word, "h"),
                (Punct, "**"),
                (Word, "i"),
                (Punct, ">="),
                (Word, "j"),
            ],
        ),
        ("\u{feff}über\u{a0}x\u{3000}", &[(Word, "über"), (Word, "x")]),
        ("!set a=b; \r\n!x", &[(ClientCommand, "!set a=b"), (Semicolon, ";"), (ClientCommand, "!x")]),
        (
            "m\n!PREDICT()",
            &[(Word, "m"), (Punct, "!"), (Word, "PREDICT"), (LeftParen, "("), (RightParen, ")")],
        ),
        (
            "{{ a(\"}};\", {'b': {}}) }}_x{%- if a == '%}' -%}b{# it's; #}<% c.d; %>",
            &[
                (TemplateValue, "{{ a(\"}};\", {'b': {}}) }}"),
                (Word, "_x"),
                (TemplateTag, "{%- if a == '%}' -%}"),
                (Word, "b"),
                (TemplateTag, "{# it's; #}"),
                (TemplateValue, "<% c.d; %>"),
            ],
        ),
        ("{{ don't }}{{ x }}", &[(TemplateValue, "{{ don't }}"), (TemplateValue, "{{ x }}")]),
        (
            "{{ a; {%",
            &[(Punct, "{"), (Punct, "{"), (Word, "a"), (Semicolon, ";"), (Punct, "{"), (Punct, "%")],
        ),
        (
            "{'a': {*}}",
            &[
                (Punct, "{"),
                (String, "'a'"),
                (Punct, ":"),
                (Punct, "{"),
                (Punct, "*"),
                (Punct, "}"),
                (Punct, "}"),
            ],
        ),
        ("a<b <%", &[(Word, "a"), (Punct, "<"), (Word, "b"), (Punct, "<"), (Punct, "%")]),
        ("'a; b", &[(Unterminated, "'a; b")]),
        ("'a\\", &[(Unterminated, "'a\\")]),
        ("\"a\"\"", &[(Unterminated, "\"a\"\"")]),
        ("$$ a $", &[(Unterminated, "$$ a $")]),
        ("/*/", &[(Unterminated, "/*/")]),
    ];
    for (text, expected) in cases {
        assert_eq!(kinds(text), *expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn tokens_are_the_text(text in r#"(?s)(.|[;'"$@/*\-!\\a:() \n\u{a0}\u{feff}]){0,60}"#) {
        let mut at = 0;
        for token in tokens(&text) {
            prop_assert_eq!(token.start, at);
            prop_assert!(token.end > at && text.is_char_boundary(token.end));
            at = token.end;
        }
        prop_assert_eq!(at, text.len());
    }
}
