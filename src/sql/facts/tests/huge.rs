//! Statements that Snowflake would not take for their size.

use super::*;

fn insert(bytes: usize) -> String {
    format!("INSERT INTO db.s.t (a, b) VALUES {}(1, 'x')", "(12, 'abcdefgh'),\n".repeat(bytes / 18))
}

#[test]
fn of_a_huge_statement_only_the_head_is_read_and_that_is_told() {
    let sql = insert(LONGEST + 100);
    let facts = facts(&sql);
    assert_eq!((facts.verb, object(&facts).as_str()), (Verb::Insert, "TABLE DB.S.T"));
    let Certainty::Partial(why) = &facts.certainty else { panic!("{:?}", facts.certainty) };
    assert!(why.reason.contains("longer than 4194304 bytes") && sql.is_char_boundary(why.at), "{why:?}");
    assert_eq!(class(&facts), Class::Opaque);
}

#[test]
fn a_long_statement_is_read_to_its_end() {
    let sql = insert(LONGEST / 8);
    assert_eq!(facts(&sql).certainty, Certainty::Parsed);
}

#[test]
fn what_the_rest_of_a_huge_block_does_to_the_session_is_not_known() {
    let sql = format!("BEGIN {} USE ROLE r; END", "SELECT 'some text';\n".repeat(LONGEST / 20 + 1));
    let session = facts(&sql).session;
    assert!(session.context && session.parameters && session.lasting && session.transaction, "{session:?}");
}

/// A quadratic path would need hours.
#[test]
fn many_semicolons_are_read_in_one_pass() {
    let sql = format!("SELECT 1{}", ";".repeat(200_000));
    assert_eq!(facts(&sql).certainty, Certainty::Parsed);
    let sql = format!("SELECT 1{} x", ";".repeat(200_000));
    assert!(matches!(facts(&sql).certainty, Certainty::Partial(_)));
}

/// The same.
#[test]
fn many_tables_are_noted_in_one_pass() {
    let names: Vec<String> = (0..100_000).map(|number| format!("t{number}")).collect();
    let facts = facts(&format!("SELECT * FROM {}", names.join(", ")));
    assert_eq!(facts.reads.len(), names.len());
}
