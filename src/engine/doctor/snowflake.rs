//! Goes through an account: each thing is asked for by itself, so that one that is wrong hides no other. Reads only.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Check,
    needs::{self, Evidence, Seen},
    places, state,
};
use crate::{
    config::ResolvedConnection,
    engine::{Stop, Workspace},
    inspect::account::{self, About, Warehouse},
    ledger::{self, LedgerError, LedgerState, LockRow, Presence, lease::Timing},
    model::{
        connection::Connection,
        ident::Ident,
        target::{Purpose, TargetIdentity},
    },
    plan,
    session::{DbError, ErrorClass, Liveness, Session, SessionInfo},
};

/// What is looked at on Snowflake, a line each. Some twenty requests at most: login and logout, once more without the role,
/// account, warehouse, the ledger (five where it is not to be seen), identity, the grants on eight objects, roles.
pub(super) async fn look(
    workspace: &Workspace,
    resolved: &ResolvedConnection,
    plan_only: bool,
) -> Vec<Check> {
    let mut checks = places::settings(resolved);
    if let Ok(connection) = &resolved.outcome {
        match open(workspace).await {
            Err(stop) => checks.push(login_failed(stop)),
            Ok(Opened { session, refused }) => {
                let found = Found::gather(workspace, session).await;
                checks.extend(found.checks(workspace, connection, refused, plan_only));
            }
        }
    }
    checks.extend(needs::grants(&places_of(workspace, None), &role_name(workspace, None), plan_only));
    checks
}

fn login_failed(stop: Stop) -> Check {
    let code = stop.snowflake_code.map(|code| format!("{code}: ")).unwrap_or_default();
    Check::wrong("login", format!("{code}{}", stop.finding.message), stop.finding.hint)
}

struct Opened {
    session: Box<dyn Session>,
    /// What the login said to the role that the environment asks for.
    refused: Option<Stop>,
}

/// Logs in; where the role is refused, once more without it.
async fn open(workspace: &Workspace) -> Result<Opened, Stop> {
    let connector = workspace.connector()?;
    let stop = match workspace.keeper(connector.as_ref()).await {
        Ok(session) => return Ok(Opened { session, refused: None }),
        Err(stop) => stop,
    };
    let of_role = matches!(stop.snowflake_code.as_deref(), Some("390186" | "390189"));
    if !of_role || workspace.environment.context.role.is_none() {
        return Err(stop);
    }
    let mut spec = workspace.session(Purpose::Keeper);
    spec.context.role = None;
    match connector.open(spec).await {
        Ok(session) => Ok(Opened { session, refused: Some(stop) }),
        Err(_) => Err(stop),
    }
}

fn places_of<'a>(workspace: &'a Workspace, found: Option<&'a SessionInfo>) -> needs::Places<'a> {
    let context = &workspace.environment.context;
    let current = found.and_then(|info| info.context.warehouse.as_ref());
    needs::Places {
        warehouse: context.warehouse.as_ref().or(current),
        ledger: workspace.ledger(),
        target: context,
    }
}

/// The role that is asked for, else the session's.
fn role_name(workspace: &Workspace, found: Option<&SessionInfo>) -> String {
    let wanted = workspace.environment.context.role.as_ref();
    let role = wanted.or_else(|| found.and_then(|info| info.context.role.as_ref()));
    role.map_or_else(|| "<role>".to_owned(), ToString::to_string)
}

/// What was found, before it is judged.
struct Found {
    info: SessionInfo,
    /// With the times of asking and answering.
    about: Result<(About, (Duration, Duration)), DbError>,
    warehouse: Result<Option<Warehouse>, DbError>,
    history: History,
    lock: Option<Result<LockRow, LedgerError>>,
    identity: Option<Result<TargetIdentity, LedgerError>>,
    evidence: Evidence,
    closed: Result<(), DbError>,
}

enum History {
    Read(Box<LedgerState>),
    /// Names of tables: without a warehouse no row can be read.
    Listed(BTreeSet<String>),
    Failed(LedgerError),
}

impl History {
    fn presence(&self) -> Option<&Presence> {
        match self {
            Self::Read(state) => Some(&state.presence),
            Self::Listed(_) | Self::Failed(_) => None,
        }
    }

    /// For what is asked next: tables that are listed are there.
    fn seen(&self, table: &str) -> Option<Presence> {
        match self {
            Self::Listed(tables) if tables.contains(&format!("{table}_journal")) => Some(Presence::Present),
            Self::Listed(tables) if tables.contains(table) => Some(Presence::HistoryOnly),
            other => other.presence().cloned(),
        }
    }
}

impl Found {
    async fn gather(workspace: &Workspace, mut session: Box<dyn Session>) -> Self {
        let (name, context) = (workspace.ledger(), &workspace.context);
        let info = session.info().clone();
        let one = session.as_mut();
        let before = context.clock.now().wall;
        let about = account::about(one, context).await;
        let about = about.map(|about| (about, (before, context.clock.now().wall)));
        let warehouse =
            match info.context.warehouse.as_ref().or(workspace.environment.context.warehouse.as_ref()) {
                Some(warehouse) => account::warehouse(one, warehouse, context).await,
                None => Ok(None),
            };
        let (mut lock, mut identity) = (None, None);
        let history = if info.context.warehouse.is_none() {
            match account::tables(one, &name.database, &name.schema, &name.table, context).await {
                Ok(tables) => History::Listed(tables),
                Err(error) if error.class == ErrorClass::NotFound => History::Listed(BTreeSet::new()),
                Err(error) => History::Failed(LedgerError::Db(error)),
            }
        } else {
            match ledger::read(one, name, context).await {
                Ok(state) => {
                    if state.presence == Presence::Present {
                        let grace = Timing { ttl: workspace.environment.lock.ttl }.grace();
                        lock = Some(ledger::lock_row(one, name, grace, context).await);
                        identity = Some(ledger::identity(one, name, context).await);
                    }
                    History::Read(Box::new(state))
                }
                Err(error) => History::Failed(error),
            }
        };
        let evidence = evidence(workspace, one, &history, matches!(lock, Some(Ok(_)))).await;
        let closed = session.close().await;
        Self { info, about, warehouse, history, lock, identity, evidence, closed }
    }

    fn checks(
        self,
        workspace: &Workspace,
        connection: &Connection,
        refused: Option<Stop>,
        plan_only: bool,
    ) -> Vec<Check> {
        let (name, wanted) = (workspace.ledger(), &workspace.environment.context);
        let info = &self.info;
        let role = role_name(workspace, Some(info));
        let own = info.context.role.as_ref().map_or_else(|| "<role>".to_owned(), Ident::to_string);
        let of_role = refused.is_some();
        let about = self.about.as_ref().ok().map(|(about, _)| about);
        let mut checks = vec![
            refused.map_or_else(|| places::login(info, connection, about), login_failed),
            self.clock(),
            places::role(wanted.role.as_ref(), info, of_role),
            places::warehouse(
                wanted.warehouse.as_ref(),
                info.context.warehouse.as_ref(),
                &self.warehouse,
                &own,
            ),
            places::target(wanted, &info.context, &own, plan_only),
        ];
        let protected = workspace.environment.protected;
        checks.push(match &self.history {
            History::Read(state) => state::history(name, &state.presence, state.history.len(), protected),
            History::Listed(tables) => state::listed(name, tables, &own),
            History::Failed(error) => state::unread(error, name),
        });
        checks.extend(self.lease(workspace));
        let found = places_of(workspace, Some(info));
        let presence = self.history.seen(&name.table);
        if of_role {
            // Of the role that is asked for nothing was seen, and no grant to this one helps.
            for check in
                checks.iter_mut().filter(|check| !check.ok && !["login", "role"].contains(&check.name))
            {
                check.hint = Some("mend the role first, and run `snowops doctor` again".to_owned());
            }
        } else {
            checks.extend(needs::lacking(&found, presence.as_ref(), &role, &self.evidence, plan_only));
        }
        if let Err(error) = &self.closed {
            checks.push(Check::wrong("login", format!("closing the session failed: {error}"), None));
        }
        checks
    }

    fn clock(&self) -> Check {
        match &self.about {
            Ok((about, between)) => match state::wall(&about.now) {
                Some(server) => state::clock(server, *between),
                None => {
                    Check::ok("clock", format!("the server's clock says `{}`, which is no time", about.now))
                }
            },
            Err(error) => Check::ok("clock", format!("the server's clock cannot be read: {error}")),
        }
    }

    /// The lease, and whether the ledger is this target's at all.
    fn lease(&self, workspace: &Workspace) -> Option<Check> {
        let History::Read(state) = &self.history else { return None };
        let row = match self.lock.as_ref()? {
            Ok(row) => row,
            Err(error) => {
                let stop = Stop::ledger(error, workspace.ledger(), false);
                return Some(Check::wrong("lease", stop.finding.message, stop.finding.hint));
            }
        };
        if let (Some(made_for), Some(Ok(now))) = (&row.identity, &self.identity)
            && let Err(error) = ledger::check_target(made_for, now)
        {
            let stop = Stop::ledger(&error, workspace.ledger(), false);
            return Some(Check::wrong("lease", stop.finding.message, stop.finding.hint));
        }
        Some(state::lease(row, &plan::open_runs(&state.journal), Liveness::ServerClock))
    }
}

/// Grants on what a migrate needs, and which of the roles that have them the session has.
async fn evidence(
    workspace: &Workspace,
    session: &mut dyn Session,
    history: &History,
    lock: bool,
) -> Evidence {
    let info = session.info().clone();
    let (name, context) = (workspace.ledger(), &workspace.context);
    let places = places_of(workspace, Some(&info));
    let mut evidence =
        Evidence { proven: places.proven(&info.context, history.presence(), lock), ..Evidence::default() };
    for object in places.objects(history.seen(&name.table).as_ref()) {
        let seen = match account::grants_on(session, &object.quoted(), context).await {
            Ok(grants) => Seen::Grants(grants),
            Err(error) if error.class == ErrorClass::NotFound => Seen::Hidden,
            Err(error) => Seen::Unknown(format!("the grants on {object} are not shown: {error}")),
        };
        evidence.seen.insert(object, seen);
    }
    let own = info.context.role.as_ref().map(|role| role.as_str().to_owned());
    evidence.roles.extend(own);
    evidence.roles.insert("PUBLIC".to_owned());
    let others: BTreeSet<String> = evidence
        .seen
        .values()
        .filter_map(|seen| match seen {
            Seen::Grants(grants) => Some(grants),
            Seen::Hidden | Seen::Unknown(_) => None,
        })
        .flatten()
        .filter(|granted| granted.is_role && !evidence.roles.contains(&granted.grantee))
        .map(|granted| granted.grantee.clone())
        .collect();
    if !others.is_empty()
        && let Ok(has) = account::roles_in_session(session, &others, context).await
    {
        evidence.roles.extend(has);
    }
    evidence
}
