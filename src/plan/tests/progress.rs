//! Boundaries, what the journal says of an attempt, and where a resume starts.

use super::super::testing::{World, prepared, step};
use crate::{
    diagnostic::Code,
    model::{
        ident::{Ident, QualifiedName},
        journal::{Done, JournalBody, JournalRow, RunOutcome, SettledOutcome},
        kind::ObjectKind,
        plan::{Action, Replay, Resume, Step},
        settings::ScriptSettings,
        statement::Class,
        target::Context4,
    },
    plan::{
        Attempt, Begun, ScriptState, boundaries, confirmed_before, planned, script_state, settle, standing,
    },
};

const NAME: &str = "V1__a.sql";

fn stands(text: &str, from: usize) -> Vec<usize> {
    boundaries(&planned(prepared(NAME, text).rendered().unwrap()), from)
}

#[test]
fn a_closed_run_that_does_not_know_may_have_left_a_statement_running_that_is_simply_sent_again() {
    for (text, outcome, takes_over) in [
        ("create view v; insert 2", RunOutcome::Unknown, true),
        ("insert 1; insert 2", RunOutcome::Unknown, true),
        ("create view v; insert 2", RunOutcome::Interrupted, false),
    ] {
        let end = JournalBody::End { outcome, last: Vec::new() };
        let world = World::new().file(NAME, text).run("r1", &[NAME]).wrote("r1", NAME, end);
        // An earlier holder of the lease wrote the failed row.
        let world = world.row_of(NAME, |row| row.success = false);
        let found = crate::plan::takes_over(&world.journal, &world.plan());
        assert_eq!(found, takes_over, "{text} {outcome:?}");
    }
}

#[test]
fn boundaries_touch_what_must_not_be_repeated() {
    for (text, expected, why) in [
        ("", vec![], "nothing"),
        ("insert 1", vec![], "the script's own row covers the first"),
        ("grant 1", vec![], "the same"),
        ("grant 1; grant 2; grant 3", vec![], "all may be repeated"),
        ("insert 1; insert 2; insert 3", vec![2, 3], "the worst case"),
        ("grant 1; insert 2; grant 3; grant 4", vec![2, 3], "before and after"),
        ("select 1; insert 2", vec![], "a read before the first"),
        ("insert 1; select 2", vec![], "a read after the last"),
        ("insert 1; select 2; insert 3", vec![3], "a read between"),
        ("use schema a; insert 2; use schema b; insert 4", vec![4], "session statements are sent again"),
        ("grant 1; begin; insert 3; select 4; insert 5; commit; grant 7", vec![2, 7], "a transaction is one"),
        ("begin; commit; begin; commit", vec![3], "and another one another"),
    ] {
        assert_eq!(stands(text, 1), expected, "{why}: {text}");
    }
}

#[test]
fn a_run_that_starts_later_writes_none_before_its_start() {
    assert_eq!(stands("insert 1; insert 2; insert 3; insert 4", 3), [4]);
}

#[test]
fn statements_know_their_transaction() {
    let rendered = prepared(NAME, "insert 1; begin; insert 3; select 4; commit; begin; commit");
    let units: Vec<_> =
        planned(rendered.rendered().unwrap()).iter().map(|statement| statement.unit).collect();
    assert_eq!(units, [None, Some(2), Some(2), Some(2), Some(2), Some(6), Some(6)]);
}

fn rows(world: &World) -> ScriptState {
    script_state(&world.journal.iter().collect::<Vec<&JournalRow>>())
}

fn open(world: &World) -> Attempt {
    match rows(world) {
        ScriptState::Open(attempt) => *attempt,
        other => panic!("{other:?}"),
    }
}

fn three() -> World {
    World::new().file(NAME, "insert 1; insert 2; insert 3")
}

#[test]
fn nothing_is_known_of_a_script_that_no_run_planned() {
    assert_eq!(script_state(&[]), ScriptState::Fresh);
}

#[test]
fn a_run_that_ended_well_or_left_a_done_row_is_done() {
    assert_eq!(rows(&three().run("run-1", &[NAME]).ends("run-1", RunOutcome::Success)), ScriptState::Done);
    let always = World::new().file("A__a.sql", "grant").migrate("run-1");
    assert_eq!(rows(&always), ScriptState::Done);
}

#[test]
fn an_attempt_stands_at_its_last_step_row() {
    let attempt = open(&three().run("run-1", &[NAME]).step("run-1", NAME, 2).step("run-1", NAME, 3));
    assert_eq!((attempt.next, attempt.unknown, attempt.begun), (3, Some(3), Begun::Yes));
    assert_eq!(
        attempt.done,
        [Done { ordinal: 1, query_id: Some("q1".into()) }, Done { ordinal: 2, query_id: Some("q2".into()) }]
    );
}

#[test]
fn repeated_rows_are_ignored() {
    let mut world = three().run("run-1", &[NAME]).step("run-1", NAME, 2);
    let mut again = world.journal.last().unwrap().clone();
    again.body = step(3);
    world.journal.push(again);
    assert_eq!(open(&world).next, 2);
}

#[test]
fn a_failed_run_stays_readable_after_its_end() {
    let world = three()
        .run("run-1", &[NAME])
        .step("run-1", NAME, 2)
        .fails("run-1", NAME, 2)
        .ends("run-1", RunOutcome::Failed);
    let attempt = open(&world);
    assert_eq!((attempt.next, attempt.unknown), (2, None));
    assert_eq!(attempt.failed.unwrap().code.as_deref(), Some("002003"));
}

#[test]
fn the_newest_run_by_token_speaks_and_older_ones_do_not() {
    let world = three()
        .run("run-1", &[NAME])
        .step("run-1", NAME, 2)
        .fails("run-1", NAME, 2)
        .ends("run-1", RunOutcome::Failed)
        .run("run-2", &[NAME])
        .wrote("run-2", NAME, step(2))
        .step("run-2", NAME, 3);
    assert_eq!(open(&world).run, "run-2");
    let mut shuffled = World::new_from(&world);
    shuffled.journal.rotate_left(6);
    assert_eq!(open(&shuffled), open(&world), "by token, not by place");
}

#[test]
fn what_a_resuming_run_took_over_is_its_place_until_it_goes_on() {
    let world = World::new().file(NAME, "grant 1; insert 2; grant 3").run("run-1", &[NAME]);
    let world = world.step("run-1", NAME, 2).step("run-1", NAME, 3).fails("run-1", NAME, 3);
    let world = world.run("run-2", &[NAME]).wrote("run-2", NAME, step(3));
    let attempt = open(&world);
    assert_eq!((attempt.run.as_str(), attempt.next, attempt.unknown), ("run-2", 3, None));
}

#[test]
fn settled_speaks_of_one_run_and_one_statement() {
    let cut = three().run("run-1", &[NAME]).step("run-1", NAME, 2);
    let by = |by: &str, of: &str, ordinal, outcome| {
        let mut world = World::new_from(&cut);
        if by != "run-1" {
            world.write_run(by);
        }
        let attempt = open(&world.settled(by, of, NAME, ordinal, outcome));
        (attempt.next, attempt.unknown)
    };
    assert_eq!(by("repair", "run-1", 2, SettledOutcome::Done), (3, None));
    assert_eq!(by("repair", "run-1", 2, SettledOutcome::NotDone), (2, None));
    assert_eq!(by("repair", "run-0", 2, SettledOutcome::Done), (2, Some(2)), "another run's attempt");
    assert_eq!(by("repair", "run-1", 1, SettledOutcome::NotDone), (2, Some(2)), "another statement");
    assert_eq!(by("run-1", "run-1", 2, SettledOutcome::Done), (3, None), "what is done stays done");
    assert_eq!(by("run-1", "run-1", 2, SettledOutcome::NotDone), (2, Some(2)), "it may have sent it again");
    let next = cut.settled("repair", "run-1", NAME, 2, SettledOutcome::NotDone).run("run-2", &[NAME]);
    let next = next.wrote("run-2", NAME, step(2));
    assert_eq!(open(&next).unknown, Some(2), "says nothing about a later attempt");
}

#[test]
fn the_end_row_of_the_script_tells_what_was_done_last() {
    let mut world = three().run("run-1", &[NAME]);
    let last = vec![Done { ordinal: 1, query_id: Some("q".into()) }];
    world.write("run-1", Some(NAME), JournalBody::End { outcome: RunOutcome::Interrupted, last });
    let attempt = open(&world);
    assert_eq!((attempt.next, attempt.unknown, attempt.done.len()), (2, None, 1));
}

#[test]
fn a_run_that_stopped_in_doubt_stays_in_doubt() {
    for outcome in [RunOutcome::Unknown, RunOutcome::Abandoned] {
        assert_eq!(open(&three().run("run-1", &[NAME]).ends("run-1", outcome)).unknown, Some(1));
    }
}

#[test]
fn a_failure_inside_a_transaction_starts_it_anew_and_its_commit_decides() {
    let text = "insert 1; begin; insert 3; insert 4; commit; insert 6";
    let world = World::new().file(NAME, text).run("run-1", &[NAME]).step("run-1", NAME, 2);
    assert_eq!(open(&world).unknown, Some(5));
    let failed = World::new_from(&world).fails("run-1", NAME, 4);
    let attempt = open(&failed);
    assert_eq!((attempt.next, attempt.done.len(), attempt.unknown), (2, 1, None));
    let plan = failed.file(NAME, "insert 1; begin; insert 33; insert 4; commit; insert 6").plan();
    assert!(plan.findings.is_empty(), "what was rolled back may change");
    assert_eq!(plan.steps[0].from, 2);
    let done = World::new_from(&world).settled("run-1", "run-1", NAME, 5, SettledOutcome::Done);
    assert_eq!(open(&done).next, 6);
}

#[test]
fn a_transaction_reaches_from_its_begin_to_what_ends_it() {
    for (text, units, why) in [
        (
            "begin; insert 2; create table t; insert 4",
            vec![Some(1), Some(1), Some(1), None],
            "DDL commits it",
        ),
        (
            "begin; insert 2; call p(); insert 4; commit; insert 6",
            vec![Some(1); 5],
            "a body may leave it open",
        ),
        (
            "begin; begin; commit; commit",
            vec![Some(1), Some(1), Some(1), None],
            "a BEGIN inside does nothing",
        ),
        ("begin; insert 2", vec![Some(1); 2], "never ended"),
    ] {
        let mut found: Vec<_> =
            planned(prepared(NAME, text).rendered().unwrap()).iter().map(|s| s.unit).collect();
        found.truncate(units.len());
        assert_eq!(found, units, "{why}");
    }
}

#[test]
fn what_ddl_or_a_body_may_have_committed_is_for_a_person_to_tell() {
    let text = "begin; insert 2; call p(); insert 4; commit; grant 6";
    let cut = World::new().file(NAME, text).run("run-1", &[NAME]);
    let codes = |world: &World| world.plan().findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
    let attempt = open(&cut);
    assert_eq!((attempt.next, attempt.unknown, attempt.by_person), (1, Some(5), true));
    assert_eq!(codes(&cut), [Code::UnknownOutcome]);
    let early = World::new_from(&cut).fails("run-1", NAME, 2);
    assert_eq!((open(&early).next, open(&early).unknown), (1, None), "nothing can have committed yet");
    let late = World::new_from(&cut).fails("run-1", NAME, 4);
    assert_eq!((open(&late).next, open(&late).unknown), (1, Some(3)));
    assert_eq!(codes(&late), [Code::UnknownOutcome]);
    let says = |outcome| {
        let mut world = World::new_from(&late);
        world.write_run("repair");
        let attempt = open(&world.settled("repair", "run-1", NAME, 3, outcome));
        (attempt.next, attempt.unknown)
    };
    assert_eq!(says(SettledOutcome::Done), (4, None));
    assert_eq!(says(SettledOutcome::NotDone), (1, None));
    let alone =
        World::new().file(NAME, "begin; create table t").run("run-1", &[NAME]).fails("run-1", NAME, 2);
    assert_eq!((open(&alone).next, open(&alone).unknown), (1, None), "a BEGIN alone is nothing");
}

fn only_step(world: &World) -> Step {
    let plan = world.plan();
    assert!(plan.findings.is_empty(), "{:#?}", plan.findings);
    assert_eq!(plan.steps.len(), 1);
    plan.steps.into_iter().next().unwrap()
}

fn resume(step: &Step) -> &Resume {
    assert_eq!(step.action, Action::Resume);
    step.resume.as_ref().unwrap()
}

#[test]
fn a_failed_script_goes_on_at_the_statement_that_failed() {
    let world = three()
        .row_of(NAME, |row| row.success = false)
        .run("run-1", &[NAME])
        .step("run-1", NAME, 2)
        .fails("run-1", NAME, 2)
        .ends("run-1", RunOutcome::Failed)
        .file(NAME, "insert 1; insert mended; insert 3");
    let step = only_step(&world);
    assert_eq!((step.from, resume(&step).rank, resume(&step).unknown), (2, Some(1), None));
    assert_eq!(resume(&step).planned.statements.len(), 3);
    let finished = world.migrate("run-2");
    assert_eq!(finished.shown(), ["V1__a.sql success"]);
    assert_eq!(finished.history.len(), 1, "the same row");
}

#[test]
fn a_cut_off_script_has_no_rank_and_the_holder_of_the_lease_writes_it() {
    let step = only_step(&three().run("run-1", &[NAME]).step("run-1", NAME, 3));
    assert_eq!((step.from, resume(&step).rank, resume(&step).unknown), (3, None, Some(3)));
}

#[test]
fn settling_moves_the_step_on_or_leaves_it() {
    let cut = only_step(&three().run("run-1", &[NAME]).step("run-1", NAME, 2));
    let done = settle(&cut, SettledOutcome::Done, Some("q9".into())).unwrap();
    assert_eq!((done.from, resume(&done).unknown, resume(&done).done.len()), (3, None, 2));
    assert_eq!(resume(&done).done[1].query_id.as_deref(), Some("q9"));
    assert!(done.reason.contains("goes on at statement 3"), "{}", done.reason);
    let not = settle(&cut, SettledOutcome::NotDone, None).unwrap();
    assert_eq!((not.from, resume(&not).unknown, resume(&not).done.len()), (2, None, 1));
    assert_eq!(settle(&not, SettledOutcome::Done, None).unwrap().from, 2, "nothing is unknown any more");
}

#[test]
fn when_the_last_statement_is_done_only_the_row_is_missing() {
    let cut = only_step(&World::new().file(NAME, "insert 1").run("run-1", &[NAME]));
    let done = settle(&cut, SettledOutcome::Done, None).unwrap();
    assert_eq!(done.from, 2);
    assert!(done.reason.ends_with("only its row in the history is missing"), "{}", done.reason);
}

#[test]
fn session_statements_and_what_a_create_made_current_are_done_again() {
    let text = "use schema a; create schema b; insert 3; insert 4";
    let world =
        World::new().file(NAME, text).run("run-1", &[NAME]).step("run-1", NAME, 4).fails("run-1", NAME, 4);
    let step = only_step(&world);
    let name = QualifiedName::bare(Ident::stored("B"));
    // The first USE is overridden, and its schema may be gone.
    assert_eq!(resume(&step).replay, [Replay::Use { kind: ObjectKind::Schema, name }]);
}

/// The run that closed it died before it could write what it had found out, so that must be found out again.
#[test]
fn a_closed_run_is_waited_for_as_long_as_nothing_was_settled_of_it() {
    let left = |world: &World| -> Vec<String> {
        let runs = super::super::left_running(&world.journal, &world.plan());
        runs.into_iter().map(|run| run.id).collect()
    };
    let cut = World::new().file(NAME, "insert 1; insert 2").run("run-1", &[NAME]);
    assert_eq!(left(&cut), ["run-1"]);
    for outcome in [RunOutcome::Unknown, RunOutcome::Abandoned] {
        let closed = World::new_from(&cut).ends("run-1", outcome);
        assert_eq!(left(&closed), ["run-1"], "{outcome:?}");
        let told = closed.settled("run-2", "run-1", NAME, 1, SettledOutcome::NotDone);
        assert_eq!(left(&told), [""; 0], "{outcome:?}");
    }
    assert_eq!(left(&cut.ends("run-1", RunOutcome::Failed)), [""; 0]);
}

/// It does not go on, but what it sent last may land behind what is sent now.
#[test]
fn a_run_that_ended_without_knowing_in_a_script_that_starts_anew_is_waited_for() {
    let left = |world: &World| -> Vec<String> {
        let runs = super::super::left_running(&world.journal, &world.plan());
        runs.into_iter().map(|run| run.id).collect()
    };
    let end = |outcome| JournalBody::End { outcome, last: Vec::new() };
    for script in ["A__grants.sql", "beforeMigrate.sql"] {
        let run = World::new().file(script, "create view v; grant 2").run("run-1", &[script]);
        let unknown = World::new_from(&run).wrote("run-1", script, end(RunOutcome::Unknown));
        assert_eq!(left(&unknown), ["run-1"], "{script}");
        assert!(super::super::takes_over(&unknown.journal, &unknown.plan()), "{script}");
        let failed = run.wrote("run-1", script, end(RunOutcome::Failed));
        assert_eq!(left(&failed), [""; 0], "{script}");
        // The next one waited, before it planned the script anew.
        let later = unknown.run("run-2", &[script]).wrote("run-2", script, end(RunOutcome::Failed));
        assert_eq!(left(&later), [""; 0], "{script}");
    }
}

/// The server said of each that it was done, and took it back when the session ended.
#[test]
fn what_a_script_left_in_an_open_transaction_is_not_done() {
    let insert = |n: u32| format!("insert into t values ({n})");
    let world = |text: &str| World::new().file(NAME, text).run("run-1", &[NAME]);
    for (text, from, done, replay) in [
        (format!("create table t; begin; {}", insert(1)), 2, 1, 0),
        (format!("begin; {}; {}", insert(1), "select 1"), 1, 0, 0),
        (format!("use schema s; begin; {}", insert(1)), 2, 1, 1),
        // What a session holds that must be rebuilt is rebuilt from the start.
        (format!("alter session set autocommit = false; {}; {}", insert(1), insert(2)), 1, 1, 0),
    ] {
        let of = text.split(';').count();
        let cut =
            world(&text).step("run-1", NAME, of).settled("run-2", "run-1", NAME, of, SettledOutcome::Done);
        let step = only_step(&cut);
        assert_eq!((step.from, resume(&step).replay.len()), (from, replay), "{text}");
        assert_eq!((resume(&step).unknown, resume(&step).done.len()), (None, done), "{text}");
        // A COMMIT behind it makes an end of that.
        let mended = World::new_from(&cut).file(NAME, &format!("{text}; commit"));
        assert_eq!(only_step(&mended).from, from, "{text}");
    }
    let ended = format!("begin; {}; commit", insert(1));
    let cut = world(&ended).settled("run-2", "run-1", NAME, 3, SettledOutcome::Done);
    assert_eq!(only_step(&cut).from, 4, "committed");
}

#[test]
fn lost_session_state_starts_a_repeatable_script_anew() {
    let text = "grant lasting; grant 2; insert 3";
    let world =
        World::new().file(NAME, text).run("run-1", &[NAME]).step("run-1", NAME, 3).fails("run-1", NAME, 3);
    let step = only_step(&world);
    assert_eq!((step.from, resume(&step).replay.len()), (1, 0));
    assert!(step.reason.contains("starts anew"), "{}", step.reason);
}

#[test]
fn lost_session_state_behind_what_must_not_be_repeated_stops() {
    let text = "insert 1; insert lasting; insert 3";
    let world =
        World::new().file(NAME, text).run("run-1", &[NAME]).step("run-1", NAME, 3).fails("run-1", NAME, 3);
    let plan = world.plan();
    let codes: Vec<Code> = plan.findings.iter().map(|finding| finding.code).collect();
    assert_eq!((codes, plan.steps.len()), (vec![Code::UnknownOutcome], 0));
    let cut = World::new().file(NAME, "grant lasting; insert 2; insert 3").run("run-1", &[NAME]);
    let step = only_step(&cut.step("run-1", NAME, 2));
    assert_eq!(step.from, 1);
    assert_eq!(settle(&step, SettledOutcome::Done, None).unwrap_err().code, Code::UnknownOutcome);
    assert_eq!(settle(&step, SettledOutcome::NotDone, None).unwrap().from, 1);
}

#[test]
fn a_resume_that_waits_behind_another_script_is_not_in_doubt() {
    let world = three()
        .row_of(NAME, |row| row.success = false)
        .run("run-1", &[NAME])
        .step("run-1", NAME, 2)
        .fails("run-1", NAME, 2)
        .ends("run-1", RunOutcome::Failed)
        .file("V0.5__low.sql", "insert low")
        .file("V2__high.sql", "insert high")
        .policy(|policy| policy.out_of_order = true);
    assert_eq!(world.steps(), ["apply V0.5__low.sql", "resume V1__a.sql from 2", "apply V2__high.sql"]);
    // The next run takes V1 over and is cut off in the script before it.
    let world = world.run("run-2", &["V0.5__low.sql", NAME]).wrote("run-2", NAME, step(2)).run("x", &[]);
    let mut world = world;
    let body = crate::plan::script_body(world.find("V2__high.sql"));
    world.write("run-2", Some("V2__high.sql"), JournalBody::Script(body));
    assert_eq!(world.shown(), ["V1__a.sql failed", "V0.5__low.sql unknown", "V2__high.sql pending"]);
}

#[test]
fn classes_come_with_the_plan_and_not_from_a_newer_version() {
    let mut world = three().run("run-1", &[NAME]).step("run-1", NAME, 2);
    for row in &mut world.journal {
        if let JournalBody::Script(body) = &mut row.body {
            body.statements[1].class = Class::Idempotent;
        }
    }
    assert_eq!(open(&world).unknown, None);
}

#[test]
fn a_half_applied_script_that_is_nowhere_any_more_stops_the_plan() {
    let old = "V1__old_name.sql";
    let cut = World::new().file(old, "insert 1; insert 2").run("run-1", &[old]);
    let plan = cut.without(old).file("V1__new_name.sql", "insert 1; insert 2").plan();
    assert_eq!(plan.orphans, ["V1__old_name.sql"]);
    let finding = plan.findings.iter().find(|f| f.code == Code::FailedMigration).unwrap();
    assert!(finding.message.contains("V1__old_name.sql"), "{}", finding.message);
}

#[test]
fn where_a_session_stood_follows_from_the_statements_before() {
    let ident = |text: &str| Some(Ident::stored(text));
    let home = Context4 { role: ident("R"), warehouse: ident("W"), database: ident("D"), schema: ident("S") };
    for (text, expected) in [
        ("", "R W D S"),
        ("use role x; use warehouse y; create table t (a number)", "X Y D S"),
        ("use schema x", "R W D X"),
        ("use schema e.x", "R W E X"),
        ("use e", "R W E PUBLIC"),
        ("use database e; use schema x", "R W E X"),
        ("create schema x", "R W D X"),
        ("create schema if not exists e.x", "R W E X"),
        ("create database e", "R W E PUBLIC"),
        ("create warehouse x", "R X D S"),
        ("create table x (a number); drop table x; use secondary roles all", "R W D S"),
        ("call p()", "-"),
        ("begin use schema x; end", "-"),
        ("use schema identifier($x)", "-"),
        ("drop schema x", "-"),
        ("alter database d rename to e", "-"),
    ] {
        let statements: Vec<_> =
            if text.starts_with("begin") { vec![text] } else { text.split("; ").collect() }
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| {
                    let facts = crate::sql::facts::facts(text);
                    let of = prepared(NAME, "x");
                    let one = of.rendered().unwrap().statements[0].clone();
                    crate::model::statement::Statement { facts, ..one }
                })
                .collect();
        let at = standing(&home, &ScriptSettings::default(), &statements);
        let parts = |at: Context4| {
            let parts = [at.role, at.warehouse, at.database, at.schema];
            parts.map(|part| part.map_or("?".to_owned(), |part| part.to_string())).join(" ")
        };
        assert_eq!(at.map_or("-".to_owned(), parts), expected, "{text}");
    }
    let own = ScriptSettings { role: ident("OWN"), warehouse: ident("BIG"), ..ScriptSettings::default() };
    let at = standing(&home, &own, &[]).unwrap();
    assert_eq!((at.role, at.warehouse, at.schema), (ident("OWN"), ident("BIG"), ident("S")));
}

#[test]
fn the_intent_time_is_that_of_what_was_confirmed_before() {
    let on = |time: &'static str| {
        move |row: &mut crate::model::history::HistoryRow| row.installed_on = time.into()
    };
    let world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 1; insert 2")
        .file("V3__c.sql", "insert 1")
        .file("R__r.sql", "insert 1")
        .run("a", &["V1__a.sql", "V2__b.sql", "V3__c.sql"])
        .row_of("V1__a.sql", on("first"))
        .step("a", "V2__b.sql", 2)
        .fails("a", "V2__b.sql", 2)
        .ends("a", RunOutcome::Unknown)
        .row_of("V2__b.sql", |row| {
            row.installed_on = "own".into();
            row.success = false;
        })
        // Of another run, and of what comes after it.
        .run("b", &["R__r.sql"])
        .row_of("R__r.sql", on("other"))
        .row_of("V3__c.sql", on("later"));
    let times = |script: &str| confirmed_before(&world.journal, &world.history, "a", script).join(",");
    let at = |n: usize| world.journal[n].at.as_str();
    let journal = (0..5).map(at).collect::<Vec<_>>().join(",");
    assert_eq!(times("V2__b.sql"), format!("{journal},first"));
    assert_eq!(times("V1__a.sql"), journal);
}

#[test]
fn what_an_earlier_statement_of_the_run_may_have_made_is_known_by_its_name() {
    let world = World::new()
        .file("V0__before.sql", "create table t; drop table t")
        .file(NAME, "create table u; create table t; create table v")
        .run("run-1", &["V0__before.sql", NAME]);
    let rendered = world.find(NAME).rendered().unwrap().statements.clone();
    let asked = |run: &str, ordinal: usize| {
        let statement = planned(world.find(NAME).rendered().unwrap()).remove(ordinal - 1);
        let probe = statement.probe.unwrap();
        super::super::made_before(&probe, &rendered[..ordinal - 1], &world.journal, run, NAME)
    };
    assert!(!asked("run-1", 1), "u");
    assert!(asked("run-1", 2), "the script before made a table t");
    assert!(!asked("run-2", 2), "another run");
    assert!(!asked("run-1", 3), "v");
    let text = "create or replace table w (id int); create or replace table w (id int)";
    let twice = World::new().file(NAME, text).run("run-1", &[NAME]);
    let rendered = twice.find(NAME).rendered().unwrap();
    let probe = planned(rendered).remove(1).probe.unwrap();
    assert!(super::super::made_before(&probe, &rendered.statements[..1], &twice.journal, "run-1", NAME));
}
