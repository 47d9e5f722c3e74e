//! What runs, in which order, and how two plans compare.

use super::super::testing::{World, steps};
use crate::{
    model::{
        plan::{Action, Comparison, Target},
        version::Version,
    },
    plan::{Needs, always, compare, digest, needs_body, pending},
};

fn retail() -> World {
    World::new()
        .file("V1__a.sql", "create table a")
        .file("V2__b.sql", "create table b; insert b")
        .file("R__v.sql", "create view v")
        .file("A__grants.sql", "grant")
}

#[test]
fn versioned_come_by_number_then_repeatables_by_name_then_always() {
    let world = World::new()
        .file("A__z.sql", "grant z")
        .file("R__b.sql", "grant b")
        .file("V10__x.sql", "insert 10")
        .file("R__a.sql", "grant a")
        .file("V9__y.sql", "insert 9");
    assert_eq!(
        world.steps(),
        ["apply V9__y.sql", "apply V10__x.sql", "apply R__a.sql", "apply R__b.sql", "always A__z.sql"]
    );
}

#[test]
fn callbacks_stand_in_flyways_order() {
    let mut world = retail().without("V2__b.sql");
    for event in [
        "beforeMigrate",
        "beforeEachMigrate",
        "afterEachMigrate",
        "afterVersioned",
        "beforeRepeatables",
        "afterMigrateApplied",
        "afterMigrate",
        "afterMigrateError",
        "afterEachMigrateError",
        "beforeClean",
    ] {
        world = world.file(&format!("{event}.sql"), "grant");
    }
    world = world.file("beforeMigrate__a.sql", "grant");
    let plan = world.plan();
    assert!(plan.findings.is_empty(), "{:#?}", plan.findings);
    assert_eq!(
        steps(&plan).iter().map(|step| step.replace("callback ", "")).collect::<Vec<_>>(),
        [
            "beforeMigrate.sql",
            "beforeMigrate__a.sql",
            "beforeEachMigrate.sql",
            "apply V1__a.sql",
            "afterEachMigrate.sql",
            "afterVersioned.sql",
            "beforeRepeatables.sql",
            "beforeEachMigrate.sql",
            "apply R__v.sql",
            "afterEachMigrate.sql",
            "beforeEachMigrate.sql",
            "always A__grants.sql",
            "afterEachMigrate.sql",
            "afterMigrateApplied.sql",
            "afterMigrate.sql",
        ]
    );
    let on_error: Vec<&str> = plan.on_error.iter().map(|step| &*step.prepared.migration.script).collect();
    assert_eq!(on_error, ["afterEachMigrateError.sql", "afterMigrateError.sql"]);
    assert_eq!((pending(&plan), always(&plan)), (3, 0));

    let world = world.migrate("run-1");
    assert_eq!(
        world.steps().iter().map(|step| step.replace("callback ", "")).collect::<Vec<_>>(),
        [
            "beforeMigrate.sql",
            "beforeMigrate__a.sql",
            "afterVersioned.sql",
            "beforeEachMigrate.sql",
            "always A__grants.sql",
            "afterEachMigrate.sql",
            "afterMigrate.sql"
        ]
    );
    assert_eq!((pending(&world.plan()), always(&world.plan())), (0, 1));
}

#[test]
fn callbacks_for_other_environments_do_not_run() {
    let world = World::new().file_with("beforeMigrate.sql", "grant", |prepared| {
        prepared.settings.environments = vec!["prod".into()];
    });
    assert!(world.steps().is_empty());
}

#[test]
fn an_unchanged_always_script_alone_does_not_wait() {
    let world = retail().migrate("run-1");
    let plan = world.plan();
    assert_eq!(
        (steps(&plan), pending(&plan), always(&plan)),
        (vec!["always A__grants.sql".to_owned()], 0, 1)
    );
    let plan = world.file("A__grants.sql", "grant more").plan();
    assert_eq!((steps(&plan).len(), pending(&plan), always(&plan)), (1, 1, 0));
}

#[test]
fn next_takes_one_version_and_a_target_all_up_to_it() {
    let world = retail().policy(|policy| policy.target = Target::Next);
    assert_eq!(world.steps(), ["apply V1__a.sql", "apply R__v.sql", "always A__grants.sql"]);
    let target = Target::Version { version: Version::parse("1.0.0").unwrap(), optional: false };
    let world = world.policy(|policy| policy.target = target);
    assert_eq!(world.steps(), ["apply V1__a.sql", "apply R__v.sql", "always A__grants.sql"]);
    let world = world.policy(|policy| policy.target = Target::Current);
    assert_eq!(world.steps(), ["apply R__v.sql", "always A__grants.sql"]);
}

#[test]
fn every_step_says_why_in_a_sentence() {
    let reasons =
        |world: &World| -> Vec<String> { world.plan().steps.into_iter().map(|step| step.reason).collect() };
    assert_eq!(
        reasons(&retail()),
        [
            "no version is applied yet",
            "no version is applied yet",
            "it was never applied",
            "it runs in every migrate, and never ran"
        ]
    );
    let world = retail()
        .migrate("run-1")
        .file("V3__c.sql", "insert 3")
        .file("V1.5__o.sql", "insert o")
        .file("R__v.sql", "create view w")
        .file("A__grants.sql", "grant all")
        .policy(|policy| policy.out_of_order = true);
    assert_eq!(
        reasons(&world),
        [
            "version 1.5 is below 2, was never applied, and out of order is allowed",
            "version 3 is above 2, the highest applied",
            "its rendered text changed since its last run",
            "it runs in every migrate, and changed since its last run"
        ]
    );
    let actions: Vec<Action> = world.plan().steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Apply, Action::Apply, Action::Reapply, Action::Always]);
    assert_eq!(reasons(&retail().migrate("run-1")), ["it runs in every migrate"]);
    let cut = World::new().file("V1__a.sql", "insert 1; grant").run("run-1", &["V1__a.sql"]);
    assert_eq!(
        reasons(&cut),
        [
            "an earlier run stopped in it before a statement was known to be done; whether statement 1 was done is \
          found out first"
        ]
    );
    assert_eq!(
        reasons(&cut.step("run-1", "V1__a.sql", 2)),
        ["an earlier run stopped in it after statement 1 of 2; it goes on at statement 2"]
    );
}

#[test]
fn bodies_are_needed_for_all_but_what_is_applied() {
    let world = retail()
        .applied("V1__a.sql")
        .file("U1__a.sql", "insert u")
        .file("B1__b.sql", "insert b")
        .file("beforeMigrate.sql", "grant");
    let needs = Needs::new(&world.history, &world.journal);
    let needed: Vec<&str> = world
        .migrations
        .iter()
        .map(|prepared| &*prepared.migration)
        .filter(|migration| needs.body(migration))
        .map(|migration| &*migration.script)
        .collect();
    assert_eq!(needed, ["V2__b.sql", "R__v.sql", "A__grants.sql", "beforeMigrate.sql"]);
    let failed = retail().row_of("V1__a.sql", |row| row.success = false);
    let v1 = &failed.find("V1__a.sql").migration;
    assert!(needs_body(v1, &failed.history, &failed.journal));
    assert!(!needs_body(v1, &world.history, &world.journal));
}

#[test]
fn plans_compare_by_script_and_text() {
    let first = retail().plan();
    assert_eq!(compare(&first, &retail().plan()), Comparison::Equal);

    let mut half = retail();
    half.write_run("run-1");
    let body = crate::plan::script_body(half.find("V1__a.sql"));
    half.write("run-1", Some("V1__a.sql"), crate::model::journal::JournalBody::Script(body));
    let cut = World::new_from(&half).plan();
    assert_eq!(cut.steps[0].action, Action::Resume);
    assert_eq!(compare(&first, &cut), Comparison::Equal, "apply may have become resume");

    assert_eq!(compare(&first, &half.applied("V1__a.sql").plan()), Comparison::Shrunk);
    assert_eq!(
        compare(&first, &retail().applied("V1__a.sql").plan()),
        Comparison::Shrunk,
        "a row without a journal"
    );
    assert_eq!(compare(&first, &retail().migrate("run-1").plan()), Comparison::Shrunk);

    let other = retail().file("V2__b.sql", "create table c; insert b");
    let Comparison::Changed(why) = compare(&first, &other.plan()) else { panic!("V2 has another text") };
    assert_eq!(why, ["V2__b.sql has another text now"]);
    let foreign = retail().row_of("V1__a.sql", |row| row.checksum = Some(7));
    assert!(
        matches!(compare(&first, &foreign.plan()), Comparison::Changed(why) if why[0].contains("V1__a.sql"))
    );
    let more = retail().file("V3__c.sql", "insert c");
    assert!(
        matches!(compare(&first, &more.plan()), Comparison::Changed(why) if why[0].contains("V3__c.sql"))
    );
    let callback = retail().file("beforeMigrate.sql", "grant");
    assert!(matches!(compare(&first, &callback.plan()), Comparison::Changed(_)));
    assert_eq!(compare(&callback.plan(), &callback.plan()), Comparison::Equal);
}

#[test]
fn the_second_plan_may_have_lost_a_repeatable_that_another_run_applied() {
    let world = retail().migrate("run-1").file("R__v.sql", "create view w");
    let first = world.plan();
    assert_eq!(compare(&first, &world.migrate("run-2").plan()), Comparison::Shrunk);
}

#[test]
fn the_digest_knows_scripts_actions_and_text() {
    let of = |world: &World| digest(&world.plan());
    assert_eq!(of(&retail()), of(&retail()));
    for other in [
        retail().file("V2__b.sql", "create table b;  insert b"),
        retail().file("V3__c.sql", "insert c"),
        retail().run("run-1", &["V1__a.sql"]),
        retail().without("R__v.sql"),
    ] {
        assert_ne!(of(&retail()), of(&other));
    }
}
