//! What `validate` finds, and what a plan is refused for.

use super::super::testing::{World, failed, repaired};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{history::RowType, journal::RunOutcome, migration::Body, plan::Target, version::Version},
    plan::ResumePolicy,
};

fn only(findings: Vec<Diagnostic>) -> Diagnostic {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.into_iter().next().unwrap()
}

fn codes(findings: &[Diagnostic]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_clean_project_has_no_findings_and_pending_is_none() {
    let world = World::new().file("V1__a.sql", "insert 1").applied("V1__a.sql").file("V2__b.sql", "insert 2");
    assert!(world.validate().is_empty());
}

#[test]
fn pending_scripts_are_errors_only_when_asked() {
    let world = World::new()
        .file("R__r.sql", "grant 1")
        .applied("R__r.sql")
        .file("R__r.sql", "grant 2")
        .file("A__a.sql", "grant 3")
        .policy(|policy| policy.strict_pending = true);
    let mut errors = world.errors();
    errors.sort();
    assert_eq!(errors, [Code::PendingMigration, Code::PendingMigration, Code::OutdatedMigration]);
    assert!(world.plan().findings.is_empty(), "a migrate is there to apply them");
}

#[test]
fn a_changed_version_names_file_both_checksums_and_the_way_out() {
    let world = World::new().file("V1__a.sql", "-- x\ninsert 1").migrate("run-1");
    let applied = world.find("V1__a.sql").migration.source_sha;
    let world = world.file("V1__a.sql", "-- xinsert 1");
    let found = world.find("V1__a.sql").migration.source_sha;
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::ChecksumMismatch);
    assert_eq!(finding.place.as_ref().unwrap().file, "migrations/V1__a.sql");
    assert!(finding.notes.contains(&format!("applied sha256:{applied}")), "{finding:#?}");
    assert!(finding.notes.contains(&format!("found   sha256:{found}")), "{finding:#?}");
    assert!(finding.hint.as_ref().unwrap().contains("new migration"));
    assert!(finding.message.contains(&applied.short()) && finding.message.contains(&found.short()));
    assert!(world.plan().is_refused());
}

#[test]
fn a_null_checksum_matches() {
    let world = World::new().file("V1__a.sql", "insert 1").row_of("V1__a.sql", |row| row.checksum = None);
    assert!(world.validate().is_empty());
}

#[test]
fn description_and_type_are_compared_above_the_baseline() {
    let world = World::new().file("V1__a.sql", "insert 1").row_of("V1__a.sql", |row| {
        row.description = "other".into();
        row.kind = RowType::Other("JDBC".into());
        row.checksum = Some(1);
    });
    let mut errors = world.errors();
    errors.sort();
    assert_eq!(
        errors,
        [Code::ChecksumMismatch, Code::DescriptionMismatch, Code::TypeMismatch],
        "all at once"
    );
    assert!(world.row(RowType::Baseline, Some("1"), "base").errors().is_empty());
}

#[test]
fn long_descriptions_are_compared_as_the_table_cuts_them() {
    let name = format!("V1__{}.sql", "y".repeat(250));
    assert!(World::new().file(&name, "insert 1").applied(&name).validate().is_empty());
}

#[test]
fn missing_files_are_errors_and_future_ones_a_warning() {
    let gone = |name: &str| {
        World::new()
            .file("V2__b.sql", "insert 2")
            .file(name, "grant")
            .applied("V2__b.sql")
            .applied(name)
            .without(name)
    };
    assert_eq!(gone("V1__a.sql").errors(), [Code::MissingMigration]);
    assert_eq!(gone("R__r.sql").errors(), [Code::MissingMigration]);
    let future = gone("V3__c.sql");
    assert!(!only(future.validate()).is_error());
    let undo = gone("U1__a.sql");
    assert!(undo.errors().is_empty(), "{:?}", undo.validate());
}

#[test]
fn one_failed_future_row_passes_as_in_flyway_and_two_do_not() {
    let failed = |world: World, name: &str| {
        world.file(name, "grant").row_of(name, |row| row.success = false).without(name)
    };
    let one = failed(World::new(), "V8__x.sql");
    assert!(!only(one.validate()).is_error());
    let two = failed(one, "V9__y.sql");
    assert_eq!(two.errors(), [Code::FailedMigration; 2]);
}

#[test]
fn an_ignored_version_is_an_error_that_names_the_highest_applied() {
    let world =
        World::new().file("V1__a.sql", "insert 1").file("V2.5__b.sql", "insert 2").applied("V2.5__b.sql");
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::IgnoredMigration);
    assert!(finding.message.contains("2.5"), "{finding}");
    assert!(finding.hint.unwrap().contains("--out-of-order"));
    let allowed =
        World::new().file("V1__a.sql", "insert 1").file("V2__b.sql", "insert 2").applied("V2__b.sql");
    assert!(allowed.policy(|policy| policy.out_of_order = true).validate().is_empty());
}

#[test]
fn two_rows_of_one_rank_and_a_second_removal_are_corrupt() {
    let world = World::new().file("V1__a.sql", "insert 1").file("V2__b.sql", "insert 2").applied("V1__a.sql");
    let twice = world.row_of("V2__b.sql", |row| row.rank = 1);
    let finding = only(twice.validate());
    assert_eq!((finding.code, finding.notes.len()), (Code::CorruptHistory, 2));
    let removed = World::new()
        .file("V1__a.sql", "insert 1")
        .applied("V1__a.sql")
        .row(RowType::Delete, Some("1"), "a")
        .row(RowType::Delete, Some("1"), "a");
    assert_eq!(removed.errors(), [Code::CorruptHistory]);
    let again = World::new()
        .file("V1__a.sql", "insert 1")
        .applied("V1__a.sql")
        .row(RowType::Delete, Some("1"), "a")
        .applied("V1__a.sql")
        .row(RowType::Delete, Some("1"), "a");
    assert!(again.errors().is_empty());
}

#[test]
fn an_unknown_target_is_named_unless_it_is_optional() {
    let target = |optional| Target::Version { version: Version::parse("7").unwrap(), optional };
    let world = World::new().file("V1__a.sql", "insert 1").policy(|policy| policy.target = target(false));
    assert_eq!(world.errors(), [Code::UnknownTarget]);
    assert!(world.policy(|policy| policy.target = target(true)).errors().is_empty());
}

#[test]
fn broken_bodies_count_where_the_text_matters() {
    let broken = |name: &str| {
        World::new().file_with(name, "insert 1", |prepared| {
            prepared.body =
                Body::Broken(vec![Diagnostic::error(Code::UnbalancedSql, "a quote is never closed")]);
        })
    };
    for name in ["V1__a.sql", "R__r.sql", "A__a.sql", "beforeMigrate.sql"] {
        assert_eq!(broken(name).errors(), [Code::UnbalancedSql], "{name}");
    }
    assert_eq!(broken("R__r.sql").applied("R__r.sql").errors(), [Code::UnbalancedSql]);
    assert!(broken("V1__a.sql").applied("V1__a.sql").errors().is_empty());
    assert!(broken("beforeClean.sql").errors().is_empty());
}

#[test]
fn a_script_that_would_run_and_was_not_rendered_is_a_fault() {
    let world = World::new().file_with("V1__a.sql", "insert 1", |prepared| prepared.body = Body::Skipped);
    assert_eq!(world.plan().findings.iter().map(|f| f.code).collect::<Vec<_>>(), [Code::Internal]);
    assert!(world.applied("V1__a.sql").validate().is_empty());
}

#[test]
fn a_template_that_changed_under_an_applied_version_is_a_warning() {
    let uses = |world: World, name: &str, template: &str| {
        let sha = crate::model::checksum::Sha256::of(template.as_bytes());
        world.file_with(name, "grant", |prepared| {
            if let Body::Ready(rendered) = &mut prepared.body {
                rendered.templates = vec![("macros.sql".into(), sha)];
            }
        })
    };
    let world = uses(World::new(), "V1__a.sql", "old").migrate("run-1");
    let same = uses(world, "R__r.sql", "old");
    assert!(same.validate().is_empty());
    let world = uses(same, "R__r.sql", "new").file_with("V1__a.sql", "grant", |p| p.body = Body::Skipped);
    let finding = only(world.validate());
    assert_eq!((finding.code, finding.is_error()), (Code::ChangedTemplate, false));
    assert!(finding.message.contains("macros.sql") && finding.message.contains("V1__a.sql"));
}

#[test]
fn a_failed_row_is_an_error_of_validate_and_resumable_ones_none_of_a_plan() {
    let text = "insert 1; insert 2";
    let file = World::new().file("V1__a.sql", text).row_of("V1__a.sql", |row| row.success = false);
    assert_eq!(file.errors(), [Code::FailedMigration]);
    assert!(file.plan().is_refused(), "nothing tells how far it came");
    let known =
        file.run("run-1", &["V1__a.sql"]).fails("run-1", "V1__a.sql", 1).ends("run-1", RunOutcome::Failed);
    let finding = only(known.validate());
    assert_eq!(finding.code, Code::FailedMigration);
    assert!(finding.message.contains("statement 1 of 2"), "{finding}");
    assert!(known.plan().findings.is_empty());
    let never = known.policy(|policy| policy.resume = ResumePolicy::Never);
    assert_eq!(codes(&never.plan().findings), [Code::FailedMigration]);
}

#[test]
fn an_unknown_outcome_is_an_error_of_validate_only() {
    let world = World::new().file("V1__a.sql", "insert 1; insert 2").run("run-1", &["V1__a.sql"]);
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::UnknownOutcome);
    assert!(finding.hint.unwrap().contains("--mark-not-done"));
    assert!(world.plan().findings.is_empty());
}

#[test]
fn finished_statements_and_unknown_ones_must_not_have_changed() {
    let cut = World::new()
        .file("V1__a.sql", "insert 1; insert 2; insert 3")
        .run("run-1", &["V1__a.sql"])
        .step("run-1", "V1__a.sql", 2);
    let changed = |text: &str| World::new_from(&cut).file("V1__a.sql", text).plan().findings;
    assert!(changed("insert 1; insert 2; insert 4").is_empty(), "what did not start may change");
    assert_eq!(codes(&changed("insert 1; insert 9; insert 3")), [Code::ChangedAfterFailure], "unknown");
    assert_eq!(codes(&changed("insert 9; insert 2")), [Code::ChangedAfterFailure], "done");
    assert_eq!(codes(&changed("insert 1")), [Code::ChangedAfterFailure], "unknown and gone");
    let both = changed("insert 8; insert 9");
    assert_eq!(codes(&both), [Code::ChangedAfterFailure; 2]);
    let was = cut.find("V1__a.sql").rendered().unwrap().statements[0].hash.to_string();
    let is = crate::model::statement::StatementHash::of("insert 8").to_string();
    assert!(both[0].notes[0].contains(&was) && both[0].notes[1].contains(&is), "{both:#?}");
    assert_eq!(both[0].notes.len(), 2, "the file has changed");
    let source = cut.find("V1__a.sql").migration.source_sha;
    let other = World::new_from(&cut);
    let other = other.file_with("V1__a.sql", "insert 9; insert 2", |p| {
        std::sync::Arc::make_mut(&mut p.migration).source_sha = source;
    });
    let found = other.plan().findings;
    assert!(found[0].notes[2].starts_with("the file is as it was: a variable"), "{found:#?}");
    let failed = World::new_from(&cut).wrote("run-1", "V1__a.sql", failed(2));
    assert!(
        failed.file("V1__a.sql", "insert 1; insert 9").plan().findings.is_empty(),
        "the failed one may change"
    );
}

#[test]
fn repair_makes_an_end_of_what_the_journal_says() {
    let world = World::new().file("V1__a.sql", "insert 1").run("run-1", &["V1__a.sql"]);
    assert_eq!(world.shown(), ["V1__a.sql unknown"]);
    let mut world = world;
    world.write_run("repair");
    let world = world.wrote("repair", "V1__a.sql", repaired());
    assert_eq!(world.shown(), ["V1__a.sql pending"]);
    assert_eq!(world.steps(), ["apply V1__a.sql"]);
    assert_eq!(
        world.run("run-3", &["V1__a.sql"]).shown(),
        ["V1__a.sql unknown"],
        "a later attempt counts again"
    );
}

#[test]
fn statements_that_write_to_the_ledger_or_take_it_away_are_refused() {
    let world = World::new().file("V1__a.sql", "insert 1; drop schema snowops");
    let findings = world.plan().findings;
    assert_eq!(codes(&findings), [Code::ProtectedObject]);
    assert_eq!(findings[0].place.as_ref().unwrap().position, Some((1, 11)));
    let other = World::new().file("V1__a.sql", "use database elsewhere; drop schema snowops");
    assert!(other.plan().findings.is_empty(), "the schema of another database");
    let back = World::new().file("V1__a.sql", "use schema elsewhere.x; use database db; drop schema snowops");
    assert_eq!(codes(&back.plan().findings), [Code::ProtectedObject]);
    let writes =
        "select * from snowops.\"history\"; use schema snowops; delete from \"history_lock\" where a = 1";
    let findings = World::new().file("V1__a.sql", writes).plan().findings;
    assert_eq!(codes(&findings), [Code::ProtectedObject]);
    assert!(
        findings[0].message.contains("statement 3: would write to the table DB.SNOWOPS.\"history_lock\"")
    );
}

#[test]
fn client_commands_are_refused_with_place_and_the_way_round() {
    let findings = World::new().file("V1__a.sql", "insert 1; put file @stage").plan().findings;
    assert_eq!(codes(&findings), [Code::ClientCommand]);
    assert!(findings[0].message.contains("'put'"));
    assert_eq!(findings[0].place.as_ref().unwrap().to_string(), "migrations/V1__a.sql:1:11");
    assert!(findings[0].hint.as_ref().unwrap().contains("snow stage copy"));
}

#[test]
fn baseline_and_undo_files_are_refused_by_name() {
    for (file, beside) in [("B2__b.sql", "V3__c.sql"), ("U1__a.sql", "V1__a.sql")] {
        let fresh = World::new().file(file, "insert b").file(beside, "insert 3");
        let applied = World::new().file(file, "insert b").file(beside, "insert 3").applied(beside);
        for world in [fresh, applied] {
            let findings = world.plan().findings;
            assert_eq!(codes(&findings), [Code::UnsupportedKind]);
            assert!(findings[0].message.contains(file));
        }
    }
}

#[test]
fn callbacks_that_flyway_would_run_and_snowops_does_not_are_refused_by_name() {
    let findings =
        World::new().file("afterConnect.sql", "grant").file("beforeClean.sql", "grant").plan().findings;
    assert_eq!(codes(&findings), [Code::UnsupportedKind]);
    assert!(findings[0].message.contains("afterConnect"));
}

#[test]
fn a_half_applied_script_that_is_no_longer_wanted_stops() {
    let cut = || World::new().file("V2__a.sql", "grant 1; insert 2").run("run-1", &["V2__a.sql"]);
    let never = cut().file_with("V2__a.sql", "grant 1; insert 2", |p| p.settings.never_resume = true);
    let elsewhere =
        cut().file_with("V2__a.sql", "grant 1; insert 2", |p| p.settings.environments = vec!["prod".into()]);
    let above = cut().file("V1__b.sql", "insert b").policy(|policy| {
        policy.target = Target::Version { version: Version::parse("1").unwrap(), optional: false };
    });
    let flag = cut().policy(|policy| policy.resume = ResumePolicy::Never);
    for (world, way_on) in [
        (never, "take back by hand"),
        (flag, "leave `--resume=never` out, and it goes on; or take back"),
        (elsewhere, "let its settings name this environment again, and it goes on; or take back"),
        (above, "leave `--target` out or raise it, and it goes on; or take back"),
    ] {
        let plan = world.plan();
        assert_eq!(codes(&plan.findings), [Code::FailedMigration]);
        let hint = plan.findings[0].hint.as_ref().unwrap();
        assert!(hint.starts_with(way_on) && hint.contains("snowops repair"), "{hint}");
        assert!(!plan.steps.iter().any(|step| step.prepared.migration.script == "V2__a.sql"));
    }
}

#[test]
fn a_row_that_was_deleted_is_named_and_its_script_does_not_run_again_unless_repair_forgets_it() {
    let mut world = World::new().file("V1__a.sql", "insert 1").file("R__r.sql", "grant 1").migrate("run-1");
    world.history.retain(|row| row.script != "V1__a.sql");
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::HistoryChanged);
    assert_eq!(
        finding.message,
        "the history has lost the row of V1__a.sql, which run run-1 applied and recorded"
    );
    assert!(world.plan().is_refused());
    assert_eq!(world.plan().lost, ["V1__a.sql"]);
    let world = world.run("run-2", &[]).wrote("run-2", "V1__a.sql", repaired());
    assert!(world.errors().is_empty());
    assert_eq!(world.steps(), ["apply V1__a.sql"]);
}

#[test]
fn a_run_that_failed_later_proves_what_it_applied_before() {
    let world = World::new().file("V1__a.sql", "insert 1").file("V2__b.sql", "insert 2; insert 3");
    let mut world = world.run("run-1", &["V1__a.sql", "V2__b.sql"]);
    let [first, second] = ["V1__a.sql", "V2__b.sql"].map(|name| world.find(name).clone());
    world.record(&first, None, true);
    let mut world = world.step("run-1", "V2__b.sql", 2).fails("run-1", "V2__b.sql", 2);
    world.record(&second, None, false);
    let mut world = world.ends("run-1", RunOutcome::Failed);
    assert!(!world.errors().contains(&Code::HistoryChanged), "{:#?}", world.validate());

    world.history[0].success = false;
    assert!(world.plan().contradicted["V1__a.sql"]);
    world.history.remove(0);
    assert_eq!(world.plan().lost, ["V1__a.sql"]);
    assert!(world.plan().is_refused());
}

#[test]
fn what_a_run_took_over_of_a_later_script_proves_nothing_of_an_earlier_one() {
    // The run was killed before its first statement: the row of V2's resume stands, and V1 was never begun.
    let world = World::new().file("V1__a.sql", "insert 1").file("V2__b.sql", "insert 2; insert 3");
    let world =
        world.run("run-1", &["V2__b.sql"]).step("run-1", "V2__b.sql", 2).fails("run-1", "V2__b.sql", 2);
    let world = world.ends("run-1", RunOutcome::Failed).policy(|policy| policy.out_of_order = true);
    let world = world.run("run-2", &["V1__a.sql", "V2__b.sql"]).step("run-2", "V2__b.sql", 2);
    assert!(world.plan().lost.is_empty());
    assert_eq!(world.steps().len(), 2, "{:?}", world.steps());
}

#[test]
fn a_row_that_was_edited_is_told_from_a_file_that_changed() {
    let mut world = World::new().file("V1__a.sql", "insert 1").migrate("run-1");
    world.history[0].checksum = Some(5);
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::HistoryChanged);
    assert!(finding.message.contains("it says crc32:5, and run run-1 wrote crc32:"), "{finding:#?}");
    let world = world.file("V1__a.sql", "insert 2");
    assert_eq!(only(world.validate()).code, Code::ChecksumMismatch);
}

#[test]
fn a_failed_row_that_was_set_to_success_is_named_until_repair_takes_it_as_it_stands() {
    let world = World::new().file("V1__a.sql", "insert 1; insert 2").run("run-1", &["V1__a.sql"]);
    let mut world = world.step("run-1", "V1__a.sql", 2).fails("run-1", "V1__a.sql", 2);
    let script = world.find("V1__a.sql").clone();
    world.record(&script, None, false);
    let mut world = world.ends("run-1", RunOutcome::Failed);
    assert!(!world.errors().contains(&Code::HistoryChanged), "{:#?}", world.validate());
    world.history[0].success = true;
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::HistoryChanged);
    assert_eq!(
        finding.message,
        "the history's row of V1__a.sql says that it was applied, but run run-1 recorded that its statement 2 of 2 \
         failed, and no run of snowops finished it"
    );
    assert!(world.plan().is_refused());
    assert!(!world.plan().contradicted["V1__a.sql"]);
    let world = world.run("run-2", &[]).wrote("run-2", "V1__a.sql", repaired());
    assert!(world.errors().is_empty() && world.steps().is_empty());
}

#[test]
fn an_applied_row_that_was_set_to_failed_is_no_failed_migration() {
    let mut world = World::new().file("V1__a.sql", "insert 1").migrate("run-1");
    world.history[0].success = false;
    let finding = only(world.validate());
    assert_eq!(finding.code, Code::HistoryChanged);
    assert_eq!(
        finding.message,
        "the history's row of V1__a.sql says that it failed, but run run-1 recorded that it was applied"
    );
    assert!(world.plan().contradicted["V1__a.sql"]);

    // Another tool took it back and failed at it: the row is what it says.
    let mut undone = World::new().file("V1__a.sql", "insert 1").migrate("run-1");
    let script = undone.find("V1__a.sql").clone();
    undone.history[0].kind = RowType::Delete;
    undone.record(&script, None, false);
    assert!(undone.plan().contradicted.is_empty());
}

#[test]
fn rows_that_another_tool_marked_or_wrote_are_no_loss() {
    // Flyway's repair marks the row of a removed file, and has no journal.
    let world = World::new().file("V1__a.sql", "insert 1").migrate("run-1");
    let world = world.row_of("V1__a.sql", |row| row.kind = RowType::Delete).without("V1__a.sql");
    assert!(!world.errors().contains(&Code::HistoryChanged), "{:#?}", world.validate());
}
