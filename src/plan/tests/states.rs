//! Every state of Flyway's table, and the order in which they are decided and shown.

use super::super::testing::{World, repaired};
use crate::model::{
    history::RowType,
    journal::RunOutcome,
    migration::Body,
    plan::Target,
    state::{IgnoredBecause, MigrationState},
    version::Version,
};

fn states(world: &World) -> Vec<MigrationState> {
    world.states().into_iter().map(|status| status.state).collect()
}

fn version(text: &str) -> Target {
    Target::Version { version: Version::parse(text).unwrap(), optional: false }
}

#[test]
fn a_file_without_a_row_is_pending() {
    let world =
        World::new().file("V2__b.sql", "insert 2").file("V1__a.sql", "insert 1").file("R__r.sql", "grant");
    assert_eq!(world.shown(), ["V1__a.sql pending", "V2__b.sql pending", "R__r.sql pending"]);
}

#[test]
fn versions_pair_by_number_and_not_by_text() {
    let world = World::new()
        .file("V1.0__a.sql", "insert 1")
        .row_of("V1.0__a.sql", |row| row.version = Some("01".into()));
    assert_eq!(world.shown(), ["V1.0__a.sql success"]);
}

#[test]
fn above_the_target_versioned_wait_and_repeatables_do_not() {
    let world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .file("R__r.sql", "grant")
        .policy(|policy| policy.target = version("1.0"));
    assert_eq!(world.shown(), ["V1__a.sql pending", "V2__b.sql above_target", "R__r.sql pending"]);
    let current = world.applied("V1__a.sql").policy(|policy| policy.target = Target::Current);
    assert_eq!(current.shown(), ["V1__a.sql success", "V2__b.sql above_target", "R__r.sql pending"]);
    let empty = World::new().file("V1__a.sql", "insert 1").policy(|policy| policy.target = Target::Current);
    assert_eq!(empty.shown(), ["V1__a.sql above_target"]);
}

#[test]
fn files_at_and_below_a_baseline_are_shown_first_and_never_run() {
    let world = World::new()
        .row(RowType::Baseline, Some("2"), "<< Flyway Baseline >>")
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .file("V3__c.sql", "insert 3");
    let shown = world.shown();
    assert_eq!(
        shown,
        [
            "V1__a.sql below_baseline",
            "V2__b.sql baseline_ignored",
            "<< Flyway Baseline >> baseline",
            "V3__c.sql pending"
        ]
    );
}

#[test]
fn on_an_empty_history_only_the_highest_baseline_file_runs() {
    let files = || {
        World::new()
            .file("B1__x.sql", "insert b1")
            .file("B2__y.sql", "insert b2")
            .file("V2__b.sql", "insert 2")
            .file("V3__c.sql", "insert 3")
    };
    assert_eq!(
        files().shown(),
        ["B1__x.sql below_baseline", "V2__b.sql baseline_ignored", "B2__y.sql pending", "V3__c.sql pending"]
    );
    let applied = files().applied("V2__b.sql");
    assert_eq!(
        applied.shown(),
        ["V2__b.sql success", "B1__x.sql ignored", "B2__y.sql ignored", "V3__c.sql pending"]
    );
    assert!(states(&applied).contains(&MigrationState::Ignored { why: IgnoredBecause::Baseline }));
}

#[test]
fn an_applied_baseline_file_is_a_baseline_and_a_failed_one_failed() {
    let world = World::new().file("B2__y.sql", "insert b2");
    assert_eq!(world.applied("B2__y.sql").shown(), ["B2__y.sql baseline"]);
    let world = World::new().file("B2__y.sql", "insert b2").row_of("B2__y.sql", |row| row.success = false);
    assert_eq!(world.shown(), ["B2__y.sql failed"]);
}

#[test]
fn below_the_highest_applied_a_file_is_ignored_unless_out_of_order_is_allowed() {
    let world = World::new().file("V1__a.sql", "insert 1").file("V2__b.sql", "insert 2").applied("V2__b.sql");
    assert_eq!(world.shown(), ["V2__b.sql success", "V1__a.sql ignored"]);
    let world = world.policy(|policy| policy.out_of_order = true);
    assert_eq!(world.shown(), ["V2__b.sql success", "V1__a.sql pending"]);
    assert_eq!(world.applied("V1__a.sql").shown(), ["V2__b.sql success", "V1__a.sql out_of_order"]);
}

#[test]
fn a_failed_row_counts_as_the_highest_applied() {
    let world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .row_of("V2__b.sql", |row| row.success = false);
    assert_eq!(world.shown(), ["V2__b.sql failed", "V1__a.sql ignored"]);
}

#[test]
fn a_row_without_a_file_is_missing_below_the_highest_file_and_future_above() {
    for (gone, success, state) in [
        ("V1__a.sql", true, "missing_success"),
        ("V1__a.sql", false, "missing_failed"),
        ("V3__c.sql", true, "future_success"),
        ("V3__c.sql", false, "future_failed"),
    ] {
        let world = World::new()
            .file("V2__b.sql", "insert 2")
            .file(gone, "insert x")
            .row_of(gone, |row| row.success = success)
            .without(gone);
        assert!(world.shown().contains(&format!("{gone} {state}")), "{gone} {success}: {:?}", world.shown());
    }
    let repeatable = World::new().file("R__r.sql", "grant").applied("R__r.sql").without("R__r.sql");
    assert_eq!(repeatable.shown(), ["R__r.sql missing_success"]);
}

#[test]
fn repeatables_are_outdated_when_the_text_changed_and_older_runs_superseded() {
    let world = World::new().file("R__r.sql", "grant 1").applied("R__r.sql").file("R__r.sql", "grant 2");
    assert_eq!(world.shown(), ["R__r.sql outdated", "R__r.sql pending"]);
    let world = world.applied("R__r.sql");
    assert_eq!(world.shown(), ["R__r.sql superseded", "R__r.sql success"]);
}

/// Its step rows say that it was begun, its row that it is done; the run itself was cut off before its end.
#[test]
fn a_repeatable_that_was_recorded_before_its_run_was_cut_off_is_done() {
    let file = |world: World, text| world.file("R__r.sql", text);
    for before in [World::new(), file(World::new(), "grant 1").migrate("run-0")] {
        let old = before.shown().len();
        let cut = file(before, "insert 1; insert 2").run("run-1", &["R__r.sql"]).step("run-1", "R__r.sql", 2);
        assert_eq!(cut.steps(), ["resume R__r.sql from 2"]);
        let recorded = cut.applied("R__r.sql");
        assert_eq!(recorded.steps(), [""; 0]);
        assert_eq!(recorded.shown()[old..], ["R__r.sql success"]);
    }
}

#[test]
fn a_repeatable_that_flyway_wrote_matches_by_its_rendered_or_its_raw_checksum() {
    let with_render = |world: World| {
        world.file_with("R__r.sql", "grant ${x}", |prepared| {
            let mut body = super::super::testing::rendered("migrations/R__r.sql", "grant dev");
            body.templates.clear();
            prepared.body = Body::Ready(body);
        })
    };
    let rendered = with_render(World::new()).applied("R__r.sql");
    assert_eq!(rendered.shown(), ["R__r.sql success"]);
    let raw = with_render(World::new());
    let crc = i64::from(raw.find("R__r.sql").migration.crc);
    assert_eq!(raw.row_of("R__r.sql", |row| row.checksum = Some(crc)).shown(), ["R__r.sql success"]);
    let null = with_render(World::new()).row_of("R__r.sql", |row| row.checksum = None);
    assert_eq!(null.shown(), ["R__r.sql success"]);
    let other = with_render(World::new()).row_of("R__r.sql", |row| row.checksum = Some(7));
    assert_eq!(other.shown(), ["R__r.sql outdated", "R__r.sql pending"]);
}

#[test]
fn a_line_break_that_flyways_checksum_does_not_see_makes_a_journalled_repeatable_outdated() {
    let world = World::new().file("R__r.sql", "grant 1;\n-- x\ngrant 2").migrate("run-1");
    assert_eq!(world.shown(), ["R__r.sql success"]);
    let world = world.file("R__r.sql", "grant 1;\n-- xgrant 2");
    assert_eq!(world.shown(), ["R__r.sql outdated", "R__r.sql pending"]);
    // Planned, and cut off before it came to it: still outdated. Carried out: not.
    let cut = world.run("run-2", &["R__r.sql"]);
    assert_eq!(cut.shown()[0], "R__r.sql outdated");
    assert_eq!(cut.migrate("run-3").shown(), ["R__r.sql superseded", "R__r.sql success"]);
}

#[test]
fn descriptions_over_200_characters_pair_with_their_cut_rows() {
    let name = format!("R__{}.sql", "x".repeat(300));
    let world = World::new().file(&name, "grant 1").applied(&name);
    assert_eq!(world.shown(), [format!("{name} success")]);
}

#[test]
fn delete_rows_take_versions_away_and_are_not_shown() {
    let world =
        World::new().file("V1__a.sql", "insert 1").applied("V1__a.sql").row(RowType::Delete, Some("1"), "a");
    assert_eq!(world.shown(), ["V1__a.sql deleted", "V1__a.sql pending"]);
    let again = world.applied("V1__a.sql");
    assert_eq!(again.shown(), ["V1__a.sql deleted", "V1__a.sql success"]);
    let repeatable =
        World::new().file("R__r.sql", "grant 1").applied("R__r.sql").row(RowType::Delete, None, "r");
    assert_eq!(repeatable.shown(), ["R__r.sql deleted", "R__r.sql success", "R__r.sql pending"]);
}

#[test]
fn undo_rows_of_paid_flyway_take_versions_back() {
    let world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .file("U2__b.sql", "insert undo")
        .applied("V1__a.sql")
        .applied("V2__b.sql");
    assert_eq!(world.shown(), ["V1__a.sql success", "V2__b.sql success", "U2__b.sql available"]);
    let undone = world.applied("U2__b.sql");
    assert_eq!(
        undone.shown(),
        ["V1__a.sql success", "V2__b.sql undone", "U2__b.sql success", "V2__b.sql pending"]
    );
    let waiting = World::new().file("V1__a.sql", "insert 1").file("U1__a.sql", "insert undo");
    assert_eq!(waiting.shown(), ["V1__a.sql pending", "U1__a.sql ignored"]);
}

#[test]
fn schema_rows_and_unknown_types_are_read() {
    let world = World::new()
        .row(RowType::Schema, None, "<< Flyway Schema Creation >>")
        .file("V1__a.sql", "insert 1")
        .row_of("V1__a.sql", |row| row.kind = RowType::Other("NEWER".into()));
    assert_eq!(world.shown(), ["<< Flyway Schema Creation >> success", "V1__a.sql success"]);
    let odd = World::new().row(RowType::Sql, Some("-1"), "odd").file("V1__a.sql", "insert 1");
    assert_eq!(odd.shown()[0], "odd missing_success", "a version that no grammar knows stands above nothing");
}

#[test]
fn an_edited_applied_version_is_changed_with_both_checksums() {
    let by_flyway =
        World::new().file("V1__a.sql", "insert 1").applied("V1__a.sql").file("V1__a.sql", "insert 2");
    assert_eq!(by_flyway.shown(), ["V1__a.sql changed"]);
    let breaks = |world: World| world.file("V1__a.sql", "-- x\ninsert 1").migrate("run-1");
    let moved = breaks(World::new()).file("V1__a.sql", "-- xinsert 1");
    assert_eq!(moved.shown(), ["V1__a.sql changed"], "equal CRC, another SHA-256");
    let newline = breaks(World::new()).file("V1__a.sql", "-- x\r\ninsert 1\n\n");
    assert_eq!(newline.shown(), ["V1__a.sql success"]);
    let below = by_flyway.row(RowType::Baseline, Some("5"), "base");
    assert_eq!(
        below.shown(),
        ["V1__a.sql success", "base baseline"],
        "at or below a baseline nothing is compared"
    );
}

#[test]
fn after_repair_the_checksum_of_the_row_decides_again() {
    let world =
        World::new().file("V1__a.sql", "-- x\ninsert 1").migrate("run-1").file("V1__a.sql", "-- xinsert 1");
    let mut world = world;
    world.write_run("repair");
    let world = world.wrote("repair", "V1__a.sql", repaired());
    assert_eq!(world.shown(), ["V1__a.sql success"]);
}

#[test]
fn scripts_for_other_environments_are_ignored() {
    let elsewhere = |name: &str| {
        World::new().file_with(name, "grant", |prepared| prepared.settings.environments = vec!["prod".into()])
    };
    for name in ["V1__a.sql", "R__r.sql", "A__a.sql", "B1__b.sql"] {
        assert_eq!(
            states(&elsewhere(name)),
            [MigrationState::Ignored { why: IgnoredBecause::Environment }],
            "{name}"
        );
        assert!(elsewhere(name).errors().is_empty());
        assert!(elsewhere(name).steps().is_empty());
    }
    let never = World::new().file_with("V1__a.sql", "grant", |p| p.settings.should_execute = Some(false));
    assert_eq!(states(&never), [MigrationState::Ignored { why: IgnoredBecause::ShouldExecute }]);
}

#[test]
fn always_scripts_come_last_and_know_whether_they_changed() {
    let world =
        World::new().file("A__a.sql", "grant 1").file("R__z.sql", "grant 2").file("V1__a.sql", "insert 1");
    assert_eq!(world.shown(), ["V1__a.sql pending", "R__z.sql pending", "A__a.sql always"]);
    assert_eq!(states(&world)[2], MigrationState::Always { changed: true });
    let world = world.migrate("run-1");
    assert_eq!(states(&world)[2], MigrationState::Always { changed: false });
    let facts = world.states()[2].journal.clone().unwrap();
    assert_eq!(
        (facts.execution_ms, facts.user.as_deref(), facts.query_id.as_deref()),
        (Some(3), Some("ME"), Some("q"))
    );
    let changed = world.file("A__a.sql", "grant 3");
    assert_eq!(states(&changed)[2], MigrationState::Always { changed: true });
    let failed =
        changed.run("run-2", &["A__a.sql"]).fails("run-2", "A__a.sql", 1).ends("run-2", RunOutcome::Failed);
    assert_eq!(states(&failed)[2], MigrationState::Failed { at: Some(1), of: Some(1), resumable: true });
}

#[test]
fn callbacks_are_not_listed() {
    let world = World::new().file("beforeMigrate.sql", "grant").file("V1__a.sql", "insert 1");
    assert_eq!(world.shown(), ["V1__a.sql pending"]);
}

#[test]
fn a_failed_row_has_its_place_only_with_evidence() {
    let text = "insert 1; insert 2; insert 3";
    let file = World::new().file("V1__a.sql", text);
    let without = file.row_of("V1__a.sql", |row| row.success = false);
    assert_eq!(states(&without), [MigrationState::Failed { at: None, of: None, resumable: false }]);
    let with = without
        .run("run-1", &["V1__a.sql"])
        .step("run-1", "V1__a.sql", 2)
        .fails("run-1", "V1__a.sql", 2)
        .ends("run-1", RunOutcome::Failed);
    assert_eq!(states(&with), [MigrationState::Failed { at: Some(2), of: Some(3), resumable: true }]);
}

#[test]
fn a_run_that_was_cut_off_shows_where_it_stood_without_a_row() {
    let cut = |text: &str| World::new().file("V1__a.sql", text).run("run-1", &["V1__a.sql"]);
    assert_eq!(states(&cut("insert 1; insert 2")), [MigrationState::Unknown { at: 1, of: 2 }]);
    let second = cut("insert 1; insert 2").step("run-1", "V1__a.sql", 2);
    assert_eq!(states(&second), [MigrationState::Unknown { at: 2, of: 2 }]);
    assert_eq!(
        states(&cut("grant 1; insert 2")),
        [MigrationState::Failed { at: Some(1), of: Some(2), resumable: true }],
        "before the second a step row would stand"
    );
}

#[test]
fn of_a_run_that_was_cut_off_only_the_script_it_was_at_is_in_doubt() {
    let world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .file("V3__c.sql", "insert 3")
        .run("run-1", &["V1__a.sql", "V2__b.sql", "V3__c.sql"])
        .applied("V1__a.sql");
    assert_eq!(world.shown(), ["V1__a.sql success", "V2__b.sql unknown", "V3__c.sql pending"]);
    let closed = world.ends("run-1", RunOutcome::Interrupted);
    assert_eq!(closed.shown(), ["V1__a.sql success", "V2__b.sql pending", "V3__c.sql pending"]);
}

#[test]
fn the_order_of_the_input_does_not_matter() {
    let mut world = World::new()
        .file("V1__a.sql", "insert 1")
        .file("V2__b.sql", "insert 2")
        .file("R__b.sql", "grant b")
        .file("R__a.sql", "grant a")
        .file("A__x.sql", "grant x")
        .applied("V1__a.sql")
        .applied("R__b.sql");
    let shown = world.shown();
    world.migrations.reverse();
    world.history.reverse();
    assert_eq!(world.shown(), shown);
}
