//! Fills a catalogue from any session, with a fixed number of requests a database: SHOW and `INFORMATION_SCHEMA`.
//!
//! Sources: Snowflake's pages of [SHOW](https://docs.snowflake.com/en/sql-reference/sql/show) and of the
//! [Information Schema](https://docs.snowflake.com/en/sql-reference/info-schema), read in 2026. SHOW gives at most 10,000
//! rows and lists only what the role may see; a listing that is cut off, or that a server does not know, is named in
//! [`Catalog::unseen`], and its absences say nothing.

mod read;

use std::collections::BTreeMap;

use self::read::Reading;
use super::{
    listing::{MOST_ROWS, listed},
    send,
};
use crate::{
    catalog::{Catalog, LISTED},
    model::{ident::Ident, kind::ObjectKind},
    session::{Answer, DbError, ErrorClass, Session, context::Context},
};

/// What is asked beside the listings of kinds: the name of what it tells, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Columns,
    PrimaryKeys,
    UniqueKeys,
    ForeignKeys,
    Grants,
}

impl Question {
    const ALL: [Self; 5] =
        [Self::Columns, Self::PrimaryKeys, Self::UniqueKeys, Self::ForeignKeys, Self::Grants];

    /// What is not seen without its answer.
    const fn tells(self) -> &'static str {
        match self {
            Self::Columns => "COLUMNS",
            Self::PrimaryKeys => "PRIMARY KEYS",
            Self::UniqueKeys => "UNIQUE KEYS",
            Self::ForeignKeys => "FOREIGN KEYS",
            Self::Grants => "GRANTS",
        }
    }

    fn text(self, database: &str) -> String {
        match self {
            Self::Columns => format!(
                "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, \
                 CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, \
                 DATETIME_PRECISION, IS_IDENTITY, COMMENT FROM {database}.INFORMATION_SCHEMA.COLUMNS \
                 WHERE TABLE_SCHEMA <> 'INFORMATION_SCHEMA'"
            ),
            Self::PrimaryKeys => format!("SHOW PRIMARY KEYS IN DATABASE {database}"),
            Self::UniqueKeys => format!("SHOW UNIQUE KEYS IN DATABASE {database}"),
            Self::ForeignKeys => format!("SHOW IMPORTED KEYS IN DATABASE {database}"),
            Self::Grants => format!(
                "SELECT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME, PRIVILEGE_TYPE, GRANTEE, GRANTED_TO \
                 FROM {database}.INFORMATION_SCHEMA.OBJECT_PRIVILEGES"
            ),
        }
    }

    /// Columns by whatever a server says of them, for one that lacks some of what [`Self::Columns`] asks for.
    fn all_columns(database: &str) -> String {
        format!("SELECT * FROM {database}.INFORMATION_SCHEMA.COLUMNS")
    }

    fn is_show(self) -> bool {
        matches!(self, Self::PrimaryKeys | Self::UniqueKeys | Self::ForeignKeys)
    }
}

/// Bodies of routines, which SHOW does not tell.
fn routines(kind: ObjectKind, database: &str) -> String {
    let (view, word) = match kind {
        ObjectKind::Procedure => ("PROCEDURES", "PROCEDURE"),
        _ => ("FUNCTIONS", "FUNCTION"),
    };
    format!(
        "SELECT {word}_SCHEMA AS \"schema_name\", {word}_NAME AS \"name\", {word}_OWNER AS \"owner\", \
         ARGUMENT_SIGNATURE AS \"signature\", DATA_TYPE AS \"returns\", {word}_LANGUAGE AS \"language\", \
         {word}_DEFINITION AS \"definition\", COMMENT AS \"comment\" FROM {database}.INFORMATION_SCHEMA.{view} \
         WHERE {word}_SCHEMA <> 'INFORMATION_SCHEMA'"
    )
}

/// Looks at some databases. Sends only statements that read.
///
/// # Errors
/// When a database or its schemas cannot be listed, or the connection is lost. Anything else that a server does not
/// answer is named as not seen.
pub async fn catalogue(
    session: &mut dyn Session,
    databases: &[Ident],
    context: &Context,
) -> Result<Catalog, DbError> {
    let mut look = Look { session, context, unseen: BTreeMap::new() };
    let mut found = BTreeMap::new();
    for name in databases {
        if let Some(database) = look.database(name).await? {
            found.insert(name.clone(), database);
        }
    }
    let unseen = look.unseen;
    Ok(Catalog::of(found, unseen))
}

struct Look<'s> {
    session: &'s mut dyn Session,
    context: &'s Context,
    unseen: BTreeMap<String, String>,
}

impl Look<'_> {
    async fn database(&mut self, name: &Ident) -> Result<Option<crate::catalog::Database>, DbError> {
        let quoted = name.quoted();
        let databases = self.must(format!("SHOW DATABASES LIKE '{}'", super::listing::pattern(name))).await?;
        let Some(mut reading) = Reading::of(name, &databases) else { return Ok(None) };
        let schemas = self.must(format!("SHOW SCHEMAS IN DATABASE {quoted}")).await?;
        reading.schemas(&schemas);
        for (kind, words) in [(ObjectKind::Table, "TABLES"), (ObjectKind::View, "VIEWS")] {
            if let Some(rows) =
                self.listing(kind.words(), format!("SHOW {words} IN DATABASE {quoted}")).await?
            {
                reading.relations(kind, &rows);
            }
        }
        let dynamic = ObjectKind::DynamicTable.words();
        if let Some(rows) = self.listing(dynamic, format!("SHOW DYNAMIC TABLES IN DATABASE {quoted}")).await?
        {
            reading.dynamic(&rows);
        }
        for kind in LISTED {
            let rows = match listed(*kind) {
                _ if kind.is_routine() => self.asked(kind.words(), routines(*kind, &quoted)).await?,
                Some(words) => {
                    self.listing(kind.words(), format!("SHOW {words} IN DATABASE {quoted}")).await?
                }
                None => None,
            };
            if let Some(rows) = rows {
                reading.objects(*kind, &rows);
            }
        }
        for question in Question::ALL {
            let text = question.text(&quoted);
            let rows = match question {
                Question::Columns => {
                    self.either(question.tells(), text, Question::all_columns(&quoted)).await?
                }
                _ if question.is_show() => self.listing(question.tells(), text).await?,
                _ => self.asked(question.tells(), text).await?,
            };
            let Some(rows) = rows else { continue };
            match question {
                Question::Columns => reading.columns(&rows),
                Question::PrimaryKeys => reading.keys(crate::catalog::KeyRule::Primary, &rows),
                Question::UniqueKeys => reading.keys(crate::catalog::KeyRule::Unique, &rows),
                Question::ForeignKeys => reading.keys(crate::catalog::KeyRule::Foreign, &rows),
                Question::Grants => reading.grants(&rows),
            }
        }
        Ok(Some(reading.done()))
    }

    async fn must(&mut self, text: String) -> Result<Answer, DbError> {
        send(self.session, self.context, text).await
    }

    /// An answer, unless the server does not know the question: then what it would tell is not seen.
    async fn asked(&mut self, what: &str, text: String) -> Result<Option<Answer>, DbError> {
        match self.must(text).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.class, ErrorClass::Connection | ErrorClass::Login) => Err(error),
            Err(error) => {
                let why = error.to_string();
                let first = why.lines().find(|line| !line.trim_end().ends_with("error:"));
                self.unseen.insert(what.to_owned(), first.unwrap_or(&why).to_owned());
                Ok(None)
            }
        }
    }

    /// An answer to one text, or to another where the server refuses it.
    async fn either(&mut self, what: &str, text: String, other: String) -> Result<Option<Answer>, DbError> {
        let first = self.asked(what, text).await?;
        if first.is_some() {
            return Ok(first);
        }
        let answer = self.asked(what, other).await?;
        if answer.is_some() {
            self.unseen.remove(what);
        }
        Ok(answer)
    }

    /// The answer to a SHOW, which may be cut off.
    async fn listing(&mut self, what: &str, text: String) -> Result<Option<Answer>, DbError> {
        let answer = self.asked(what, text).await?;
        if answer.as_ref().is_some_and(|answer| answer.rows.len() >= MOST_ROWS) {
            let why = format!("the server lists no more than {MOST_ROWS}");
            self.unseen.insert(what.to_owned(), why);
        }
        Ok(answer)
    }
}
