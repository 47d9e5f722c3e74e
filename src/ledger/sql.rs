//! The ledger's SQL: all of it, in the common subset of Snowflake and SQLite.
//!
//! No MERGE, no INSERT ALL, no QUALIFY, no scripting. The texts for the three tables are equal on every engine but
//! for the tables' names. Binds are `:1`, `:2`, ... and each stands once. Times are compared by the server's clock
//! alone. The two questions about the server itself, its database and its query history, differ by engine.

use std::fmt::Write as _;

#[cfg(doc)]
use super::history::Head;
use crate::{
    model::{ident::Ident, target::LedgerName},
    session::Engine,
};

/// Commits a claim.
pub(super) const COMMIT: &str = "COMMIT";

/// Binds of one row of [`Sql::insert_journal`].
pub(super) const JOURNAL_BINDS: usize = 6;

/// Most rows of one [`Sql::insert_journal`].
pub(super) const JOURNAL_ROWS: usize = 200;

/// The statements for one ledger on one engine.
#[derive(Clone, Debug)]
pub(super) struct Sql {
    engine: Engine,
    schema: String,
    database: Ident,
    history: String,
    journal: String,
    lock: String,
    name: LedgerName,
}

/// The full name of one of the tables, quoted.
fn full(name: &LedgerName, engine: Engine, suffix: &str) -> String {
    let table = format!("{}{suffix}", name.table);
    match engine {
        Engine::Snowflake => {
            format!("{}.{}.{}", name.database.quoted(), name.schema.quoted(), Ident::stored(table).quoted())
        }
        Engine::Embedded => {
            Ident::stored(format!("{}.{}.{table}", name.database.as_str(), name.schema.as_str())).quoted()
        }
    }
}

impl Sql {
    pub(super) fn new(name: &LedgerName, engine: Engine) -> Self {
        Self {
            engine,
            schema: format!("{}.{}", name.database.quoted(), name.schema.quoted()),
            database: name.database.clone(),
            history: full(name, engine, ""),
            journal: full(name, engine, "_journal"),
            lock: full(name, engine, "_lock"),
            name: name.clone(),
        }
    }

    /// A layout step with the tables' names in place of `{_suffix}`.
    pub(super) fn layout_step(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, (suffix, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            done.push_str(before);
            done.push_str(&full(&self.name, self.engine, suffix));
            rest = after;
        }
        done + rest
    }

    /// The history's columns, in the order of [`super::history::read_rows`].
    pub(super) fn select_history(&self) -> String {
        format!(
            "SELECT \"installed_rank\", \"version\", \"description\", \"type\", \"script\", \"checksum\", \
             \"installed_by\", \"installed_on\", \"execution_time\", \"success\" FROM {} ORDER BY \"installed_rank\"",
            self.history
        )
    }

    /// What a plan needs of the journal, oldest run first:
    ///
    /// - all layout rows, and all rows of open runs;
    /// - the newest `script`, `done`, `repaired` and `adopted` row of each script, and the `run`, `session` and
    ///   `end` rows of the runs that wrote them;
    /// - all rows of the newest run that holds a `script` row of a script, unless that run ended with success: an older
    ///   row in the history says nothing of it;
    /// - what was settled of that run since.
    ///
    /// Runs are ordered by their lease's token, which the column `ordinal` of `run` rows repeats; that of `end` rows is 1
    /// after a success.
    pub(super) fn select_journal(&self) -> String {
        let journal = &self.journal;
        let runs = format!(
            "SELECT \"run\", MAX(CASE WHEN \"kind\" = 'run' THEN \"ordinal\" END) AS \"token\", \
             MAX(CASE WHEN \"kind\" = 'end' THEN 1 ELSE 0 END) AS \"ended\", \
             MAX(CASE WHEN \"kind\" = 'end' AND \"ordinal\" = 1 THEN 1 ELSE 0 END) AS \"succeeded\" \
             FROM {journal} WHERE \"kind\" IN ('run', 'end') GROUP BY \"run\""
        );
        // Windows, and not joins with grouped rows: how those are joined is a planner's luck.
        let rows = format!(
            "SELECT j.\"run\", j.\"seq\", j.\"kind\", j.\"script\", j.\"ordinal\", j.\"body\", j.\"at\", \
             COALESCE(r.\"token\", 0) AS \"token\", COALESCE(r.\"succeeded\", 0) AS \"succeeded\", \
             CASE WHEN r.\"token\" IS NOT NULL AND r.\"ended\" = 0 THEN 1 ELSE 0 END AS \"open\", \
             MAX(CASE WHEN j.\"kind\" IN ('script', 'done', 'repaired', 'adopted', 'settled') \
             THEN COALESCE(r.\"token\", 0) END) OVER (PARTITION BY j.\"script\", j.\"kind\") AS \"newest\", \
             MAX(CASE WHEN j.\"kind\" = 'script' THEN COALESCE(r.\"token\", 0) END) \
             OVER (PARTITION BY j.\"script\") AS \"speaks\" \
             FROM {journal} j LEFT JOIN r ON r.\"run\" = j.\"run\""
        );
        format!(
            "WITH r AS ({runs}), y AS ({rows}) \
             SELECT y.\"run\", y.\"seq\", y.\"kind\", y.\"script\", y.\"ordinal\", y.\"body\", y.\"at\", \
             SYSDATE() AS \"now\" FROM y \
             WHERE y.\"open\" = 1 OR y.\"kind\" = 'layout' OR y.\"newest\" = y.\"token\" \
             OR (y.\"succeeded\" = 0 AND y.\"speaks\" = y.\"token\") \
             OR (y.\"kind\" = 'settled' AND y.\"token\" >= y.\"speaks\") \
             OR (y.\"kind\" IN ('run', 'session', 'end') \
             AND y.\"token\" IN (SELECT x.\"newest\" FROM y x WHERE x.\"newest\" IS NOT NULL)) \
             ORDER BY y.\"token\", y.\"run\", y.\"seq\""
        )
    }

    /// The lock row and what the server's clock says of it: held and not expired by more than `:1` milliseconds
    /// (given as a negative number), or not.
    pub(super) fn select_lock(&self) -> String {
        format!(
            "SELECT \"nonce\", \"token\", \"touch\", \"expires\", \"run\", \"holder\", \"identity\", \"note\", SYSDATE() AS \"now\", \
             CASE WHEN \"expires\" < DATEADD('millisecond', :1, SYSDATE()) THEN 1 ELSE 0 END AS \"expired\" FROM {}",
            self.lock
        )
    }

    /// The layout rows: asked to see whether the journal can be read.
    pub(super) fn select_layout(&self) -> String {
        format!("SELECT \"body\" FROM {} WHERE \"kind\" = 'layout'", self.journal)
    }

    /// Rank and number of rows at the history's head.
    pub(super) fn select_head(&self) -> String {
        format!(
            "SELECT COALESCE(MAX(\"installed_rank\"), 0) AS \"head\", COUNT(*) AS \"rows\" FROM {}",
            self.history
        )
    }

    /// The schema of the tables.
    pub(super) fn create_schema(&self) -> String {
        format!("CREATE SCHEMA {}", self.schema)
    }

    /// The lock table with its one row: free, and made in one statement, so that it never is without.
    pub(super) fn create_lock(&self) -> String {
        format!(
            "CREATE TABLE {} AS SELECT CAST(NULL AS VARCHAR) AS \"nonce\", CAST(0 AS INTEGER) AS \"token\", \
             CAST(0 AS INTEGER) AS \"touch\", SYSDATE() AS \"expires\", CAST(NULL AS VARCHAR) AS \"run\", \
             CAST(NULL AS VARCHAR) AS \"holder\", CAST(NULL AS VARCHAR) AS \"identity\", CAST(NULL AS VARCHAR) AS \"note\"",
            self.lock
        )
    }

    /// The journal.
    pub(super) fn create_journal(&self) -> String {
        format!(
            "CREATE TABLE {} (\"run\" VARCHAR(36) NOT NULL, \"seq\" INTEGER NOT NULL, \"kind\" VARCHAR(20) NOT NULL, \
             \"script\" VARCHAR(1000), \"ordinal\" INTEGER, \"body\" VARCHAR NOT NULL, \"at\" TIMESTAMP_NTZ NOT NULL)",
            self.journal
        )
    }

    /// The history, as Flyway makes it (`SnowflakeDatabase.java`, `getRawCreateScript`).
    pub(super) fn create_history(&self) -> String {
        format!(
            "CREATE TABLE {} (\"installed_rank\" NUMBER(38,0) NOT NULL, \"version\" VARCHAR(50), \
             \"description\" VARCHAR(200), \"type\" VARCHAR(20) NOT NULL, \"script\" VARCHAR(1000) NOT NULL, \
             \"checksum\" NUMBER(38,0), \"installed_by\" VARCHAR(100) NOT NULL, \
             \"installed_on\" TIMESTAMP_LTZ(9) NOT NULL DEFAULT CURRENT_TIMESTAMP, \
             \"execution_time\" NUMBER(38,0) NOT NULL, \"success\" BOOLEAN NOT NULL, PRIMARY KEY (\"installed_rank\"))",
            self.history
        )
    }

    /// The first layout row, unless there is one: run `:1`, body `:2`. Written before there is a lease.
    pub(super) fn insert_first_layout(&self) -> String {
        format!(
            "INSERT INTO {0} (\"run\", \"seq\", \"kind\", \"script\", \"ordinal\", \"body\", \"at\") \
             SELECT :1, 1, 'layout', NULL, NULL, :2, SYSDATE() FROM {1} \
             WHERE NOT EXISTS (SELECT 1 FROM {0} WHERE \"kind\" = 'layout')",
            self.journal, self.lock
        )
    }

    /// Takes the row's lock, so that the statements after it see the newest row.
    pub(super) fn touch(&self) -> String {
        format!("UPDATE {} SET \"touch\" = \"touch\" + 1", self.lock)
    }

    /// Expires the row of a holder that is known to be dead: `:1` milliseconds, negative.
    pub(super) fn expire(&self) -> String {
        format!(
            "UPDATE {} SET \"expires\" = DATEADD('millisecond', :1, SYSDATE()) WHERE \"nonce\" IS NOT NULL",
            self.lock
        )
    }

    /// Takes the lease if it is free or expired by more than grace: nonce `:1`, run `:2`, holder `:3`, identity
    /// `:4`, TTL `:5` and grace `:6` in milliseconds, grace negative. One row: won.
    pub(super) fn claim(&self) -> String {
        format!(
            "UPDATE {} SET \"nonce\" = :1, \"run\" = :2, \"holder\" = :3, \"identity\" = :4, \"token\" = \"token\" + 1, \
             \"expires\" = DATEADD('millisecond', :5, SYSDATE()) \
             WHERE \"nonce\" IS NULL OR \"expires\" < DATEADD('millisecond', :6, SYSDATE())",
            self.lock
        )
    }

    /// A beat: TTL `:1` in milliseconds, nonce `:2`. No row: lost.
    pub(super) fn renew(&self) -> String {
        format!(
            "UPDATE {} SET \"expires\" = DATEADD('millisecond', :1, SYSDATE()) WHERE \"nonce\" = :2",
            self.lock
        )
    }

    /// Frees the row: nonce `:1`, token `:2`.
    pub(super) fn release(&self) -> String {
        format!("UPDATE {} SET \"nonce\" = NULL WHERE \"nonce\" = :1 AND \"token\" = :2", self.lock)
    }

    /// Journal rows under the fence: [`JOURNAL_BINDS`] binds a row, then the nonce. With `head` one more: the history's
    /// head as this run knows it ([`Head::text`]).
    pub(super) fn insert_journal(&self, rows: usize, head: bool) -> String {
        let next = rows * JOURNAL_BINDS + 1;
        let (journal, lock) = (&self.journal, &self.lock);
        let head = if head { self.head_condition(next + 1) } else { String::new() };
        let into = format!(
            "INSERT INTO {journal} (\"run\", \"seq\", \"kind\", \"script\", \"ordinal\", \"body\", \"at\")"
        );
        // Nearly all have one row, which needs no table of values.
        if rows == 1 {
            return format!(
                "{into} SELECT :1, :2, :3, :4, :5, :6, SYSDATE() FROM {lock} \
                 WHERE \"nonce\" = :{next} AND \"expires\" > SYSDATE(){head}"
            );
        }
        let mut values = String::new();
        for row in 0..rows {
            let at = row * JOURNAL_BINDS;
            let glue = if row == 0 { "" } else { " UNION ALL " };
            // Writing to a String cannot fail.
            let _ = write!(
                values,
                "{glue}SELECT CAST(:{} AS VARCHAR) AS \"run\", CAST(:{} AS INTEGER) AS \"seq\", \
                 CAST(:{} AS VARCHAR) AS \"kind\", CAST(:{} AS VARCHAR) AS \"script\", \
                 CAST(:{} AS INTEGER) AS \"ordinal\", CAST(:{} AS VARCHAR) AS \"body\"",
                at + 1,
                at + 2,
                at + 3,
                at + 4,
                at + 5,
                at + 6
            );
        }
        format!(
            "{into} SELECT v.\"run\", v.\"seq\", v.\"kind\", v.\"script\", v.\"ordinal\", v.\"body\", SYSDATE() \
             FROM ({values}) v CROSS JOIN {lock} l WHERE l.\"nonce\" = :{next} AND l.\"expires\" > SYSDATE(){head}"
        )
    }

    /// A history row under the fence and at the known head: rank, version, description, type, script, checksum,
    /// `installed_by`, milliseconds, success, nonce, [`Head::text`].
    pub(super) fn insert_history(&self) -> String {
        format!(
            "INSERT INTO {} (\"installed_rank\", \"version\", \"description\", \"type\", \"script\", \"checksum\", \
             \"installed_by\", \"execution_time\", \"success\") SELECT :1, :2, :3, :4, :5, :6, :7, :8, :9 FROM {} \
             WHERE \"nonce\" = :10 AND \"expires\" > SYSDATE(){}",
            self.history,
            self.lock,
            self.head_condition(11)
        )
    }

    /// That the history's head is the one in a bind ([`Head::text`]): both numbers in one look at the table.
    fn head_condition(&self, bind: usize) -> String {
        format!(
            " AND (SELECT COALESCE(MAX(\"installed_rank\"), 0) || '/' || COUNT(*) FROM {}) = :{bind}",
            self.history
        )
    }

    /// The outcome of a resumed script: success `:1`, checksum `:2`, milliseconds `:3`, rank `:4`, nonce `:5`.
    pub(super) fn finish_history(&self) -> String {
        format!(
            "UPDATE {} SET \"success\" = :1, \"checksum\" = :2, \"execution_time\" = :3 WHERE \"installed_rank\" = :4{}",
            self.history,
            self.fence(5)
        )
    }

    /// Flyway's repair of a row: description `:1`, type `:2`, checksum `:3`, rank `:4`, nonce `:5`.
    pub(super) fn align_history(&self) -> String {
        format!(
            "UPDATE {} SET \"description\" = :1, \"type\" = :2, \"checksum\" = :3 WHERE \"installed_rank\" = :4{}",
            self.history,
            self.fence(5)
        )
    }

    /// Flyway's repair of failures, all in one statement: nonce `:1`.
    pub(super) fn delete_failed(&self) -> String {
        format!("DELETE FROM {} WHERE \"success\" = FALSE{}", self.history, self.fence(1))
    }

    fn fence(&self, nonce: usize) -> String {
        format!(
            " AND EXISTS (SELECT 1 FROM {} WHERE \"nonce\" = :{nonce} AND \"expires\" > SYSDATE())",
            self.lock
        )
    }

    /// Whether the history's schema is there: name `:1`. Asked only where "does not exist" proves nothing.
    pub(super) fn count_schemas(&self) -> String {
        format!(
            "SELECT COUNT(*) FROM {}.INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = :1",
            self.database.quoted()
        )
    }

    /// How many tables and views of the history's schema can be seen: name `:1`.
    pub(super) fn count_objects(&self) -> String {
        format!(
            "SELECT COUNT(*) FROM {}.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = :1",
            self.database.quoted()
        )
    }

    /// When the database was created, and what the account calls itself: locator, region, organization, name. The
    /// database's name is `:1`. Snowflake only.
    pub(super) fn select_account(&self) -> String {
        format!(
            "SELECT CREATED, CURRENT_ACCOUNT(), CURRENT_REGION(), CURRENT_ORGANIZATION_NAME(), CURRENT_ACCOUNT_NAME() \
             FROM {}.INFORMATION_SCHEMA.DATABASES WHERE DATABASE_NAME = :1",
            self.database.quoted()
        )
    }

    /// When the database was created; with its name as `:1` on Snowflake.
    pub(super) fn select_database(&self) -> String {
        match self.engine {
            Engine::Snowflake => format!(
                "SELECT CREATED FROM {}.INFORMATION_SCHEMA.DATABASES WHERE DATABASE_NAME = :1",
                self.database.quoted()
            ),
            // The file stands for the account and all its databases.
            Engine::Embedded => "SELECT \"created_on\" FROM \"snowops$meta\"".to_owned(),
        }
    }

    /// The query history: of the session's own user, or of all whose statements its role may see. Running statements
    /// are listed only without an end of the time range; the limit applies before WHERE (Snowflake's page of
    /// `QUERY_HISTORY`).
    fn query_history(&self, own: bool, filter: &str) -> String {
        let by = if own { "_BY_USER" } else { "" };
        format!(
            "SELECT QUERY_TAG, QUERY_ID, EXECUTION_STATUS, START_TIME, ERROR_CODE, ERROR_MESSAGE \
             FROM TABLE({}.INFORMATION_SCHEMA.QUERY_HISTORY{by}(RESULT_LIMIT => 10000)) \
             WHERE {filter} ORDER BY START_TIME",
            self.database.quoted()
        )
    }

    /// Ends a statement by its id, which is no more than letters, digits and dashes.
    pub(super) fn cancel_query(id: &str) -> String {
        format!("SELECT SYSTEM$CANCEL_QUERY('{id}')")
    }

    /// Ends a session by its id, a number. Which rights that needs is not documented.
    pub(super) fn abort_session(id: u64) -> String {
        format!("SELECT SYSTEM$ABORT_SESSION({id})")
    }

    /// Statements of session `:1`: tag, id, status, start. The embedded engine keeps no sessions: it is asked for none.
    pub(super) fn select_by_session(&self, own: bool) -> String {
        self.query_history(own, "TO_VARCHAR(SESSION_ID) = :1")
    }

    /// Statements whose tag ends with `:1`: tag, id, status, start.
    pub(super) fn select_by_tag(&self, own: bool) -> String {
        match self.engine {
            Engine::Snowflake => self.query_history(own, "ENDSWITH(QUERY_TAG, :1)"),
            Engine::Embedded => "SELECT \"query_tag\", \"query_id\", \"status\", \"started\" \
                 FROM \"snowops_query_history\" WHERE SUBSTR(\"query_tag\", -LENGTH(:1)) = :1 ORDER BY \"started\""
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_engine_and_nothing_else_does() {
        let name = LedgerName {
            database: Ident::stored("RETAIL"),
            schema: Ident::stored("SNOWOPS"),
            table: "snowops_schema_history".to_owned(),
        };
        let (there, here) = (Sql::new(&name, Engine::Snowflake), Sql::new(&name, Engine::Embedded));
        let one = |text: String| {
            ["_lock", "_journal", ""].iter().fold(text, |text, suffix| {
                let three = format!("\"RETAIL\".\"SNOWOPS\".\"snowops_schema_history{suffix}\"");
                text.replace(&three, &format!("\"RETAIL.SNOWOPS.snowops_schema_history{suffix}\""))
            })
        };
        for text in [
            Sql::select_history,
            Sql::select_journal,
            Sql::select_lock,
            Sql::select_layout,
            Sql::select_head,
            Sql::create_lock,
            Sql::create_journal,
            Sql::create_history,
            Sql::insert_first_layout,
            Sql::touch,
            Sql::expire,
            Sql::claim,
            Sql::renew,
            Sql::release,
            Sql::insert_history,
            Sql::finish_history,
            Sql::align_history,
            Sql::delete_failed,
        ] {
            assert_eq!(one(text(&there)), text(&here));
            assert_ne!(text(&there), text(&here));
        }
        for rows in [1, 2] {
            assert_eq!(one(there.insert_journal(rows, true)), here.insert_journal(rows, true));
        }
    }
}
