use super::*;

const CANARY: &str = "canary9";
const SLOT: &str = "\u{27E6}secret:PW\u{27E7}";

/// What can be read of differences.
fn shown(differences: &[Difference]) -> String {
    format!("{differences:#?}")
}

#[test]
fn literal_secrets_stand_in_no_snapshot_and_no_difference() {
    const STAGE: &str = "CREATE STAGE x URL = 's3://b/'";
    for script in [
        &["CREATE SECRET x TYPE = GENERIC_STRING SECRET_STRING = 'canary9'"][..],
        &[
            "CREATE SECRET x TYPE = GENERIC_STRING SECRET_STRING = 'a'",
            "ALTER SECRET x SET SECRET_STRING = 'canary9'",
        ],
        &["CREATE SECRET x TYPE = PASSWORD USERNAME = 'canary9' PASSWORD = 'canary9'"],
        &["CREATE SECRET x TYPE = OAUTH2 OAUTH_REFRESH_TOKEN = 'canary9' API_AUTHENTICATION = i"],
        &[
            "CREATE SECRET x TYPE = OAUTH2 API_AUTHENTICATION = i",
            "ALTER SECRET x SET OAUTH_SCOPES = ('canary9')",
        ],
        &["CREATE STAGE x URL = 's3://b/' CREDENTIALS = (AWS_KEY_ID = 'canary9' AWS_SECRET_KEY = 'canary9')"],
        &[STAGE, "ALTER STAGE x SET CREDENTIALS = (AWS_KEY_ID='canary9' AWS_SECRET_KEY='canary9')"],
        &["CREATE STAGE x URL = 'azure://b/' CREDENTIALS = (AZURE_SAS_TOKEN = '?canary9')"],
        &["CREATE STAGE x URL = 's3://b/' ENCRYPTION = (TYPE = 'AWS_CSE' MASTER_KEY = 'canary9')"],
        &[STAGE, "ALTER STAGE x SET ENCRYPTION = (MASTER_KEY = 'canary9')"],
        &[
            "CREATE TASK x AS COPY INTO t FROM 's3://b/' CREDENTIALS = (AWS_KEY_ID = 'canary9' AWS_TOKEN = 'b')",
        ],
        &[
            "CREATE PROCEDURE x() RETURNS INT LANGUAGE SQL AS $$BEGIN ALTER USER u SET PASSWORD = 'canary9'; END$$",
        ],
    ] {
        let whole = Side::of(script);
        assert!(whole.catalog.to_text().contains(CANARY), "nothing to hide: {script:?}");
        let text = whole.outline().to_text();
        assert!(!text.contains(CANARY), "{script:?}: {text}");
        assert_eq!(told(script, script), [""; 0], "{script:?}");
        assert_eq!(told(script, &[]), ["missing: by hand"], "{script:?}");
        for (expected, found) in
            [(script, &[][..]), (&[][..], script), (script, &[STAGE]), (&[STAGE], script)]
        {
            let differences = differences(expected, found);
            assert!(!shown(&differences).contains(CANARY), "{script:?}: {differences:#?}");
        }
    }
    // What is beside a secret is compared.
    let stage = |url: &str| format!("CREATE STAGE x URL = '{url}' CREDENTIALS = (AWS_TOKEN = 'canary9')");
    assert_eq!(told(&[&stage("s3://a/")], &[&stage("s3://b/")]), ["definition: by hand"]);
    let procedure = |more: &str| {
        format!(
            "CREATE PROCEDURE x() RETURNS INT LANGUAGE SQL AS 'ALTER USER u SET PASSWORD = $$canary9$${more}'"
        )
    };
    let both = (procedure(""), procedure("; RETURN 1"));
    assert_eq!(told(&[&both.0], &[&both.1]), ["definition: by hand"]);
    assert!(!shown(&differences(&[&both.0], &[&both.1])).contains(CANARY));
    // The ways of encryption without a key are none.
    assert_eq!(
        told(&["CREATE STAGE x ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"], &[]),
        ["missing: CREATE STAGE D.S.X ENCRYPTION = (TYPE='SNOWFLAKE_SSE')"]
    );
}

#[test]
fn a_slot_is_a_value_that_is_not_known() {
    let with = |text: &str, secret: &str| text.replace("SLOT", secret);
    for (written, missing) in [
        ("CREATE TABLE t (a VARCHAR COMMENT 'SLOT')", "missing: by hand"),
        ("CREATE TABLE t (a VARCHAR DEFAULT 'xSLOT')", "missing: by hand"),
        ("CREATE TABLE t (a INT) COMMENT = 'SLOT'", "missing: by hand"),
        ("CREATE VIEW t AS SELECT 'SLOT' AS a", "missing: by hand"),
        ("CREATE STAGE t URL = 's3://SLOT/'", "missing: by hand"),
        ("CREATE TASK t SCHEDULE = '5 MINUTE' AS CALL p('SLOT')", "missing: by hand"),
        ("CREATE FUNCTION t() RETURNS VARCHAR AS '''SLOT'''", "missing: by hand"),
        (
            "CREATE PROCEDURE t(a VARCHAR DEFAULT 'SLOT') RETURNS INT LANGUAGE SQL AS 'RETURN 1'",
            "missing: by hand",
        ),
        ("CREATE MASKING POLICY t AS (v VARCHAR) RETURNS VARCHAR -> 'SLOT'", "missing: by hand"),
        ("CREATE SCHEMA t COMMENT = 'SLOT'", "missing: by hand"),
    ] {
        let (expected, found) = (with(written, SLOT), with(written, CANARY));
        assert!(Side::of(&[&found]).outline().to_text().contains(CANARY) || written.contains("PROCEDURE"));
        assert_eq!(told(&[&expected], &[&found]), [""; 0], "{written}");
        assert_eq!(told(&[&expected], &[]), [missing], "{written}");
        let other = differences(&[&expected], &["CREATE TABLE t (b INT)"]);
        assert!(!shown(&other).contains(SLOT), "{written}: {other:#?}");
    }
    assert_eq!(
        told(
            &["CREATE TABLE t (a INT)", &with("ALTER TABLE t ADD COLUMN b VARCHAR DEFAULT 'SLOT'", SLOT)],
            &["CREATE TABLE t (a INT)"]
        ),
        ["column_missing: by hand"]
    );
    // Beside a slot something differs: neither text is told.
    let task = |when: &str, secret: &str| format!("CREATE TASK t {when} CONFIG = '{secret}' AS SELECT 1");
    let other =
        differences(&[&task("SCHEDULE = '5 MINUTE'", SLOT)], &[&task("SCHEDULE = '7 MINUTE'", CANARY)]);
    assert_eq!(other.len(), 1, "{other:#?}");
    assert!(!shown(&other).contains(SLOT) && !shown(&other).contains(CANARY), "{other:#?}");
}
