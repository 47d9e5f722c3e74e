//! Where a script's progress is written down, and the form in which the journal holds its statements.

use crate::model::{
    checksum::Sha256,
    facts::{Facts, Verb},
    journal::{PlannedStatement, ScriptBody},
    migration::{Prepared, Rendered},
    name::MigrationKind,
    statement::Class,
};
use crate::sql::facts;

/// The statements of a script as the journal holds them. Resume reads these, never classes derived anew.
pub fn planned(rendered: &Rendered) -> Vec<PlannedStatement> {
    let known: Vec<Facts> = rendered.statements.iter().map(|statement| statement.facts.clone()).collect();
    let classes = facts::classes(&known);
    let mut open = None;
    let mut statements = Vec::with_capacity(known.len());
    for ((statement, facts), class) in rendered.statements.iter().zip(&known).zip(classes) {
        let unit = unit_of(&mut open, statement.ordinal, facts.verb, class);
        statements.push(PlannedStatement {
            ordinal: statement.ordinal,
            hash: statement.hash,
            class,
            probe: facts::probe(facts),
            lasting: facts.session.lasting,
            unit,
        });
    }
    statements
}

/// The transaction that a statement belongs to: from its BEGIN to its COMMIT or ROLLBACK, or to the DDL that commits
/// it unasked. What lies between belongs to it, whatever it is. `open` carries the one that is open from statement
/// to statement.
fn unit_of(open: &mut Option<usize>, ordinal: usize, verb: Verb, class: Class) -> Option<usize> {
    if class == Class::Transaction && verb == Verb::Begin {
        open.get_or_insert(ordinal);
    }
    let unit = *open;
    let ends = match class {
        Class::Transaction => matches!(verb, Verb::Commit | Verb::Rollback),
        // DDL; see <https://docs.snowflake.com/en/sql-reference/transactions>.
        Class::Idempotent | Class::Checkable => true,
        // A body that cannot be looked into may end the transaction or leave it open.
        Class::Opaque | Class::Read | Class::Session => false,
    };
    if ends {
        *open = None;
    }
    unit
}

/// A script as the journal holds it. For a body that could not be rendered the list of statements is empty and
/// `rendered_sha` is that of the source; such a script is never in a plan that may run.
pub fn script_body(prepared: &Prepared) -> ScriptBody {
    let migration = &prepared.migration;
    let rendered = prepared.rendered();
    ScriptBody {
        kind: migration.kind,
        crc: history_crc(prepared),
        source_sha: migration.source_sha,
        rendered_sha: rendered.map_or(migration.source_sha, |rendered| rendered.sha),
        templates: rendered.map(|rendered| rendered.templates.clone()).unwrap_or_default(),
        statements: rendered.map(planned).unwrap_or_default(),
    }
}

/// The checksum of the history row: Flyway takes the raw text of versioned scripts and the replaced text of
/// repeatables (`SqlMigrationResolver.java`).
pub(super) fn history_crc(prepared: &Prepared) -> i32 {
    match (prepared.migration.kind, prepared.rendered()) {
        (MigrationKind::Repeatable, Some(rendered)) => rendered.crc,
        _ => prepared.migration.crc,
    }
}

/// The text's SHA-256 as it would run here.
pub(super) fn rendered_sha(prepared: &Prepared) -> Option<Sha256> {
    prepared.rendered().map(|rendered| rendered.sha)
}

/// Ordinals before which a `step` row is written, for a run that starts at statement `from`.
///
/// A row stands where a statement that must not be repeated begins or has just ended; a transaction counts as one
/// statement. Reads and session statements make no boundary and are passed over: they can be sent again, and so
/// what a crash leaves unknown is at most one statement. The script's own first row covers what starts first, so a
/// script of one statement has none; a script of N statements costs N + J + 1 requests with J of these.
pub fn boundaries(statements: &[PlannedStatement], from: usize) -> Vec<usize> {
    let mut before: Option<Class> = None;
    let mut ordinals = Vec::new();
    for item in items(statements) {
        if item.first < from || is_transparent(item.class) {
            continue;
        }
        if before.is_some_and(|before| before != Class::Idempotent || item.class != Class::Idempotent) {
            ordinals.push(item.first);
        }
        before = Some(item.class);
    }
    ordinals
}

/// What runs or resumes as a whole: a statement, or a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its first statement.
    pub(super) first: usize,
    /// Its last statement: the one that decides whether it was done.
    pub(super) last: usize,
    pub(super) class: Class,
    /// The first statement of a transaction that is no part of it by nature: it may have committed what was before
    /// it, even if it failed or a later one did.
    pub(super) mixed: Option<usize>,
}

/// The statements, transactions taken as one.
pub(super) fn items(statements: &[PlannedStatement]) -> impl Iterator<Item = Item> + '_ {
    statements.chunk_by(|before, after| before.unit.is_some() && before.unit == after.unit).filter_map(
        |chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let class = if first.unit.is_some() { Class::Transaction } else { first.class };
            let foreign = chunk.iter().find(|statement| {
                matches!(statement.class, Class::Idempotent | Class::Checkable | Class::Opaque)
            });
            let mixed = foreign.filter(|_| first.unit.is_some()).map(|statement| statement.ordinal);
            Some(Item { first: first.ordinal, last: last.ordinal, class, mixed })
        },
    )
}

/// Whether a statement may be sent again without a thought and tells nothing about progress.
pub(super) const fn is_transparent(class: Class) -> bool {
    matches!(class, Class::Read | Class::Session)
}

/// Whether a statement may be sent again.
pub(super) const fn is_repeatable(class: Class) -> bool {
    matches!(class, Class::Read | Class::Session | Class::Idempotent)
}
