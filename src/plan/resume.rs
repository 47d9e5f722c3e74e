//! How a script goes on that an earlier run left half applied.

use super::{
    ResumePolicy,
    boundaries::{is_repeatable, items},
    evaluate::Evaluation,
    explain,
    journal::Attempt,
};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    model::{
        facts::{ObjectRef, Verb},
        ident::QualifiedName,
        journal::{Done, PlannedStatement, SettledOutcome},
        kind::ObjectKind,
        migration::{Body, Migration, Prepared},
        name::MigrationKind,
        plan::{Replay, Resume, Step},
        statement::{Class, Statement},
    },
    sql::facts::left_open,
};

/// How a half applied script goes on, or why it cannot.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    GoOn { from: usize, resume: Box<Resume> },
    Stop(Vec<Diagnostic>),
}

/// Decides about one attempt. `rank` is that of its failed history row.
pub(super) fn answer(
    attempt: &Attempt,
    prepared: &Prepared,
    rank: Option<i64>,
    evaluation: &Evaluation<'_>,
) -> Answer {
    let migration = &prepared.migration;
    if let Some(finding) = not_wanted(attempt, prepared, evaluation) {
        return Answer::Stop(vec![finding]);
    }
    let Body::Ready(rendered) = &prepared.body else { return Answer::Stop(Vec::new()) };
    let attempt = &without_rolled_back(attempt, &rendered.statements);
    let known = Known { attempt, migration, now: &rendered.statements };
    let changed = known.changed();
    if !changed.is_empty() && migration.kind == MigrationKind::Repeatable && known.is_repeatable() {
        // Nothing that it did forbids to begin anew with the new text.
        let resume = Resume {
            run: attempt.run.clone(),
            rank,
            planned: attempt.planned.clone(),
            done: Vec::new(),
            unknown: None,
            replay: Vec::new(),
        };
        return Answer::GoOn { from: 1, resume: Box::new(resume) };
    }
    if !changed.is_empty() {
        return Answer::Stop(changed);
    }
    if let Some(ordinal) = attempt.unknown.filter(|_| attempt.by_person) {
        return Answer::Stop(vec![known.in_doubt(ordinal)]);
    }
    let resume = Resume {
        run: attempt.run.clone(),
        rank,
        planned: attempt.planned.clone(),
        done: attempt.done.clone(),
        unknown: attempt.unknown,
        replay: Vec::new(),
    };
    match start(resume, attempt.next, migration, &rendered.statements) {
        Ok((from, resume)) => Answer::GoOn { from, resume: Box::new(resume) },
        Err(finding) => Answer::Stop(vec![*finding]),
    }
}

/// The attempt without what its script left in an open transaction: that ended with its session, whatever the server said
/// of each statement.
fn without_rolled_back(attempt: &Attempt, now: &[Statement]) -> Attempt {
    let planned = &attempt.planned.statements;
    let same = now.len() >= planned.len() && planned.iter().zip(now).all(|(was, is)| was.hash == is.hash);
    let facts = now.iter().take(planned.len()).map(|statement| &statement.facts);
    let mut attempt = attempt.clone();
    if let Some(open) = left_open(facts).map(|at| at + 1).filter(|_| same) {
        attempt.next = attempt.next.min(open);
        attempt.done.truncate(attempt.next - 1);
        attempt.unknown = attempt.unknown.filter(|unknown| *unknown < open);
    }
    attempt
}

/// The step after the outcome of its unknown statement was found: one later if that was done, else at it. The
/// answer is an error if the session state that was lost cannot be rebuilt. A step without an unknown statement
/// stays as it is.
///
/// # Errors
/// [`Code::UnknownOutcome`]: done statements left something in their session that no statement rebuilds, and one of
/// them must not be repeated.
pub fn settle(
    step: &Step,
    outcome: SettledOutcome,
    query_id: Option<String>,
) -> Result<Step, Box<Diagnostic>> {
    let Some((resume, unknown)) = step.resume.as_ref().and_then(|r| Some((r, r.unknown?))) else {
        return Ok(step.clone());
    };
    let mut resume = Resume { unknown: None, ..resume.clone() };
    if outcome == SettledOutcome::Done {
        let first = resume.done.len() + 1;
        resume.done.extend((first..=unknown).map(|ordinal| Done { ordinal, query_id: None }));
        if let Some(last) = resume.done.last_mut() {
            last.query_id = query_id;
        }
    }
    let next = resume.done.len() + 1;
    let (from, resume) = start(resume, next, &step.prepared.migration, step.statements())?;
    let reason = explain::resume(from, &resume);
    Ok(Step { from, resume: Some(resume), reason, ..step.clone() })
}

/// Where to start, with what to send again before.
fn start(
    mut resume: Resume,
    next: usize,
    migration: &Migration,
    now: &[Statement],
) -> Result<(usize, Resume), Box<Diagnostic>> {
    let done = &resume.planned.statements[..(next - 1).min(resume.planned.statements.len())];
    let nothing_left = next > now.len() && resume.unknown.is_none();
    if let Some(lasting) = done.iter().find(|statement| statement.lasting).filter(|_| !nothing_left) {
        if let Some(fixed) = done.iter().find(|statement| !is_repeatable(statement.class)) {
            return Err(Box::new(lost_state(migration, now, lasting.ordinal, fixed.ordinal)));
        }
        resume.replay = Vec::new();
        return Ok((1, resume));
    }
    resume.replay = if nothing_left { Vec::new() } else { replay(done, now) };
    Ok((next, resume))
}

/// What finished statements did to their session, in order.
fn replay(done: &[PlannedStatement], now: &[Statement]) -> Vec<Replay> {
    let mut replay: Vec<(Option<Entered>, Replay)> = Vec::new();
    for (planned, statement) in done.iter().zip(now) {
        let facts = &statement.facts;
        if matches!(facts.verb, Verb::Drop | Verb::DropIfExists) {
            // What is gone cannot be entered again.
            let gone = facts.object.as_ref().map(|object| &object.name);
            replay.retain(|(entered, _)| entered.as_ref().is_none_or(|e| Some(&e.name) != gone));
            continue;
        }
        let (entered, again) = if planned.class == Class::Session {
            let used = facts.object.as_ref().filter(|_| facts.verb == Verb::Use);
            (used.map(Entered::of), Replay::Statement(planned.ordinal))
        } else if let Some((entered, enter)) = made_current(statement) {
            (Some(entered), enter)
        } else {
            continue;
        };
        // What a later statement overrides may not even be there any more.
        replay.retain(|(earlier, _)| match (&entered, earlier) {
            (Some(later), Some(earlier)) => !later.overrides(earlier),
            _ => true,
        });
        replay.push((entered, again));
    }
    replay.into_iter().map(|(_, again)| again).collect()
}

/// What a statement made current.
struct Entered {
    kind: ObjectKind,
    name: QualifiedName,
}

impl Entered {
    fn of(object: &ObjectRef) -> Self {
        Self { kind: object.kind, name: object.name.clone() }
    }

    /// Whether nothing is left of what `earlier` made current: a database brings its own schema, and a schema named in
    /// full its database.
    fn overrides(&self, earlier: &Self) -> bool {
        match (self.kind, earlier.kind) {
            (ObjectKind::Database, ObjectKind::Schema) => true,
            (ObjectKind::Schema, ObjectKind::Database) => self.name.database.is_some(),
            (later, earlier) => later == earlier,
        }
    }
}

/// Snowflake makes a database, schema or warehouse current when a statement creates it
/// (<https://docs.snowflake.com/en/sql-reference/sql/create-schema>).
fn made_current(statement: &Statement) -> Option<(Entered, Replay)> {
    let facts = &statement.facts;
    let creates = matches!(
        facts.verb,
        Verb::Create | Verb::CreateOrReplace | Verb::CreateIfNotExists | Verb::CreateOrAlter
    );
    let object = facts.object.as_ref().filter(|_| creates && facts.session.context)?;
    matches!(object.kind, ObjectKind::Database | ObjectKind::Schema | ObjectKind::Warehouse)
        .then(|| (Entered::of(object), Replay::Use { kind: object.kind, name: object.name.clone() }))
}

fn lost_state(migration: &Migration, now: &[Statement], lasting: usize, fixed: usize) -> Diagnostic {
    let message = format!(
        "{} cannot go on: its statement {lasting} left something in a session that is gone, and statement {fixed}, \
         which is done too, must not be repeated",
        migration.script
    );
    Diagnostic::error(Code::UnknownOutcome, message)
        .at(place(migration, now.get(lasting - 1)))
        .hint("take back by hand what is done and run `snowops repair`, so that it starts anew")
}

/// Why the script is not to go on by itself, whatever the journal says.
fn not_wanted(attempt: &Attempt, prepared: &Prepared, evaluation: &Evaluation<'_>) -> Option<Diagnostic> {
    let migration = &prepared.migration;
    let (why, way_on) = if evaluation.given.policy.resume == ResumePolicy::Never {
        ("`--resume=never` was given", "leave `--resume=never` out, and it goes on; or ")
    } else if prepared.settings.never_resume {
        ("it says `resume=never`", "")
    } else if evaluation.not_here(prepared).is_some() {
        (
            "by its settings it is no longer for this environment",
            "let its settings name this environment again, and it goes on; or ",
        )
    } else if evaluation.is_above_target(migration.version.as_ref()) {
        ("it is above the target of this migrate", "leave `--target` out or raise it, and it goes on; or ")
    } else {
        return None;
    };
    let finding = Diagnostic::error(
        Code::FailedMigration,
        format!("{} is half applied and does not go on: {why}", migration.script),
    );
    Some(
        finding
            .in_file(&migration.file)
            .note(explain::attempt(attempt))
            .hint(format!(
                "{way_on}take back by hand what its finished statements did, then run `snowops repair`, so that it starts anew"
            )),
    )
}

struct Known<'a> {
    attempt: &'a Attempt,
    migration: &'a Migration,
    now: &'a [Statement],
}

impl Known<'_> {
    /// Whether everything that may have been done can be done again.
    fn is_repeatable(&self) -> bool {
        let reached = self.attempt.unknown.unwrap_or(0).max(self.attempt.next - 1);
        self.attempt.planned.statements.iter().take(reached).all(|s| is_repeatable(s.class) && !s.lasting)
    }

    /// Statements that must be as they were and are not: the finished ones, and one whose outcome is not known.
    fn changed(&self) -> Vec<Diagnostic> {
        let planned = &self.attempt.planned.statements;
        let mut findings: Vec<Diagnostic> = planned
            .iter()
            .take(self.attempt.next - 1)
            .filter_map(|statement| self.compare(statement, "is done"))
            .collect();
        if let Some(unknown) = self.attempt.unknown {
            let around = items(planned).find(|item| item.first <= unknown && unknown <= item.last);
            let first = around.map_or(unknown, |item| item.first);
            let unit = planned.iter().filter(|statement| (first..=unknown).contains(&statement.ordinal));
            findings.extend(unit.filter_map(|statement| self.compare(statement, "may be done")));
        }
        findings
    }

    /// A transaction of which no server can say whether it was committed.
    fn in_doubt(&self, ordinal: usize) -> Diagnostic {
        let script = &self.migration.script;
        let around =
            items(&self.attempt.planned.statements).find(|item| (item.first..=item.last).contains(&ordinal));
        let first = around.map_or(ordinal, |item| item.first);
        let message = format!(
            "whether statements {first} to {ordinal} of {script} stand cannot be told: they are one transaction, and \
             DDL or a body inside it may have committed it"
        );
        Diagnostic::error(Code::UnknownOutcome, message)
            .at(place(self.migration, self.now.get(ordinal - 1)))
            .note(explain::attempt(self.attempt))
            .hint(format!(
                "look for yourself and say so: `snowops repair --script {script} --statement {ordinal} --mark-done` \
                 if they stand, else `--mark-not-done`; keep DDL and CALL out of transactions"
            ))
    }

    fn compare(&self, planned: &PlannedStatement, what: &str) -> Option<Diagnostic> {
        let ordinal = planned.ordinal;
        let script = &self.migration.script;
        let hint = format!(
            "put statement {ordinal} back as it was and make the change in a new migration; or take back by hand \
             what is done and run `snowops repair`, so that the script starts anew"
        );
        let found = self.now.get(ordinal - 1);
        let message = match found {
            Some(statement) if statement.hash == planned.hash => return None,
            Some(_) => format!("statement {ordinal} of {script} {what} and has changed since"),
            None => format!(
                "statement {ordinal} of {script} {what} and is gone: the script has {} now",
                explain::count(self.now.len(), "statement")
            ),
        };
        let mut finding = Diagnostic::error(Code::ChangedAfterFailure, message)
            .at(place(self.migration, found))
            .note(format!("was sha256:{}", planned.hash.0))
            .hint(hint);
        if let Some(statement) = found {
            finding = finding.note(format!("is  sha256:{}", statement.hash.0));
        }
        if self.attempt.planned.source_sha == self.migration.source_sha {
            finding = finding.note(
                "the file is as it was: a variable, a template or the environment gives it another text",
            );
        }
        Some(finding)
    }
}

/// Where a statement stands in its file.
pub(super) fn place(migration: &Migration, statement: Option<&Statement>) -> Place {
    let Some(statement) = statement else { return Place::file(&migration.file) };
    let at = &statement.at;
    if *at.file == *migration.file {
        return Place::of(&migration.file, &migration.text, at.start..at.end);
    }
    Place::position(&*at.file, at.line, at.column)
}
