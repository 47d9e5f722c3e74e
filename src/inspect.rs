//! Looks into a target's catalogue, through any session: answers the probes that were written with an intent.
//!
//! A positive answer counts at once. A negative one counts only when the earlier attempt is known to be over, which the
//! caller must know: what still runs may yet be done.

pub mod account;
pub mod catalogue;
mod listing;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use self::listing::{MOST_ROWS, Row, Spot, columns};
use crate::{
    model::{
        facts::{ObjectRef, Probe},
        ident::Ident,
        kind::ObjectKind,
        target::Context4,
    },
    session::{self, DbError, Engine, ErrorClass, QueryTag, Request, RowUse, Session, context::Context},
};

/// What the catalogue says of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The statement was done.
    Yes,
    /// It was not, so far.
    No,
    /// The catalogue cannot tell; the sentence says why.
    CannotTell(String),
}

/// A probe, and what it must be read with.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The probe.
    pub probe: &'a Probe,
    /// Where the statement's session stood: parts of names that it left out come from here, and its role is the one
    /// whose "not there" counts.
    pub at: &'a Context4,
    /// Server times of the ledger rows confirmed before the statement was sent, as printed; the latest is the intent
    /// time.
    pub since: &'a [&'a str],
    /// Whether a statement before it in its run may have made an object of this name too. Clocks of two sessions may
    /// differ, so that a time of creation near the intent time is then no proof.
    pub made_before: bool,
    /// Ids of requests.
    pub context: &'a Context,
}

/// Asks one probe. Sends only SHOW and DESCRIBE.
///
/// Names are compared exactly. That an object is not listed says that it is absent only
///
/// - on an engine that hides nothing, or to the very role that the statement ran with: who may create, drop or rename an
///   object owns it and so sees it. To any other role a hidden object looks like none
///   (<https://docs.snowflake.com/en/sql-reference/sql/show>);
/// - when the listing is not cut off.
///
/// A probe does not hold the types of a routine's arguments, so overloads are told apart only as far as one of them is
/// alone.
pub async fn ask(session: &mut dyn Session, question: &Question<'_>) -> Answer {
    let mut look = Look { session, question };
    look.answer().await.unwrap_or_else(Answer::CannotTell)
}

/// How far the clocks of a server's sessions may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(2);

struct Look<'s, 'q> {
    session: &'s mut dyn Session,
    question: &'q Question<'q>,
}

/// The error of everything here says why nothing can be told.
type Told<T> = Result<T, String>;

impl Look<'_, '_> {
    async fn answer(&mut self) -> Told<Answer> {
        match self.question.probe {
            Probe::CreatedSince { object } => {
                let Some(row) = self.one(object).await? else { return Ok(Answer::No) };
                Ok(yes_if(self.is_since(&row)?))
            }
            Probe::Absent { object } => {
                let Some(row) = self.one(object).await? else { return Ok(Answer::Yes) };
                if self.is_since(&row)? {
                    return Err(format!("{} {} was made anew since", object.kind, object.name));
                }
                Ok(Answer::No)
            }
            Probe::Present { object } => Ok(yes_if(self.one(object).await?.is_some())),
            Probe::Renamed { from, to } => {
                let old = self.one(from).await?.is_some();
                let new = self.one(to).await?.is_some();
                either(new, old, || format!("{} and {}", from.name, to.name))
            }
            Probe::Column { table, column, present } => {
                Ok(yes_if(self.has(table, [column]).await? == [*present]))
            }
            Probe::ColumnRenamed { table, from, to } => {
                let [old, new] = self.has(table, [from, to]).await?;
                either(new, old, || format!("the columns {from} and {to} of {}", table.name))
            }
            Probe::Owner { object, role } => {
                // Whom it belonged to may see it no more.
                let rows = self.rows(object).await?;
                let row = only(object, rows)?
                    .ok_or_else(|| format!("{} {} is not to be seen", object.kind, object.name))?;
                belongs(&row, role)
            }
        }
    }

    /// The object, or that it is absent.
    async fn one(&mut self, object: &ObjectRef) -> Told<Option<Row>> {
        let rows = self.rows(object).await?;
        if rows.is_empty() {
            self.sees_all(object)?;
        }
        only(object, rows)
    }

    /// Whether what this session does not see is not there.
    fn sees_all(&self, object: &ObjectRef) -> Told<()> {
        let info = self.session.info();
        let same = self.question.at.role.is_some() && self.question.at.role == info.context.role;
        if info.engine == Engine::Embedded || same {
            return Ok(());
        }
        let role =
            info.context.role.as_ref().map_or_else(|| "the session".to_owned(), |r| format!("role {r}"));
        Err(format!(
            "{} {} is not to be seen by {role}, which is not known to be the role that the statement ran with, so it may \
             be absent or hidden",
            object.kind, object.name
        ))
    }

    async fn rows(&mut self, object: &ObjectRef) -> Told<Vec<Row>> {
        let spot = Spot::of(object, self.question.at)?;
        let answer = match self.send(spot.show()?).await {
            Ok(answer) => answer,
            // The schema or database that it would be in is gone.
            Err(error) if error.class == ErrorClass::NotFound && self.is_embedded() => return Ok(Vec::new()),
            Err(error) => return Err(format!("{spot} cannot be looked up: {error}")),
        };
        let rows = spot.rows(&answer)?;
        if rows.is_empty() && answer.rows.len() >= MOST_ROWS {
            return Err(format!("{spot} is not among the first {MOST_ROWS} that the server lists"));
        }
        Ok(rows)
    }

    fn is_embedded(&self) -> bool {
        self.session.info().engine == Engine::Embedded
    }

    async fn has<const N: usize>(&mut self, table: &ObjectRef, wanted: [&Ident; N]) -> Told<[bool; N]> {
        let spot = Spot::of(table, self.question.at)?;
        let answer = self.send(spot.describe()).await;
        let answer = answer.map_err(|error| format!("{spot} cannot be described: {error}"))?;
        let names = columns(&answer)?;
        Ok(wanted.map(|column| names.contains(&column.as_str())))
    }

    async fn send(&mut self, text: String) -> Result<session::Answer, DbError> {
        send(self.session, self.question.context, text).await
    }

    /// Whether the object was created at or after the intent time, both by the server's clock.
    fn is_since(&self, row: &Row) -> Told<bool> {
        let created = row.created_on.as_deref().and_then(instant);
        let created = created.ok_or("the server tells no time of creation")?;
        let since: Option<Vec<Timestamp>> = self.question.since.iter().map(|text| instant(text)).collect();
        let since =
            since.and_then(|all| all.into_iter().max()).ok_or("the time of the intent is not known")?;
        // SHOW prints milliseconds, the ledger has more digits.
        let in_millis = created.subsec_nanosecond() % 1_000_000 == 0;
        let not_before =
            if in_millis { created.as_millisecond() >= since.as_millisecond() } else { created >= since };
        let near = created.duration_since(since).abs() <= CLOCKS_APART;
        match (near && !self.is_embedded(), self.question.made_before) {
            (false, _) => Ok(not_before),
            (true, false) => Ok(true),
            (true, true) => {
                Err("it was made when this statement was sent, or by one before it: clocks tell no more"
                    .to_owned())
            }
        }
    }
}

const fn yes_if(is: bool) -> Answer {
    if is { Answer::Yes } else { Answer::No }
}

/// Of a new and an old name one must be there.
fn either(new: bool, old: bool, names: impl Fn() -> String) -> Told<Answer> {
    match (new, old) {
        (true, false) => Ok(Answer::Yes),
        (false, true) => Ok(Answer::No),
        (true, true) => Err(format!("both {} are there", names())),
        (false, false) => Err(format!("neither of {} is there", names())),
    }
}

fn only(object: &ObjectRef, mut rows: Vec<Row>) -> Told<Option<Row>> {
    if rows.len() > 1 {
        return Err(format!("there are {} of {} {}", rows.len(), object.kind, object.name));
    }
    Ok(rows.pop())
}

fn belongs(row: &Row, role: &ObjectRef) -> Told<Answer> {
    let owner = row.owner.as_deref().ok_or("the server tells no owner")?;
    let kind = match role.kind {
        ObjectKind::DatabaseRole => "DATABASE_ROLE",
        _ => "ROLE",
    };
    let same_kind = row.owner_kind.as_deref().is_none_or(|found| found == kind);
    Ok(yes_if(same_kind && owner == role.name.name.as_str()))
}

/// A time as a server prints it; without an offset it is UTC.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Asks the server something that changes nothing.
async fn send(
    session: &mut dyn Session,
    context: &Context,
    text: String,
) -> Result<session::Answer, DbError> {
    let request = Request {
        id: context.ids.request(),
        text,
        binds: Vec::new(),
        tag: QueryTag("snowops:inspect".to_owned()),
        timeout: None,
        repeatable: true,
        ledger: false,
        local_opaque: false,
        rows: RowUse::Read,
    };
    session.execute(&request).await
}
