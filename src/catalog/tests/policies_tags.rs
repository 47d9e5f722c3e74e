//! Masking and row access policies, and tags.

use super::{play::play, *};

const SETUP: &[(&str, &str)] = &[
    ("CREATE TABLE t (id INT, dept STRING, email VARCHAR(50), day DATE)", "applied"),
    ("CREATE VIEW v AS SELECT id, dept FROM t", "applied"),
    (
        "CREATE MASKING POLICY mask AS (v STRING) RETURNS STRING -> CASE WHEN 1 = 1 THEN v ELSE '*' END",
        "applied",
    ),
    ("CREATE MASKING POLICY other AS (v STRING) RETURNS STRING -> '*'", "applied"),
    ("CREATE MASKING POLICY mask_n AS (v NUMBER) RETURNS NUMBER -> 0", "applied"),
    ("CREATE ROW ACCESS POLICY rap AS (d STRING) RETURNS BOOLEAN -> TRUE", "applied"),
    ("CREATE ROW ACCESS POLICY rap2 AS (d STRING, i NUMBER) RETURNS BOOLEAN -> TRUE", "applied"),
    ("CREATE TAG cost ALLOWED_VALUES 'a', 'b'", "applied"),
    ("CREATE TAG free COMMENT = 'any value'", "applied"),
];

#[test]
fn one_masking_policy_a_column_of_its_type() {
    let taken = "000000 Specified column already attached to another masking policy.";
    let bench = play::go_on(
        play(SETUP),
        &[
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask", "applied"),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask", "applied"),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY other", taken),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY other FORCE", "applied"),
            (
                "ALTER TABLE t MODIFY COLUMN id SET MASKING POLICY mask",
                "000000 COLUMN data type NUMBER(38,0) does not match with masking policy data type TEXT.",
            ),
            (
                "ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask_n FORCE",
                "000000 COLUMN data type VARCHAR(50) does not match with masking policy data type FIXED.",
            ),
            ("ALTER TABLE t MODIFY COLUMN id SET MASKING POLICY mask_n", "applied"),
            ("ALTER TABLE t MODIFY COLUMN nope SET MASKING POLICY mask", "000904 invalid identifier 'NOPE'"),
            (
                "ALTER TABLE t MODIFY COLUMN id SET MASKING POLICY nope",
                "002003 Masking policy 'LOCAL.PUBLIC.NOPE'",
            ),
            (
                "CREATE MASKING POLICY bad AS (v STRING) RETURNS NUMBER -> 1",
                "000000 Masking policy function argument and return type mismatch.",
            ),
            (
                "CREATE TABLE u (n INT WITH MASKING POLICY mask)",
                "000000 COLUMN data type NUMBER(38,0) does not match",
            ),
            (
                "CREATE TABLE u (e STRING WITH MASKING POLICY mask, f STRING MASKING POLICY mask USING (f, e))",
                "applied",
            ),
            ("CREATE VIEW w (a WITH MASKING POLICY mask) AS SELECT dept FROM t", "applied"),
            ("ALTER VIEW v MODIFY COLUMN dept SET MASKING POLICY mask", "applied"),
            ("ALTER TABLE t ADD COLUMN phone STRING WITH MASKING POLICY mask", "applied"),
        ],
    );
    assert_eq!(
        bench.links("T"),
        [
            "ID: MASKING POLICY LOCAL.PUBLIC.MASK_N",
            "EMAIL: MASKING POLICY LOCAL.PUBLIC.OTHER",
            "PHONE: MASKING POLICY LOCAL.PUBLIC.MASK",
        ]
    );
    assert_eq!(bench.links("W"), ["A: MASKING POLICY LOCAL.PUBLIC.MASK"]);
    let bench = play::go_on(bench, &[("ALTER TABLE t MODIFY COLUMN email UNSET MASKING POLICY", "applied")]);
    assert_eq!(bench.links("T").len(), 2);
}

#[test]
fn one_row_access_policy_a_relation_with_fitting_columns() {
    play::go_on(
        play(SETUP),
        &[
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY rap ON (dept, id)",
                "000000 Invalid number of arguments for attaching policy 'RAP' to 'T', expected 1 arguments, got 2 \
                 arguments.",
            ),
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY rap ON (id)",
                "000000 Column 'ID' data type 'NUMBER(38,0)' does not match with Row access policy data type \
                 'VARCHAR(134217728)'.",
            ),
            ("ALTER TABLE t ADD ROW ACCESS POLICY rap ON (nope)", "000904 invalid identifier 'NOPE'"),
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY nope ON (dept)",
                "002003 Row access policy 'LOCAL.PUBLIC.NOPE'",
            ),
            ("ALTER TABLE t DROP ROW ACCESS POLICY rap", "000000 Policy RAP is not attached to TABLE T."),
            ("ALTER TABLE t ADD ROW ACCESS POLICY rap2 ON (email, id)", "applied"),
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY rap ON (dept)",
                "003549 Object T already has a ROW_ACCESS_POLICY. Only one ROW_ACCESS_POLICY is allowed at a time.",
            ),
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY rap2 ON (email, id)",
                "003549 already has a ROW_ACCESS_POLICY",
            ),
            ("ALTER TABLE t DROP ROW ACCESS POLICY rap2, ADD ROW ACCESS POLICY rap ON (dept)", "applied"),
            ("ALTER TABLE t DROP ALL ROW ACCESS POLICIES", "applied"),
            ("ALTER TABLE t DROP ALL ROW ACCESS POLICIES", "applied"),
            ("ALTER VIEW v ADD ROW ACCESS POLICY rap ON (dept)", "applied"),
            ("CREATE TABLE u (d STRING) WITH ROW ACCESS POLICY rap ON (d)", "applied"),
            (
                "CREATE TABLE w (d DATE) WITH ROW ACCESS POLICY rap ON (d)",
                "000000 does not match with Row access",
            ),
            (
                "CREATE TABLE w (d STRING) WITH ROW ACCESS POLICY rap ON (x)",
                "000000 column 'X' does not exist",
            ),
            ("ALTER TABLE t MODIFY COLUMN dept SET MASKING POLICY mask", "applied"),
            (
                "ALTER TABLE t ADD ROW ACCESS POLICY rap ON (dept)",
                "000000 Column 'DEPT' cannot be used as policy argument because it is masked by another policy.",
            ),
        ],
    );
}

#[test]
fn an_attached_policy_is_neither_dropped_nor_replaced() {
    let held = |name: &str| {
        format!(
            "000000 Policy {name} cannot be dropped/replaced as it is associated with one or more entities."
        )
    };
    let (mask, rap) = (held("MASK"), held("RAP"));
    play::go_on(
        play(SETUP),
        &[
            ("CREATE OR REPLACE MASKING POLICY mask AS (v STRING) RETURNS STRING -> '?'", "applied"),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask", "applied"),
            ("ALTER TABLE t ADD ROW ACCESS POLICY rap ON (dept)", "applied"),
            ("DROP MASKING POLICY mask", &mask),
            ("CREATE OR REPLACE MASKING POLICY mask AS (v STRING) RETURNS STRING -> '*'", &mask),
            ("CREATE MASKING POLICY IF NOT EXISTS mask AS (v STRING) RETURNS STRING -> '*'", "applied"),
            ("DROP ROW ACCESS POLICY IF EXISTS rap", &rap),
            ("ALTER MASKING POLICY mask SET BODY -> '?'", "applied"),
            ("ALTER MASKING POLICY mask RENAME TO mask3", "applied"),
            ("DROP MASKING POLICY mask3", "000000 Policy MASK3 cannot be dropped"),
            ("ALTER TABLE t MODIFY COLUMN email UNSET MASKING POLICY", "applied"),
            ("DROP MASKING POLICY mask3", "applied"),
            ("DROP TABLE t", "applied"),
            ("DROP ROW ACCESS POLICY rap", "applied"),
            ("CREATE TABLE c (d STRING) WITH ROW ACCESS POLICY rap2 ON (d)", "000000 expected 2 arguments"),
            // A tag that carries a policy holds it too.
            ("ALTER TAG free SET MASKING POLICY other, MASKING POLICY mask_n", "applied"),
            ("DROP MASKING POLICY other", "000000 Policy OTHER"),
            ("DROP MASKING POLICY mask_n", "000000 Policy MASK_N"),
            ("ALTER TAG free UNSET MASKING POLICY local.public.other", "applied"),
            ("DROP MASKING POLICY other", "applied"),
        ],
    );
}

#[test]
fn tags_have_allowed_values_and_go_when_they_are_dropped() {
    let wrong = "000000 the value 'c' is not among the allowed values of tag 'LOCAL.PUBLIC.COST'";
    let bench = play::go_on(
        play(SETUP),
        &[
            ("ALTER TABLE t SET TAG cost = 'c'", wrong),
            ("CREATE TABLE u (a INT) WITH TAG (cost = 'c')", wrong),
            ("CREATE TABLE u (a INT WITH TAG (cost = 'c'))", wrong),
            ("CREATE SCHEMA s WITH TAG (cost = 'c')", wrong),
            ("ALTER TABLE t SET TAG nope = 'c'", "002003 Tag 'LOCAL.PUBLIC.NOPE'"),
            ("ALTER TABLE t UNSET TAG nope", "002003 Tag 'LOCAL.PUBLIC.NOPE'"),
            ("ALTER TABLE t SET TAG cost = 'a', free = 'x'", "applied"),
            ("ALTER TABLE t SET TAG cost = 'b'", "applied"),
            ("ALTER TABLE t MODIFY COLUMN id SET TAG free = 'y'", "applied"),
            ("ALTER SCHEMA public SET TAG cost = 'a'", "applied"),
            ("ALTER WAREHOUSE deploy_xs SET TAG cost = 'a'", "applied"),
            ("ALTER TAG cost ADD ALLOWED_VALUES 'c'", "applied"),
            ("ALTER TABLE t SET TAG cost = 'c'", "applied"),
            ("ALTER TAG cost DROP ALLOWED_VALUES 'c'", "applied"),
            ("ALTER TABLE t SET TAG cost = 'c'", wrong),
            ("ALTER TABLE t UNSET TAG free", "applied"),
            ("ALTER TAG cost RENAME TO price", "applied"),
        ],
    );
    assert_eq!(bench.links("T"), ["TAG LOCAL.PUBLIC.PRICE = c", "ID: TAG LOCAL.PUBLIC.FREE = y"]);
    let text = bench.catalog.to_text();
    assert_eq!(text.matches("LOCAL.PUBLIC.PRICE").count(), 3, "table, schema and warehouse");
    let bench = play::go_on(bench, &[("DROP TAG price", "applied"), ("DROP TAG free", "applied")]);
    assert_eq!(bench.links("T"), [""; 0]);
    assert!(!bench.catalog.to_text().contains("LOCAL.PUBLIC.PRICE"));
    play::go_on(bench, &[("UNDROP TAG free", "applied"), ("ALTER TABLE t SET TAG free = 'z'", "applied")]);
}

#[test]
fn lost_policies_and_tags_are_named() {
    let mut bench = play::go_on(
        play(SETUP),
        &[
            ("ALTER TABLE t SET TAG free = 'x'", "applied"),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask", "applied"),
        ],
    );
    assert_eq!(
        bench.warning("CREATE OR REPLACE TABLE t COPY TAGS (email STRING)"),
        "table LOCAL.PUBLIC.T is new, what was set on the former one is lost: masking policy LOCAL.PUBLIC.MASK on column \
         EMAIL; set it again"
    );
    let second = bench.warning("CREATE OR REPLACE TABLE t (email STRING)");
    assert!(second.contains("lost: tag LOCAL.PUBLIC.FREE; set it again"), "{second}");
}

#[test]
fn what_a_copy_of_a_table_takes_along() {
    let bench = play::go_on(
        play(SETUP),
        &[
            ("ALTER TABLE t SET TAG free = 'x'", "applied"),
            ("ALTER TABLE t MODIFY COLUMN email SET MASKING POLICY mask", "applied"),
            ("ALTER TABLE t ADD ROW ACCESS POLICY rap ON (dept)", "applied"),
            ("CREATE TABLE cloned CLONE t", "applied"),
            ("CREATE TABLE alike LIKE t", "applied"),
            ("CREATE OR REPLACE TABLE t COPY TAGS AS SELECT 1 AS id", "applied"),
        ],
    );
    assert_eq!(
        bench.links("CLONED"),
        [
            "TAG LOCAL.PUBLIC.FREE = x",
            "ROW ACCESS POLICY LOCAL.PUBLIC.RAP",
            "EMAIL: MASKING POLICY LOCAL.PUBLIC.MASK"
        ]
    );
    assert_eq!(bench.links("ALIKE"), [""; 0]);
    assert_eq!(bench.links("T"), ["TAG LOCAL.PUBLIC.FREE = x"]);
}
