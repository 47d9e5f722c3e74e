//! Where and when a statement of an earlier run was sent: what its probe must be read with.

use crate::model::{
    facts::{ObjectRef, Probe, Verb},
    history::{HistoryRow, abbreviate_script},
    ident::Ident,
    journal::{JournalBody, JournalRow, PlannedStatement},
    kind::ObjectKind,
    settings::ScriptSettings,
    statement::Statement,
    target::Context4,
};

/// Where the session stood when a script's statement was sent that follows `before`: from the start that every script
/// has, through its own settings and its statements. `None`: one of them may have changed that in a way that its text
/// does not tell (CALL, a block, dropping what was current).
pub fn standing(home: &Context4, settings: &ScriptSettings, before: &[Statement]) -> Option<Context4> {
    let mut at = home.clone();
    at.role = settings.role.clone().or(at.role);
    at.warehouse = settings.warehouse.clone().or(at.warehouse);
    for statement in before {
        let facts = &statement.facts;
        let creates = matches!(
            facts.verb,
            Verb::Create | Verb::CreateOrReplace | Verb::CreateIfNotExists | Verb::CreateOrAlter
        );
        match &facts.object {
            Some(object) if facts.session.context && (creates || facts.verb == Verb::Use) => {
                enter(&mut at, object)?;
            }
            Some(object) if leaves(facts.verb) && is_container(object.kind) => return None,
            _ if facts.session.context => return None,
            _ => {}
        }
    }
    Some(at)
}

/// Snowflake makes a database current with its schema PUBLIC, and a schema named in full with its database
/// (<https://docs.snowflake.com/en/sql-reference/sql/use-database>, <https://docs.snowflake.com/en/sql-reference/sql/use-schema>).
fn enter(at: &mut Context4, object: &ObjectRef) -> Option<()> {
    let name = object.name.name.clone();
    match object.kind {
        ObjectKind::Role => at.role = Some(name),
        ObjectKind::Warehouse => at.warehouse = Some(name),
        ObjectKind::Database => {
            at.database = Some(name);
            at.schema = Some(Ident::stored("PUBLIC"));
        }
        ObjectKind::Schema => {
            at.database = object.name.database.clone().or_else(|| at.database.take());
            at.schema = Some(name);
        }
        _ => return None,
    }
    Some(())
}

/// A container of that kind may be current, and is not after this, or not under this name.
const fn leaves(verb: Verb) -> bool {
    matches!(verb, Verb::Drop | Verb::DropIfExists | Verb::Rename | Verb::Swap)
}

const fn is_container(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Database | ObjectKind::Schema)
}

/// Whether a statement that `run` sent before may have made the object that a probe looks for: one of the script's
/// statements `before`, or one of a script that it went through before. Of the latter the journal holds the probes.
pub fn made_before(
    probe: &Probe,
    before: &[Statement],
    journal: &[JournalRow],
    run: &str,
    script: &str,
) -> bool {
    let (Probe::CreatedSince { object } | Probe::Absent { object }) = probe else { return false };
    let is = |other: &ObjectRef| other.name.name == object.name.name;
    let names = |statement: &Statement| {
        let facts = &statement.facts;
        facts.object.iter().chain(&facts.defines).any(is)
    };
    let earlier = journal
        .iter()
        .filter(|row| row.run == run)
        .take_while(|row| {
            row.script.as_deref() != Some(script) || !matches!(row.body, JournalBody::Script(_))
        })
        .filter_map(|row| match &row.body {
            JournalBody::Script(body) => Some(&body.statements),
            _ => None,
        });
    let made = |planned: &PlannedStatement| match &planned.probe {
        Some(Probe::CreatedSince { object } | Probe::Present { object }) => is(object),
        Some(Probe::Renamed { to, .. }) => is(to),
        _ => false,
    };
    before.iter().any(names) || earlier.flatten().any(made)
}

/// The server times of the ledger rows that `run` had confirmed before it sent the last statement that it sent of
/// `script`, as printed: what it journalled, and the history rows of the scripts that it went through before. The
/// latest of them is the intent time. What a run writes only after a statement (`failed`, `end`) is left out.
pub fn confirmed_before<'a>(
    journal: &'a [JournalRow],
    history: &'a [HistoryRow],
    run: &str,
    script: &str,
) -> Vec<&'a str> {
    let mine = || journal.iter().filter(|row| row.run == run);
    let mut earlier: Vec<(i64, &str)> = mine()
        .filter(|row| matches!(row.body, JournalBody::Script(_)))
        .filter_map(|row| Some((row.seq, row.script.as_deref()?)))
        .collect();
    earlier.sort_unstable();
    let earlier: Vec<String> = earlier
        .into_iter()
        .take_while(|(_, name)| *name != script)
        .map(|(_, name)| abbreviate_script(name))
        .collect();
    let rows = mine().filter(|row| match row.body {
        JournalBody::Run(_)
        | JournalBody::Script(_)
        | JournalBody::Step { .. }
        | JournalBody::Session { .. }
        | JournalBody::Done { .. }
        | JournalBody::Settled { .. } => true,
        JournalBody::Layout { .. }
        | JournalBody::Failed { .. }
        | JournalBody::Repaired(_)
        | JournalBody::Adopted(_)
        | JournalBody::End { .. } => false,
    });
    let done = history.iter().filter(|row| row.success && earlier.contains(&row.script));
    rows.map(|row| row.at.as_str()).chain(done.map(|row| row.installed_on.as_str())).collect()
}
