//! Makes the tables.

use super::{How, LedgerError, Presence, ask, journal, layout::FIRST_LAYOUT, sql_for};
use crate::{
    model::target::LedgerName,
    session::{Bind, ErrorClass, Session, context::Context},
};

/// Makes what is missing of the tables by plain CREATEs, lock first, and writes the first layout row. With
/// [`Presence::SchemaMissing`] the schema too.
///
/// A table that is there already is accepted only if it can be read: it is that of a run which was cut short here,
/// or which is doing the same right now.
pub async fn create(
    session: &mut dyn Session,
    name: &LedgerName,
    presence: &Presence,
    context: &Context,
) -> Result<(), LedgerError> {
    let sql = sql_for(session, name);
    if *presence == Presence::SchemaMissing {
        match ask(session, context, sql.create_schema(), Vec::new(), How::ONCE).await {
            Err(error) if error.class != ErrorClass::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    let grace = vec![Bind::Integer(0)];
    create_one(session, context, sql.create_lock(), sql.select_lock(), grace).await?;
    create_one(session, context, sql.create_journal(), sql.select_layout(), Vec::new()).await?;
    if *presence != Presence::HistoryOnly {
        create_one(session, context, sql.create_history(), sql.select_head(), Vec::new()).await?;
    }
    let run = Bind::Text(context.ids.next().to_string());
    let body = Bind::Text(journal::layout_text(FIRST_LAYOUT));
    ask(session, context, sql.insert_first_layout(), vec![run, body], How::ONCE).await?;
    Ok(())
}

async fn create_one(
    session: &mut dyn Session,
    context: &Context,
    create: String,
    select: String,
    binds: Vec<Bind>,
) -> Result<(), LedgerError> {
    match ask(session, context, create, Vec::new(), How::ONCE).await {
        Ok(_) => Ok(()),
        Err(exists) if exists.class == ErrorClass::AlreadyExists => {
            match ask(session, context, select, binds, How::READ).await {
                Ok(_) => Ok(()),
                // There, and hidden: the server's first word tells more.
                Err(hidden) if hidden.class == ErrorClass::NotFound => Err(exists.into()),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}
