use super::{
    super::{layout::FIRST_LAYOUT, testing::*, *},
    *,
};
use crate::model::{
    checksum::Sha256,
    history::RowType,
    journal::{JournalBody, KnownRun, RunBody, RunOutcome, ScriptBody},
    name::MigrationKind,
    target::Purpose,
};

fn new_row(script: &str, success: bool) -> NewHistoryRow {
    NewHistoryRow {
        version: Some("1".into()),
        description: "add orders".into(),
        kind: RowType::Sql,
        script: script.into(),
        checksum: Some(-7),
        installed_by: "ann".into(),
        execution_ms: 12,
        success,
    }
}

const STRANGER: &str = "INSERT INTO \"LOCAL.SNOWOPS.history\" (\"installed_rank\", \"type\", \"script\", \
     \"installed_by\", \"execution_time\", \"success\") VALUES (1, 'SQL', 'V9__flyway.sql', 'flyway', 1, 1)";

fn run_row(token: i64) -> NewJournalRow {
    let body = RunBody {
        token,
        version: "0".into(),
        user: "ann".into(),
        host: "h".into(),
        commit: None,
        pipeline_url: None,
        sessions: vec![],
        plan_digest: Sha256::of(b""),
        environment: "local".into(),
        ttl_ms: None,
    };
    (None, None, JournalBody::Run(body))
}

fn script_row(script: &str) -> NewJournalRow {
    let body = ScriptBody {
        kind: MigrationKind::Versioned,
        crc: 1,
        source_sha: Sha256::of(script.as_bytes()),
        rendered_sha: Sha256::of(script.as_bytes()),
        templates: vec![],
        statements: vec![],
    };
    (Some(script.to_owned()), None, JournalBody::Script(body))
}

fn step_row(script: &str, next: usize) -> NewJournalRow {
    (Some(script.to_owned()), Some(next), JournalBody::Step { done: vec![], next })
}

fn says(state: &LedgerState) -> Vec<(String, String, Option<String>)> {
    state
        .journal
        .iter()
        .map(|row| (row.run.clone(), row.body.kind().to_owned(), row.script.clone()))
        .collect()
}

fn triple(run: &str, kind: &str, script: &str) -> (String, String, Option<String>) {
    (run.into(), kind.into(), (!script.is_empty()).then(|| script.to_owned()))
}

#[tokio::test]
async fn reading_an_absent_ledger_creates_nothing() {
    let place = Place::new();
    let state = place.state().await;
    assert_eq!((state.presence, state.history.len()), (Presence::Absent, 0));
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn reading_a_present_ledger_takes_two_requests() {
    let place = Place::made().await;
    let state = place.state().await;
    assert_eq!((state.presence, state.layout), (Presence::Present, Some(FIRST_LAYOUT)));
    assert_eq!(state.server_now.as_deref(), Some("2026-01-01 00:00:00.000000"));
    assert_eq!(place.take_sent().len(), 2);
}

#[tokio::test]
async fn creating_goes_on_where_it_was_cut_short() {
    for cut_after in 0..4 {
        let place = Place::new();
        let mut session = place.open(Purpose::Keeper).await;
        let sql = Sql::new(&name(), Engine::Embedded);
        let creates = [sql.create_lock(), sql.create_journal(), sql.create_history()];
        for text in creates.into_iter().take(cut_after) {
            ask(session.as_mut(), &place.context, text, Vec::new(), How::ONCE).await.unwrap();
        }
        for _ in 0..2 {
            create(session.as_mut(), &name(), &Presence::Absent, &place.context).await.unwrap();
        }
        let state = place.state().await;
        assert_eq!(says(&state).len(), 1, "one layout row after a cut at {cut_after}");
        assert_eq!((state.presence, place.lock().await.nonce), (Presence::Present, None));
    }
}

#[tokio::test]
async fn a_history_of_another_tool_is_read_and_gets_its_other_tables() {
    let place = Place::new();
    place.raw(&Sql::new(&name(), Engine::Embedded).create_history()).await;
    place.raw(STRANGER).await;
    let state = place.state().await;
    assert_eq!((state.presence.clone(), state.history.len()), (Presence::HistoryOnly, 1));
    let mut session = place.open(Purpose::Keeper).await;
    create(session.as_mut(), &name(), &state.presence, &place.context).await.unwrap();
    let (mut keeper, state) = place.held("run").await;
    assert_eq!((state.presence, state.history[0].script.as_str()), (Presence::Present, "V9__flyway.sql"));
    assert_eq!(keeper.insert_history(&new_row("V10__a.sql", true)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_run_takes_records_ends_and_gives_back() {
    let place = Place::made().await;
    let settings = place.settings("run-1").await;
    let session = place.open(Purpose::Keeper).await;
    let mut keeper = Keeper::acquire(session, settings, place.context.clone(), &mut |_| true).await.unwrap();
    let sent = place.take_sent();
    let starts: Vec<_> = sent.iter().filter_map(|text| text.split(' ').next()).collect();
    // The look, the file's identity again, and the four of the claim.
    assert_eq!(starts, ["SELECT", "SELECT", "BEGIN", "UPDATE", "UPDATE", "COMMIT"]);
    assert!(!keeper.may_send(SendKind::UserStatement), "not read back yet");

    let mut work = place.open(Purpose::Work).await;
    let state = keeper.read_back(work.as_mut()).await.unwrap();
    assert_eq!(place.take_sent().len(), 3);
    let lock = state.lock.unwrap();
    assert_eq!(
        (lock.nonce.as_deref(), lock.token, lock.run.as_deref()),
        (Some(keeper.nonce()), 1, Some("run-1"))
    );
    assert_eq!(lock.holder_words(), "ann on build-7 (process 42, snowops )");
    assert!(keeper.may_send(SendKind::UserStatement));

    let token = keeper.token();
    keeper.journal(vec![run_row(token), script_row("V1__a.sql")]).await.unwrap();
    assert_eq!(keeper.insert_history(&new_row("V1__a.sql", false)).await.unwrap(), 1);
    keeper.update_history(1, true, Some(8), 99).await.unwrap();
    keeper.end(None, RunOutcome::Success, vec![]).await.unwrap();
    assert_eq!(place.take_sent().len(), 4);
    keeper.release().await.unwrap();

    let state = place.state().await;
    let row = &state.history[0];
    assert_eq!((row.success, row.checksum, row.execution_ms), (true, Some(8), 99));
    assert_eq!(row.installed_on, "2026-01-01 00:00:00.000000");
    assert_eq!(
        says(&state)[1..],
        [triple("run-1", "run", ""), triple("run-1", "script", "V1__a.sql"), triple("run-1", "end", "")]
    );
    assert_eq!(place.lock().await.nonce, None);
}

#[tokio::test]
async fn one_run_waits_for_another_and_gets_its_session_back() {
    let place = Place::made().await;
    let (first, _) = place.held("run-1").await;
    let mut waits = Vec::new();
    let settings = place.settings("run-2").await;
    let session = place.open(Purpose::Keeper).await;
    let busy = Keeper::acquire(session, settings, place.context.clone(), &mut |wait| {
        waits.push(wait);
        true
    })
    .await;
    let Err(AcquireError::Busy { waiting, mut session }) = busy else { panic!("two leases") };
    assert!(waiting.holder.starts_with("ann on build-7"), "{waiting:?}");
    assert_eq!(waiting.free_in, None, "its process decides");
    assert_eq!(waits.len(), 10);
    assert!(!place.take_sent().iter().any(|text| text.contains("\"touch\" + 1")), "a held row was touched");
    assert_eq!(read(session.as_mut(), &name(), &place.context).await.unwrap().presence, Presence::Present);
    first.release().await.unwrap();
    assert_eq!(place.held("run-3").await.0.token(), 2);
}

#[tokio::test]
async fn a_killed_holder_costs_the_next_run_no_wait() {
    let place = Place::made().await;
    let (killed, _) = place.held("run-1").await;
    drop(killed);
    assert!(place.lock().await.nonce.is_some());
    let before = place.context.clock.now();
    let (keeper, _) = place.held("run-2").await;
    assert_eq!((keeper.token(), place.context.clock.now()), (2, before));
}

#[tokio::test]
async fn a_run_that_slept_too_long_writes_nothing_more() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    place.clock.advance(TTL);
    let lost = keeper.insert_history(&new_row("V1__a.sql", true)).await;
    assert!(matches!(lost, Err(LedgerError::LeaseLost(_))), "{lost:?}");
    assert!(place.take_sent().is_empty(), "something was sent");
    keeper.release().await.unwrap();
    assert!(place.lock().await.nonce.is_some(), "an old lease was given back");
}

#[tokio::test]
async fn the_fence_stops_a_write_when_the_row_is_anothers() {
    let place = Place::made().await;
    for take in ["\"nonce\" = 'other'", "\"expires\" = '2025-01-01 00:00:00.000000'"] {
        let (mut keeper, _) = place.held("run").await;
        place.raw(&format!("UPDATE \"LOCAL.SNOWOPS.history_lock\" SET {take}")).await;
        let lost = keeper.insert_history(&new_row("V1__a.sql", true)).await;
        assert!(matches!(lost, Err(LedgerError::LeaseLost(_))), "{take}: {lost:?}");
        assert!(!keeper.may_send(SendKind::UserStatement));
    }
    assert_eq!(place.state().await.history, []);
}

#[tokio::test]
async fn every_kind_of_write_stands_under_the_fence() {
    let place = Place::made().await;
    let (mut first, _) = place.held("run-0").await;
    first.insert_history(&new_row("V1__a.sql", false)).await.unwrap();
    first.release().await.unwrap();
    for take in ["\"nonce\" = 'other'", "\"expires\" = '2025-01-01 00:00:00.000000'"] {
        for kind in 0..7 {
            let (mut keeper, _) = place.held("run").await;
            place.raw(&format!("UPDATE \"LOCAL.SNOWOPS.history_lock\" SET {take}")).await;
            let outcome = match kind {
                0 => keeper.journal(vec![step_row("V1__a.sql", 1)]).await,
                1 => keeper.end(None, RunOutcome::Success, vec![]).await,
                2 => keeper.update_history(1, true, None, 1).await,
                3 => keeper.align_history(1, "other", &RowType::Baseline, None).await,
                4 => keeper.remove_failed().await.map(drop),
                5 => keeper.journal(vec![step_row("V1__a.sql", 1), step_row("V1__a.sql", 2)]).await,
                _ => keeper.close_open_runs(&[open_run("run-0")]).await,
            };
            assert!(matches!(outcome, Err(LedgerError::LeaseLost(_))), "{take}, {kind}: {outcome:?}");
        }
    }
    let state = place.state().await;
    let row = &state.history[0];
    assert_eq!((row.success, row.description.as_str(), state.history.len()), (false, "add orders", 1));
    assert_eq!(says(&state).len(), 1, "something was written beside the layout row");
}

#[tokio::test]
async fn a_claim_that_another_run_overtook_is_seen_on_reading_back() {
    let place = Place::made().await;
    let mut keeper = place.acquire("run").await.unwrap();
    place.raw("UPDATE \"LOCAL.SNOWOPS.history_lock\" SET \"nonce\" = 'other'").await;
    let mut work = place.open(Purpose::Work).await;
    let lost = keeper.read_back(work.as_mut()).await;
    assert!(matches!(lost, Err(LedgerError::LeaseLost(_))), "{lost:?}");
    assert!(!keeper.may_send(SendKind::UserStatement));
}

#[tokio::test]
async fn a_row_of_another_tool_stops_history_and_end_and_is_named() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    place.raw(STRANGER).await;
    let refused = keeper.insert_history(&new_row("V1__a.sql", true)).await;
    let Err(LedgerError::Stranger { row: Some(row) }) = refused else { panic!("{refused:?}") };
    assert_eq!(row.script, "V9__flyway.sql");
    let refused = keeper.end(None, RunOutcome::Success, vec![]).await;
    let Err(error @ LedgerError::Stranger { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("V9__flyway.sql, by flyway"), "{error}");
}

#[tokio::test]
async fn a_history_that_differs_in_its_highest_rank_or_its_number_of_rows_alone_is_noticed() {
    let history = "\"LOCAL.SNOWOPS.history\"";
    let columns = "\"description\", \"type\", \"script\", \"installed_by\", \"execution_time\", \"success\"";
    for change in [
        format!("UPDATE {history} SET \"installed_rank\" = 2"),
        format!("INSERT INTO {history} (\"installed_rank\", {columns}) SELECT 0, {columns} FROM {history}"),
        format!("DELETE FROM {history}"),
    ] {
        let place = Place::made().await;
        let (mut keeper, _) = place.held("run").await;
        assert_eq!(keeper.insert_history(&new_row("V1__a.sql", true)).await.unwrap(), 1);
        place.raw(&change).await;
        let refused = keeper.insert_history(&new_row("V2__b.sql", true)).await;
        assert!(matches!(refused, Err(LedgerError::Stranger { .. })), "{change}: {refused:?}");
        let refused = keeper.end(None, RunOutcome::Success, vec![]).await;
        assert!(matches!(refused, Err(LedgerError::Stranger { .. })), "{change}: {refused:?}");
    }
}

#[tokio::test]
async fn a_beat_that_is_due_goes_before_a_write() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    place.clock.advance(TTL / 4);
    assert_eq!(keeper.until_beat(), Duration::ZERO);
    keeper.journal(vec![step_row("V1__a.sql", 1)]).await.unwrap();
    let sent = place.take_sent();
    assert!(sent[0].starts_with("UPDATE") && sent[1].starts_with("INSERT"), "{sent:?}");
    assert_eq!(keeper.until_beat(), TTL / 4);
    place.clock.advance(TTL / 4);
    place.lose("\"expires\" = DATEADD", false);
    keeper.beat().await.unwrap();
    assert!(keeper.may_send(SendKind::UserStatement) && !keeper.may_send(SendKind::LedgerWrite));
    assert!(keeper.until_beat() > Duration::ZERO);
    keeper.journal(vec![step_row("V1__a.sql", 2)]).await.unwrap();
    assert!(keeper.may_send(SendKind::LedgerWrite));
}

#[tokio::test]
async fn many_rows_go_in_few_inserts_and_count_on() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    let token = keeper.token();
    keeper.journal(vec![run_row(token)]).await.unwrap();
    place.take_sent();
    keeper.journal((0..401).map(|at| script_row(&format!("V{at}__a.sql"))).collect()).await.unwrap();
    assert_eq!(place.take_sent().len(), 3);
    let numbers: Vec<_> =
        place.state().await.journal.iter().filter(|row| row.run == "run").map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=402).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lost_write_keeps_the_row_from_being_given_back() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    place.lose("INSERT INTO \"LOCAL.SNOWOPS.history\"", true);
    let unknown = keeper.insert_history(&new_row("V1__a.sql", true)).await;
    assert!(
        matches!(&unknown, Err(LedgerError::Db(error)) if error.outcome == Effect::Unknown),
        "{unknown:?}"
    );
    let inserts = place.take_sent().iter().filter(|text| text.starts_with("INSERT")).count();
    assert_eq!(inserts, 1, "a history insert was repeated");
    keeper.release().await.unwrap();
    assert!(place.lock().await.nonce.is_some());
    assert_eq!(place.state().await.history.len(), 1);
}

#[tokio::test]
async fn a_claim_without_answer_is_not_repeated_and_blocks_nobody() {
    let place = Place::made().await;
    for (part, done) in [
        ("\"touch\" + 1", true),
        ("\"token\" + 1", true),
        ("\"token\" + 1", false),
        ("COMMIT", false),
        ("COMMIT", true),
    ] {
        place.lose(part, done);
        let failed = place.acquire("run-1").await;
        assert!(matches!(failed, Err(AcquireError::Db(_))), "{part}");
        let sent = place.take_sent();
        assert!(sent.last().unwrap().contains(part), "sent after a lost answer: {sent:?}");
        let (keeper, _) = place.held("run-2").await;
        keeper.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_copied_or_restored_target_is_refused() {
    let place = Place::made().await;
    place.held("run").await.0.release().await.unwrap();
    for (changed, words) in [("created_on", "was created on"), ("account", "in account elsewhere")] {
        let set = format!(
            "UPDATE \"LOCAL.SNOWOPS.history_lock\" SET \"identity\" = JSON_SET(\"identity\", '$.{changed}', 'elsewhere')"
        );
        place.raw(&set).await;
        let Err(AcquireError::Ledger(LedgerError::ForeignTarget(found))) = place.acquire("run").await else {
            panic!("a foreign target was accepted")
        };
        assert!(found.message.contains(words), "{}", found.message);
    }
}

#[tokio::test]
async fn the_target_that_was_made_after_its_identity_was_read_is_the_same() {
    let place = Place::new();
    let early = place.settings("run-1").await;
    place.clock.advance(Duration::from_secs(5));
    let mut session = place.open(Purpose::Keeper).await;
    create(session.as_mut(), &name(), &Presence::Absent, &place.context).await.unwrap();
    let keeper = Keeper::acquire(session, early, place.context.clone(), &mut |_| true).await.unwrap();
    assert_eq!(keeper.identity().created_on, "2026-01-01 00:00:05.000000");
    keeper.release().await.unwrap();
    place.held("run-2").await;
}

#[tokio::test]
async fn newer_layouts_are_read_by_minor_and_refused_by_major() {
    let place = Place::made().await;
    let insert = |major, minor| {
        format!(
            "INSERT INTO \"LOCAL.SNOWOPS.history_journal\" VALUES \
             ('x', {major}{minor}, 'layout', NULL, NULL, '{{\"major\":{major},\"minor\":{minor}}}', SYSDATE())"
        )
    };
    place.raw(&insert(1, 9)).await;
    assert_eq!(place.state().await.layout, Some(Layout { major: 1, minor: 9 }));
    let mut keeper = place.acquire("run").await.unwrap();
    let mut work = place.open(Purpose::Work).await;
    let refused = keeper.read_back(work.as_mut()).await;
    assert!(matches!(refused, Err(LedgerError::NewerLayout { .. })), "{refused:?}");
    drop(keeper);
    place.raw(&insert(2, 0)).await;
    let refused = read(place.open(Purpose::Keeper).await.as_mut(), &name(), &place.context).await;
    assert!(matches!(refused, Err(LedgerError::NewerLayout { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_newest_run_speaks_for_a_script_and_done_ones_are_short() {
    let place = Place::made().await;
    let record = async |run: &str, rows: Vec<NewJournalRow>, history: Option<NewHistoryRow>, end: bool| {
        let (mut keeper, _) = place.held(run).await;
        let mut all = vec![run_row(keeper.token())];
        all.extend(rows);
        keeper.journal(all).await.unwrap();
        if let Some(row) = history {
            keeper.insert_history(&row).await.unwrap();
        }
        if end {
            let outcome = if run == "r1" { RunOutcome::Success } else { RunOutcome::Failed };
            keeper.end(None, outcome, vec![]).await.unwrap();
            keeper.release().await.unwrap();
        }
    };
    // A run that ended with success: its script row is enough, the steps are left out.
    record("r1", vec![script_row("A"), step_row("A", 2)], Some(new_row("A", true)), true).await;
    // One that did not: all of its rows, whatever an older row in the history says.
    record("r2", vec![script_row("B"), step_row("B", 2), step_row("B", 3)], Some(new_row("B", false)), true)
        .await;
    let layout = says(&place.state().await)[0].clone();
    assert_eq!(
        says(&place.state().await),
        [
            layout.clone(),
            triple("r1", "run", ""),
            triple("r1", "script", "A"),
            triple("r1", "end", ""),
            triple("r2", "run", ""),
            triple("r2", "script", "B"),
            triple("r2", "step", "B"),
            triple("r2", "step", "B"),
            triple("r2", "end", ""),
        ]
    );
    // An open run speaks in full, and for the script that it plans the older run no longer does.
    record("r3", vec![script_row("B"), step_row("B", 3), step_row("A", 1)], None, false).await;
    assert_eq!(
        says(&place.state().await),
        [
            layout,
            triple("r1", "run", ""),
            triple("r1", "script", "A"),
            triple("r1", "end", ""),
            triple("r3", "run", ""),
            triple("r3", "script", "B"),
            triple("r3", "step", "B"),
            triple("r3", "step", "A"),
        ]
    );
    // The next holder closes it.
    let (mut keeper, _) = place.held("r4").await;
    keeper.close_open_runs(&[open_run("r3")]).await.unwrap();
    let state = place.state().await;
    let end = state.journal.iter().find(|row| row.run == "r3" && row.body.kind() == "end").unwrap();
    assert!(matches!(end.body, JournalBody::End { outcome: RunOutcome::Abandoned, .. }));
    assert!(!says(&state).contains(&triple("r3", "step", "A")), "a closed run speaks for a done script");
}

#[tokio::test]
async fn repair_aligns_a_row_and_removes_all_failed_ones_at_once() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    for (script, success) in [("V1__a.sql", true), ("V2__b.sql", false), ("V3__c.sql", false)] {
        keeper.insert_history(&new_row(script, success)).await.unwrap();
    }
    keeper.align_history(1, "new words", &RowType::SqlBaseline, None).await.unwrap();
    place.take_sent();
    assert_eq!(keeper.remove_failed().await.unwrap(), 2);
    let deletes = place.take_sent().iter().filter(|text| text.starts_with("DELETE")).count();
    assert_eq!(deletes, 1);
    assert_eq!(keeper.remove_failed().await.unwrap(), 0);
    assert_eq!(keeper.insert_history(&new_row("V2__b.sql", true)).await.unwrap(), 2);
    let rows = place.state().await.history;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].description.as_str(), &rows[0].kind, rows[0].checksum),
        ("new words", &RowType::SqlBaseline, None)
    );
}

#[tokio::test]
async fn the_query_history_is_asked_by_the_end_of_a_tag() {
    let place = Place::made().await;
    for (tag, status) in
        [("t snowops:r1:a:1", "SUCCESS"), ("snowops:r1:a:1", "FAIL"), ("t snowops:r1:a:11", "x")]
    {
        place
            .raw(&format!(
                "INSERT INTO \"snowops_query_history\" VALUES ('id {tag}', '', '{tag}', '', '', '{status}', SYSDATE(), '')"
            ))
            .await;
    }
    let mut session = place.open(Purpose::Keeper).await;
    let found =
        find_by_tag(session.as_mut(), &name(), "snowops:r1:a:1", "tester", &place.context).await.unwrap();
    let found: Vec<_> = found.iter().map(|entry| (entry.query_id.as_str(), entry.status)).collect();
    assert_eq!(
        found,
        [("id t snowops:r1:a:1", EntryStatus::Success), ("id snowops:r1:a:1", EntryStatus::Failed)]
    );
    let none = find_by_tag(session.as_mut(), &name(), "t%", "tester", &place.context).await.unwrap();
    assert_eq!(none, []);
}

/// Real threads, clock and lock: each run makes the tables, waits for the lease and records what is missing.
#[test]
fn runs_that_start_at_once_record_each_script_once() {
    const RUNS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("new/local.db")).unwrap();
    let run = |number: usize| {
        let path = path.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(one_of_many(path, number))
        })
    };
    let runs: Vec<_> = (0..RUNS).map(run).collect();
    let mut tokens: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (1..=4).collect::<Vec<_>>());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let state = runtime.block_on(async {
        let place = Place::at(path, Context::system());
        place.state().await
    });
    let scripts: Vec<_> = state.history.iter().map(|row| (row.rank, row.script.clone())).collect();
    assert_eq!(
        scripts,
        [(1, "V1__a.sql".to_owned()), (2, "V2__b.sql".to_owned()), (3, "V3__c.sql".to_owned())]
    );
}

async fn one_of_many(path: camino::Utf8PathBuf, number: usize) -> i64 {
    let place = Place::at(path, Context::system());
    let mut session = place.open(Purpose::Keeper).await;
    let state = read(session.as_mut(), &name(), &place.context).await.unwrap();
    if state.presence != Presence::Present {
        create(session.as_mut(), &name(), &state.presence, &place.context).await.unwrap();
    }
    let mut settings = place.settings(&format!("run-{number}")).await;
    settings.timeout = Duration::from_mins(1);
    let mut keeper = Keeper::acquire(session, settings, place.context.clone(), &mut |_| true).await.unwrap();
    let mut work = place.open(Purpose::Work).await;
    let state = keeper.read_back(work.as_mut()).await.unwrap();
    for script in ["V1__a.sql", "V2__b.sql", "V3__c.sql"] {
        if !state.history.iter().any(|row| row.script == script) {
            keeper.insert_history(&new_row(script, true)).await.unwrap();
        }
    }
    let token = keeper.token();
    keeper.end(None, RunOutcome::Success, vec![]).await.unwrap();
    keeper.release().await.unwrap();
    token
}

#[tokio::test]
async fn what_a_later_run_settled_is_read_although_that_run_has_ended() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("r1").await;
    keeper.journal(vec![run_row(keeper.token()), script_row("A"), step_row("A", 2)]).await.unwrap();
    drop(keeper);
    let (mut keeper, _) = place.held("r2").await;
    let settled = JournalBody::Settled {
        run: "r1".into(),
        ordinal: 2,
        by: crate::model::journal::SettledBy::Person,
        outcome: crate::model::journal::SettledOutcome::Done,
    };
    keeper.journal(vec![run_row(keeper.token()), (Some("A".into()), Some(2), settled)]).await.unwrap();
    keeper.close_open_runs(&[open_run("r1")]).await.unwrap();
    keeper.end(None, RunOutcome::Success, vec![]).await.unwrap();
    keeper.release().await.unwrap();
    let said = says(&place.state().await);
    for row in [triple("r1", "step", "A"), triple("r2", "settled", "A"), triple("r2", "run", "")] {
        assert!(said.contains(&row), "{row:?} is missing in {said:?}");
    }
}

fn open_run(id: &str) -> KnownRun {
    KnownRun { id: id.to_owned(), user: "tester".to_owned(), sessions: Vec::new(), ended: None, ttl_ms: None }
}
