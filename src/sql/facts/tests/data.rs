//! The rows of Snowflake's statements and kinds of object (tests/data), against what is read and decided here.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::*;
use crate::model::{
    facts::Undo,
    kind::{Ability, KindScope, ObjectKind},
};

/// A form of statement, after Snowflake's SQL reference: what it destroys, what takes it back, what it does to an
/// open transaction.
#[derive(Deserialize)]
struct FormRow {
    form: String,
    class: String,
    destroys: String,
    undo: Option<String>,
    transaction: String,
}

/// A statement of a form, with what must be found. `why` says why its class is not that of the form's row.
#[derive(Deserialize)]
struct Example {
    form: String,
    sql: String,
    verb: Verb,
    kind: Option<ObjectKind>,
    class: Class,
    hazard: Option<Hazard>,
    undo: Option<String>,
    why: Option<String>,
}

/// A kind of object, after Snowflake's SQL reference.
#[derive(Deserialize)]
struct KindRow {
    kind: String,
    scope: String,
    create_privilege: String,
    verbs: Vec<String>,
    undrop: bool,
    clone: bool,
    or_alter: bool,
    show: Option<String>,
}

fn rows<T: DeserializeOwned>(text: &str) -> Vec<T> {
    text.lines()
        .map(|row| serde_json::from_str(row).unwrap_or_else(|error| panic!("{error}: {row}")))
        .collect()
}

fn forms() -> BTreeMap<String, FormRow> {
    let rows: Vec<FormRow> = rows(include_str!("../../../../tests/data/statement-forms.jsonl"));
    rows.into_iter().map(|form| (form.form.clone(), form)).collect()
}

fn examples() -> Vec<Example> {
    rows(include_str!("../../../../tests/data/statement-examples.jsonl"))
}

/// The statements that properties start from.
pub(super) fn statements() -> Vec<String> {
    let typical: Vec<Value> = rows(include_str!("../../../../tests/data/statements.jsonl"));
    let typical = typical.iter().map(|row| row["sql"].as_str().unwrap().to_owned());
    typical.chain(examples().into_iter().map(|example| example.sql)).collect()
}

fn words(undo: &Undo) -> String {
    match undo {
        Undo::Statements(statements) => statements.join("; "),
        Undo::Opposite(words) => (*words).to_owned(),
        Undo::FormerValue => "former value".to_owned(),
        Undo::FormerText => "former text".to_owned(),
        Undo::TimeTravel => "time travel".to_owned(),
        Undo::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn every_form_has_its_verb_kind_class_hazard_and_way_back() {
    let forms = forms();
    let mut missing: Vec<&str> = forms.keys().map(String::as_str).collect();
    for example in &examples() {
        let Example { form, sql, .. } = example;
        missing.retain(|known| known != form);
        let facts = facts(sql);
        assert_eq!(facts.certainty, Certainty::Parsed, "{sql}");
        let kind = facts.object.as_ref().map(|object| object.kind);
        assert_eq!((facts.verb, kind), (example.verb, example.kind), "{sql}");
        assert_eq!(class(&facts), example.class, "{sql}");
        assert_eq!(hazard(&facts), example.hazard, "{sql}");
        assert_eq!(undo(&facts).as_ref().map(words), example.undo, "{sql}");

        let row = &forms[form];
        let theirs = match row.class.as_str() {
            "session control" => "session",
            "transaction control" => "transaction",
            other => other,
        };
        assert_eq!(
            theirs == example.class.as_str(),
            example.why.is_none(),
            "{sql}: {theirs}, {:?}",
            example.why
        );
        if row.destroys == "nothing" {
            assert_eq!(example.hazard, None, "{sql}");
            assert!(facts.destroys.is_empty() || facts.details.temporary, "{sql}");
        }
        if row.undo.as_deref() == Some("nothing") && example.why.is_none() {
            assert!(matches!(undo(&facts), None | Some(Undo::Nothing)), "{sql}");
        }
        transaction(row, example, &facts);
    }
    assert_eq!(missing, Vec::<&str>::new(), "forms without an example");
}

/// DDL ends a unit of DML, and DML belongs to it.
fn transaction(row: &FormRow, example: &Example, statement: &Facts) {
    let insert = facts("INSERT INTO t VALUES (1)");
    let classes = classes(&[facts("BEGIN"), statement.clone(), insert.clone(), facts("COMMIT")]);
    let sql = &example.sql;
    if row.transaction.starts_with("ddl") {
        assert_eq!(classes[2], Class::Opaque, "{sql} commits what is open");
    }
    if row.transaction.starts_with("dml") && statement.verb != Verb::Select {
        // Files in a location and what a location's COPY wrote there are not taken back.
        let location = example.kind == Some(ObjectKind::Stage);
        assert_eq!(classes[1] == Class::Transaction, !location, "{sql}");
    }
}

#[test]
fn every_way_back_is_a_statement_that_is_understood_and_acts_on_the_same_name() {
    for sql in statements() {
        let facts = facts(&sql);
        let Some(Undo::Statements(back)) = undo(&facts) else { continue };
        for back in back.iter().filter(|back| !back.contains('<')) {
            let found = super::facts(back);
            assert_eq!(found.certainty, Certainty::Parsed, "{sql}: {back}");
        }
    }
}

/// What a row of the kinds calls an ability, and the ability.
const ABILITIES: &[(&str, Ability)] = &[
    ("create", Ability::Create),
    ("or_replace", Ability::OrReplace),
    ("if_not_exists", Ability::IfNotExists),
    ("or_alter", Ability::OrAlter),
    ("clone", Ability::Clone),
    ("like", Ability::Like),
    ("rename", Ability::Rename),
    ("set_unset", Ability::Alter),
    ("swap", Ability::Swap),
    ("drop", Ability::Drop),
    ("drop_if_exists", Ability::IfExists),
    ("cascade_restrict", Ability::Cascade),
    ("undrop", Ability::Undrop),
    ("describe", Ability::Describe),
    ("show", Ability::Show),
    ("comment", Ability::Comment),
    ("grant", Ability::Grant),
];

/// The words of a kind in SQL, and the kind.
fn kind(row: &KindRow) -> (String, ObjectKind) {
    match row.kind.as_str() {
        text if text.starts_with("BUDGET") => ("SNOWFLAKE.CORE.BUDGET".to_owned(), ObjectKind::Budget),
        text if text.starts_with("ML CLASS") => {
            ("SNOWFLAKE.ML.FORECAST".to_owned(), ObjectKind::MlClassInstance)
        }
        words => {
            let parts: Vec<&str> = words.split(' ').collect();
            (words.to_owned(), ObjectKind::parse(&parts).unwrap_or_else(|| panic!("{words}")).kind)
        }
    }
}

#[test]
fn every_kind_can_do_what_its_row_says_and_no_more() {
    let rows: Vec<KindRow> = rows(include_str!("../../../../tests/data/object-kinds.jsonl"));
    let mut known: Vec<ObjectKind> = Vec::new();
    for row in &rows {
        let (words, kind) = kind(row);
        known.push(kind);
        for (name, ability) in ABILITIES {
            assert_eq!(kind.can(*ability), row.verbs.iter().any(|verb| verb == name), "{words}: {name}");
        }
        assert!(row.verbs.iter().all(|verb| ABILITIES.iter().any(|(name, _)| name == verb)), "{words}");
        let flags = (kind.can(Ability::Undrop), kind.can(Ability::Clone), kind.can(Ability::OrAlter));
        assert_eq!(flags, (row.undrop, row.clone, row.or_alter), "{words}");
        let scope = match row.scope.as_str() {
            "organization" => KindScope::Organization,
            "account" => KindScope::Account,
            "database" => KindScope::Database,
            "schema" | "session+schema" => KindScope::Schema,
            "application" => KindScope::Application,
            "table" | "relation" => KindScope::Relation,
            "procedure run" => KindScope::Run,
            other => panic!("{other}"),
        };
        assert_eq!(kind.scope(), scope, "{words}");
        if let Some(show) = &row.show {
            let facts = facts(show.split(['(', '/']).next().unwrap());
            assert_eq!((facts.verb, facts.certainty), (Verb::Show, Certainty::Parsed), "{show}");
        }
    }
    let more: Vec<_> = ObjectKind::ALL.iter().filter(|kind| !known.contains(kind)).collect();
    assert_eq!(more, [&ObjectKind::ManagedAccount, &ObjectKind::Integration]);
}

/// The longest name that an object of a kind can have.
fn name(kind: ObjectKind, last: &str) -> String {
    match kind.scope() {
        KindScope::Organization | KindScope::Account | KindScope::Run | KindScope::Relation => {
            last.to_owned()
        }
        KindScope::Database | KindScope::Application => format!("d.{last}"),
        KindScope::Schema => format!("d.s.{last}"),
    }
}

/// What CREATE needs behind the name.
fn tail(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Table | ObjectKind::TransientTable | ObjectKind::TemporaryTable => " (a INT)",
        ObjectKind::View | ObjectKind::MaterializedView => " AS SELECT 1 AS a",
        ObjectKind::Stream => " ON TABLE d.s.t",
        ObjectKind::Pipe => " AS COPY INTO d.s.t FROM @d.s.g",
        ObjectKind::Task => " AS SELECT 1",
        ObjectKind::Index => " ON t (a)",
        ObjectKind::DynamicTable => " TARGET_LAG = '1 hour' WAREHOUSE = w AS SELECT 1 AS a",
        kind if kind.is_routine() => "(a INT) RETURNS INT LANGUAGE SQL AS '1'",
        _ => " COMMENT = 'c'",
    }
}

#[test]
fn every_statement_that_a_kind_can_take_is_read_and_any_other_create_drop_rename_is_not() {
    let rows: Vec<KindRow> = rows(include_str!("../../../../tests/data/object-kinds.jsonl"));
    for row in &rows {
        let (words, kind) = kind(row);
        if kind.is_table_part() {
            for sql in [format!("CREATE {words} x"), format!("DROP {words} x")] {
                assert_ne!(facts(&sql).certainty, Certainty::Parsed, "{sql}");
            }
            continue;
        }
        let (x, y, tail) = (name(kind, "x"), name(kind, "y"), tail(kind));
        let types = if kind.is_routine() { "(INT)" } else { "" };
        let dropped = if kind == ObjectKind::Index { "d.s.t.x" } else { &x };
        let statements: &[(Ability, Verb, String)] = &[
            (Ability::Create, Verb::Create, format!("CREATE {words} {x}{tail}")),
            (Ability::OrReplace, Verb::CreateOrReplace, format!("CREATE OR REPLACE {words} {x}{tail}")),
            (
                Ability::IfNotExists,
                Verb::CreateIfNotExists,
                format!("create {words} if not exists {x}{tail}"),
            ),
            (Ability::OrAlter, Verb::CreateOrAlter, format!("CREATE OR ALTER {words} {x}{tail}")),
            (Ability::Clone, Verb::Create, format!("CREATE {words} {x} CLONE {y}")),
            (Ability::Like, Verb::Create, format!("CREATE {words} {x} LIKE {y}")),
            (Ability::Rename, Verb::Rename, format!("ALTER {words} IF EXISTS {x}{types} RENAME TO {y}")),
            (Ability::Alter, Verb::AlterSet, format!("ALTER {words} {x}{types} SET COMMENT = 'c'")),
            (Ability::Alter, Verb::AlterSet, format!("ALTER {words} IF EXISTS {x}{types} UNSET COMMENT")),
            (Ability::Swap, Verb::Swap, format!("ALTER {words} {x} SWAP WITH {y}")),
            (Ability::Drop, Verb::Drop, format!("DROP {words} {dropped}{types}")),
            (Ability::IfExists, Verb::DropIfExists, format!("drop {words} if exists {dropped}{types}")),
            (Ability::Cascade, Verb::Drop, format!("DROP {words} {x} CASCADE")),
            (Ability::Cascade, Verb::DropIfExists, format!("DROP {words} IF EXISTS {x} RESTRICT")),
            (Ability::Undrop, Verb::Undrop, format!("UNDROP {words} {x}")),
            (Ability::Describe, Verb::Describe, format!("DESCRIBE {words} {x}{types}")),
            (Ability::Comment, Verb::Comment, format!("COMMENT IF EXISTS ON {words} {x}{types} IS 'c'")),
            (Ability::Grant, Verb::Grant, format!("GRANT USAGE ON {words} {x}{types} TO ROLE r")),
        ];
        for (ability, verb, sql) in statements {
            let facts = facts(sql);
            if kind.can(*ability) {
                assert_eq!((facts.verb, &facts.certainty), (*verb, &Certainty::Parsed), "{sql}");
                let object = facts.object.as_ref().unwrap_or_else(|| panic!("{sql}"));
                let read = object.name.to_string();
                assert_eq!((object.kind, read.as_str()), (kind, x.to_uppercase().as_str()), "{sql}");
                if sql.to_uppercase().starts_with("CREATE") {
                    assert_eq!(facts.details.temporary, words.contains("TEMPORARY"), "{sql}");
                }
            } else if !matches!(
                ability,
                Ability::Clone
                    | Ability::Like
                    | Ability::Alter
                    | Ability::Describe
                    | Ability::Comment
                    | Ability::Cascade
            ) {
                assert_ne!(facts.certainty, Certainty::Parsed, "{sql}");
            }
        }
    }
}

#[test]
fn making_an_object_needs_the_privilege_of_its_row() {
    let rows: Vec<KindRow> = rows(include_str!("../../../../tests/data/object-kinds.jsonl"));
    let mut checked = 0;
    for row in &rows {
        let (words, kind) = kind(row);
        let sql = format!("CREATE {words} {}{}", name(kind, "x"), tail(kind));
        let found = privileges(&facts(&sql), &Context4::default());
        let creates: Vec<String> =
            found.needs.iter().map(ToString::to_string).filter(|need| need.starts_with("CREATE ")).collect();
        let privilege = row.create_privilege.split(" (").next().unwrap();
        let made = privilege.starts_with("CREATE ");
        let on = match privilege.rsplit_once(" on ").filter(|_| made) {
            Some((made, "schema")) => format!("{made} ON SCHEMA D.S"),
            Some((made, "database")) => format!("{made} ON DATABASE D"),
            Some((made, "account")) => format!("{made} ON ACCOUNT"),
            // The row does not say on what.
            None if made && row.scope == "schema" => {
                format!("{privilege} ON SCHEMA D.S")
            }
            // A role, the owner of the table, or any privilege on the schema.
            _ => String::new(),
        };
        let known = !on.is_empty() && kind != ObjectKind::MlClassInstance;
        assert_eq!(creates, Vec::from_iter(known.then_some(on)), "{sql}: {privilege}");
        checked += usize::from(known);
    }
    assert!(checked > 85, "{checked}");
}
