use proptest::prelude::*;

use super::*;

fn faults(text: &str) -> Vec<(&str, Fault)> {
    check(text).into_iter().map(|e| (&text[e.range], e.fault)).collect()
}

fn fill_with(text: &str, value: &str) -> Result<String, String> {
    fill(text, &|name| (name == "PW").then(|| value.to_owned()))
}

const PW: &str = "\u{27E6}secret:PW\u{27E7}";

#[test]
fn a_slot_may_stand_whole_in_a_literal_only() {
    for text in [
        format!("create user x password = '{PW}'"),
        format!("select $${PW}$$, $$ a {PW} b $$"),
        format!("select 'it''s {PW}\\\\{PW}'"),
        "select 'none'".to_owned(),
    ] {
        assert_eq!(faults(&text), vec![], "{text}");
    }
    for (text, fault) in [
        (format!("select {PW}"), Fault::Outside),
        (format!("select 'a' || {PW} || 'b'"), Fault::Outside),
        (format!("-- '{PW}'\nselect 1"), Fault::Outside),
        (format!("// {PW}\nselect 1"), Fault::Outside),
        (format!("/* '{PW}' */ select 1"), Fault::Outside),
        (format!("select \"{PW}\""), Fault::Outside),
        (format!("select '\\{PW}'"), Fault::Escaped),
    ] {
        assert_eq!(faults(&text), vec![(PW, fault)], "{text}");
    }
}

#[test]
fn what_is_left_of_a_changed_slot_is_seen() {
    let upper = "select '\u{27E6}SECRET:PW\u{27E7}'";
    assert_eq!(faults(upper), vec![("\u{27E6}", Fault::Broken), ("\u{27E7}", Fault::Broken)]);
    assert_eq!(faults("select '\u{27E6}secret:P'"), vec![("\u{27E6}", Fault::Broken)]);
    assert_eq!(faults("select 'ecret:PW\u{27E7}'"), vec![("\u{27E7}", Fault::Broken)]);
    assert_eq!(faults("select '\u{27E6}secret:\u{27E7}'").len(), 2, "no name");
    assert_eq!(faults("select '\u{27E8}x\u{27E9}'"), vec![], "other brackets");
    assert_eq!(remnants("a Secret:PW secret: b").collect::<Vec<_>>(), vec![2..9]);
}

#[test]
fn values_are_escaped_for_their_literal() {
    for (text, value, expected) in [
        ("'@'", "it's a \\ thing", Some("'it''s a \\\\ thing'")),
        ("$$@$$", "it's a \\ thing", Some("$$it's a \\ thing$$")),
        ("$$@$$", "a$$b", None),
        ("$$@$$", "a$", None),
        ("$$@$$", "$a", Some("$$$a$$")),
        ("$$$@$$", "$a", None),
        ("$$ x := @; $$", "it's", Some("$$ x := it's; $$")),
        ("$$ x := '@'; $$", "its", Some("$$ x := 'its'; $$")),
        ("$$ x := '@'; $$", "it's", None),
        ("$$ x := \"@\"; $$", "a\\b", None),
        ("$$ -- @\n $$", "a\nb", None),
        ("$$ x = `@`; $$", "a'b", None),
        ("@", "plain", None),
        ("'\\@'", "plain", None),
    ] {
        let filled = fill_with(&text.replace('@', PW), value);
        assert_eq!(filled.as_deref().ok(), expected, "{text} with {value}");
        if expected.is_none() {
            assert_eq!(filled, Err("PW".to_owned()));
        }
    }
    assert_eq!(fill_with(&format!("'{}'", slot("OTHER")), "x"), Err("OTHER".to_owned()));
    assert_eq!(fill_with("select 1", "x").as_deref(), Ok("select 1"));
}

#[test]
fn server_texts_are_masked() {
    let secrets = [("A", "hunter2"), ("B", "hunter2-long"), ("C", "it's\\"), ("D", "secret"), ("E", "")];
    let secrets = secrets.map(|(n, v)| (n.to_owned(), v.to_owned()));
    let masked = mask("bad: 'hunter2-long' hunter2 'it''s\\\\' it's\\ my secret", &secrets);
    let [a, b, c, d] = ["A", "B", "C", "D"].map(slot);
    assert_eq!(masked, format!("bad: '{b}' {a} '{c}' {c} my {d}"));
    assert_eq!(mask("nothing here", &secrets), "nothing here");
}

proptest! {
    /// Whatever the value is, the literal that it is put into ends where it ended before.
    #[test]
    fn a_value_never_leaves_its_literal(value in "[a'\"$\\\\\n;]{0,8}", dollar: bool) {
        let text = if dollar { format!("x $${PW}$$ y") } else { format!("x '{PW}' y") };
        if let Ok(filled) = fill_with(&text, &value) {
            let found = literals(&filled);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].range.clone(), 2..filled.len() - 2);
        }
    }

    /// What a server could echo of a filled statement holds no value any more.
    #[test]
    fn an_echo_is_masked(value in "[a-z][a-z'\\\\$]{5,11}[a-z]") {
        if let Ok(filled) = fill_with(&format!("set x = '{PW}'"), &value) {
            prop_assert_eq!(mask(&filled, &[("PW".to_owned(), value)]), format!("set x = '{PW}'"));
        }
    }

    #[test]
    fn names_come_back(names in proptest::collection::vec("[A-Z][A-Z0-9_]{0,6}", 0..4), between in "[a-z⟦⟩ ]{0,3}") {
        let slots: Vec<String> = names.iter().map(|name| between.clone() + &slot(name)).collect();
        let text = slots.concat();
        prop_assert_eq!(super::names(&text).collect::<Vec<_>>(), names);
    }
}
