//! What runs other statements: EXECUTE IMMEDIATE, blocks, chains, CALL.
//!
//! All of it is tried on a copy, which is kept only if every statement in it is understood. What cannot be understood
//! is opaque, and so is what would be refused inside a block: the block may handle it, or never come there.

use std::collections::BTreeSet;

use super::{
    Catalog, Effect, Reply, SessionState, Stamp, apply_within,
    context::value,
    lookup::Place,
    select::Reading,
    work::{Done, Grade, Stop, Work, done},
};
use crate::{
    model::{
        command::{Block, Command, Constant, Expr, Name},
        facts::Verb,
        ident::Ident,
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::command::{self, command, procedure_body},
};

/// How deep texts, blocks and procedures are followed into each other.
pub(super) const DEEPEST: usize = 8;

/// `EXECUTE IMMEDIATE`: the text runs as if it stood here.
pub(super) fn immediate(work: &mut Work<'_>, text: &Constant) -> Done {
    if let Constant::Variable(name) = text
        && !work.session.variables.contains_key(name)
    {
        // A variable of a block around it, or one that another script of the session has set.
        return Err(Stop::Unknowable);
    }
    let (Some(text), Some(depth)) = (value(work.session, text), work.depth.checked_sub(1)) else {
        return Err(Stop::Unknowable);
    };
    // Places in its refusals count in the inner text, as Snowflake's do.
    let inner = command(&text)?;
    let effect = apply_within(work.catalog, work.session, &inner, work.stamp, depth);
    work.take_over(effect)
}

/// A statement that a person let through unread: of its text only the words count.
pub fn unread(text: &str) -> Command {
    Command::Opaque { verb: Verb::Other, mentioned: command::mentioned(text) }
}

/// Words of statements that make or change objects.
const CHANGES: &[&str] = &["ADD", "ALTER", "CLONE", "CREATE", "RENAME", "SWAP"];

/// After a statement that was not looked into, its schema may hold more than is known: what is missing there is no
/// longer refused. The same goes for schemas that it mentions, in the databases that it mentions too; of tables that it
/// mentions along with a change, the columns are no longer known. A file may also have made schemas, and so may what
/// speaks of making one.
pub(super) fn may_have_made(work: &mut Work<'_>, command: &Command) {
    if !can_make(command) {
        return;
    }
    let whole = matches!(command, Command::ExecuteFrom(_));
    let (called, mentioned) = mentioned_by(work, command);
    let changes = mentioned.iter().any(|word| CHANGES.contains(&word.as_str()));
    let schemas = changes && mentioned.contains(&Ident::stored("SCHEMA"));
    let own = work.session.context.database.clone().zip(work.session.context.schema.clone());
    let homes: Vec<(Ident, Ident)> = own.into_iter().chain(called).collect();
    for (database_name, database) in &mut work.catalog.databases {
        let home = |schema: &Ident| homes.iter().any(|(one, home)| one == database_name && home == schema);
        if !mentioned.contains(database_name) && !homes.iter().any(|(one, _)| one == database_name) {
            continue;
        }
        database.unsure |= whole || schemas;
        for (name, schema) in &mut database.schemas {
            schema.unsure |= whole || home(name) || mentioned.contains(name);
            let relations =
                schema.objects.get_mut("relation").into_iter().flat_map(|objects| objects.values_mut());
            for object in relations.filter(|object| changes && mentioned.contains(&object.name)) {
                object.columns = None;
            }
        }
    }
}

/// Whether a statement that was not looked into can have made or changed an object.
fn can_make(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateContainer(_)
            | Command::CreateTable(_)
            | Command::CreateView(_)
            | Command::CreateObject(_)
            | Command::Alter { .. }
            | Command::Undrop(_)
            | Command::Call { .. }
            | Command::ExecuteImmediate(_)
            | Command::ExecuteFrom(_)
            | Command::Block(_)
            | Command::Opaque { .. }
    )
}

/// Where a called procedure stands, and the words of the statement and of what it runs.
fn mentioned_by(work: &Work<'_>, command: &Command) -> (Option<(Ident, Ident)>, BTreeSet<Ident>) {
    match command {
        Command::Opaque { mentioned, .. } | Command::Block(Block { mentioned, .. }) => {
            (None, mentioned.iter().cloned().collect())
        }
        Command::ExecuteImmediate(text) => {
            let mut words = BTreeSet::new();
            constant_words(text, &mut words);
            (None, words)
        }
        Command::Call { name, mentioned, .. } => {
            let mut words: BTreeSet<Ident> = mentioned.iter().cloned().collect();
            let place = work.known(name).and_then(|name| work.place(&name, "CALL")).ok();
            if let Some(Ok(Some(found))) =
                place.as_ref().map(|place| work.routines(ObjectKind::Procedure, place))
            {
                let bodies = found.iter().filter_map(|object| object.definition.as_deref());
                words.extend(bodies.flat_map(command::mentioned));
            }
            (place.map(|place| (place.database, place.schema)), words)
        }
        _ => (None, BTreeSet::new()),
    }
}

fn constant_words(constant: &Constant, words: &mut BTreeSet<Ident>) {
    match constant {
        Constant::Text(text) => words.extend(command::mentioned(text)),
        Constant::Join(parts) => parts.iter().for_each(|part| constant_words(part, words)),
        Constant::Upper(inner) | Constant::Lower(inner) => constant_words(inner, words),
        Constant::Variable(_)
        | Constant::Database
        | Constant::Schema
        | Constant::Role
        | Constant::Warehouse => {}
    }
}

/// A block or chain of its own.
pub(super) fn block(work: &mut Work<'_>, block: &Block) -> Done {
    if block.statements.iter().all(is_about_rows) {
        return rows(work, block).map(|grade| (grade, done()));
    }
    let mut copy = Copy { catalog: work.catalog.clone(), session: work.session.clone() };
    let grade = copy.run(work, block)?;
    if block.straight {
        *work.catalog = copy.catalog;
        *work.session = copy.session;
    }
    Ok((grade, done()))
}

/// Whether a statement reads or changes rows alone.
fn is_about_rows(command: &Command) -> bool {
    matches!(
        command,
        Command::Query(_)
            | Command::Insert(_)
            | Command::InsertMany { .. }
            | Command::Update { .. }
            | Command::Delete { .. }
            | Command::Merge { .. }
            | Command::Truncate(_)
            | Command::Copy(_)
    )
}

/// A block that reads and changes rows alone needs no copy: it leaves the catalogue as it is.
fn rows(work: &mut Work<'_>, block: &Block) -> Result<Grade, Stop> {
    let depth = work.depth.checked_sub(1).ok_or(Stop::Unknowable)?;
    let mut session = work.session.clone();
    let mut grade = Grade::Checked;
    for command in &block.statements {
        match apply_within(work.catalog, &mut session, command, work.stamp, depth) {
            Effect::Applied(reply) | Effect::Checked(reply) => work.warnings.extend(reply.warnings),
            Effect::Recorded(reply) => {
                work.warnings.extend(reply.warnings);
                grade = grade.with(Grade::Recorded);
            }
            Effect::Opaque(_) | Effect::Refused(_) => return Err(Stop::Unknowable),
        }
    }
    if block.straight {
        *work.session = session;
    }
    Ok(grade)
}

/// CALL: the procedure must exist where its schema is known. A body in SQL is followed as a block is.
pub(super) fn call(work: &mut Work<'_>, name: &Name, arguments: &[Expr]) -> Done {
    let written = work.known(name)?;
    Reading::of(work).exprs(arguments)?;
    // Procedures of the server itself are called without a schema.
    if written.name.as_str().contains('$') || written.name.as_str().starts_with("ASSOCIATE_") {
        return Ok((Grade::Recorded, done()));
    }
    let place = work.place(&written, "CALL")?;
    let unknown = || SnowflakeError::unknown_function(&place);
    let definition = match work.routines(ObjectKind::Procedure, &place) {
        Ok(Some(found)) => match found.as_slice() {
            [] => return Err(unknown().into()),
            [only] => only.definition.clone(),
            // Which of them is meant depends on the types of the arguments.
            _ => None,
        },
        Ok(None) => None,
        Err(Stop::Refused(_)) => return Err(unknown().into()),
        Err(stop) => return Err(stop),
    };
    let Some(body) = definition.as_deref().and_then(procedure_body) else { return Err(Stop::Unknowable) };
    // Inside, names mean what they mean in the procedure's schema.
    let mut copy = Copy { catalog: work.catalog.clone(), session: work.session.clone() };
    if !body.caller {
        copy.stand_at(&place);
    }
    let grade = copy.run(work, &body.block)?;
    if body.block.straight {
        *work.catalog = copy.catalog;
        let context = work.session.context.clone();
        *work.session = copy.session;
        if !body.caller {
            work.session.context = context;
        }
    }
    Ok((grade, done()))
}

/// What a block works on until it is known to be understood.
struct Copy {
    catalog: Catalog,
    session: SessionState,
}

impl Copy {
    fn stand_at(&mut self, place: &Place) {
        self.session.context.database = Some(place.database.clone());
        self.session.context.schema = Some(place.schema.clone());
    }

    /// Runs the statements and answers how far they were carried out. Those that may not run, or run often, may not
    /// change the catalogue.
    fn run(&mut self, work: &mut Work<'_>, block: &Block) -> Result<Grade, Stop> {
        let depth = work.depth.checked_sub(1).ok_or(Stop::Unknowable)?;
        let mut grade = Grade::Checked;
        for command in &block.statements {
            let now = if block.straight {
                self.one(command, work.stamp, depth)
            } else {
                self.neutral(command, work, depth)?
            };
            if let Some(reply) = now.reply() {
                work.warnings.extend(reply.warnings.iter().cloned());
            }
            match now {
                Effect::Applied(_) if block.straight => grade = grade.with(Grade::Applied),
                Effect::Applied(_) | Effect::Checked(_) => {}
                Effect::Recorded(_) => grade = grade.with(Grade::Recorded),
                Effect::Opaque(_) | Effect::Refused(_) => return Err(Stop::Unknowable),
            }
        }
        Ok(grade)
    }

    fn one(&mut self, command: &Command, stamp: &Stamp, depth: usize) -> Effect {
        apply_within(&mut self.catalog, &mut self.session, command, stamp, depth)
    }

    /// A statement that must leave the catalogue and the session as they are.
    fn neutral(&mut self, command: &Command, work: &Work<'_>, depth: usize) -> Result<Effect, Stop> {
        let effect = self.one(command, work.stamp, depth);
        self.session.transaction = work.session.transaction;
        let same = self.catalog == *work.catalog
            && self.session.context == work.session.context
            && self.session.variables == work.session.variables
            && self.session.temporary == work.session.temporary;
        if same { Ok(effect) } else { Err(Stop::Unknowable) }
    }
}

impl Work<'_> {
    /// The effect of an inner statement as that of the statement that runs it.
    fn take_over(&mut self, effect: Effect) -> Done {
        let mut keep = |reply: Reply, grade| {
            self.warnings.extend(reply.warnings.iter().cloned());
            Ok((grade, reply))
        };
        match effect {
            Effect::Applied(reply) => keep(reply, Grade::Applied),
            Effect::Checked(reply) => keep(reply, Grade::Checked),
            Effect::Recorded(reply) => keep(reply, Grade::Recorded),
            Effect::Opaque(reply) => keep(reply, Grade::Opaque),
            Effect::Refused(error) => Err(error.into()),
        }
    }
}
