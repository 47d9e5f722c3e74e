//! Every fault that snowops promises to meet, and the tests that show how. The numbers are those that the tests' names
//! carry.

use std::{collections::BTreeSet, fs, path::Path};

use crate::harness::repository;

/// Number, fault, tests. A test that names its fault (`f8_..`) need not stand here.
const FAULTS: &[(u8, &str, &[&str])] = &[
    (1, "killed between statements", &["a_killed_run_is_finished_at_once_by_the_next"]),
    (
        2,
        "killed after a statement and before its record",
        &["the_next_run_waits_for_a_statement_that_outlived_its_client_and_does_not_repeat_it"],
    ),
    (3, "the answer is lost", &[]),
    (4, "the answer is cut in its middle", &[]),
    (5, "no name, no trust, a proxy that asks", &[]),
    (6, "a token expires in the middle", &[]),
    (7, "too many requests", &[]),
    (8, "an answer of HTTP 5xx", &[]),
    (9, "a statement that takes hours", &[]),
    (
        10,
        "two at once",
        &["two_at_once_both_end_well_and_apply_each_script_once", "racing_processes_on_the_protocol_server"],
    ),
    (11, "the lease is stolen", &["a_run_whose_lease_was_taken_by_force_stops_at_its_next_beat"]),
    (12, "clocks that are wrong, jump or stand still", &[]),
    (
        13,
        "a row of the history is edited or deleted",
        &[
            "a_row_that_was_deleted_does_not_make_its_script_run_again",
            "a_row_that_was_edited_is_told_from_a_file_that_changed",
        ],
    ),
    (14, "the history is dropped", &["a_history_that_was_dropped_is_never_started_from_zero"]),
    (
        15,
        "the database is restored, cloned or renamed",
        &["the_ledger_of_another_target_is_refused_until_repair_takes_it_over"],
    ),
    (16, "a lock table without its one row", &["a_lock_table_without_its_row_stops_and_says_how_to_mend_it"]),
    (
        17,
        "a file is edited after it was applied",
        &["an_edited_version_is_named_with_both_checksums_and_the_way_out"],
    ),
    (18, "a file is edited after it was half applied", &["a_finished_statement_must_stay_as_it_was"]),
    (19, "an applied file is deleted or renamed", &["a_file_that_is_gone_is_an_error_until_repair_marks_it"]),
    (
        20,
        "line ends, byte order marks, blank lines at the end",
        &[
            "the_text_digest_ignores_the_form_of_line_ends_but_not_their_place",
            "final_line_ends_and_line_end_styles_do_not_count",
        ],
    ),
    (21, "one version twice", &["one_identity_is_claimed_once"]),
    (
        22,
        "scripts and statements of many megabytes",
        &[
            "a_statement_larger_than_snowflake_recommends_is_named_before_anything_runs",
            "many_semicolons_are_read_in_one_pass",
        ],
    ),
    (23, "ten thousand scripts", &["ten_thousand_applied_scripts_are_planned_quickly"]),
    (24, "bytes that are no text", &["text_is_read_as_it_is_and_bad_utf8_has_a_place"]),
    (
        25,
        "pipes, devices, loops of links",
        &["fifos_devices_and_sockets_are_refused_at_once", "links_in_a_circle_are_a_loop"],
    ),
    (26, "composed and decomposed names", &["decomposed_names_are_read_as_composed"]),
    (
        27,
        "a hostile template",
        &["loops_and_growing_texts_run_out_of_fuel", "every_hostile_template_is_refused_in_time_and_memory"],
    ),
    (28, "a template's value that holds SQL", &["any_text_is_one_literal", "any_text_is_one_name_or_none"]),
    (29, "a secret on any way out", &[]),
    (30, "a server that echoes a secret", &[]),
    (31, "control characters in names and errors", &["text_from_sql_is_defused_everywhere"]),
    (32, "blocks, `$$`, comments, bodies of other languages", &["tricky_inputs_split_as_meant"]),
    (33, "a script that changes its session", &[]),
    (34, "a script against its own ledger", &["a_statement_against_the_ledgers_own_containers_is_refused"]),
    (35, "a warehouse that does not run", &[]),
    (36, "a privilege is lost in the middle", &[]),
    (37, "an account that takes no writes", &[]),
    (38, "CREATE OR ALTER that is half done", &[]),
    (39, "several statements in one request", &[]),
    (40, "a reader that goes away", &["a_reader_that_goes_away_does_not_make_a_failure_a_success"]),
    (
        41,
        "signals, once and twice",
        &[
            "the_first_signal_lets_the_running_statement_end_and_records_it",
            "with_cancel_now_the_server_aborts_the_running_statement_and_its_answer_is_waited_for",
            "a_second_signal_leaves_at_once_and_names_what_still_runs",
        ],
    ),
    (42, "a ledger of another version", &["newer_layouts_are_read_by_minor_and_refused_by_major"]),
    (44, "the session of the lease is cut off alone", &[]),
    (
        45,
        "a query history that does not tell yet",
        &["a_statement_that_never_came_is_sent_once_the_query_history_has_had_its_time"],
    ),
];

/// Faults of what is not built yet, with that.
const LATER: &[(u8, &str)] =
    &[(43, "a saved plan that is edited, foreign or expired: there are no saved plans yet")];

/// Names of all test functions below a folder.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line.starts_with("#[") && line.contains("test]");
                if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                    found.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
                    is_test = false;
                }
            }
        }
    }
}

/// Names of all tests.
pub(crate) fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["src", "tests", "testkit"] {
        tests(&repository().join(folder), &mut names);
    }
    names
}

#[test]
fn every_fault_stands_in_a_test() {
    let names = test_names();
    let listed: Vec<u8> =
        FAULTS.iter().map(|(number, ..)| *number).chain(LATER.iter().map(|(n, _)| *n)).collect();
    let all: BTreeSet<u8> = listed.iter().copied().collect();
    assert_eq!((all.len(), listed.len()), (45, 45), "each fault from 1 to 45 stands here once");
    for (number, fault, shown_by) in FAULTS {
        let own = format!("f{number}_");
        let told = names.iter().any(|name| name.starts_with(&own) || name.contains(&format!("_{own}")));
        assert!(told || !shown_by.is_empty(), "no test shows F{number}: {fault}");
        for test in *shown_by {
            assert!(names.contains(*test), "F{number}, {fault}: there is no test {test}");
        }
    }
}
