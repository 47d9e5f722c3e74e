//! What holds for every project and every fault.

#![expect(clippy::disallowed_methods, reason = "time is what one test is about")]

use std::time::Instant;

use proptest::prelude::*;

use super::super::testing::{World, prepared, step};
use crate::{
    model::{
        journal::{Done, JournalBody, SettledBy, SettledOutcome},
        plan::{Action, Step},
        statement::Class,
    },
    plan::{boundaries, digest, pending, planned, script_body, settle},
};

const NAME: &str = "V1__a.sql";

fn statement() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("insert x"),
        2 => Just("create table t"),
        2 => Just("create view v"),
        1 => Just("select 1"),
        1 => Just("use schema s"),
        1 => Just("begin;insert x;commit"),
        1 => Just("begin;insert x;select 1;insert y;commit"),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(statement(), 1..6).prop_map(|statements| statements.join(";"))
}

fn files() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        (0u32..12).prop_map(|version| format!("V{version}__x.sql")),
        (0u32..4).prop_map(|version| format!("V1.{version}__y.sql")),
        "[a-d]".prop_map(|letter| format!("R__{letter}.sql")),
        "[a-b]".prop_map(|letter| format!("A__{letter}.sql")),
    ];
    prop::collection::vec((name, text()), 0..12)
}

/// Files of which no two claim one version.
fn world(files: &[(String, String)]) -> World {
    files.iter().fold(World::new(), |world, (name, text)| {
        let version = prepared(name, text).migration.version.clone();
        let taken =
            version.is_some() && world.migrations.iter().any(|other| other.migration.version == version);
        if taken { world } else { world.file(name, text) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn planning_what_was_applied_leaves_nothing_but_always(files in files()) {
        let world = world(&files).migrate("run-1");
        let plan = world.plan();
        prop_assert!(plan.findings.is_empty());
        prop_assert_eq!(pending(&plan), 0);
        prop_assert!(plan.steps.iter().all(|step| step.action == Action::Always));
    }

    #[test]
    fn a_plan_is_the_same_whatever_the_order_of_what_is_given(files in files(), applied in 0usize..6, turn in 0usize..9) {
        let mut world = world(&files);
        let names: Vec<String> = world.migrations.iter().map(|prepared| prepared.migration.script.clone()).collect();
        for name in names.iter().filter(|name| !name.starts_with('A')).take(applied) {
            world = world.applied(name);
        }
        let (shown, identity) = (world.shown(), digest(&world.plan()));
        let turn_migrations = turn.min(world.migrations.len());
        world.migrations.rotate_left(turn_migrations);
        let turn_history = turn.min(world.history.len());
        world.history.rotate_left(turn_history);
        prop_assert_eq!(world.shown(), shown);
        prop_assert_eq!(digest(&world.plan()), identity);
    }

    #[test]
    fn a_script_costs_at_most_two_requests_a_statement(text in text(), from in 1usize..8) {
        let statements = planned(prepared(NAME, &text).rendered().unwrap());
        let all = boundaries(&statements, 1);
        prop_assert!(statements.len() + all.len() < 2 * statements.len());
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        if statements.iter().all(|statement| statement.class == Class::Idempotent) {
            prop_assert!(all.is_empty());
        }
        let later = boundaries(&statements, from);
        prop_assert!(later.iter().all(|ordinal| *ordinal > from && all.contains(ordinal)));
    }

    #[test]
    fn between_two_rows_at_most_one_statement_must_not_be_repeated(text in text()) {
        let statements = planned(prepared(NAME, &text).rendered().unwrap());
        let mut edges = boundaries(&statements, 1);
        edges.insert(0, 1);
        edges.push(statements.len() + 1);
        for pair in edges.windows(2) {
            let mut inside: Vec<_> = statements[pair[0] - 1..pair[1] - 1]
                .iter()
                .filter(|s| s.unit.is_some() || matches!(s.class, Class::Opaque | Class::Checkable | Class::Transaction))
                .map(|s| s.unit.unwrap_or(s.ordinal))
                .collect();
            inside.dedup();
            prop_assert!(inside.len() <= 1, "{:?}", inside);
        }
    }

    #[test]
    fn no_fault_makes_a_resume_skip_or_repeat(text in text(), faults in prop::collection::vec((0usize..24, 0u8..4), 0..5)) {
        let mut server = Server::new(&text);
        for (at, what) in faults {
            server.run(Some((at, what)));
        }
        server.run(None);
        server.check();
    }
}

/// A server, the ledger on it, and a run that is cut off at any request.
struct Server {
    world: World,
    /// How often each statement took effect.
    done: Vec<usize>,
    runs: usize,
    finished: bool,
}

/// The run is over, with or without its client.
struct Cut;

impl Server {
    fn new(text: &str) -> Self {
        let world = World::new().file(NAME, text);
        let done = vec![0; world.find(NAME).rendered().unwrap().statements.len()];
        Self { world, done, runs: 0, finished: false }
    }

    /// One migrate. The request number `fault.0` ends it: killed before it, killed after it took effect, refused by
    /// the server, or answered and then killed.
    fn run(&mut self, fault: Option<(usize, u8)>) {
        if self.finished {
            return;
        }
        self.runs += 1;
        let run = format!("run-{}", self.runs);
        let plan = self.world.plan();
        assert!(plan.findings.is_empty(), "{:#?}", plan.findings);
        assert_eq!(plan.steps.len(), 1);
        let mut requests = 0;
        let ended = self.script(&run, &plan.steps[0], |_| {
            requests += 1;
            fault.filter(|(at, _)| *at + 1 == requests).map(|(_, what)| what)
        });
        self.finished = ended.is_ok();
    }

    fn script(
        &mut self,
        run: &str,
        step_: &Step,
        mut fault: impl FnMut(&str) -> Option<u8>,
    ) -> Result<(), Cut> {
        let (settled, from) = self.prologue(run, step_, fault("prologue"))?;
        let _ = settled;
        let body = script_body(&step_.prepared);
        let edges = boundaries(&body.statements, from);
        let mut open: Vec<usize> = Vec::new();
        for ordinal in from..=body.statements.len() {
            if edges.contains(&ordinal) {
                let what = fault("step");
                if what != Some(0) {
                    self.world.write(run, Some(NAME), step(ordinal));
                }
                if what.is_some() {
                    return Err(Cut);
                }
            }
            let planned = &body.statements[ordinal - 1];
            let what = fault("statement");
            if what == Some(2) {
                self.world.write(run, Some(NAME), super::super::testing::failed(ordinal));
                self.world.record(&step_.prepared, step_.resume.as_ref().and_then(|r| r.rank), false);
                return Err(Cut);
            }
            if what != Some(0) {
                self.take(planned.unit.is_some(), &step_.statements()[ordinal - 1].text, ordinal, &mut open);
            }
            if what.is_some() {
                return Err(Cut);
            }
        }
        match fault("history") {
            Some(0) => Err(Cut),
            what => {
                self.world.record(&step_.prepared, step_.resume.as_ref().and_then(|r| r.rank), true);
                if what.is_some() {
                    self.finished = true;
                }
                Ok(())
            }
        }
    }

    /// A statement takes effect; inside of a transaction with its COMMIT.
    fn take(&mut self, in_transaction: bool, text: &str, ordinal: usize, open: &mut Vec<usize>) {
        open.push(ordinal);
        if !in_transaction || text == "commit" {
            for ordinal in open.drain(..) {
                self.done[ordinal - 1] += 1;
            }
        }
    }

    /// The first insert of a run: `settled`, `script` and `step` in one; a failed row before, if one is missing.
    fn prologue(&mut self, run: &str, step_: &Step, what: Option<u8>) -> Result<(bool, usize), Cut> {
        let unknown = step_.resume.as_ref().and_then(|resume| Some((resume.run.clone(), resume.unknown?)));
        let outcome = unknown.as_ref().map(|(_, ordinal)| match self.done[ordinal - 1] {
            0 => SettledOutcome::NotDone,
            _ => SettledOutcome::Done,
        });
        let now = outcome.map_or_else(|| step_.clone(), |outcome| settle(step_, outcome, None).unwrap());
        if what == Some(0) {
            return Err(Cut);
        }
        self.world.write_run(run);
        if let (Some((of, ordinal)), Some(outcome)) = (unknown, outcome) {
            let body = JournalBody::Settled { run: of, ordinal, by: SettledBy::History, outcome };
            self.world.write(run, Some(NAME), body);
        }
        self.world.write(run, Some(NAME), JournalBody::Script(script_body(&now.prepared)));
        if let Some(resume) = &now.resume {
            let done: Vec<Done> = resume.done.clone();
            self.world.write(run, Some(NAME), JournalBody::Step { done, next: now.from });
        }
        if what.is_some() {
            return Err(Cut);
        }
        Ok((outcome.is_some(), now.from))
    }

    fn check(&self) {
        assert!(self.finished);
        let statements = planned(self.world.find(NAME).rendered().unwrap());
        for (statement, done) in statements.iter().zip(&self.done) {
            assert!(*done > 0, "statement {} was skipped", statement.ordinal);
            if matches!(statement.class, Class::Opaque | Class::Checkable | Class::Transaction) {
                assert_eq!(*done, 1, "statement {} ({:?}) was repeated", statement.ordinal, statement.class);
            }
        }
        assert_eq!(self.world.shown(), ["V1__a.sql success"]);
        assert_eq!(self.world.history.len(), 1);
    }
}

#[test]
fn ten_thousand_applied_scripts_are_planned_quickly() {
    let mut world = World::new();
    for number in 0..10_000 {
        world.migrations.push(std::sync::Arc::new(prepared(&format!("V{number}__x.sql"), "insert x")));
    }
    world.write_run("run-1");
    let seq = 2..;
    let template = world.journal[0].clone();
    let scripts: Vec<_> = world.migrations.clone();
    for ((rank, script), seq) in (1..).zip(&scripts).zip(seq) {
        world.history.push(super::super::testing::row(script, rank));
        let name = Some(script.migration.script.clone());
        for (offset, body) in
            [JournalBody::Script(script_body(script)), step(1), step(1)].into_iter().enumerate()
        {
            let seq = seq + i64::try_from(offset * 10_000).unwrap();
            world.journal.push(crate::model::journal::JournalRow {
                seq,
                script: name.clone(),
                body,
                ..template.clone()
            });
        }
    }
    let started = Instant::now();
    let plan = world.plan();
    let states = world.states();
    let elapsed = started.elapsed();
    assert!(plan.steps.is_empty() && plan.findings.is_empty() && states.len() == 10_000);
    assert!(elapsed.as_secs() < 5, "{elapsed:?} in a debug build: something is quadratic");
}
