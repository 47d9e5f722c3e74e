use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn known() -> BTreeSet<String> {
    ["dev", "qa", "prod"].map(str::to_owned).into()
}

fn placeholders() -> BTreeMap<String, String> {
    [("flyway:environment", "prod"), ("region", "eu west"), ("on", "true"), ("enc", "windows-1252")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn header(source: &str) -> (ScriptSettings, Vec<String>) {
    let (settings, findings) = script_settings("a.sql", source, None, &known(), &placeholders());
    (settings, lines(&findings))
}

fn conf(text: &str) -> (ScriptSettings, Vec<String>) {
    let conf = ConfFile { file: "a.sql.conf".to_owned(), text: Arc::from(text) };
    let (settings, findings) = script_settings(
        "a.sql",
        "-- snowops: role=HEADER\nSELECT 1;",
        Some(&conf),
        &known(),
        &placeholders(),
    );
    (settings, lines(&findings))
}

fn lines(findings: &[Diagnostic]) -> Vec<String> {
    findings.iter().map(|f| format!("{f} | {}", f.hint.as_deref().unwrap_or_default())).collect()
}

#[test]
fn header_keys_are_read() {
    let source = "\u{FEFF}-- Copyright\r\n/* snowops: role=NO */\n{# note #}\n{% import 'x.sql' as m %}\n\
                  -- snowops: warehouse=load_xl role='\"admin\"' timeout=2h\n  // snowops: environments=prod,qa\n\
                  --snowops: resume=never allow=loses_data reason=\"as agreed\"\nSELECT 1;\n-- snowops: role=LATE\n";
    let (settings, findings) = header(source);
    assert_eq!(findings, Vec::<String>::new());
    let expected = ScriptSettings {
        role: Some(Ident::stored("admin")),
        warehouse: Some(Ident::stored("LOAD_XL")),
        timeout: Some(Duration::from_hours(2)),
        environments: vec!["prod".to_owned(), "qa".to_owned()],
        never_resume: true,
        ..ScriptSettings::default()
    };
    assert_eq!(settings, expected);
}

#[test]
fn a_comment_that_only_mentions_the_tool_is_no_directive() {
    for source in
        ["-- snowops is great\nSELECT 1;", "SELECT '-- snowops: role=X';", "-- my snowops: role=X\n", ""]
    {
        assert_eq!(header(source), (ScriptSettings::default(), Vec::new()), "{source}");
    }
}

#[test]
fn header_ends_at_a_tag_that_decides() {
    let (settings, findings) = header("{% if prod %}\n-- snowops: role=X\n{% endif %}SELECT 1;");
    assert_eq!((settings.role, findings), (None, Vec::new()));
}

#[test]
fn header_faults_have_their_place() {
    for (source, expected) in [
        ("-- snowops: warehose=X", "a.sql:1:13: unknown key `warehose` | did you mean `warehouse`?"),
        (
            "\n-- snowops: colour=X",
            "a.sql:2:13: unknown key `colour` | keys: warehouse, role, timeout, environments, resume, local, allow, reason",
        ),
        (
            "-- é\n-- snowops: role=A timeout=10",
            "a.sql:2:20: `timeout`: `10` is no duration | write a number with its unit: 90s, 10m, 2h, or 1h30m",
        ),
        (
            "-- snowops: timeout=8d",
            "a.sql:1:13: `timeout`: 8d lies outside 1s to 7d | write a number with its unit: 90s, 10m, 2h, or 1h30m",
        ),
        (
            "-- snowops: role=my-role",
            "a.sql:1:13: `role` is `my-role`, which SQL does not take as a name without quotes | if it is meant so, write role='\"my-role\"'",
        ),
        ("-- snowops: environments=prd", "a.sql:1:13: there is no environment `prd` | did you mean `prod`?"),
        (
            "-- snowops: environments=,",
            "a.sql:1:13: `environments` names none | write environments=prod,qa, or remove the key",
        ),
        (
            "-- snowops: resume=maybe",
            "a.sql:1:13: `resume` is never or auto, not `maybe` | write resume=never",
        ),
        ("-- snowops: role=A role=B", "a.sql:1:20: `role` is given twice | keep one of the two"),
        ("-- snowops: role", "a.sql:1:13: `role` is no key=value | write key=value, or key=\"two words\""),
        ("-- snowops: role= x", "a.sql:1:13: `role` has no value | write key=value, or key=\"two words\""),
        (
            "-- snowops: role=\"x",
            "a.sql:1:13: the value of `role` has no closing quote | write key=value, or key=\"two words\"",
        ),
        (
            "-- snowops:",
            "a.sql:1:1: a `snowops:` comment says nothing | write key=value behind it, or remove it",
        ),
    ] {
        assert_eq!(header(source).1, [expected], "{source}");
    }
}

/// The comments before each statement of `SELECT 1;`-like sources, as the splitter would give them.
fn statements(source: &str) -> Vec<(StatementSettings, Vec<String>)> {
    let mut from = 0;
    let mut result = Vec::new();
    for (start, _) in source.match_indices("SELECT") {
        let (settings, findings) = statement_settings("a.sql", source, from..start);
        result.push((settings, lines(&findings)));
        from = start + source[start..].find(';').unwrap() + 1;
    }
    result
}

#[test]
fn statement_keys_belong_to_the_statement_behind_them() {
    let found = statements(
        "-- snowops: role=A allow=loses_grants\nSELECT 1;\n-- snowops: local=opaque reason=\"it's \"\"fine\"\"\"\nSELECT 2;\nSELECT 3;",
    );
    let first = StatementSettings { allow: vec!["loses_grants".to_owned()], ..StatementSettings::default() };
    let second = StatementSettings {
        local_opaque: true,
        reason: Some("it's \"fine\"".to_owned()),
        ..StatementSettings::default()
    };
    assert_eq!(found, [(first, vec![]), (second, vec![]), (StatementSettings::default(), vec![])]);
}

#[test]
fn statement_faults_have_their_place() {
    for (source, expected) in [
        (
            "SELECT 1;\n  -- snowops: role=A\nSELECT 2;",
            "a.sql:2:15: `role` speaks of the whole script and stands after its first statement | move it into the comment lines before the first statement",
        ),
        (
            "SELECT 1;\n-- snowops: alow=x\nSELECT 2;",
            "a.sql:2:13: unknown key `alow` | did you mean `allow`?",
        ),
        (
            "SELECT 1;\n-- snowops: allow=loses_dta\nSELECT 2;",
            "a.sql:2:13: `allow`: there is no hazard `loses_dta` | did you mean `loses_data`?",
        ),
        (
            "SELECT 1;\n-- snowops: local=yes\nSELECT 2;",
            "a.sql:2:13: `local` is opaque, not `yes` | write local=opaque",
        ),
        (
            "SELECT 1;\n-- snowops: reason=\"\"\nSELECT 2;",
            "a.sql:2:13: `reason` is empty | write reason=\"why it is right\"",
        ),
        (
            "SELECT 1; -- snowops: local=opaque\nSELECT 2;",
            "a.sql:1:11: a `snowops:` comment stands behind a statement, on the same line | put it on a line of its own before the statement that it speaks of",
        ),
    ] {
        let found = statements(source);
        assert_eq!(found[1].1, [expected], "{source}");
        assert_eq!(found[0].1, Vec::<String>::new(), "{source}");
    }
}

#[test]
fn a_header_fault_is_told_once() {
    let source = "-- snowops: rol=A role=\nSELECT 1;";
    let told = header(source).1.len() + statements(source).iter().map(|(_, f)| f.len()).sum::<usize>();
    assert_eq!(told, 2, "{:?}", header(source).1);
}

#[test]
fn conf_keys_are_read_and_win() {
    let (settings, findings) = conf(
        "# comment\n! another\r\nexecuteInTransaction=false\nencoding : ${ENC}\nplaceholderReplacement false\n\
         shouldExecute=${flyway:environment} == \\\r\n   prod\nsnowops.role=\\\"conf\\\"\nsnowops.time\\u006fut = 90s\n",
    );
    assert_eq!(findings, Vec::<String>::new());
    let expected = ScriptSettings {
        role: Some(Ident::stored("conf")),
        timeout: Some(Duration::from_secs(90)),
        should_execute: Some(true),
        placeholders: Some(false),
        encoding: Some("windows-1252".to_owned()),
        ..ScriptSettings::default()
    };
    assert_eq!(settings, expected);
}

#[test]
fn conf_faults_have_their_place() {
    for (text, expected) in [
        ("\nencodign=utf-8", "a.sql.conf:2:1: unknown key `encodign` | did you mean `encoding`?"),
        ("snowops.rôle=A", "a.sql.conf:1:1: unknown key `snowops.rôle` | did you mean `snowops.role`?"),
        (
            "snowops.allow=loses_data",
            "a.sql.conf:1:1: `allow` speaks of one statement, not of a script | write -- snowops: allow=.. in a comment line before that statement",
        ),
        (
            "executeInTransaction=no",
            "a.sql.conf:1:1: `executeInTransaction` is true or false, not `no` | write true or false",
        ),
        (
            "encoding=utf-99",
            "a.sql.conf:1:1: `encoding`: `utf-99` is no encoding that snowops knows | common ones: utf-8, utf-16le, windows-1252, iso-8859-15",
        ),
        (
            "snowops.role=A\n\n snowops.role=B",
            "a.sql.conf:3:2: `snowops.role` is given twice | keep one of the two",
        ),
        (
            "encoding=${no}",
            "a.sql.conf:1:1: `encoding`: the placeholder `${no}` is not defined | declare it under `vars`",
        ),
    ] {
        assert_eq!(conf(text).1, [expected], "{text}");
    }
    let findings = conf("a=1\nshouldExecute=maybe\nb=2").1;
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        findings[1].starts_with("a.sql.conf:2:1: `shouldExecute` cannot be decided: `maybe` is neither"),
        "{findings:?}"
    );
}

#[test]
fn expressions_are_decided() {
    for (text, expected) in [
        ("true", Ok(true)),
        ("FALSE", Ok(false)),
        ("${flyway:environment}==prod", Ok(true)),
        ("${FLYWAY:Environment} != prod", Ok(false)),
        ("${region} == 'eu west'", Ok(true)),
        ("'${region}' == \"eu west\"", Ok(true)),
        ("x${region} == 'xeu west'", Ok(true)),
        ("${on} && !(a == b)", Ok(true)),
        ("false && true || true", Ok(true)),
        ("false && (true || true)", Ok(false)),
        ("true || false && false", Ok(true)),
        ("!!true", Ok(true)),
        ("!a==b", Err("`a` is neither true nor false")),
        ("true == (a == a)", Ok(true)),
        ("", Err("a value is missing at the end")),
        ("a ==", Err("a value is missing at the end")),
        ("== a", Err("an operator has no value beside it")),
        ("(true", Err("a `(` is not closed")),
        ("true)", Err("something is left over behind a complete expression")),
        ("true true", Err("something is left over behind a complete expression")),
        ("a = b", Err("`=` is no operator")),
        ("true & false", Err("`&` is no operator")),
        ("'a", Err("a ' is not closed")),
        ("${x}", Err("the placeholder `${x}` is not defined")),
        ("${x", Err("a `${` has no `}`")),
    ] {
        assert_eq!(expression::evaluate(text, &placeholders()), expected.map_err(str::to_owned), "{text}");
    }
    let deep = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(
        expression::evaluate(&deep, &placeholders()),
        Err("parentheses are nested deeper than 64".to_owned())
    );
}

proptest! {
    #[test]
    fn no_text_panics(source in "[-/*{}%#a-z:=\"'\\\\ \n\r\u{e9}]{0,60}", prefix in "(-- snowops:|//snowops: |)", start in 0usize..70, end in 0usize..70) {
        let source = format!("{prefix}{source}");
        let conf = ConfFile { file: "c".to_owned(), text: Arc::from(source.as_str()) };
        let _ = script_settings("a", &source, Some(&conf), &known(), &placeholders());
        let _ = statement_settings("a", &source, start..end);
    }

    #[test]
    fn what_is_written_is_read(value in "[a-z ,\"']{0,20}") {
        let source = format!("-- snowops: reason=\"x{}\"\nSELECT 1;", value.replace('"', "\"\""));
        let found = statements(&source);
        prop_assert_eq!(found[0].0.reason.clone(), Some(format!("x{value}")));
    }
}
