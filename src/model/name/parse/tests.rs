use proptest::prelude::*;

use super::*;

fn script(kind: MigrationKind, version: Option<&str>, description: &str, event: Option<&str>) -> Parsed {
    Parsed::Script {
        kind,
        version: version.map(|text| Version::parse(text).unwrap()),
        description: description.to_owned(),
        event: event.map(str::to_owned),
    }
}

#[test]
fn names_are_read_as_flyway_reads_them() {
    use MigrationKind::{Always, Baseline, Callback, Repeatable, Undo, Versioned};
    let cases = [
        ("V1__add_orders.sql", Versioned, Some("1"), "add orders", None),
        ("V1.2.0__x.sql", Versioned, Some("1.2.0"), "x", None),
        ("V1_1__x__y.sql", Versioned, Some("1.1"), "x  y", None),
        ("V1___x.sql", Versioned, Some("1"), " x", None),
        ("V1__x_.sql", Versioned, Some("1"), "x ", None),
        ("V1.sql", Versioned, Some("1"), "", None),
        ("V1__.sql", Versioned, Some("1"), "", None),
        ("V001__x.SQL", Versioned, Some("001"), "x", None),
        ("V1__x.Sql", Versioned, Some("1"), "x", None),
        ("V1__x.sql.sql", Versioned, Some("1"), "x.sql", None),
        ("V20240131120000__Ünï code.sql", Versioned, Some("20240131120000"), "Ünï code", None),
        ("B5__baseline.sql", Baseline, Some("5"), "baseline", None),
        ("U1.2.0__x.sql", Undo, Some("1.2.0"), "x", None),
        ("R__.sql", Repeatable, None, "", None),
        ("R__Orders_View.sql", Repeatable, None, "Orders View", None),
        ("R__1__x.sql", Repeatable, None, "1  x", None),
        ("A__grants.sql", Always, None, "grants", None),
        ("beforeMigrate.sql", Callback, None, "", Some("beforeMigrate")),
        ("beforeMigrate__a_b.sql", Callback, None, "a b", Some("beforeMigrate")),
        ("beforeMigrate__.sql", Callback, None, "", Some("beforeMigrate")),
        // The longest event wins over `afterMigrate`.
        ("afterMigrateError__x.sql", Callback, None, "x", Some("afterMigrateError")),
        ("beforeEachMigrateStatement.sql", Callback, None, "", Some("beforeEachMigrateStatement")),
    ];
    for (name, kind, version, description, event) in cases {
        let parsed = Naming::default().parse(name);
        assert_eq!(parsed, script(kind, version, description, event), "{name}");
        if let (Parsed::Script { version: Some(found), .. }, Some(text)) = (parsed, version) {
            assert_eq!(found.as_str(), text, "{name}");
        }
    }
}

#[test]
fn misnamed_files_are_told_what_is_wrong_and_what_was_meant() {
    let cases = [
        ("v2__x.sql", "begins neither", Some("V2__x.sql")),
        ("r__x.sql", "begins neither", Some("R__x.sql")),
        ("a__x.SQL", "begins neither", Some("A__x.SQL")),
        ("BeforeMigrate.sql", "as baseline migrations do", Some("beforeMigrate.sql")),
        ("aftermigrate__x.sql", "begins neither", Some("afterMigrate__x.sql")),
        ("afterMigrat.sql", "begins neither", Some("afterMigrate.sql")),
        ("beforeMigrat__x.sql", "begins neither", Some("beforeMigrate__x.sql")),
        ("beforeMigrates.sql", "'s' stands before", Some("beforeMigrate.sql")),
        ("V1_add_orders.sql", "'1_add_orders' is no version", Some("V1__add_orders.sql")),
        ("V1.2-add orders.sql", "no version", Some("V1.2__add_orders.sql")),
        ("V-1__x.sql", "'-1' is no version", Some("V1__x.sql")),
        ("V+1__x.sql", "'+1' is no version", Some("V1__x.sql")),
        ("V1..2__x.sql", "'1..2' is no version", Some("V1.2__x.sql")),
        ("V2024-01-31__x.sql", "no version", Some("V2024.01.31__x.sql")),
        ("V_1__x.sql", "no version", Some("V1__x.sql")),
        ("V__x.sql", "has no version", None),
        ("Vlatest__x.sql", "reserved word 'latest'", None),
        ("VCurrent__x.sql", "reserved word 'Current'", None),
        ("V.sql", "has no version", None),
        ("R.sql", "has no '__' and no description", None),
        ("A.sql", "has no '__' and no description", None),
        ("R1__x.sql", "has the version '1', which repeatable", Some("R__x.sql")),
        ("A2.1__x.sql", "has the version '2.1', which always", Some("A__x.sql")),
        ("R_foo.sql", "not with 'R__'", Some("R__foo.sql")),
        ("Rfoo__bar.sql", "not with 'R__'", None),
        ("Readme.sql", "not with 'R__'", None),
        ("Backup.sql", "'ackup' is no version", None),
        ("grants.sql", "begins neither", None),
        ("1__x.sql", "begins neither", Some("V1__x.sql")),
        ("1.0.0 create orders.sql", "begins neither", Some("V1.0.0__create_orders.sql")),
        (".sql", "begins neither", None),
        ("._V1__x.sql", "begins neither", None),
        ("V1__a\u{1b}[31m.sql", "control character", Some("V1__a[31m.sql")),
        ("V1__a\nb.sql", "control character", Some("V1__ab.sql")),
    ];
    let naming = Naming::default();
    for (name, part, suggestion) in cases {
        let parsed = naming.parse(name);
        let Parsed::Misnamed { reason, suggestion: found } = &parsed else {
            panic!("{name} gave {parsed:?}");
        };
        assert!(reason.contains(part), "{name}: {reason}");
        assert_eq!(found.as_deref(), suggestion, "{name}");
        if let Some(found) = found {
            assert!(matches!(naming.parse(found), Parsed::Script { .. }), "{name}: {found}");
        }
    }
}

#[test]
fn scripts_of_other_tools_are_named_and_other_files_left_alone() {
    let unsupported = [
        ("V1__x.py", ".py"),
        ("R__x.sh", ".sh"),
        ("V1.1__x.cli.yml", ".cli.yml"),
        ("v1__x.CLI.YML", ".CLI.YML"),
        ("A__x.cli.yaml", ".cli.yaml"),
        ("V1__x.sql.jinja", ".sql.jinja"),
        ("V1__x.ps1", ".ps1"),
        ("beforeMigrate.sh", ".sh"),
        ("U1__x.bat", ".bat"),
        ("V1.2__x", ""),
        ("afterMigrate", ""),
    ];
    for (name, extension) in unsupported {
        let expected = Parsed::Unsupported { extension: extension.to_owned() };
        assert_eq!(Naming::default().parse(name), expected, "{name}");
    }
    let others = [
        "README.md",
        "setup.py",
        "run.sh",
        "V1__x.md",
        "V1__x.sql.conf",
        "V1__x.sql~",
        "V1__x.sql.bak",
        "V1",
        "README",
        "",
        "sql",
        "Vx__y.py",
        "é",
    ];
    for name in others {
        assert_eq!(Naming::default().parse(name), Parsed::NotAScript, "{name}");
    }
}

#[test]
fn a_project_may_name_otherwise() {
    let naming = Naming {
        versioned: "mig-".into(),
        separator: "--".into(),
        suffixes: vec![".ddl.sql".into(), ".sql".into()],
        ..Naming::default()
    };
    let expected = script(MigrationKind::Versioned, Some("1.2"), "x  y", None);
    assert_eq!(naming.parse("mig-1_2--x__y.DDL.sql"), expected);
    assert_eq!(naming.parse("mig-1_2--x__y.sql"), expected);
    assert!(matches!(naming.parse("V1__x.sql"), Parsed::Misnamed { .. }));
    assert_eq!(naming.parse("mig-1--x.txt"), Parsed::NotAScript);
}

proptest! {
    #[test]
    fn any_name_is_read_and_each_suggestion_is_a_script(
        name in prop_oneof![
            "[VRABUvrabu]?[-+._ 0-9]{0,6}[_a-z. é]{0,12}(\\.sql|\\.SQL|\\.py|)",
            "\\PC{0,12}",
            "(before|After|after)[A-Z]?[a-zA-Z_]{0,12}\\.sql",
        ]
    ) {
        let naming = Naming::default();
        if let Parsed::Misnamed { suggestion: Some(better), .. } = naming.parse(&name) {
            let script = matches!(naming.parse(&better), Parsed::Script { .. });
            prop_assert!(script, "{} {}", name, better);
        }
    }

    #[test]
    fn what_is_written_is_read(numbers in prop::collection::vec(0_u32..100, 1..4), words in "[a-zA-Z0-9é ]{0,12}") {
        let version = numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        let name = format!("V{version}__{}.sql", words.replace(' ', "_"));
        prop_assert_eq!(
            Naming::default().parse(&name),
            script(MigrationKind::Versioned, Some(&version), &words, None)
        );
    }
}
