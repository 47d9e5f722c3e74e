//! Scripts named for their trap, with the pieces they must give. In a `.stmts` file a line of dashes stands between
//! two pieces.

use super::*;

macro_rules! cases {
    ($($name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../../tests/golden/split/", $name, ".sql")),
            include_str!(concat!("../../../../tests/golden/split/", $name, ".stmts")),
        )),+]
    };
}

/// Name, script, pieces.
pub(super) const CASES: &[(&str, &str, &str)] = cases![
    "alert_if_has_no_end_if",
    "anonymous_blocks",
    "begin_as_transaction",
    "case_both_ways",
    "comments_everywhere",
    "cursors_and_resultsets",
    "exception_handlers",
    "if_exists_of_any_kind",
    "javascript_in_dollars",
    "labels_after_end",
    "loops_in_all_forms",
    "names_that_look_like_keywords",
    "nested_procedures",
    "paths_that_look_like_comments",
    "pipe_chains",
    "procedure_and_function_bodies",
    "remaining_productions",
    "tasks",
];

const BETWEEN: &str = "\n-----\n";

fn expected(stmts: &str) -> Vec<String> {
    stmts.trim_end_matches('\n').split(BETWEEN).map(str::to_owned).collect()
}

#[test]
fn scripts_give_their_pieces() {
    for (name, script, stmts) in CASES {
        assert_eq!(pieces(script), expected(stmts), "{name}");
    }
}

#[test]
fn scripts_give_their_pieces_in_any_case_and_with_any_line_end() {
    let mixed = |text: &str| -> String {
        let change = |(at, c): (usize, char)| {
            if at % 2 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
        };
        text.chars().enumerate().map(change).collect()
    };
    for (name, script, stmts) in CASES {
        for change in [str::to_ascii_uppercase as fn(&str) -> String, str::to_ascii_lowercase, mixed] {
            for line_end in ["\n", "\r\n", "\r"] {
                let changed = change(script).replace('\n', line_end);
                let found: Vec<String> =
                    pieces(&changed).iter().map(|piece| piece.to_ascii_lowercase()).collect();
                let stmts = expected(stmts);
                let wanted: Vec<String> =
                    stmts.iter().map(|s| s.replace('\n', line_end).to_ascii_lowercase()).collect();
                assert_eq!(found, wanted, "{name} {line_end:?}");
            }
        }
    }
}
