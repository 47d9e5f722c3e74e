//! The effect of one statement: the catalogue judges every one, and where rows are known they are read or written.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use snowops::{
    catalog::{Effect, Reply, Stamp, apply},
    model::{
        command::{Command, InsertSource, Name},
        ident::QualifiedName,
        kind::ObjectKind,
        target::Context4,
    },
    sql::{command::command, split::split},
};
use std::time::Duration;

use crate::{
    answer::Failure,
    details,
    evaluate::{Evaluator, Loaded, RowSet, Surroundings},
    information,
    names::{Rewritten, Source, rewrite},
    privileges::{refused, show_all_grants},
    session::Transaction,
    statement::Statement,
    table::{Change, Column, Rows, TableName},
    time,
    wire::WireColumn,
    world::{Shared, World},
};

/// What a statement came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    /// `statementTypeId` (the values are those of the official connector's `cursor.py`).
    pub(crate) type_id: u32,
    pub(crate) columns: Vec<WireColumn>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Results of the statements of a request with several.
    pub(crate) children: Vec<Done>,
}

const SELECT: u32 = 0x1000;
const INSERT: u32 = 0x3100;
const UPDATE: u32 = 0x3200;
const DELETE: u32 = 0x3300;
const MERGE: u32 = 0x3400;
const MULTI: u32 = 0xA000;

fn type_id(command: &Command) -> u32 {
    match command {
        Command::Query(_) | Command::Show(_) | Command::Describe(_) | Command::Explain(_) => SELECT,
        Command::Insert(_) => INSERT,
        Command::InsertMany { .. } => 0x3500,
        Command::Update { .. } => UPDATE,
        Command::Delete { .. } => DELETE,
        Command::Merge { .. } => MERGE,
        Command::Begin | Command::Commit | Command::Rollback => 0x5000,
        Command::AlterSession { .. } | Command::Use(_) | Command::Set { .. } | Command::Unset(_) => 0x4000,
        _ => 0x6000,
    }
}

/// The statements of a request. Without `MULTI_STATEMENT_COUNT` only one is allowed.
pub(crate) fn pieces(text: &str, expected: usize) -> Result<Vec<String>, Failure> {
    // What the splitter refuses is refused by the parser in Snowflake's words.
    let Ok(found) = split(text) else { return Ok(vec![text.to_owned()]) };
    if found.len() <= 1 && expected <= 1 {
        return Ok(vec![text.to_owned()]);
    }
    if expected > 0 && found.len() != expected {
        let message = format!(
            "Actual statement count {} did not match the desired statement count {expected}.",
            found.len()
        );
        return Err(Failure::new("000008", "0A000", message));
    }
    Ok(found.into_iter().map(|piece| piece.of(text).to_owned()).collect())
}

/// A name in full; what is left out comes from the session.
pub(crate) fn full_name(name: &QualifiedName, context: &Context4) -> Option<TableName> {
    let part = |written: &Option<snowops::model::ident::Ident>,
                current: &Option<snowops::model::ident::Ident>| {
        written.as_ref().or(current.as_ref()).map(|name| name.as_str().to_owned())
    };
    Some(TableName {
        database: part(&name.database, &context.database)?,
        schema: part(&name.schema, &context.schema)?,
        table: name.name.as_str().to_owned(),
    })
}

/// Carries one statement out.
pub(crate) fn execute(
    shared: &Shared,
    world: &mut World,
    number: usize,
    text: &str,
    parsed: Result<Command, Failure>,
    seen: u64,
    now: Duration,
) -> Result<Done, Failure> {
    let parsed = parsed?;
    if let Some(query_id) = scanned(text) {
        let found = world.statements.iter().find(|statement| statement.query_id == query_id);
        let missing = || Failure::new("000707", "02000", format!("Statement {query_id} not found"));
        return found.and_then(|statement| statement.done.clone()).ok_or_else(missing);
    }
    if let Some((function, argument)) = system_call(text) {
        return Ok(stopped(world, &function, &argument, now));
    }
    let statement = &world.statements[number];
    let (session, query_id) = (statement.session, statement.query_id.clone());
    let context = world.sessions.get(&session).map(|found| found.state.context.clone()).unwrap_or_default();
    if let Some(refusal) = refused(world, &parsed, text, &context) {
        return Err(refusal);
    }
    let Some(found) = world.sessions.get_mut(&session) else { return Err(Failure::cancelled()) };
    let now = now + found.ahead;
    let before = context;
    let stamp = Stamp { now: time::rfc3339(now), query_id };
    let effect = apply(&mut world.catalog, &mut found.state, &parsed, &stamp);
    let open = found.state.transaction_open();
    if open {
        let id = time::micros(now) * 1000;
        found.transaction.get_or_insert_with(|| Transaction { id, ..Transaction::default() });
    } else {
        world.end_transaction(session, !matches!(parsed, Command::Rollback), now);
    }
    let reply = match effect {
        Effect::Applied(reply) | Effect::Checked(reply) | Effect::Recorded(reply) | Effect::Opaque(reply) => {
            reply
        }
        Effect::Refused(error) => return Err(error.into()),
    };
    let rewritten = rewrite(text, &before, &|name| world.tables.contains_key(name));
    let mut at = At { shared, world, number, session, seen, now, rewritten, reply };
    let mut done = at.done(&parsed, &before)?;
    if let Some(listed) = at.grants(text, &before) {
        done = listed?;
    }
    if let Some(listed) = details::keys(text, &at.world.catalog) {
        done = listed;
    }
    if let Some(privileges) = &mut world.privileges {
        privileges.follow(&parsed, &before, &mut world.catalog);
    }
    done.type_id = type_id(&parsed);
    Ok(done)
}

/// The query id of `SELECT * FROM TABLE(RESULT_SCAN('id'))`, as the official connector of version 4 asks for the result of
/// an asynchronous statement.
fn scanned(text: &str) -> Option<String> {
    let plain: String = text.to_ascii_lowercase().split_whitespace().collect();
    let inner = plain.strip_prefix("select*fromtable(result_scan('")?.strip_suffix("'))")?;
    Some(inner.to_owned())
}

/// `SELECT SYSTEM$CANCEL_QUERY('..')` and `SELECT SYSTEM$ABORT_SESSION(..)`: the function and its argument.
fn system_call(text: &str) -> Option<(String, String)> {
    let plain: String = text.to_ascii_lowercase().split_whitespace().collect();
    let (function, argument) = plain.strip_prefix("selectsystem$")?.strip_suffix(')')?.split_once('(')?;
    let known = matches!(function, "cancel_query" | "abort_session");
    known.then(|| (function.to_owned(), argument.trim_matches('\'').to_owned()))
}

/// Ends a statement or a session, as any user may those of their own (Snowflake's pages of the two functions).
fn stopped(world: &mut World, function: &str, argument: &str, now: Duration) -> Done {
    let answer = if function == "cancel_query" {
        let running =
            |statement: &&mut Statement| statement.query_id == argument && statement.answer.is_none();
        match world.statements.iter_mut().find(running) {
            Some(statement) => {
                statement.cancelled = true;
                format!("query [{argument}] terminated.")
            }
            None => "Identified SQL statement is not currently executing.".to_owned(),
        }
    } else {
        if let Ok(session) = argument.parse() {
            world.end_session(session, now);
        }
        format!("session [{argument}] terminated.")
    };
    let columns = vec![WireColumn::of(&format!("SYSTEM${}", function.to_ascii_uppercase()), "VARCHAR")];
    Done { type_id: SELECT, columns, rows: vec![vec![Some(answer)]], ..Done::default() }
}

/// One statement in its place.
pub(crate) struct At<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) world: &'a mut World,
    number: usize,
    pub(crate) session: u64,
    seen: u64,
    pub(crate) now: Duration,
    pub(crate) rewritten: Rewritten,
    pub(crate) reply: Reply,
}

impl At<'_> {
    fn done(&mut self, parsed: &Command, context: &Context4) -> Result<Done, Failure> {
        match parsed {
            Command::Query(_) => self.query(),
            Command::Insert(insert) => {
                let count = match (self.target(&insert.table, context), &insert.source) {
                    (Some(table), _) => self.change(&table)?,
                    (None, InsertSource::Values(rows)) => rows.len() as u64,
                    (None, _) => 0,
                };
                Ok(counted(&[("number of rows inserted", count)]))
            }
            Command::Update { table, .. } => {
                let count = self.target(&table.name, context).map_or(Ok(0), |table| self.change(&table))?;
                Ok(counted(&[("number of rows updated", count), ("number of multi-joined rows updated", 0)]))
            }
            Command::Delete { table, .. } => {
                let count = self.target(&table.name, context).map_or(Ok(0), |table| self.change(&table))?;
                Ok(counted(&[("number of rows deleted", count)]))
            }
            Command::Merge { table, .. } => match self.target(&table.name, context) {
                Some(table) => {
                    Err(Failure::unable(format!("MERGE into {}, whose rows are kept", table.table)))
                }
                None => Ok(counted(&[("number of rows inserted", 0), ("number of rows updated", 0)])),
            },
            Command::Truncate(target) => {
                if let Some(table) = self.target(&target.name, context) {
                    let deleted = self.visible(&table).keys().copied().collect();
                    self.write(&table, Change { deleted, ..Change::default() })?;
                }
                Ok(self.said())
            }
            Command::CreateTable(_)
            | Command::Drop(_)
            | Command::Undrop(_)
            | Command::CreateContainer(_)
            | Command::Alter { .. } => {
                self.follow_ddl(parsed, context)?;
                Ok(self.said())
            }
            Command::Show(show) => Ok(self.shown(show.kind)),
            _ => Ok(self.said()),
        }
    }

    /// The table that is written to, if its rows are kept.
    fn target(&self, name: &Name, context: &Context4) -> Option<TableName> {
        let Name::Written(name) = name else { return None };
        full_name(name, context).filter(|full| self.world.tables.contains_key(full))
    }

    /// What the catalogue answers, all texts.
    fn said(&self) -> Done {
        let columns = self.reply.columns.iter().map(|name| WireColumn::text(name)).collect();
        Done { columns, rows: self.reply.rows.clone(), ..Done::default() }
    }

    /// SHOW GRANTS ON an object.
    fn grants(&self, text: &str, context: &Context4) -> Option<Result<Done, Failure>> {
        match &self.world.privileges {
            Some(privileges) => privileges.show_grants(text, context),
            None => show_all_grants(text, context).map(Ok),
        }
    }

    /// SHOW: its times are times, and a role sees what it has a privilege on.
    fn shown(&self, kind: Option<ObjectKind>) -> Done {
        let mut done = self.said();
        if let (Some(kind), Some(privileges)) = (kind, &self.world.privileges) {
            let role = self.world.sessions.get(&self.session).and_then(|s| s.state.context.role.clone());
            // Name, database and schema stand in columns 1, 3 and 4.
            done.rows.retain(|row| {
                let parts: Vec<&str> = [3, 4, 1].iter().filter_map(|at| row[*at].as_deref()).collect();
                !information::LISTED.contains(&kind) || privileges.shows(role.as_ref(), kind, &parts)
            });
        }
        if kind == Some(ObjectKind::Warehouse) {
            information::with_warehouses(&mut done, &self.shared.settings.warehouses);
        }
        if let Some(kind) = kind {
            details::add(&mut done, kind, &self.world.catalog);
        }
        for (at, column) in
            done.columns.iter_mut().enumerate().filter(|(_, column)| column.name == "created_on")
        {
            *column = WireColumn::of(&column.name, "TIMESTAMP_LTZ(3)");
            for row in &mut done.rows {
                row[at] = row[at].take().and_then(|text| column.encode(&Value::Text(text)));
            }
        }
        done
    }

    fn surroundings(&self) -> Surroundings {
        let Some(session) = self.world.sessions.get(&self.session) else { return Surroundings::default() };
        let context = &session.state.context;
        let name =
            |name: &Option<snowops::model::ident::Ident>| name.as_ref().map(|name| name.as_str().to_owned());
        let names = &self.shared.settings.names;
        let current = BTreeMap::from([
            ("current_account", Some(names.locator.clone())),
            ("current_account_name", Some(self.shared.settings.account.clone())),
            ("current_organization_name", Some(names.organization.clone())),
            ("current_region", Some(names.region.clone())),
            ("current_user", Some(session.user.clone())),
            ("current_role", name(&context.role)),
            ("current_warehouse", name(&context.warehouse)),
            ("current_database", name(&context.database)),
            ("current_schema", name(&context.schema)),
            ("current_session", Some(session.id.to_string())),
            ("current_transaction", session.transaction.as_ref().map(|open| open.id.to_string())),
            ("current_version", Some(crate::login::SERVER_VERSION.to_owned())),
        ]);
        let role = context.role.as_ref();
        let roles = self.world.privileges.as_ref().map(|privileges| privileges.in_session(role));
        let own = || role.iter().map(|role| role.as_str().to_owned()).collect();
        Surroundings { now: time::micros(self.now), current, roles: roles.unwrap_or_else(own) }
    }

    /// The rows of a table as this session sees them: what is committed, and on it what its transaction did.
    fn visible(&self, name: &TableName) -> Rows {
        self.as_of(name, self.seen)
    }

    /// The same, as of a commit.
    fn as_of(&self, name: &TableName, commit: u64) -> Rows {
        let Some(table) = self.world.tables.get(name) else { return Rows::new() };
        let mut rows = (*table.at(commit)).clone();
        let open = self.world.sessions.get(&self.session).and_then(|session| session.transaction.as_ref());
        if let Some(change) = open.and_then(|open| open.changes.get(name)) {
            change.apply(&mut rows);
        }
        rows
    }

    /// The relations that the statement names, with what it may see of them.
    fn loaded(&mut self) -> Result<Vec<(String, Vec<Column>, Rows)>, Failure> {
        let mut loaded = Vec::new();
        for source in self.rewritten.sources.clone() {
            let flat = source.flat();
            match source {
                Source::Kept(name) => {
                    if let Some(table) = self.world.tables.get(&name) {
                        loaded.push((flat, table.columns.clone(), self.visible(&name)));
                    }
                }
                Source::View { database, view } => {
                    let role =
                        self.world.sessions.get(&self.session).and_then(|s| s.state.context.role.clone());
                    if let Some((columns, rows)) =
                        information::view(self.world, role.as_ref(), &database, &view)
                    {
                        loaded.push((flat, columns, rows));
                    }
                }
                Source::History { database, function } => {
                    let listed = information::history(
                        self.shared,
                        self.world,
                        self.session,
                        &database,
                        &function,
                        self.now,
                    );
                    let (columns, rows) = listed?;
                    loaded.push((flat, columns, rows));
                }
            }
        }
        Ok(loaded)
    }

    pub(crate) fn evaluate<T>(
        &mut self,
        work: impl FnOnce(&Evaluator, &str, &[(String, Value)]) -> Result<T, rusqlite::Error>,
    ) -> Result<Result<T, rusqlite::Error>, Failure> {
        let loaded = self.loaded()?;
        let tables: Vec<Loaded<'_>> =
            loaded.iter().map(|(name, columns, rows)| Loaded { name: name.clone(), columns, rows }).collect();
        let evaluator = Evaluator::new(&self.surroundings(), &tables);
        let binds = &self.world.statements[self.number].binds;
        Ok(evaluator.and_then(|evaluator| work(&evaluator, &self.rewritten.text, binds)))
    }

    fn query(&mut self) -> Result<Done, Failure> {
        match self.evaluate(Evaluator::query)? {
            Ok(rows) => Ok(self.result(&rows)),
            // Rows of other tables are not known: there are none.
            Err(error)
                if self.rewritten.sources.is_empty() || error.to_string().contains("no such table") =>
            {
                Ok(Done { rows: Vec::new(), ..self.said() })
            }
            Err(error) => Err(Failure::unable(error)),
        }
    }

    fn result(&self, set: &RowSet) -> Done {
        let known = &self.reply.columns;
        let titles = set.columns.iter().enumerate().map(|(at, column)| {
            // The catalogue knows how a name was written; it numbers what has none.
            let written = known.get(at).filter(|_| known.len() == set.columns.len());
            written
                .filter(|name| **name != format!("COLUMN{}", at + 1))
                .cloned()
                .unwrap_or_else(|| column.name.replace('"', "").to_uppercase())
        });
        let columns: Vec<WireColumn> = titles
            .zip(&set.columns)
            .enumerate()
            .map(|(at, (name, column))| match &column.declared {
                Some(declared) if !declared.is_empty() => WireColumn::of(&name, declared),
                _ => WireColumn::by_values(&name, set.rows.iter().map(|row| &row[at])),
            })
            .collect();
        let encode =
            |row: &Vec<Value>| columns.iter().zip(row).map(|(column, value)| column.encode(value)).collect();
        let rows = set.rows.iter().map(encode).collect();
        Done { columns, rows, ..Done::default() }
    }

    /// INSERT, UPDATE, DELETE of a kept table. Answers how many rows.
    fn change(&mut self, table: &TableName) -> Result<u64, Failure> {
        let before = self.visible(table);
        let flat = table.flat();
        let ran = self.evaluate(|evaluator, text, binds| {
            let count = evaluator.change(text, binds)?;
            Ok((count, evaluator.rows(&flat)?))
        })?;
        let (count, after) = ran.map_err(|error| bind_error(&error))?;
        let mut change = Change::between(&before, after, || self.world.new_row());
        change.keep_others(&before, &self.as_of(table, u64::MAX));
        self.write(table, change)?;
        Ok(count)
    }

    /// Keeps a change in the open transaction, or commits it.
    fn write(&mut self, name: &TableName, mut change: Change) -> Result<(), Failure> {
        if let Some(table) = self.world.tables.get(name) {
            for row in change.written.values_mut() {
                checked(name, &table.columns, row)?;
            }
        }
        let session = self.world.sessions.get_mut(&self.session);
        if let Some(open) = session.and_then(|session| session.transaction.as_mut()) {
            open.changes.entry(name.clone()).or_default().then(change);
        } else {
            let changes = BTreeMap::from([(name.clone(), change)]);
            self.world.commit(self.session, changes, self.now);
        }
        Ok(())
    }
}

/// What SQLite says of a statement that the catalogue let pass.
fn bind_error(error: &rusqlite::Error) -> Failure {
    match error {
        rusqlite::Error::InvalidParameterCount(_, wanted) => Failure::new(
            "002049",
            "42601",
            format!("SQL compilation error:\nBind variable :{wanted} not set."),
        ),
        error => Failure::unable(error),
    }
}

/// A row as its columns hold it: texts become times, NULLs and lengths are looked at.
pub(crate) fn checked(name: &TableName, columns: &[Column], row: &mut [Value]) -> Result<(), Failure> {
    for (column, value) in columns.iter().zip(row) {
        let base = column.base();
        match value {
            Value::Text(text) if base.starts_with("TIMESTAMP") => {
                let Some(moment) = time::parse(text) else {
                    let message = format!("Timestamp '{text}' is not recognized");
                    return Err(Failure::new("100035", "22007", message));
                };
                *value = time::value(moment);
            }
            Value::Text(text) if base == "BOOLEAN" => {
                *value = Value::Integer(text.eq_ignore_ascii_case("true").into());
            }
            _ => {}
        }
        let problem = match value {
            Value::Null if column.not_null => {
                Some(("100072", "NULL result in a non-nullable column".to_owned()))
            }
            Value::Text(text) if base == "VARCHAR" => length(column)
                .filter(|most| text.chars().count() > *most)
                .map(|_| ("100078", format!("String '{text}' is too long and would be truncated"))),
            _ => None,
        };
        if let Some((code, problem)) = problem {
            let message = format!(
                "DML operation to table {}.{}.{} failed on column {} with error: {problem}",
                name.database, name.schema, name.table, column.name
            );
            return Err(Failure::new(code, "22000", message));
        }
    }
    Ok(())
}

fn length(column: &Column) -> Option<usize> {
    let inner = column.data_type.as_ref()?.split_once('(')?.1;
    inner.trim_end_matches(')').parse().ok()
}

/// The answer of DML.
fn counted(counts: &[(&str, u64)]) -> Done {
    Done {
        columns: counts.iter().map(|(name, _)| WireColumn::of(name, "NUMBER(19,0)")).collect(),
        rows: vec![counts.iter().map(|(_, count)| Some(count.to_string())).collect()],
        ..Done::default()
    }
}

/// One result of the statements of a request.
pub(crate) fn together(mut done: Vec<Done>) -> Done {
    if done.len() == 1 {
        return done.pop().unwrap_or_default();
    }
    Done {
        type_id: MULTI,
        columns: vec![WireColumn::text("multiple statement execution")],
        rows: vec![vec![Some("Multiple statements executed successfully.".to_owned())]],
        children: done,
    }
}

/// Runs a statement of the server's own against the catalogue, for what it lists.
pub(crate) fn ask(catalog: &mut snowops::catalog::Catalog, text: &str) -> Option<Reply> {
    let mut state = snowops::catalog::SessionState::default();
    let effect = apply(catalog, &mut state, &command(text).ok()?, &Stamp::default());
    effect.reply().cloned()
}
