//! What runs by itself: tasks and their graphs, streams, pipes, alerts, dynamic tables.

use super::{play::play, *};

const GRAPH: &[(&str, &str)] = &[
    ("CREATE TASK root WAREHOUSE = deploy_xs SCHEDULE = '5 MINUTES' AS SELECT 1", "applied"),
    ("CREATE TASK child AFTER root AS SELECT 1", "applied"),
    ("CREATE TASK grandchild AFTER child AS SELECT 1", "applied"),
    ("CREATE TASK last FINALIZE = root AS SELECT 1", "applied"),
];

fn state(bench: &Bench, name: &str) -> Option<store::State> {
    bench.object(ObjectKind::Task, name).unwrap_or_else(|| panic!("{name}")).state
}

#[test]
fn a_graph_is_changed_only_while_its_root_is_suspended() {
    let bench = play(GRAPH);
    for name in ["ROOT", "CHILD", "GRANDCHILD", "LAST"] {
        assert_eq!(state(&bench, name), Some(store::State::Suspended), "{name}");
    }
    let refused = "091421 Unable to update graph with root task LOCAL.PUBLIC.ROOT since that root task is not suspended.";
    let bench = play::go_on(
        bench,
        &[
            ("ALTER TASK grandchild RESUME", "applied"),
            ("ALTER TASK child RESUME", "applied"),
            ("ALTER TASK root RESUME", "applied"),
            ("ALTER TASK child RESUME", refused),
            ("ALTER TASK child SUSPEND", refused),
            ("ALTER TASK grandchild SET WAREHOUSE = load_xl", refused),
            ("ALTER TASK last MODIFY AS SELECT 2", refused),
            ("ALTER TASK root SET SCHEDULE = '1 MINUTE'", refused),
            ("ALTER TASK root MODIFY AS SELECT 2", refused),
            ("CREATE OR ALTER TASK root WAREHOUSE = deploy_xs SCHEDULE = '1 MINUTE' AS SELECT 2", refused),
            ("CREATE TASK late AFTER child AS SELECT 1", refused),
            ("CREATE OR REPLACE TASK child AFTER root AS SELECT 1", refused),
            ("DROP TASK grandchild", refused),
            ("DROP TASK IF EXISTS grandchild", refused),
            ("ALTER TASK root SUSPEND", "applied"),
            ("CREATE TASK late AFTER child, root AS SELECT 1", "applied"),
            ("ALTER TASK grandchild SET WAREHOUSE = load_xl", "applied"),
            ("ALTER TASK root RESUME", "applied"),
            ("ALTER TASK root RESUME", "applied"),
        ],
    );
    assert_eq!(state(&bench, "ROOT"), Some(store::State::Started));
    assert_eq!(state(&bench, "CHILD"), Some(store::State::Started));
}

#[test]
fn tasks_have_predecessors_of_their_own_schema_and_one_way_to_start() {
    play(&[
        ("CREATE TASK a SCHEDULE = '1 MINUTE' AS SELECT 1", "applied"),
        ("CREATE TASK b AFTER nope AS SELECT 1", "091085 Invalid predecessor NOPE was specified."),
        (
            "CREATE TASK b FINALIZE = nope AS SELECT 1",
            "091085 Invalid finalized root task NOPE was specified.",
        ),
        ("CREATE TASK IF NOT EXISTS a AFTER nope AS SELECT 1", "091085 Invalid predecessor NOPE"),
        (
            "CREATE TASK b SCHEDULE = '1 MINUTE' AFTER a AS SELECT 1",
            "000000 only one of SCHEDULE, AFTER and FINALIZE",
        ),
        ("CREATE TASK b FINALIZE = a AFTER a AS SELECT 1", "000000 only one of"),
        ("CREATE TASK b WHEN SYSTEM$STREAM_HAS_DATA('s') AS SELECT 1", "applied"),
        ("CREATE SCHEMA s", "applied"),
        ("CREATE TASK c AFTER public.a AS SELECT 1", "091085 Invalid predecessor PUBLIC.A was specified."),
        ("ALTER TASK public.b RENAME TO x", "001003 unexpected 'RENAME'"),
        ("USE SCHEMA public", "applied"),
        ("ALTER TASK b ADD AFTER nope", "091085 Invalid predecessor NOPE was specified."),
        ("CREATE TASK plain AS SELECT 1", "applied"),
        ("ALTER TASK plain ADD AFTER a", "applied"),
        ("EXECUTE TASK a", "ok"),
        ("EXECUTE TASK plain", "091435 Execute task cannot be called on non-root task LOCAL.PUBLIC.PLAIN."),
        ("ALTER TASK plain REMOVE AFTER a", "applied"),
        ("EXECUTE TASK plain", "ok"),
    ]);
}

#[test]
fn a_replaced_task_is_suspended_and_keeps_its_place_a_dropped_one_is_cut_off() {
    let bench = play(GRAPH);
    let after = |bench: &Bench, name: &str| -> Vec<String> {
        bench.object(ObjectKind::Task, name).unwrap().after.iter().map(ToString::to_string).collect()
    };
    let bench = play::go_on(
        bench,
        &[
            ("ALTER TASK root RESUME", "applied"),
            ("CREATE OR REPLACE TASK root SCHEDULE = '9 MINUTES' AS SELECT 1", "applied"),
        ],
    );
    assert_eq!(state(&bench, "ROOT"), Some(store::State::Suspended));
    assert_eq!(after(&bench, "CHILD"), ["ROOT"]);
    let bench = play::go_on(bench, &[("DROP TASK child", "applied")]);
    assert_eq!(after(&bench, "GRANDCHILD"), [""; 0]);
    let bench = play::go_on(
        bench,
        &[("ALTER TASK root RESUME", "applied"), ("GRANT OWNERSHIP ON TASK root TO ROLE reader", "applied")],
    );
    assert_eq!(state(&bench, "ROOT"), Some(store::State::Suspended));
    assert_eq!(bench.object(ObjectKind::Task, "LAST").unwrap().finalizes, None);
}

#[test]
fn what_a_statement_that_is_not_looked_into_did_to_tasks_is_not_known() {
    let bench = play(GRAPH);
    let bench = play::go_on(
        bench,
        &[
            ("ALTER TASK root RESUME", "applied"),
            (
                "CREATE PROCEDURE p() RETURNS STRING LANGUAGE PYTHON RUNTIME_VERSION = '3.11' PACKAGES = ('snowflake-snowpark-python') HANDLER = 'h' AS 'def h(s): return 1'",
                "applied",
            ),
            ("CALL p()", "opaque"),
            ("ALTER TASK child RESUME", "applied"),
        ],
    );
    assert_eq!(state(&bench, "ROOT"), None);
}

#[test]
fn a_stream_follows_its_source_by_identity() {
    let gone = "091901 Base table 'LOCAL.PUBLIC.T' dropped, cannot read from stream 'S'";
    let setup: &[(&str, &str)] = &[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE STREAM s ON TABLE t APPEND_ONLY = TRUE", "applied"),
        ("SELECT a, METADATA$ACTION FROM s", "checked"),
    ];
    let table: &[&[(&str, &str)]] = &[
        &[("CREATE OR REPLACE TABLE t (a INT)", "applied"), ("SELECT a FROM s", gone)],
        &[("DROP TABLE t", "applied"), ("INSERT INTO x SELECT a FROM s", gone)],
        &[("DROP TABLE t", "applied"), ("UNDROP TABLE t", "applied"), ("SELECT a FROM s", "checked")],
        &[("ALTER TABLE t RENAME TO t2", "applied"), ("SELECT a FROM s", "checked")],
        &[("ALTER TABLE t ADD COLUMN b INT", "applied"), ("SELECT a FROM s", "checked")],
        &[("CREATE OR ALTER TABLE t (a INT, b INT)", "applied"), ("SELECT a FROM s", "checked")],
        &[
            ("ALTER TABLE t SWAP WITH u", "applied"),
            ("DROP TABLE t", "applied"),
            ("SELECT a FROM s", "checked"),
            ("DROP TABLE u", "applied"),
            ("SELECT a FROM s", "091901 Base table 'LOCAL.PUBLIC.U' dropped"),
        ],
        &[
            ("CREATE OR REPLACE TABLE t (a INT)", "applied"),
            ("CREATE OR REPLACE STREAM s ON TABLE t", "applied"),
            ("SELECT a FROM s", "checked"),
        ],
        &[("DROP TABLE t", "applied"), ("DROP STREAM s", "applied")],
    ];
    for script in table {
        let bench = play(&[("CREATE TABLE u (a INT)", "applied"), ("CREATE TABLE x (a INT)", "applied")]);
        play::go_on(play::go_on(bench, setup), script);
    }
}

#[test]
fn streams_watch_what_is_there() {
    play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE VIEW v AS SELECT a FROM t", "applied"),
        ("CREATE STAGE g DIRECTORY = (ENABLE = TRUE)", "applied"),
        ("CREATE STREAM s1 ON VIEW v", "applied"),
        ("CREATE STREAM s2 ON STAGE g", "applied"),
        ("CREATE STREAM s3 ON TABLE raw.x.y", "recorded"),
        ("CREATE STREAM s4 CLONE s1", "applied"),
        ("CREATE STREAM s5 ON TABLE nope", "002003 Table 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE STREAM s5 ON VIEW nope", "002003 View 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE STREAM s5 ON STAGE nope", "002003 Stage 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE STREAM s1 ON TABLE t", "002002 already exists"),
        ("CREATE STREAM t ON TABLE t", "001998 already exists as TABLE"),
        ("CREATE STREAM IF NOT EXISTS v ON TABLE t", "001998 already exists as VIEW"),
        ("CREATE TABLE s1 (a INT)", "001998 already exists as STREAM"),
        ("CREATE TEMPORARY TABLE s1 (a INT)", "001998 already exists as STREAM"),
        ("CREATE OR REPLACE VIEW s1 AS SELECT 1 AS a", "001998 already exists as STREAM"),
        ("DROP TABLE IF EXISTS s1", "000000 Object found is of type 'STREAM', not specified type 'TABLE'."),
        ("DROP STREAM v", "000000 Object found is of type 'VIEW', not specified type 'STREAM'."),
        // Other kinds have names of their own.
        ("CREATE SEQUENCE s1", "applied"),
        ("CREATE TASK s1 AS SELECT 1", "applied"),
        ("CREATE FILE FORMAT s1 TYPE = CSV", "applied"),
        ("DROP STREAM s1", "applied"),
    ]);
}

#[test]
fn a_stream_has_the_columns_of_its_source_and_three_more() {
    let bench = play(&[
        ("CREATE TABLE t (a INT, b STRING)", "applied"),
        ("CREATE STREAM s ON TABLE t", "applied"),
        ("SELECT a, METADATA$ACTION, metadata$row_id FROM s WHERE METADATA$ISUPDATE", "checked"),
        ("SELECT s.b FROM s JOIN t ON s.a = t.a", "checked"),
        ("SELECT nope FROM s", "000904 invalid identifier 'NOPE'"),
        ("INSERT INTO t SELECT * FROM s", "002020 expecting 2 but got 5"),
        ("INSERT INTO t SELECT a, b FROM s", "checked"),
        (
            "INSERT INTO t SELECT * EXCLUDE (METADATA$ACTION, METADATA$ISUPDATE, METADATA$ROW_ID) FROM s",
            "checked",
        ),
        ("CREATE TABLE copy AS SELECT * FROM s", "applied"),
        ("ALTER TABLE t ADD COLUMN c DATE", "applied"),
        ("SELECT c FROM s", "checked"),
        ("CREATE STREAM r ON TABLE raw.x.y", "recorded"),
        ("SELECT anything FROM r", "checked"),
        ("CREATE STAGE g DIRECTORY = (ENABLE = TRUE)", "applied"),
        ("CREATE STREAM gs ON STAGE g", "applied"),
        ("SELECT relative_path, size FROM gs", "checked"),
    ]);
    assert_eq!(bench.columns("COPY").len(), 5);
}

#[test]
fn pipes_need_their_table_and_stage() {
    play(&[
        ("CREATE TABLE t (a INT)", "applied"),
        ("CREATE STAGE g", "applied"),
        ("CREATE PIPE p AS COPY INTO t FROM @g", "applied"),
        ("CREATE PIPE q AS COPY INTO nope FROM @g", "002003 Table 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE PIPE q AS COPY INTO t FROM @nope", "002003 Stage 'LOCAL.PUBLIC.NOPE'"),
        ("CREATE PIPE p AS COPY INTO t FROM @g", "002002 already exists"),
        ("CREATE OR REPLACE PIPE p AUTO_INGEST = TRUE AS COPY INTO t FROM @g", "applied"),
        ("ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE", "applied"),
        ("ALTER PIPE p REFRESH", "ok"),
        ("DROP PIPE p", "applied"),
        ("UNDROP PIPE p", "001003 unexpected 'PIPE'"),
    ]);
}

#[test]
fn alerts_and_dynamic_tables_have_a_state() {
    let alert =
        "CREATE ALERT al WAREHOUSE = deploy_xs SCHEDULE = '1 MINUTE' IF (EXISTS (SELECT 1)) THEN SELECT 1";
    let bench = play(&[
        ("CREATE TABLE t (a INT, b STRING)", "applied"),
        (alert, "applied"),
        ("ALTER ALERT al RESUME", "applied"),
        (
            "CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = deploy_xs AS SELECT a, b AS c FROM t",
            "applied",
        ),
        ("SELECT a, c FROM d", "checked"),
        ("SELECT b FROM d", "000904 invalid identifier 'B'"),
        ("ALTER DYNAMIC TABLE d SET TARGET_LAG = '2 minutes'", "applied"),
        ("ALTER DYNAMIC TABLE d REFRESH", "ok"),
        ("ALTER DYNAMIC TABLE d SUSPEND", "applied"),
        (
            "CREATE DYNAMIC TABLE e TARGET_LAG = '1 minute' WAREHOUSE = deploy_xs AS SELECT x FROM t",
            "000904 'X'",
        ),
        (
            "CREATE DYNAMIC TABLE t TARGET_LAG = '1 minute' WAREHOUSE = deploy_xs AS SELECT 1 AS a",
            "001998 as TABLE",
        ),
        ("CREATE TABLE d (a INT)", "001998 already exists as DYNAMIC_TABLE"),
        ("CREATE DYNAMIC TABLE e CLONE d", "applied"),
        ("DROP DYNAMIC TABLE d", "applied"),
        ("UNDROP DYNAMIC TABLE d", "applied"),
        ("ALTER DYNAMIC TABLE d RESUME", "applied"),
    ]);
    assert_eq!(bench.object(ObjectKind::Alert, "AL").unwrap().state, Some(store::State::Started));
    assert_eq!(bench.relation("D").state, Some(store::State::Started));
    assert_eq!(bench.columns("E"), ["A", "C"]);
}
