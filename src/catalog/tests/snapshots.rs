//! The text of a snapshot, and what committed ones hold.

use super::*;

/// What a snapshot of `RAW` would hold.
fn raw() -> Catalog {
    let seed = Seed {
        context: Context4 {
            role: Some(Ident::stored("LOADER")),
            database: Some(Ident::stored("RAW")),
            schema: Some(Ident::stored("SHOP")),
            ..Context4::default()
        },
        now: "2025-01-01T00:00:00Z".to_owned(),
        ..Seed::default()
    };
    let mut bench = Bench { catalog: Catalog::new(&seed), session: SessionState::new(seed.context), run: 0 };
    for sql in [
        "CREATE TABLE orders (id NUMBER(38,0) NOT NULL PRIMARY KEY, total NUMBER(12,2) COMMENT 'with tax')",
        "CREATE TABLE gone (x INT)",
        "DROP TABLE gone",
        "CREATE VIEW open_orders AS\nSELECT id\nFROM orders",
        "CREATE ROLE reader",
        "GRANT SELECT ON TABLE orders TO ROLE reader",
        "GRANT INSERT ON TABLE orders TO ROLE reader",
    ] {
        assert!(bench.run(sql).reply().is_some(), "{sql}");
    }
    bench.catalog.outline(&[Ident::stored("RAW")], None)
}

/// One fact a line; nothing that another run would write otherwise.
#[test]
fn the_text_of_a_snapshot_is_for_people() {
    let text = raw().to_text();
    assert_eq!(
        text,
        r#"{
  "snowops_catalog": 1,
  "databases": {
    "RAW": {
      "schemas": {
        "PUBLIC": {},
        "SHOP": {
          "objects": {
            "relation": {
              "OPEN_ORDERS": {
                "name": "OPEN_ORDERS",
                "kind": "VIEW",
                "owner": "LOADER",
                "columns": [
                  {"name": "ID", "type": "NUMBER(38,0)"}
                ],
                "definition": [
                  "SELECT id",
                  "FROM orders"
                ]
              },
              "ORDERS": {
                "name": "ORDERS",
                "kind": "TABLE",
                "owner": "LOADER",
                "columns": [
                  {"name": "ID", "type": "NUMBER(38,0)", "not_null": true},
                  {"name": "TOTAL", "type": "NUMBER(12,2)", "comment": "with tax"}
                ],
                "keys": [
                  {"rule": "PRIMARY", "columns": ["ID"]}
                ],
                "grants": [
                  "INSERT TO ROLE READER",
                  "SELECT TO ROLE READER"
                ]
              }
            }
          }
        }
      }
    }
  }
}
"#
    );
    assert_eq!(Catalog::from_text(&text).unwrap(), raw());
}

#[test]
fn texts_that_are_no_snapshots_say_why() {
    for (text, why) in [
        ("", "the catalogue's text cannot be read: EOF"),
        ("{}", "it is no catalogue of snowops: there is no \"snowops_catalog\""),
        ("{\"snowops_catalog\": 2}", "the catalogue's text has layout 2, this program reads 1"),
        ("{\"snowops_catalog\": 1,\n\"databases\": 1}", "invalid type: integer `1`, expected a map"),
    ] {
        let error = Catalog::from_text(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn what_a_committed_snapshot_holds_exists_with_its_columns() {
    let mut seed = seed();
    seed.externals.databases.clear();
    seed.snapshots.push(raw());
    let mut bench =
        Bench { catalog: Catalog::new(&seed), session: SessionState::new(seed.context.clone()), run: 0 };
    assert_eq!(grade(&bench.run("SELECT id, total FROM raw.shop.orders")), "checked");
    assert!(bench.refusal("SELECT nope FROM raw.shop.orders").message.contains("invalid identifier 'NOPE'"));
    assert!(bench.refusal("SELECT id FROM raw.shop.other").message.contains("does not exist"));
    assert_eq!(grade(&bench.run("CREATE VIEW v AS SELECT id FROM raw.shop.open_orders")), "applied");
    assert!(bench.refusal("CREATE TABLE raw.shop.orders (x INT)").message.contains("already exists"));
}

/// Stored and read again, the catalogue keeps what scripts did to it: nothing dropped comes back, nothing is undone.
#[test]
fn a_committed_snapshot_adds_what_is_new_and_brings_nothing_back() {
    let mut seed = seed();
    seed.externals.databases.clear();
    seed.snapshots.push(raw());
    let mut bench =
        Bench { catalog: Catalog::new(&seed), session: SessionState::new(seed.context.clone()), run: 0 };
    for sql in ["DROP VIEW raw.shop.open_orders", "ALTER TABLE raw.shop.orders ADD COLUMN note VARCHAR"] {
        assert!(bench.run(sql).reply().is_some(), "{sql}");
    }
    let mut newer = raw();
    let schema = newer.databases.get_mut(&Ident::stored("RAW")).unwrap();
    let schema = schema.schemas.get_mut(&Ident::stored("SHOP")).unwrap();
    let relations = schema.objects.get_mut("relation").unwrap();
    let mut added = relations["ORDERS"].clone();
    added.name = Ident::stored("RETURNS");
    relations.insert("RETURNS".to_owned(), added);
    seed.snapshots = vec![newer];
    bench.catalog = Catalog::from_text(&bench.catalog.to_text()).unwrap();
    bench.catalog.extend(&seed);
    assert!(bench.refusal("SELECT * FROM raw.shop.open_orders").message.contains("does not exist"));
    assert_eq!(grade(&bench.run("SELECT note FROM raw.shop.orders")), "checked");
    assert_eq!(grade(&bench.run("SELECT total FROM raw.shop.returns")), "checked");
    // A whole database stays dropped too.
    assert_eq!(grade(&bench.run("DROP DATABASE raw")), "applied");
    bench.catalog.extend(&seed);
    assert!(bench.refusal("USE DATABASE raw").message.contains("does not exist"));
}

/// What whoever wrote the snapshot could not see, and kinds that no snapshot holds, may be there all the same.
#[test]
fn what_a_committed_snapshot_did_not_look_at_is_not_refused() {
    let mut seed = seed();
    seed.externals.databases.clear();
    let mut bench_of = |unseen: &[&str]| {
        let mut snapshot = raw();
        snapshot.unseen = unseen.iter().map(|what| ((*what).to_owned(), "no".to_owned())).collect();
        seed.snapshots = vec![snapshot];
        let mut catalog = Catalog::new(&seed);
        // It is remembered in the engine's file.
        seed.snapshots.clear();
        catalog = Catalog::from_text(&catalog.to_text()).unwrap();
        catalog.extend(&seed);
        Bench { catalog, session: SessionState::new(seed.context.clone()), run: 0 }
    };
    let own = ["CREATE TABLE t (a NUMBER)", "CREATE ROLE r", "CREATE DATABASE ROLE dr"];
    let looks = [
        ("CALL raw.shop.p(1)", "PROCEDURE"),
        ("DROP PROCEDURE raw.shop.p(INT)", "PROCEDURE"),
        ("GRANT USAGE ON PROCEDURE raw.shop.p(INT) TO ROLE r", "PROCEDURE"),
        ("SELECT * FROM raw.shop.other", "TABLE"),
        ("SELECT * FROM raw.shop.other", "VIEW"),
        ("SELECT * FROM raw.shop.other", "STREAM"),
        ("DROP STREAM raw.shop.s", "STREAM"),
        ("ALTER TASK raw.shop.t1 SUSPEND", "TASK"),
        ("SELECT raw.shop.seq.NEXTVAL", "SEQUENCE"),
        ("DROP MASKING POLICY raw.shop.m", "MASKING POLICY"),
        ("COPY INTO t FROM @raw.shop.st", "STAGE"),
        ("GRANT DATABASE ROLE raw.reader TO ROLE r", "DATABASE ROLE"),
        ("DROP DATABASE ROLE raw.reader", "DATABASE ROLE"),
    ];
    for (sql, kind) in looks {
        for (unseen, refused) in [(&[][..], true), (&["ALERT"], true), (&[kind], false)] {
            let mut bench = bench_of(unseen);
            for own in own {
                assert!(bench.run(own).reply().is_some(), "{own}");
            }
            // A Git repository, which no snapshot holds, is read as a stage.
            let refused = refused && kind != "STAGE";
            let effect = bench.run(sql);
            assert_eq!(effect.reply().is_none(), refused, "{sql}, unseen {unseen:?}: {effect:?}");
        }
    }
    let mut bench = bench_of(&[]);
    for sql in own.into_iter().chain([
        "SELECT raw.shop.external_function(1)",
        "DROP FUNCTION raw.shop.external_function(INT)",
        "GRANT USAGE ON FUNCTION raw.shop.external_function(INT) TO ROLE r",
        "ALTER TABLE t SET AGGREGATION POLICY raw.shop.a",
        "DROP SESSION POLICY raw.shop.s",
        "ALTER PASSWORD POLICY raw.shop.p SET PASSWORD_MIN_LENGTH = 12",
        "ALTER GIT REPOSITORY raw.shop.g FETCH",
        "DROP SEMANTIC VIEW raw.shop.v",
        "DESCRIBE SEMANTIC VIEW raw.shop.v",
        "DROP STREAMLIT raw.shop.st",
    ]) {
        let effect = bench.run(sql);
        assert!(effect.reply().is_some(), "{sql}: {effect:?}");
    }
    // What is the project's own is known in full.
    assert!(bench.refusal("DROP SEMANTIC VIEW local.public.v").message.contains("does not exist"));
}
