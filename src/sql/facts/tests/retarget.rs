use super::*;

fn database() -> Renamed {
    Renamed::Database { from: Ident::stored("RETAIL_DEV"), to: Ident::stored("RETAIL_QA") }
}

fn schema() -> Renamed {
    Renamed::Schema { from: Ident::stored("CORE"), to: Ident::stored("core 2") }
}

fn check(sql: &str, change: &Renamed, expected: &str, unsure: &[&str]) {
    let found = retarget(sql, &facts(sql), change);
    assert_eq!(found.text, expected, "{sql}");
    let places: Vec<&str> = found.unsure.iter().map(|at| &sql[at.start..at.end]).collect();
    assert_eq!(places, unsure, "{sql}");
}

#[test]
fn a_database_is_replaced_wherever_it_qualifies_a_name() {
    let rows: &[(&str, &str)] = &[
        ("CREATE DATABASE retail_dev", "CREATE DATABASE RETAIL_QA"),
        ("USE retail_dev", "USE RETAIL_QA"),
        ("USE SCHEMA Retail_Dev . core", "USE SCHEMA RETAIL_QA . core"),
        ("CREATE TABLE \"RETAIL_DEV\".core.t (a INT)", "CREATE TABLE \"RETAIL_QA\".core.t (a INT)"),
        ("CREATE TABLE \"retail_dev\".core.t (a INT)", "CREATE TABLE \"retail_dev\".core.t (a INT)"),
        ("CREATE TABLE core.t (retail_dev INT)", "CREATE TABLE core.t (retail_dev INT)"),
        ("DROP TABLE retail_dev..t", "DROP TABLE RETAIL_QA..t"),
        (
            "DROP TABLE IDENTIFIER('retail_dev.core.\"it''s\"')",
            "DROP TABLE IDENTIFIER('RETAIL_QA.core.\"it''s\"')",
        ),
        ("DROP TABLE IDENTIFIER($$retail_dev.core.t$$)", "DROP TABLE IDENTIFIER($$RETAIL_QA.core.t$$)"),
        ("GRANT USAGE ON DATABASE retail_dev TO ROLE r", "GRANT USAGE ON DATABASE RETAIL_QA TO ROLE r"),
        ("GRANT DATABASE ROLE retail_dev.r TO ROLE q", "GRANT DATABASE ROLE RETAIL_QA.r TO ROLE q"),
        ("COMMENT ON COLUMN retail_dev.core.t.c IS 'x'", "COMMENT ON COLUMN RETAIL_QA.core.t.c IS 'x'"),
        (
            "SELECT retail_dev.core.t.a, u.b FROM retail_dev.core.t JOIN retail_dev.core.u ON retail_dev.core.t.a = u.a",
            "SELECT RETAIL_QA.core.t.a, u.b FROM RETAIL_QA.core.t JOIN RETAIL_QA.core.u ON RETAIL_QA.core.t.a = u.a",
        ),
        (
            "SELECT retail_dev.core.f(a) FROM t -- retail_dev",
            "SELECT RETAIL_QA.core.f(a) FROM t -- retail_dev",
        ),
        (
            "COPY INTO retail_dev.core.t FROM @retail_dev.core.g/retail_dev/",
            "COPY INTO RETAIL_QA.core.t FROM @RETAIL_QA.core.g/retail_dev/",
        ),
        (
            "INSERT ALL INTO retail_dev.core.t INTO retail_dev.core.u SELECT 1",
            "INSERT ALL INTO RETAIL_QA.core.t INTO RETAIL_QA.core.u SELECT 1",
        ),
        ("ALTER TABLE t RENAME TO retail_dev.core.u", "ALTER TABLE t RENAME TO RETAIL_QA.core.u"),
        ("SELECT * FROM retail_dev_2.core.t", "SELECT * FROM retail_dev_2.core.t"),
    ];
    for (sql, expected) in rows {
        check(sql, &database(), expected, &[]);
    }
}

#[test]
fn a_schema_is_replaced_with_and_without_its_database() {
    let rows: &[(&str, &str)] = &[
        ("CREATE SCHEMA d.core", "CREATE SCHEMA d.\"core 2\""),
        ("USE SCHEMA core", "USE SCHEMA \"core 2\""),
        ("CREATE TABLE core.core (core INT)", "CREATE TABLE \"core 2\".core (core INT)"),
        (
            "SELECT core.t.a FROM core.t, d.core.u WHERE d.core.u.a = 1",
            "SELECT \"core 2\".t.a FROM \"core 2\".t, d.\"core 2\".u WHERE d.\"core 2\".u.a = 1",
        ),
        ("LIST @core.g/core/", "LIST @\"core 2\".g/core/"),
        ("DROP DATABASE core", "DROP DATABASE core"),
    ];
    for (sql, expected) in rows {
        check(sql, &schema(), expected, &[]);
    }
    let public = Renamed::Schema { from: Ident::stored("PUBLIC"), to: Ident::stored("X") };
    check("DROP TABLE d..t", &public, "DROP TABLE d.X.t", &[]);
}

#[test]
fn what_may_be_meant_is_left_and_said() {
    let rows: &[(&str, &[&str])] = &[
        ("SELECT retail_dev.a FROM t AS retail_dev", &["retail_dev"]),
        ("EXECUTE IMMEDIATE 'DROP TABLE retail_dev.core.t'", &["'DROP TABLE retail_dev.core.t'"]),
        (
            "CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS $$ SELECT * FROM Retail_Dev.core.t $$",
            &["$$ SELECT * FROM Retail_Dev.core.t $$"],
        ),
        ("SELECT 'retail_dev2', 'my_retail_dev', 'x'", &[]),
    ];
    for (sql, unsure) in rows {
        check(sql, &database(), sql, unsure);
    }
    check(
        "SELECT core.f(a), x.core.g(a) FROM t",
        &schema(),
        "SELECT \"core 2\".f(a), x.\"core 2\".g(a) FROM t",
        &[],
    );
}
