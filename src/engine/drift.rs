//! `drift`: what a target holds, against what its applied migrations make or a snapshot says. Changes nothing.

mod replay;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

pub use replay::Unusable;

use super::{
    Stop, StopKind, Workspace, snapshot,
    survey::{self, Scripts},
    workspace::read_snapshot,
};
use crate::{
    catalog::Catalog,
    config::Engine,
    diagnostic::{Code, Diagnostic},
    drift::{self, Difference},
    ledger::{LedgerState, Presence},
    model::ident::Ident,
};

/// What a target is compared with.
#[derive(Debug)]
pub enum Against {
    /// A snapshot.
    File(Utf8PathBuf),
    /// What so many applied scripts make.
    Scripts(usize),
}

/// What was found.
#[derive(Debug)]
pub struct Drifted {
    /// The target in words.
    pub place: String,
    /// What it was compared with.
    pub against: Against,
    /// What differs.
    pub differences: Vec<Difference>,
    /// What differs and may come from scripts that could not be used: nobody knows whether it should.
    pub not_known: Vec<Difference>,
    /// Applied scripts, or statements of them, whose effect is not known.
    pub unusable: Vec<Unusable>,
    /// What the server did not tell, with the reason.
    pub unseen: BTreeMap<String, String>,
}

/// Compares the environment's target with a snapshot, or with what its applied migrations make.
pub async fn drift(workspace: &Workspace, file: Option<&Utf8Path>) -> Result<Drifted, Stop> {
    let expected = file.map(against).transpose()?;
    let databases = match &expected {
        Some(snapshot) => snapshot.databases().keys().cloned().collect(),
        None => snapshot::own(workspace)?,
    };
    let (found, state) = look(workspace, &databases, expected.is_none()).await?;
    let unseen = found.unseen().clone();
    let (against, expected, whole, unusable, touched) = match (expected, state) {
        (Some(snapshot), _) => {
            let file = file.map(Utf8Path::to_owned).unwrap_or_default();
            (
                Against::File(file),
                snapshot.outline(&databases, Some(workspace.ledger())),
                None,
                Vec::new(),
                BTreeSet::new(),
            )
        }
        (None, state) => {
            let state = state.ok_or_else(|| no_history(workspace, None))?;
            let made = replay::replay(workspace, &Scripts::resolve(workspace), &state)?;
            let outline = made.catalog.outline(&databases, Some(workspace.ledger()));
            (Against::Scripts(made.scripts), outline, Some(made.catalog), made.unusable, made.touched)
        }
    };
    let all = drift::compare(&expected, &found, whole.as_ref());
    let doubtful =
        |one: &Difference| !unusable.is_empty() && (one.what.is_more() || touched.contains(&one.object));
    let (not_known, differences) = all.into_iter().partition(doubtful);
    Ok(Drifted { place: workspace.place(), against, differences, not_known, unusable, unseen })
}

fn against(file: &Utf8Path) -> Result<Catalog, Stop> {
    read_snapshot(file).map_err(|finding| {
        let hint = "`--against` takes a file that `snowops snapshot --out FILE` wrote";
        Stop::new(StopKind::Usage, finding.hint(hint))
    })
}

/// The target's outline and, where it is asked for, its ledger.
async fn look(
    workspace: &Workspace,
    databases: &[Ident],
    with_history: bool,
) -> Result<(Catalog, Option<LedgerState>), Stop> {
    let connector = workspace.connector()?;
    let mut session = workspace.keeper(connector.as_ref()).await?;
    let looked = async {
        let state = if with_history { Some(survey::read(workspace, session.as_mut()).await?) } else { None };
        if let Some(state) = &state
            && !matches!(state.presence, Presence::Present | Presence::HistoryOnly)
        {
            return Err(no_history(workspace, Some(&state.presence)));
        }
        let found = match &workspace.environment.engine {
            Engine::Embedded { path } => snapshot::embedded(workspace, path, databases).await?,
            Engine::Snowflake { .. } => snapshot::through(workspace, session.as_mut(), databases).await?,
        };
        Ok((found, state))
    }
    .await;
    let closed = session.close().await;
    let looked = looked?;
    closed.map_err(|error| Stop::db("closing the session", &error))?;
    Ok(looked)
}

fn no_history(workspace: &Workspace, presence: Option<&Presence>) -> Stop {
    let name = &workspace.environment.name;
    let message = match presence {
        Some(Presence::NotVisible { role, name: table }) => format!(
            "environment '{name}' shows no history: {table} is absent, or role {role} may not see it, so nothing says \
             what should be there"
        ),
        _ => format!("environment '{name}' has no history yet, so nothing says what should be there"),
    };
    let finding = Diagnostic::error(Code::HistoryNotVisible, message)
        .hint("`snowops migrate` makes it; `--against FILE` compares with a snapshot instead");
    Stop::new(StopKind::Validation, finding)
}
