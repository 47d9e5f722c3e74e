use super::*;
use crate::{diagnostic::Severity, source::memory};

fn resolved(files: &[(&str, &str)]) -> Resolved {
    memory::resolve(&SourceSettings::default(), files)
}

fn scripts(resolved: &Resolved) -> Vec<&str> {
    resolved.migrations.iter().map(|migration| migration.script.as_str()).collect()
}

fn findings(resolved: &Resolved) -> Vec<String> {
    resolved
        .findings
        .iter()
        .map(|f| format!("{:?} {} {}", f.severity, f.code, f.place.as_ref().map_or("-", |p| p.file.as_str())))
        .collect()
}

#[test]
fn the_order_is_that_of_the_plan() {
    let names = [
        "A__b.sql",
        "A__a.sql",
        "B5__x.sql",
        "R__b.sql",
        "R__Z.sql",
        "R__\u{FFFD}.sql",
        "R__\u{1F600}.sql",
        "U1__x.sql",
        "V10__x.sql",
        "V2__x.sql",
        "V1.10__x.sql",
        "sub/V1.9__x.sql",
        "afterMigrate__b.sql",
        "afterMigrate.sql",
        "beforeMigrate.sql",
    ];
    let files: Vec<_> = names.iter().map(|name| (format!("migrations/{name}"), "x")).collect();
    let resolved = memory::resolve(&SourceSettings::default(), &files);
    assert_eq!(findings(&resolved), [""; 0]);
    let expected = [
        "sub/V1.9__x.sql",
        "V1.10__x.sql",
        "V2__x.sql",
        "V10__x.sql",
        "R__Z.sql",
        "R__b.sql",
        // By UTF-16 units a surrogate stands before U+FFFD.
        "R__\u{1F600}.sql",
        "R__\u{FFFD}.sql",
        "A__a.sql",
        "A__b.sql",
        "B5__x.sql",
        "U1__x.sql",
        "beforeMigrate.sql",
        "afterMigrate.sql",
        "afterMigrate__b.sql",
    ];
    assert_eq!(scripts(&resolved), expected);
}

#[test]
fn a_migration_carries_what_its_file_says() {
    let resolved = resolved(&[
        ("migrations/sub/V1_2__add_orders.sql", "SELECT 1;\r\n"),
        ("migrations/sub/V1_2__add_orders.sql.conf", "executeInTransaction=false\n"),
        ("migrations/notes.md", "x"),
        ("other/V9__x.sql", "x"),
    ]);
    assert_eq!(findings(&resolved), [""; 0]);
    let [migration] = resolved.migrations.as_slice() else { panic!("{:?}", scripts(&resolved)) };
    assert_eq!(migration.version.as_ref().map(ToString::to_string).as_deref(), Some("1.2"));
    assert_eq!(migration.description, "add orders");
    assert_eq!(migration.script, "sub/V1_2__add_orders.sql");
    assert_eq!(migration.file, "migrations/sub/V1_2__add_orders.sql");
    assert_eq!(&*migration.text, "SELECT 1;\r\n");
    assert_eq!(migration.crc, 78_787_420);
    assert_eq!(migration.source_sha, Sha256::of(b"SELECT 1;"));
    let conf = migration.conf.as_ref().unwrap();
    assert_eq!(conf.file, "migrations/sub/V1_2__add_orders.sql.conf");
    assert_eq!(&*conf.text, "executeInTransaction=false\n");
}

#[test]
fn one_identity_is_claimed_once() {
    let cases: &[(&[&str], &str)] = &[
        (&["V1__a.sql", "V1__b.sql"], "the version 1 is claimed by the versioned migrations"),
        (&["V01__a.sql", "V1.0__b.sql"], "the version 01 is claimed"),
        (&["V1__a.sql", "x/V1__a.sql"], "the version 1 is claimed"),
        (&["V1__A.sql", "V1__a.sql"], "the version 1 is claimed"),
        (&["B1__a.sql", "B1__b.sql"], "claimed by the baseline migrations"),
        (&["U1__a.sql", "U1__b.sql"], "claimed by the undo migrations"),
        (&["R__a b.sql", "R__a_b.sql"], "the description 'a b' is claimed by the repeatable migrations"),
        (&["A__a.sql", "x/A__a.sql"], "claimed by the always migrations"),
        (&["afterMigrate.sql", "x/afterMigrate.sql"], "claimed by the afterMigrate callbacks"),
        (&["R__View.sql", "R__view.sql"], "differ only in the case of letters"),
        (&["R__caf\u{E9}.sql", "R__cafe\u{301}.sql"], "the description 'caf\u{E9}' is claimed"),
        (&["R__CAF\u{C9}.sql", "R__cafe\u{301}.sql"], "differ only in the case of letters"),
        (&["Sub/R__x.sql", "sub/R__X.sql"], "differ only in the case of letters"),
    ];
    for (names, part) in cases {
        let files: Vec<_> = names.iter().map(|name| (format!("migrations/{name}"), "x")).collect();
        let resolved = memory::resolve(&SourceSettings::default(), &files);
        let [finding] = resolved.findings.as_slice() else { panic!("{names:?}: {:?}", resolved.findings) };
        assert_eq!(finding.code, Code::DuplicateMigration, "{names:?}");
        assert!(finding.is_error(), "{names:?}");
        assert!(finding.message.contains(part), "{names:?}: {}", finding.message);
        for (file, _) in &files {
            assert!(finding.message.contains(&format!("'{file}'")), "{names:?}: {}", finding.message);
        }
    }
}

#[test]
fn the_notes_say_why_two_names_are_one() {
    let of = |a: &str, b: &str| {
        let resolved = resolved(&[(a, "x"), (b, "x")]);
        resolved.findings[0].notes.join("; ")
    };
    assert!(of("migrations/V01__a.sql", "migrations/V1__b.sql").contains("01 and 1 are the same version"));
    assert!(of("migrations/R__e\u{301}.sql", "migrations/R__\u{E9}.sql").contains("NFC and NFD"));
    assert!(of("migrations/V1__A.sql", "migrations/V1__a.sql").contains("case of letters"));
}

#[test]
fn different_identities_live_side_by_side() {
    let resolved = resolved(&[
        ("migrations/V1__a.sql", "x"),
        ("migrations/B1__a.sql", "x"),
        ("migrations/U1__a.sql", "x"),
        ("migrations/R__a.sql", "x"),
        ("migrations/A__a.sql", "x"),
        ("migrations/beforeMigrate__a.sql", "x"),
        ("migrations/afterMigrate__a.sql", "x"),
    ]);
    assert_eq!(findings(&resolved), [""; 0]);
    assert_eq!(resolved.migrations.len(), 7);
}

#[test]
fn two_folders_with_one_path_are_a_duplicate() {
    let settings =
        SourceSettings { migrations: vec!["a".into(), "./b/".into()], ..SourceSettings::default() };
    let resolved = memory::resolve(&settings, &[("a/V1__x.sql", "x"), ("b/V1__x.sql", "x")]);
    assert_eq!(findings(&resolved), ["Error duplicate_migration b/V1__x.sql"]);
    assert!(resolved.findings[0].notes[0].contains("more than one migrations folder"));
}

#[test]
fn decomposed_names_are_read_as_composed() {
    let resolved = resolved(&[("migrations/cafe\u{301}/R__cafe\u{301}.sql", "x")]);
    let migration = &resolved.migrations[0];
    assert_eq!(migration.description, "caf\u{E9}");
    assert_eq!(migration.script, "caf\u{E9}/R__caf\u{E9}.sql");
    assert_eq!(migration.file, "migrations/cafe\u{301}/R__cafe\u{301}.sql");
}

#[test]
fn all_findings_come_at_once() {
    let resolved = memory::resolve(
        &SourceSettings::default(),
        &[
            ("migrations/Readme.sql", &b"x"[..]),
            ("migrations/V1__ok.sql", b"x"),
            ("migrations/V2__nul.sql", b"a\nb\0"),
            ("migrations/V3__bad.sql", b"a\n\xFF"),
            ("migrations/V4__x.py", b"x"),
            ("migrations/V4__x.sql", b"x"),
            ("migrations/V4__y.sql", b"x"),
            ("migrations/V9__x.sql.conf", b"x"),
            ("migrations/grants.sql", b"x"),
            ("migrations/v2__x.sql", b"x"),
        ],
    );
    let expected = [
        "Error misnamed_file migrations/Readme.sql",
        "Error unsupported_file migrations/V4__x.py",
        "Error misnamed_file migrations/grants.sql",
        "Error misnamed_file migrations/v2__x.sql",
        "Warning orphan_conf migrations/V9__x.sql.conf",
        "Error duplicate_migration migrations/V4__y.sql",
        "Error undecodable_text migrations/V2__nul.sql",
        "Error undecodable_text migrations/V3__bad.sql",
    ];
    assert_eq!(findings(&resolved), expected);
    assert_eq!(scripts(&resolved), ["V1__ok.sql", "V4__x.sql", "V4__y.sql"]);
    assert!(resolved.has_error());
    let bad = resolved.findings.last().unwrap();
    assert_eq!(bad.place.as_ref().unwrap().position, Some((2, 1)));
    assert!(bad.message.contains("offset 2"), "{}", bad.message);
    assert!(resolved.findings.iter().all(|f| f.hint.is_some() || f.severity == Severity::Info));
    let misnamed = &resolved.findings[3];
    assert!(misnamed.hint.as_deref().unwrap().contains("did you mean 'V2__x.sql'"), "{misnamed:?}");
}

#[test]
fn ignored_files_are_left_alone() {
    let files = [
        ("migrations/Readme.sql", "x"),
        ("migrations/old/V1__x.sql", "x"),
        ("migrations/old/deep/grants.sql", "x"),
        ("migrations/V1__x.sql", "x"),
        ("migrations/V1__x.sql.conf", "encoding=klingon"),
        ("migrations/V2__x.sql", "x"),
    ];
    let with = |ignore: &[&str]| {
        let ignore = ignore.iter().map(|glob| (*glob).to_owned()).collect();
        memory::resolve(&SourceSettings { ignore, ..SourceSettings::default() }, &files)
    };
    let clean = with(&["Readme.sql", "migrations/old/", "*.conf"]);
    assert_eq!(findings(&clean), [""; 0]);
    assert_eq!(scripts(&clean), ["V1__x.sql", "V2__x.sql"]);
    // From the migrations folder too; an ignored script leaves no orphan behind.
    let clean = with(&["old/**", "Read*", "V1__x.sql"]);
    assert_eq!(findings(&clean), [""; 0]);
    assert_eq!(scripts(&clean), ["V2__x.sql"]);
    // `*` stays within a folder.
    assert!(
        findings(&with(&["migrations/*.sql"]))
            .contains(&"Error misnamed_file migrations/old/deep/grants.sql".into())
    );
    let wrong = with(&["[", "*.conf", "*/Readme.sql", "old/"]);
    assert_eq!(findings(&wrong), ["Error invalid_value -"]);
}

#[test]
fn a_conf_file_names_the_encoding_of_its_script_only() {
    let cases = [
        "encoding=ISO-8859-1",
        "# x\r\n encoding : latin1 \r\n",
        "encoding iso-8859-1",
        "encoding=utf-8\nencoding=latin1",
    ];
    for conf in cases {
        let resolved = memory::resolve(
            &SourceSettings::default(),
            &[
                ("migrations/V1__x.sql", &b"-- caf\xE9\n"[..]),
                ("migrations/V1__x.sql.conf", conf.as_bytes()),
                ("migrations/V2__x.sql", b"-- caf\xE9\n"),
            ],
        );
        assert_eq!(findings(&resolved), ["Error undecodable_text migrations/V2__x.sql"], "{conf}");
        assert_eq!(resolved.migrations[0].crc, -266_846_164, "{conf}");
    }
    for conf in ["", "encodings=latin1", "#encoding=latin1", "detectEncoding=true", "encoding"] {
        assert_eq!(conf_encoding(conf), None, "{conf}");
    }
    let unknown =
        resolved(&[("migrations/V1__x.sql", "x"), ("migrations/V1__x.sql.conf", "encoding=klingon")]);
    assert_eq!(findings(&unknown), ["Error invalid_value migrations/V1__x.sql.conf"]);
}

#[test]
fn an_unknown_encoding_is_said_once() {
    let settings = SourceSettings { encoding: "klingon".into(), ..SourceSettings::default() };
    let resolved =
        memory::resolve(&settings, &[("migrations/V1__x.sql", "x"), ("migrations/V2__x.sql", "x")]);
    assert_eq!(findings(&resolved), ["Error invalid_value -"]);
}

#[test]
fn many_files_keep_their_order() {
    let files: Vec<_> =
        (1..=1000).map(|n| (format!("migrations/V{n}__x.sql"), format!("SELECT {n};"))).collect();
    let resolved = memory::resolve(&SourceSettings::default(), &files);
    assert_eq!(resolved.findings, []);
    for (n, migration) in (1..=1000).zip(&resolved.migrations) {
        assert_eq!(&*migration.text, format!("SELECT {n};"));
        assert_eq!(migration.script, format!("V{n}__x.sql"));
    }
    assert_eq!(resolved.migrations.len(), 1000);
}
