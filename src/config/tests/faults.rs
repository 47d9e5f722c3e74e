//! What is wrong with a file: message, place and advice.

use proptest::prelude::*;

use super::*;

#[test]
fn faults_have_their_place_and_the_nearest_key() {
    let key_list = "keys here: project, default_environment, query_tag, statement_timeout, migrations, templates, \
                    encoding, placeholders, naming, ignore, vars, env, secrets, history, lock, externals, \
                    installed_by, environments";
    let far = format!("snowops.yml:1:1: unknown key `colour` | {key_list}");
    for (text, expected) in [
        ("migration: [x]", "snowops.yml:1:1: unknown key `migration` | did you mean `migrations`?"),
        ("colour: red", far.as_str()),
        (
            "engine: embedded",
            "snowops.yml:1:1: unknown key `engine` | `engine` stands in an environment: environments.<name>.engine",
        ),
        ("lock: { tll: 90s }", "snowops.yml:1:9: unknown key `lock.tll` | did you mean `ttl`?"),
        (
            "lanes: 4",
            "snowops.yml:1:1: `lanes` is not supported yet by this version of snowops | remove the key",
        ),
        (
            "project: 7",
            "snowops.yml:1:10: `project` needs a text, and this is a number | write it in quotes: \"7\"",
        ),
        ("project: ''", "snowops.yml:1:10: `project` is empty | give a value or remove the key"),
        (
            "placeholders: yes",
            "snowops.yml:1:15: `placeholders` needs true or false, and this is a text | write true or false, without quotes",
        ),
        ("migrations: sql", "snowops.yml:1:13: `migrations` needs a list, and this is a text | write [sql]"),
        ("migrations: []", "snowops.yml:1:13: `migrations` is an empty list | name at least one"),
        (
            "lock: { ttl: 90 }",
            "snowops.yml:1:14: `lock.ttl`: `90` is no duration | write a number with its unit: 90s, 10m, 2h, or 1h30m",
        ),
        (
            "statement_timeout: 8d",
            "snowops.yml:1:20: `statement_timeout`: 8d lies outside 1s to 604800s | write a number with its unit: 90s, 10m, 2h, or 1h30m",
        ),
        (
            "encoding: utf-99",
            "snowops.yml:1:11: `encoding`: `utf-99` is no encoding that snowops knows | common ones: utf-8, utf-16le, windows-1252, iso-8859-15",
        ),
        (
            "history: { schema: my-schema }",
            "snowops.yml:1:20: `history.schema` is `my-schema`, which SQL does not take as a name without quotes | if it is meant so, write '\"my-schema\"'",
        ),
        (
            "vars: { 1x: 2 }",
            "snowops.yml:1:9: `vars.1x` is no name that a template can use | use letters, digits and `_`, not a digit first",
        ),
        (
            "vars: { a: 1, A: 2 }",
            "snowops.yml:1:15: `vars.A` and `vars.a` differ in case only | variables of the process and `${}` placeholders do not see case: rename one",
        ),
        (
            "vars: 7",
            "snowops.yml:1:7: `vars` needs keys below it, and this is a number | write { key: value }, or the keys on lines of their own",
        ),
        (
            "env: [a b]",
            "snowops.yml:1:7: `env`: `a b` is no name of a variable | use letters, digits and `_`, not a digit first",
        ),
        ("env: [{ nam: X }]", "snowops.yml:1:9: unknown key `env.nam` | did you mean `name`?"),
        ("project: a\nproject: b", "snowops.yml:2:1: `project` is given twice | keep one of the two"),
        (
            "ignore: ['a[']",
            "snowops.yml:1:10: `ignore`: `a[` is no glob: unclosed character class; missing ']' | write `**/README.sql` or `scratch/*`",
        ),
        (
            "project: $(name)",
            "snowops.yml:1:10: `project` holds `$(name)`, the text of a pipeline variable that is not defined | define the variable in the pipeline, or correct its name",
        ),
        (
            "default_environment: f",
            "snowops.yml:1:22: `default_environment` is `f`, and there is no such environment | did you mean `e`? environments: e",
        ),
        (
            "secrets: [A1]\nvars: { a1: 7 }",
            "snowops.yml:1:11: `A1` is listed under `secrets` and has a value under `vars` | keep one of the two",
        ),
    ] {
        let found = lines(&findings(&format!("{text}\n{LOCAL}"), &inputs("e")));
        assert!(found.contains(&expected.to_owned()), "{text}: {found:#?}");
    }
}

#[test]
fn faults_of_environments_have_their_place() {
    for (text, expected) in [
        (
            "{ }",
            "1:17: the environment `e` does not say what it migrates | write `engine: embedded`, or `connection:` (or `account:`) for Snowflake",
        ),
        (
            "{ engine: embeded }",
            "1:30: `environments.e.engine` is snowflake or embedded, not `embeded` | did you mean `embedded`?",
        ),
        (
            "{ engine: snowflake }",
            "1:17: the environment `e` has no `database` | give `database`, the one that the migrations work in and that holds the history",
        ),
        (
            "{ connection: c, database: D, path: x }",
            "1:56: `path` means nothing with `engine: snowflake` | remove the key",
        ),
        (
            "{ engine: embedded, account: a }",
            "1:49: `account` means nothing with `engine: embedded` | remove the key",
        ),
        (
            "{ engine: embedded, promote_from: qa }",
            "1:40: `environments.e.promote_from` is not supported yet by this version of snowops | remove the key",
        ),
        (
            "{ engine: embedded, project: x }",
            "1:40: unknown key `environments.e.project` | `project` stands at the top level, not in an environment",
        ),
        (
            "{ connection: c, database: D, lock: { ttl: 30s } }",
            "1:63: `lock.ttl` is under 60s, and the target is a server | write 60s or more: a shorter lease can be lost to a slow network",
        ),
        (
            "{ connection: { acount: a }, database: D }",
            "1:36: unknown key `environments.e.connection.acount` | did you mean `account`?",
        ),
        (
            "{ engine: embedded, secondary_roles: some }",
            "1:57: `environments.e.secondary_roles` is none, all or default, not `some` | write none, all or default",
        ),
        (
            "{ engine: embedded, parameters: { A: [1] } }",
            "1:57: `environments.e.parameters.A` needs one value, and this is a list | give a text, a number, true or false",
        ),
    ] {
        let found = lines(&findings(&format!("environments: {{ e: {text} }}\n"), &inputs("e")));
        assert_eq!(found, [format!("snowops.yml:{expected}")], "{text}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let found = findings(
        "colr: 1\nplaceholders: 3\nlock: { ttl: x }\nenvironments: { e: { pth: y } }\n",
        &inputs("f"),
    );
    let places: Vec<_> = found.iter().map(|f| f.place.as_ref().map(ToString::to_string)).collect();
    let place = |at: &str| Some(format!("snowops.yml:{at}"));
    assert_eq!(places, [place("1:1"), place("2:15"), place("3:14"), place("4:22"), None]);
}

#[test]
fn faults_of_yaml_have_their_place() {
    for (text, expected) in [
        (
            "a: [1, 2\nb: 3\n",
            "snowops.yml:2:2: the configuration is not valid YAML: illegal placement of ':' indicator",
        ),
        (
            "a: b: c\n",
            "snowops.yml:1:5: the configuration is not valid YAML: mapping values are not allowed in this context",
        ),
        (
            "project: é\na: *nowhere\n",
            "snowops.yml:2:4: the configuration is not valid YAML: alias references unknown anchor",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "snowops.yml:3:1: the configuration is not valid YAML: it holds more than one document (`---`)",
        ),
        ("~: 1\n", "snowops.yml:1:1: the configuration is not valid YAML: a key is missing"),
        ("a: 'x\n", "snowops.yml:1:4: the configuration is not valid YAML: unclosed quote"),
        ("- a\n- b\n", "snowops.yml:1:1: a configuration is a map of keys, and this is a list"),
    ] {
        let found = findings(text, &Inputs::default());
        assert_eq!(found[0].to_string(), expected, "{text}");
        assert!(found[0].is_error());
    }
}

#[test]
fn a_bomb_of_aliases_is_refused_at_once() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let item = format!("*a{}", level - 1);
        text = format!("{text}a{level}: &a{level} [{}]\n", [item.as_str(); 9].join(", "));
    }
    let found = findings(&text, &Inputs::default());
    assert_eq!(found[0].code, Code::InvalidConfig);
}

#[test]
fn a_byte_order_mark_windows_line_ends_and_merge_keys_are_fine() {
    let main = "\u{FEFF}x-y: 1\r\nenvironments:\r\n  a: &a { engine: embedded, role: r }\r\n  b: { <<: *a, role: s }\r\n";
    let found = findings(main, &inputs("b"));
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["snowops.yml:1:1: unknown key `x-y`"]);
    let environment = load_with(&main.replace("x-y: 1\r\n", ""), &inputs("b")).unwrap();
    assert_eq!(environment.context.role, Some(Ident::stored("S")));
}

#[test]
fn literal_secrets_are_refused_and_never_quoted() {
    for text in [
        "password: hunter2-hunter2",
        "environments: { e: { engine: embedded, private_key: hunter2-hunter2 } }",
        "environments: { e: { connection: { account: a, token: hunter2-hunter2 }, database: D } }",
        "environments:\n  e:\n    engine: embedded\n    private_key_passphrase: hunter2-hunter2",
        "Password: \"hunter2-hunter2\"",
    ] {
        let found = findings(text, &inputs("e"));
        let refused: Vec<_> = found.iter().filter(|f| f.code == Code::InvalidSecret).collect();
        assert_eq!(refused.len(), 1, "{text}: {found:?}");
        assert!(refused[0].place.as_ref().unwrap().position.is_some());
        assert!(refused[0].hint.as_ref().unwrap().contains("SNOWFLAKE_PASSWORD"));
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
    let found = findings(
        "vars: { db_password: hunter2-hunter2 }\nenvironments: { e: { engine: embedded } }",
        &inputs("e"),
    );
    assert_eq!(
        lines(&found),
        [
            "snowops.yml:1:9: `vars.db_password` looks like a secret, and `vars` are shown and committed | list a variable's name under `secrets` instead: secrets: [DB_PASSWORD]"
        ]
    );
    assert!(!any_error(&found) && !format!("{found:?}").contains("hunter2"));
    let broken = findings("passwrd: [hunter2-hunter2\npassword: hunter2-hunter2: x\n", &inputs("e"));
    assert!(
        !format!(
            "{:?}",
            broken
                .iter()
                .filter(|f| f.place.as_ref().is_some_and(|p| p.position.is_some_and(|(l, _)| l == 2)))
                .collect::<Vec<_>>()
        )
        .contains("hunter2")
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = findings(&text, &inputs("e"));
    }

    #[test]
    fn no_yaml_panics(text in "((project|vars|env|lock|environments|e|engine|embedded|secrets|'x'|\"|[:{}\\[\\]&*!|>,?#%@-]|<<|null|1|true| |\n){0,40})") {
        let _ = findings(&text, &inputs("e"));
        let _ = findings(&format!("{text}\n{LOCAL}"), &inputs("e"));
    }
}
