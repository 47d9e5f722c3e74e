//! Later layouts of the tables, as steps that `refinery` orders and checks.
//!
//! Layout 1.0 is made by [`super::create`]. A step may only be a `CREATE TABLE IF NOT EXISTS`: new fields go into the
//! journal's JSON, and a step that was cut short before its row is simply run again. Refinery gets no table of its
//! own: what is applied it learns from the journal's newest `layout` row, and what it would write into its table
//! becomes a `layout` row under the fence.

use refinery_core::{
    AsyncMigrate, Migration, Runner,
    error::Kind,
    traits::r#async::{AsyncQuery, AsyncTransaction},
};

use super::{Keeper, Layout, LedgerError};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::journal::JournalBody,
};

/// Layout that [`super::create`] makes.
pub(super) const FIRST_LAYOUT: Layout = Layout { major: 1, minor: 0 };

/// One step to a later layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutStep {
    /// The layout that the tables have after it.
    pub layout: Layout,
    /// Its name, a word.
    pub name: &'static str,
    /// Its one statement; `{_suffix}` stands for the full name of the ledger's table with that suffix.
    pub sql: &'static str,
}

/// The steps after layout 1.0, oldest first.
pub const STEPS: &[LayoutStep] = &[];

/// The newest layout that this snowops knows.
pub fn known() -> Layout {
    STEPS.last().map_or(FIRST_LAYOUT, |step| step.layout)
}

/// What stands in place of refinery's own table; never sent to a server.
const MARK: &str = "snowops_layout";

/// A layout as refinery's version number.
fn version(layout: Layout) -> i32 {
    i32::try_from(layout.major * 1000 + layout.minor).unwrap_or(i32::MAX)
}

/// Brings the tables from layout `from` to the last of `steps`. Sends nothing where they have it.
pub(super) async fn upgrade(
    keeper: &mut Keeper,
    from: Option<Layout>,
    steps: &[LayoutStep],
) -> Result<(), LedgerError> {
    let from = from.unwrap_or(FIRST_LAYOUT);
    match steps.last() {
        Some(last) if from < last.layout => {}
        Some(last) if from > last.layout => {
            return Err(LedgerError::NewerLayout { found: from, known: last.layout });
        }
        _ => return Ok(()),
    }
    let migrations: Vec<Migration> = steps
        .iter()
        .map(|step| {
            Migration::unapplied(&format!("V{}__{}", version(step.layout), step.name), step.sql)
                .map_err(|error| internal(&error))
        })
        .collect::<Result<_, _>>()?;
    let mut adapter = Adapter { keeper, from, steps, migrations: migrations.clone(), failed: None };
    let mut runner = Runner::new(&migrations);
    runner.set_migration_table_name(MARK);
    let outcome = runner.run_async(&mut adapter).await;
    match (outcome, adapter.failed) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(internal(&error)),
    }
}

fn internal(error: &refinery_core::Error) -> LedgerError {
    let what = match error.kind() {
        Kind::MissingVersion(step) => {
            format!("the ledger's tables have the layout step {step}, which this snowops lacks")
        }
        kind => format!("the steps of the ledger's layout cannot be run: {kind}"),
    };
    LedgerError::Corrupt(Diagnostic::error(Code::Internal, what))
}

struct Adapter<'k> {
    keeper: &'k mut Keeper,
    from: Layout,
    steps: &'k [LayoutStep],
    migrations: Vec<Migration>,
    /// The error behind the one that refinery reports.
    failed: Option<LedgerError>,
}

/// Refinery wants an error of its own; ours is kept beside it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct StepError(String);

impl Adapter<'_> {
    async fn run(&mut self, query: &str) -> Result<(), LedgerError> {
        if query.is_empty() {
            return Ok(());
        }
        let Some(rest) =
            query.strip_prefix(&format!("INSERT INTO {MARK} (version, name, applied_on, checksum) VALUES ("))
        else {
            return self.keeper.run_layout_step(query).await;
        };
        let number = rest.split(',').next().and_then(|number| number.trim().parse::<i32>().ok());
        let step = self.steps.iter().find(|step| Some(version(step.layout)) == number);
        let Some(step) = step else {
            let what = "a layout step was run that is not known";
            return Err(LedgerError::Corrupt(Diagnostic::error(Code::Internal, what)));
        };
        let Layout { major, minor } = step.layout;
        self.keeper.journal(vec![(None, None, JournalBody::Layout { major, minor })]).await
    }
}

impl AsyncTransaction for Adapter<'_> {
    type Error = StepError;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let mut count = 0;
        for query in queries {
            if let Err(error) = self.run(query).await {
                let words = error.to_string();
                self.failed = Some(error);
                return Err(StepError(words));
            }
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for Adapter<'_> {
    /// The steps that the journal's newest layout row stands for.
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        let applied = self.steps.iter().zip(&self.migrations).filter(|(step, _)| step.layout <= self.from);
        Ok(applied
            .map(|(_, step)| {
                let when = time::OffsetDateTime::UNIX_EPOCH;
                Migration::applied(step.version(), step.name().to_owned(), when, step.checksum())
            })
            .collect())
    }
}

impl AsyncMigrate for Adapter<'_> {
    /// No table is made.
    fn assert_migrations_table_query(_table: &str) -> String {
        String::new()
    }
}

#[cfg(test)]
#[path = "layout/tests.rs"]
mod tests;
