//! The steps of a migrate, and why it would be refused.

use std::{collections::HashSet, ptr, sync::Arc};

use super::{
    callbacks::{self, Callbacks},
    evaluate::{Entry, Evaluation},
    explain, guard,
    journal::Attempt,
    order,
    resume::{self, Answer},
    validate,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{
        facts::Verb,
        history::abbreviate_script,
        migration::{Body, Migration, Prepared},
        name::MigrationKind,
        plan::{Action, Plan, Step, Target},
        state::MigrationState,
        statement::Statement,
    },
    sql::facts,
};

/// How many migrations wait: what makes `plan --exit-code` answer 10. An unchanged `A__` script does not wait, and
/// callbacks are no migrations.
pub fn pending(plan: &Plan) -> usize {
    let unchanged = unchanged_always(plan);
    plan.steps
        .iter()
        .filter(|step| {
            step.action != Action::Callback && !unchanged.contains(&ptr::from_ref(&*step.prepared))
        })
        .count()
}

/// How many `A__` scripts run only because they always do: as they are, they ran before.
pub fn always(plan: &Plan) -> usize {
    unchanged_always(plan).len()
}

fn unchanged_always(plan: &Plan) -> HashSet<*const Prepared> {
    plan.migrations
        .iter()
        .filter(|status| status.state == MigrationState::Always { changed: false })
        .filter_map(|status| status.prepared.as_ref())
        .map(|prepared| ptr::from_ref(&**prepared))
        .collect()
}

pub(super) fn plan(evaluation: &Evaluation<'_>) -> Plan {
    let callbacks = Callbacks::of(evaluation);
    let scripts = scripts(evaluation);
    let mut findings = validate::findings(evaluation, validate::Purpose::Plan);
    findings.extend(callbacks.refused());
    findings.extend(orphans(evaluation));
    findings
        .extend(evaluation.given.migrations.iter().filter_map(|prepared| unsupported(&prepared.migration)));
    let prepared = scripts.iter().map(|script| &script.step.prepared).chain(callbacks.of_migrate());
    findings.extend(prepared.flat_map(|prepared| forbidden(prepared, evaluation)));
    let on_error = callbacks
        .steps(callbacks::AFTER_EACH_ERROR, None)
        .chain(callbacks.steps(callbacks::AFTER_ERROR, None))
        .collect();
    let orphans = evaluation.orphans().into_iter().map(|(script, _)| script.to_owned()).collect();
    Plan {
        steps: in_order(scripts, &callbacks),
        on_error,
        migrations: evaluation.statuses(),
        orphans,
        lost: guard::lost(evaluation).into_iter().map(|(script, _)| script.to_owned()).collect(),
        contradicted: evaluation
            .contradicted
            .iter()
            .map(|(script, found)| ((*script).to_owned(), found.is_applied()))
            .collect(),
        findings,
    }
}

/// A script to run, without the callbacks around it.
struct Script {
    step: Step,
    /// Whether it counts as applying something.
    waits: bool,
}

/// The scripts to run: versioned by version, then repeatables, then `A__` scripts.
fn scripts(evaluation: &Evaluation<'_>) -> Vec<Script> {
    let outdated: HashSet<*const Prepared> = evaluation
        .entries
        .iter()
        .filter(|entry| entry.state == MigrationState::Outdated)
        .filter_map(|entry| entry.prepared)
        .map(|prepared| ptr::from_ref(&**prepared))
        .collect();
    let mut scripts: Vec<Script> =
        evaluation.entries.iter().filter_map(|entry| script(entry, evaluation, &outdated)).collect();
    scripts.sort_by(|a, b| order::by_name(&a.step.prepared.migration, &b.step.prepared.migration));
    if evaluation.given.policy.target == Target::Next {
        let mut versioned = 0;
        scripts.retain(|script| {
            versioned += usize::from(script.step.prepared.migration.version.is_some());
            script.step.prepared.migration.version.is_none() || versioned == 1
        });
    }
    scripts
}

fn script(
    entry: &Entry<'_>,
    evaluation: &Evaluation<'_>,
    outdated: &HashSet<*const Prepared>,
) -> Option<Script> {
    let prepared = entry.prepared?;
    let migration = &prepared.migration;
    let mut waits = true;
    let (action, reason) = match (&entry.resume, &entry.state) {
        (Some(Answer::GoOn { from, resume }), _) => {
            let reason = explain::resume(*from, resume);
            let (from, resume) = (*from, Some((**resume).clone()));
            let step = Step { prepared: Arc::clone(prepared), action: Action::Resume, reason, from, resume };
            return Some(Script { step, waits });
        }
        (_, MigrationState::Pending) => match migration.kind {
            MigrationKind::Baseline => (Action::Baseline, "nothing is applied yet".to_owned()),
            MigrationKind::Repeatable => {
                let again = outdated.contains(&ptr::from_ref(&**prepared));
                let action = if again { Action::Reapply } else { Action::Apply };
                (action, explain::repeatable(again).to_owned())
            }
            _ => (Action::Apply, explain::versioned(migration.version.as_ref(), evaluation)),
        },
        (_, state @ (MigrationState::Always { .. } | MigrationState::Failed { .. }))
            if migration.kind == MigrationKind::Always =>
        {
            waits = *state != MigrationState::Always { changed: false };
            let ran_before = evaluation.journal.done(&abbreviate_script(&migration.script)).is_some();
            (Action::Always, explain::always(state, ran_before))
        }
        _ => return None,
    };
    let step = Step { prepared: Arc::clone(prepared), action, reason, from: 1, resume: None };
    Some(Script { step, waits })
}

/// The scripts with the callbacks around them.
fn in_order(scripts: Vec<Script>, callbacks: &Callbacks<'_>) -> Vec<Step> {
    let applies = scripts.iter().any(|script| script.waits);
    let mut steps: Vec<Step> = callbacks.steps(callbacks::BEFORE, None).collect();
    let mut versioned_over = false;
    let mut repeatables_begun = false;
    for script in scripts {
        let kind = script.step.prepared.migration.kind;
        if !versioned_over && matches!(kind, MigrationKind::Repeatable | MigrationKind::Always) {
            versioned_over = true;
            steps.extend(callbacks.steps(callbacks::AFTER_VERSIONED, None));
        }
        if !repeatables_begun && kind == MigrationKind::Repeatable {
            repeatables_begun = true;
            steps.extend(callbacks.steps(callbacks::BEFORE_REPEATABLES, None));
        }
        let name = script.step.prepared.migration.script.clone();
        steps.extend(callbacks.steps(callbacks::BEFORE_EACH, Some(&name)));
        steps.push(script.step);
        steps.extend(callbacks.steps(callbacks::AFTER_EACH, Some(&name)));
    }
    if !versioned_over {
        steps.extend(callbacks.steps(callbacks::AFTER_VERSIONED, None));
    }
    if applies {
        steps.extend(callbacks.steps(callbacks::AFTER_APPLIED, None));
    }
    steps.extend(callbacks.steps(callbacks::AFTER, None));
    steps
}

/// A half applied script that is nowhere any more would otherwise start anew under its new name.
pub(super) fn orphans(evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let finding = |(script, attempt): (&str, Attempt)| {
        let message = format!("{script} was left half applied, and its file is gone or has another name now");
        Diagnostic::error(Code::FailedMigration, message)
            .in_file(script)
            .note(explain::attempt(&attempt))
            .hint("put the file back under this name, and `snowops migrate` goes on with it; or take back by hand what its finished statements did, then run `snowops repair`")
    };
    evaluation.orphans().into_iter().map(finding).collect()
}

/// Refuses a script of a kind that is not built, whether it would run now or later: leaving it out in silence would
/// change what the project says.
fn unsupported(migration: &Migration) -> Option<Diagnostic> {
    let kind = match migration.kind {
        MigrationKind::Baseline | MigrationKind::Undo => explain::noun(migration.kind),
        MigrationKind::Versioned
        | MigrationKind::Repeatable
        | MigrationKind::Always
        | MigrationKind::Callback => return None,
    };
    let message = format!("{} is a {kind}, which this version of snowops does not run", migration.script);
    Some(
        Diagnostic::error(Code::UnsupportedKind, message)
            .in_file(&migration.file)
            .hint("take the file out of the migrations folder, or list it under `ignore`"),
    )
}

/// Statements that no session may be given: client commands, and what would write to the ledger or take it away.
fn forbidden(prepared: &Prepared, evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
    let Body::Ready(rendered) = &prepared.body else { return Vec::new() };
    let policy = evaluation.given.policy;
    let mut context = policy.context.clone();
    let mut findings = Vec::new();
    for statement in &rendered.statements {
        if matches!(statement.facts.verb, Verb::Transfer | Verb::ClientCommand) {
            findings.push(client_command(prepared, statement));
        } else if let Some(what) = facts::guard(&statement.facts, &policy.ledger, &context) {
            findings.push(protected(prepared, statement, &what));
        }
        facts::follow(&mut context, &statement.facts);
    }
    findings
}

fn client_command(prepared: &Prepared, statement: &Statement) -> Diagnostic {
    let migration = &prepared.migration;
    let word: String =
        statement.text.split_whitespace().next().unwrap_or_default().chars().take(40).collect();
    let finding = Diagnostic::error(
        Code::ClientCommand,
        format!("'{word}' is a command of a command-line client; no server knows it"),
    );
    finding.at(resume::place(migration, Some(statement))).hint(
        "move files with the Snowflake CLI (`snow stage copy`) in a pipeline step before the migrate, and keep \
         COPY INTO in the migration; leave other client commands out",
    )
}

fn protected(prepared: &Prepared, statement: &Statement, what: &str) -> Diagnostic {
    let migration = &prepared.migration;
    let finding = Diagnostic::error(
        Code::ProtectedObject,
        format!("{}, statement {}: {what}", migration.script, statement.ordinal),
    );
    finding.at(resume::place(migration, Some(statement))).hint(
        "leave that object to snowops and to people, or keep the ledger elsewhere: `history.database` and `history.schema` in \
         snowops.yml",
    )
}
