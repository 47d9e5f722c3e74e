//! What is migrated while it crashes.

/// Scripts, by name.
pub(super) type Scripts = [(&'static str, &'static str)];

/// A project at the moment before a run that crashes.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// What ran before, undisturbed.
    pub(super) before: &'static Scripts,
    /// What the run finds beside that, or in its place.
    pub(super) scripts: &'static Scripts,
    /// Where the run fails: what takes the place of the scripts after that.
    pub(super) mended: Option<&'static Scripts>,
    /// Statements of scripts that run in each migrate.
    pub(super) each_run: &'static [&'static str],
    /// The first statement with this text is refused, in words that give it back.
    pub(super) refused: Option<&'static str>,
}

const BASE: &Scripts =
    &[("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\nCREATE TABLE old (id NUMBER);\n")];

const PLAIN: Scenario =
    Scenario { name: "", before: BASE, scripts: &[], mended: None, each_run: &[], refused: None };

impl Scenario {
    /// The project's scripts, those in the place of others at the end.
    pub(super) fn project(&self, more: &[&'static Scripts]) -> Vec<(&'static str, &'static str)> {
        [self.before].iter().chain(more).flat_map(|scripts| scripts.iter().copied()).collect()
    }
}

pub(super) fn first_run() -> Scenario {
    Scenario {
        name: "first run on an empty target",
        before: &[],
        scripts: &[("V1__base.sql", "CREATE TABLE a (id NUMBER);\nCREATE TABLE b (id NUMBER);\n")],
        ..PLAIN
    }
}

pub(super) fn plain_ddl() -> Scenario {
    Scenario {
        name: "plain DDL",
        scripts: &[
            (
                "V2__tables.sql",
                "CREATE TABLE a (id NUMBER);\nALTER TABLE a ADD COLUMN name VARCHAR;\nDROP TABLE old;\n",
            ),
            ("V3__rename.sql", "ALTER TABLE a RENAME TO b;\n"),
        ],
        ..PLAIN
    }
}

/// What a session holds must be there again for the statements after the crash.
pub(super) fn session_state() -> Scenario {
    Scenario {
        name: "session state",
        before: &[("V1__base.sql", "CREATE SCHEMA s;\n")],
        scripts: &[
            (
                "V2__state.sql",
                "USE SCHEMA s;\nSET n = 5;\nCREATE TABLE a (id NUMBER);\nALTER SESSION SET TIMEZONE = 'UTC';\n\
                 CREATE TABLE b (id NUMBER);\n",
            ),
            (
                "V3__temporary.sql",
                "CREATE TEMPORARY TABLE IF NOT EXISTS t (id NUMBER);\nCREATE OR REPLACE VIEW c AS SELECT 1 AS n;\n\
                 CREATE TABLE d (id NUMBER);\n",
            ),
            ("V4__after.sql", "CREATE TABLE e (id NUMBER);\n"),
        ],
        ..PLAIN
    }
}

pub(super) fn scripting_block() -> Scenario {
    Scenario {
        name: "scripting block",
        scripts: &[(
            "V2__block.sql",
            "CREATE TABLE a (id NUMBER);\nBEGIN\n  CREATE TABLE inside (id NUMBER);\n  RETURN 1;\nEND;\nCREATE TABLE b (id NUMBER);\n",
        )],
        ..PLAIN
    }
}

pub(super) fn transaction() -> Scenario {
    Scenario {
        name: "DML transaction",
        scripts: &[(
            "V2__rows.sql",
            "INSERT INTO kept VALUES (1, 'one');\nBEGIN;\nINSERT INTO kept VALUES (2, 'two');\nUPDATE kept SET name = 'ONE' WHERE id = 1;\n\
             COMMIT;\nINSERT INTO kept VALUES (3, 'three');\n",
        )],
        ..PLAIN
    }
}

pub(super) fn repeatables() -> Scenario {
    Scenario {
        name: "repeatables",
        before: &[
            ("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\n"),
            ("R__one.sql", "CREATE OR REPLACE VIEW one AS SELECT id FROM kept;\n"),
            ("R__two.sql", "CREATE OR REPLACE VIEW two AS SELECT id FROM kept;\n"),
        ],
        scripts: &[
            (
                "R__one.sql",
                "CREATE OR REPLACE VIEW one AS SELECT id, name FROM kept;\nCOMMENT ON VIEW one IS 'one';\n",
            ),
            (
                "R__three.sql",
                "INSERT INTO kept VALUES (3, 'three');\nCREATE OR REPLACE TABLE three (id NUMBER);\n",
            ),
        ],
        ..PLAIN
    }
}

pub(super) fn always() -> Scenario {
    Scenario {
        name: "A__",
        before: &[
            ("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\nCREATE ROLE reader;\n"),
            ("A__1_each.sql", "INSERT INTO kept VALUES (1, 'before');\n"),
        ],
        scripts: &[
            ("V2__table.sql", "CREATE TABLE a (id NUMBER);\n"),
            (
                "A__1_each.sql",
                "CREATE OR REPLACE TABLE each_run (id NUMBER);\nGRANT SELECT ON TABLE each_run TO ROLE reader;\n",
            ),
            ("A__2_last.sql", "GRANT SELECT ON TABLE a TO ROLE reader;\n"),
        ],
        each_run: &["CREATE OR REPLACE TABLE each_run (id NUMBER)"],
        ..PLAIN
    }
}

/// The run fails at its second statement, a person mends the script, and the next run goes on there.
pub(super) fn failing_statement() -> Scenario {
    Scenario {
        name: "failing statement",
        scripts: &[
            (
                "V2__broken.sql",
                "CREATE TABLE a (id NUMBER);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE b (id NUMBER);\n",
            ),
            ("V3__after.sql", "CREATE TABLE c (id NUMBER);\n"),
        ],
        mended: Some(&[(
            "V2__broken.sql",
            "CREATE TABLE a (id NUMBER);\nINSERT INTO kept VALUES (1, 'one');\nCREATE TABLE b (id NUMBER);\n",
        )]),
        ..PLAIN
    }
}

pub(super) fn callbacks() -> Scenario {
    Scenario {
        name: "callbacks",
        before: &[("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\n")],
        scripts: &[
            ("beforeMigrate.sql", "INSERT INTO kept VALUES (0, 'before');\n"),
            ("beforeEachMigrate.sql", "CREATE OR REPLACE VIEW seen AS SELECT 1 AS n;\n"),
            ("V2__table.sql", "CREATE TABLE a (id NUMBER);\n"),
            ("afterMigrate.sql", "INSERT INTO kept VALUES (9, 'after');\n"),
        ],
        each_run: &["INSERT INTO kept VALUES (0, 'before')", "INSERT INTO kept VALUES (9, 'after')"],
        ..PLAIN
    }
}

/// That an object of this name is there says nothing of which statement made it.
pub(super) fn same_name() -> Scenario {
    Scenario {
        name: "same name created twice in one run",
        scripts: &[
            (
                "V2__once.sql",
                "CREATE TABLE a (id NUMBER);\nDROP TABLE a;\nCREATE TABLE a (id NUMBER, again NUMBER);\n",
            ),
            ("V3__again.sql", "DROP TABLE a;\nCREATE TABLE a (id NUMBER);\n"),
        ],
        ..PLAIN
    }
}

/// A statement that goes on for longer than a lease after its client has died.
pub(super) fn slow() -> Scenario {
    Scenario {
        name: "slow statement",
        scripts: &[("V2__slow.sql", "CREATE TABLE slow (id NUMBER);\nCREATE TABLE a (id NUMBER);\n")],
        ..PLAIN
    }
}

/// The same, longer still and in a session that was opened after the first script.
pub(super) fn slow_later() -> Scenario {
    Scenario {
        name: "slow statement in a later session",
        scripts: &[
            ("V2__state.sql", "SET n = 5;\nCREATE TABLE a (id NUMBER);\n"),
            ("V3__slow.sql", "CREATE TABLE very_slow (id NUMBER);\n"),
        ],
        ..PLAIN
    }
}

/// A session that is not the script's at its start, and a transaction in it, before DDL that must see both.
pub(super) fn mixed() -> Scenario {
    Scenario {
        name: "session, transaction, DDL",
        before: &[("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\nCREATE SCHEMA s;\n")],
        scripts: &[(
            "V2__mixed.sql",
            "SET n = 5;\nBEGIN;\nINSERT INTO retail.public.kept VALUES (1, 'one');\nUSE SCHEMA s;\n\
             INSERT INTO retail.public.kept VALUES (2, 'two');\nCOMMIT;\nCREATE TABLE a (id NUMBER);\n\
             ALTER TABLE a ADD COLUMN name VARCHAR;\n",
        )],
        ..PLAIN
    }
}

/// The run rolls back what the script left open and fails; with a COMMIT it goes on.
pub(super) fn left_open() -> Scenario {
    Scenario {
        name: "a transaction left open",
        scripts: &[
            ("V2__open.sql", "CREATE TABLE a (id NUMBER);\nBEGIN;\nINSERT INTO kept VALUES (1, 'one');\n"),
            ("V3__after.sql", "CREATE TABLE b (id NUMBER);\n"),
        ],
        mended: Some(&[(
            "V2__open.sql",
            "CREATE TABLE a (id NUMBER);\nBEGIN;\nINSERT INTO kept VALUES (1, 'one');\nCOMMIT;\n",
        )]),
        ..PLAIN
    }
}

/// That the table is there, and was made lately, says nothing of which statement made it.
pub(super) fn replaced() -> Scenario {
    Scenario {
        name: "one table replaced twice, a call",
        before: &[(
            "V1__base.sql",
            "CREATE OR REPLACE PROCEDURE p() RETURNS STRING LANGUAGE SQL AS 'BEGIN RETURN 1; END';\n",
        )],
        scripts: &[(
            "V2__replaced.sql",
            "CREATE OR REPLACE TABLE a (id NUMBER);\nCREATE OR REPLACE TABLE a (id NUMBER);\n\
             CREATE OR REPLACE TABLE a (id NUMBER, name VARCHAR);\nCALL p();\n",
        )],
        ..PLAIN
    }
}

/// Scripts with a role and a warehouse of their own.
pub(super) fn headers() -> Scenario {
    Scenario {
        name: "role and warehouse in headers",
        before: &[("V1__base.sql", "CREATE WAREHOUSE load_xl;\nUSE WAREHOUSE deploy_xs;\n")],
        scripts: &[
            (
                "V2__role.sql",
                "-- snowops: role=SYSADMIN\nCREATE TABLE a (id NUMBER);\nCREATE TABLE b (id NUMBER);\n",
            ),
            ("V3__both.sql", "-- snowops: warehouse=LOAD_XL role=SYSADMIN\nCREATE TABLE c (id NUMBER);\n"),
            ("V4__none.sql", "CREATE TABLE d (id NUMBER);\n"),
        ],
        ..PLAIN
    }
}

/// A repeatable fails in its middle, is mended, and goes on there.
pub(super) fn failing_repeatable() -> Scenario {
    Scenario {
        name: "failing repeatable",
        before: &[
            ("V1__base.sql", "CREATE TABLE kept (id NUMBER, name VARCHAR);\n"),
            ("R__one.sql", "CREATE OR REPLACE VIEW one AS SELECT id FROM kept;\n"),
        ],
        scripts: &[
            (
                "R__one.sql",
                "INSERT INTO kept VALUES (1, 'one');\nCREATE OR REPLACE VIEW one AS SELECT id FROM nowhere;\n",
            ),
            ("R__two.sql", "CREATE OR REPLACE VIEW two AS SELECT id FROM kept;\n"),
        ],
        mended: Some(&[(
            "R__one.sql",
            "INSERT INTO kept VALUES (1, 'one');\nCREATE OR REPLACE VIEW one AS SELECT id, name FROM kept;\n",
        )]),
        ..PLAIN
    }
}

/// A statement with a secret in it, which the server refuses once and gives back in its words.
pub(super) fn secret() -> Scenario {
    const USER: &str = "CREATE TABLE a (id NUMBER);\nCREATE USER loader PASSWORD = '{{ LOADER_PASSWORD }}';\n\
                        CREATE TABLE b (id NUMBER);\n";
    Scenario {
        name: "secret",
        scripts: &[("V2__user.sql", USER)],
        mended: Some(&[("V2__user.sql", USER)]),
        refused: Some("CREATE USER"),
        ..PLAIN
    }
}

/// For what is tried with two runs, at more points than one.
pub(super) fn short() -> Scenario {
    Scenario {
        name: "two scripts",
        scripts: &[
            ("V2__one.sql", "CREATE TABLE a (id NUMBER);\nINSERT INTO kept VALUES (1, 'one');\n"),
            ("V3__two.sql", "CREATE TABLE b (id NUMBER);\n"),
        ],
        ..PLAIN
    }
}

/// All of them.
pub(super) fn all() -> Vec<Scenario> {
    vec![
        first_run(),
        plain_ddl(),
        session_state(),
        scripting_block(),
        transaction(),
        repeatables(),
        always(),
        failing_statement(),
        callbacks(),
        same_name(),
        slow(),
        mixed(),
        left_open(),
        replaced(),
        headers(),
        failing_repeatable(),
        secret(),
    ]
}
