//! `snapshot`: the catalogue of a target as a file. Writes nothing to the target and takes no lease.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Stop, StopKind, Workspace};
use crate::{
    catalog::Catalog,
    config::Engine,
    diagnostic::{Code, Diagnostic},
    files, inspect,
    model::{ident::Ident, kind::ObjectKind, target::Purpose},
    session::Session,
};

/// A snapshot that was taken.
#[derive(Debug)]
pub struct Snapshot {
    /// Its text.
    pub text: String,
    /// The file that it was written to.
    pub file: Option<Utf8PathBuf>,
    /// The databases that it holds.
    pub databases: Vec<Ident>,
    /// How many objects it holds, by kind.
    pub counts: BTreeMap<ObjectKind, usize>,
    /// What the server did not tell, with the reason.
    pub unseen: BTreeMap<String, String>,
}

/// Takes a snapshot of some databases, of the environment's own where none is named, and writes it to `out`.
pub async fn snapshot(
    workspace: &Workspace,
    databases: &[Ident],
    out: Option<&Utf8Path>,
) -> Result<Snapshot, Stop> {
    if let Some(file) = out {
        may_write(file)?;
    }
    let databases = if databases.is_empty() { own(workspace)? } else { databases.to_vec() };
    let catalog = look(workspace, &databases).await?;
    let text = catalog.to_text();
    if let Some(file) = out {
        files::write_atomic(file, text.as_bytes()).map_err(|error| {
            let finding = Diagnostic::error(Code::UnreadableFile, error.to_string());
            Stop::new(StopKind::Usage, finding.hint("give `--out` a file in a folder that is there"))
        })?;
    }
    let counts = counts(&catalog);
    let unseen = catalog.unseen().clone();
    Ok(Snapshot { text, file: out.map(Utf8Path::to_owned), databases, counts, unseen })
}

/// A file that is no snapshot is somebody's work.
fn may_write(file: &Utf8Path) -> Result<(), Stop> {
    if files::exists(file) && !files::begins_with(file, b"{\n  \"snowops_catalog\"") {
        let message = format!("{file} holds something else than a snapshot, and is not overwritten");
        let finding = Diagnostic::error(Code::InvalidUsage, message).hint("give `--out` another file");
        return Err(Stop::new(StopKind::Usage, finding));
    }
    Ok(())
}

/// The environment's own database.
pub(super) fn own(workspace: &Workspace) -> Result<Vec<Ident>, Stop> {
    let database = workspace.environment.context.database.clone();
    database.map(|name| vec![name]).ok_or_else(|| {
        let message = format!("environment '{}' has no database", workspace.environment.name);
        let finding = Diagnostic::error(Code::InvalidConfig, message)
            .hint("set `database` of the environment, or name one: `--database NAME`");
        Stop::new(StopKind::Config, finding)
    })
}

/// The outline of some databases of the target.
async fn look(workspace: &Workspace, databases: &[Ident]) -> Result<Catalog, Stop> {
    if let Engine::Embedded { path } = &workspace.environment.engine {
        return embedded(workspace, path, databases).await;
    }
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let found = through(workspace, session.as_mut(), databases).await;
    let closed = session.close().await;
    let found = found?;
    closed.map_err(|error| Stop::db("closing the session", &error))?;
    Ok(found)
}

/// As [`look`], on the embedded engine: from its own catalogue.
pub(super) async fn embedded(
    workspace: &Workspace,
    path: &Utf8Path,
    databases: &[Ident],
) -> Result<Catalog, Stop> {
    let read = workspace.embedded(path)?.catalog(workspace.session(Purpose::Keeper)).await;
    let whole = read.map_err(|error| Stop::db("reading the catalogue", &error))?;
    if let Some(open) = databases.iter().find(|name| whole.databases().get(*name).is_some_and(|d| d.open)) {
        let message = format!("what database {open} holds is not known on the embedded engine");
        let finding = Diagnostic::error(Code::MissingDatabase, message)
            .hint("take its snapshot from an environment on Snowflake");
        return Err(Stop::new(StopKind::Config, finding));
    }
    all_there(whole.outline(databases, Some(workspace.ledger())), databases)
}

/// As [`look`], through a session that is open.
pub(super) async fn through(
    workspace: &Workspace,
    session: &mut dyn Session,
    databases: &[Ident],
) -> Result<Catalog, Stop> {
    let read = inspect::catalogue::catalogue(session, databases, &workspace.context).await;
    let found = read.map_err(|error| Stop::db("looking into the catalogue", &error))?;
    all_there(found.outline(databases, Some(workspace.ledger())), databases)
}

fn all_there(found: Catalog, databases: &[Ident]) -> Result<Catalog, Stop> {
    match databases.iter().find(|name| !found.databases().contains_key(*name)) {
        None => Ok(found),
        Some(missing) => {
            let message = format!("database '{missing}' does not exist or is not visible");
            let finding = Diagnostic::error(Code::MissingDatabase, message)
                .hint("correct the name, or grant USAGE on it to the role");
            Err(Stop::new(StopKind::Config, finding))
        }
    }
}

fn counts(catalog: &Catalog) -> BTreeMap<ObjectKind, usize> {
    let mut counts = BTreeMap::new();
    for database in catalog.databases().values() {
        *counts.entry(ObjectKind::Database).or_default() += 1;
        *counts.entry(ObjectKind::Schema).or_default() += database.schemas.len();
        let inner = database.schemas.values().map(|schema| &schema.objects).chain([&database.objects]);
        for object in inner.flat_map(|objects| objects.values()).flat_map(|objects| objects.values()) {
            *counts.entry(object.kind).or_default() += 1;
        }
    }
    counts
}
