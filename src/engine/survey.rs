//! What `info`, `validate`, `plan` and the first half of `migrate` share: read everything, decide, write nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Stop, StopKind, Workspace};
use crate::{
    config::Engine,
    diagnostic::{Code, Diagnostic},
    files,
    ledger::{self, LedgerState, Presence},
    model::{
        checksum::Sha256,
        journal::{JournalBody, JournalRow, KnownRun},
        migration::{Migration, Prepared},
        plan::{Plan, Target},
    },
    plan::{self, Given, Needs, Policy, ResumePolicy},
    prepare::{Places, Scope, prepare},
    session::Session,
    source::Resolved,
};

/// How far and how to plan.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// `--target`.
    pub target: Target,
    /// `--out-of-order`.
    pub out_of_order: bool,
    /// `--resume`.
    pub resume: ResumePolicy,
    /// Who asks.
    pub purpose: Purpose,
}

/// Who asks, which decides what is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// What keeps a migrate from running.
    #[default]
    Migrate,
    /// What is wrong: a failed migration too, though migrate would go on with it.
    Validate,
    /// `validate --pending`: pending migrations too.
    ValidatePending,
}

/// Everything that is known of one environment.
#[derive(Debug)]
pub struct Survey {
    /// The environment.
    pub environment: String,
    /// Whether the history is there.
    pub presence: Presence,
    /// The whole plan, every state, every finding.
    pub plan: Plan,
    /// Leads from statements to source lines.
    pub places: Places,
    /// Whether the target is the embedded engine, which executes no data.
    pub embedded: bool,
    /// Runs without an `end` row: running now, or cut off.
    pub open_runs: Vec<KnownRun>,
    /// Digest of the plan.
    pub digest: crate::model::checksum::Sha256,
}

impl Survey {
    /// Migrations that a migrate would apply, always-scripts that did not change apart.
    pub fn pending(&self) -> usize {
        plan::pending(&self.plan)
    }

    /// `A__` scripts that run only because they always do.
    pub fn always(&self) -> usize {
        plan::always(&self.plan)
    }
}

/// Reads files and history, and plans. Creates nothing.
pub async fn survey(workspace: &Workspace, options: &PlanOptions) -> Result<Survey, Stop> {
    let scripts = Scripts::resolve(workspace);
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let state = read(workspace, session.as_mut()).await;
    let closed = session.close().await;
    let state = state?;
    closed.map_err(|error| Stop::db("closing the session", &error))?;
    Ok(scripts.survey(workspace, options, state))
}

/// Reads the ledger; says so if it was written for another place.
pub(super) async fn read(workspace: &Workspace, session: &mut dyn Session) -> Result<LedgerState, Stop> {
    let name = workspace.ledger();
    let wrong = |error| Stop::ledger(&error, name, false);
    let mut state = ledger::read(session, name, &workspace.context).await.map_err(wrong)?;
    if plan::lacks_rows(&state.history, &state.journal) {
        // A run may have ended between the two looks; a history that was read after the journal tells.
        let history = ledger::read_history(session, name, &workspace.context).await;
        state.history = history.map_err(wrong)?;
    }
    Ok(state)
}

/// The scripts on disk. They do not change while a command runs, so a second plan needs no second look at the disk.
pub(super) struct Scripts(Resolved);

impl Scripts {
    pub(super) fn resolve(workspace: &Workspace) -> Self {
        Self(workspace.resolve())
    }

    /// Every script, rendered and split.
    pub(super) fn prepare_all(&self, workspace: &Workspace) -> Vec<Arc<Prepared>> {
        let scope = Scope { environments: &workspace.environments, placeholders: &workspace.placeholders() };
        prepare(&self.0.migrations, &workspace.renderer(), &scope, &|_| true).migrations
    }

    /// Prepares what needs a body beside this history, and plans.
    pub(super) fn survey(&self, workspace: &Workspace, options: &PlanOptions, state: LedgerState) -> Survey {
        let needs = Needs::new(&state.history, &state.journal);
        let preparation = prepare(
            &self.0.migrations,
            &workspace.renderer(),
            &Scope { environments: &workspace.environments, placeholders: &workspace.placeholders() },
            &|migration: &Migration| needs.body(migration),
        );
        let policy = policy(workspace, options);
        let given = Given {
            migrations: &preparation.migrations,
            history: &state.history,
            journal: &state.journal,
            templates: &templates(workspace, &state.journal),
            policy: &policy,
        };
        let mut plan = plan::plan(&given);
        if options.purpose != Purpose::Migrate {
            // What a migrate would refuse, and what only a validation does.
            let more = plan::validate(&given);
            plan.findings.retain(|finding| !more.contains(finding));
            plan.findings.extend(more);
        }
        plan.findings.splice(0..0, preparation.findings.iter().cloned());
        plan.findings.splice(0..0, self.0.findings.iter().cloned());
        let digest = plan::digest(&plan);
        let open_runs = plan::open_runs(&state.journal);
        Survey {
            environment: workspace.environment.name.clone(),
            presence: state.presence,
            open_runs,
            plan,
            places: preparation.places,
            embedded: matches!(workspace.environment.engine, Engine::Embedded { .. }),
            digest,
        }
    }
}

/// The templates that the journal names, as they are now: an applied version is not rendered, so nothing else looks.
fn templates(workspace: &Workspace, journal: &[JournalRow]) -> BTreeMap<String, Sha256> {
    let bodies = journal.iter().filter_map(|row| match &row.body {
        JournalBody::Script(body) => Some(&body.templates),
        _ => None,
    });
    let names: BTreeSet<&String> = bodies.flatten().map(|(name, _)| name).collect();
    let digest = |name: &String| {
        let text = files::read_text(&workspace.environment.root.join(name)).ok()?;
        Some((name.clone(), Sha256::of_text(&text)))
    };
    names.into_iter().filter_map(digest).collect()
}

fn policy(workspace: &Workspace, options: &PlanOptions) -> Policy {
    let e = &workspace.environment;
    Policy {
        target: options.target.clone(),
        out_of_order: options.out_of_order,
        resume: options.resume,
        environment: e.name.clone(),
        ledger: e.ledger.clone(),
        context: e.context.clone(),
        strict_pending: options.purpose == Purpose::ValidatePending,
    }
}

/// [`refuse`], but for what a run that is not ended left: it may be running now, and is judged under the lease.
pub(super) fn refuse_at_once(survey: &Survey) -> Option<Stop> {
    let left = |f: &Diagnostic| {
        matches!(f.code, Code::FailedMigration | Code::UnknownOutcome | Code::ChangedAfterFailure)
    };
    let errors = || survey.plan.findings.iter().filter(|finding| finding.is_error());
    let waits = !survey.open_runs.is_empty() && errors().all(left);
    if waits { None } else { refuse(&survey.plan) }
}

/// The stop for a plan with errors.
pub fn refuse(plan: &Plan) -> Option<Stop> {
    let first = plan.findings.iter().find(|finding| finding.is_error())?;
    let kind = if first.code == Code::UnknownOutcome { StopKind::Migration } else { StopKind::Validation };
    Some(Stop::findings(kind, first.code, &plan.findings))
}
