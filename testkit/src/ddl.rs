//! What DDL does to the tables whose rows are kept: they come, go, come back, are copied and renamed with what holds
//! them.

use snowops::model::{
    command::{Action, Command, ContainerDef, Name, TableSource},
    ident::Ident,
    kind::ObjectKind,
    target::Context4,
};

use crate::{
    answer::Failure,
    execute::{At, checked, full_name},
    information,
    table::{Column, Rows, Table, TableName},
};

/// A database, or a schema in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Container {
    database: String,
    schema: Option<String>,
}

impl Container {
    fn of(kind: ObjectKind, name: &Name, context: &Context4) -> Option<Self> {
        let Name::Written(name) = name else { return None };
        let last = name.name.as_str().to_owned();
        if kind == ObjectKind::Database {
            return Some(Self { database: last, schema: None });
        }
        // The part before a schema is its database.
        let database = name.schema.as_ref().or(context.database.as_ref()).map(Ident::as_str)?.to_owned();
        Some(Self { database, schema: Some(last) })
    }

    fn holds(&self, table: &TableName) -> bool {
        self.database == table.database && self.schema.as_ref().is_none_or(|schema| *schema == table.schema)
    }

    /// The table of the same name in here.
    fn its(&self, table: &TableName) -> TableName {
        let schema = self.schema.clone().unwrap_or_else(|| table.schema.clone());
        TableName { database: self.database.clone(), schema, table: table.table.clone() }
    }
}

impl At<'_> {
    /// After DDL that succeeded: kept tables follow the catalogue.
    pub(crate) fn follow_ddl(&mut self, parsed: &Command, context: &Context4) -> Result<(), Failure> {
        if let Command::Alter { target, actions } = parsed
            && let Some(Action::Swap(with)) = actions.first()
        {
            return self.swap(&target.name, with, context);
        }
        let there = information::tables(&mut self.world.catalog, &self.shared.settings.kept_tables);
        // What was made anew holds nothing of what had its name.
        let made = self.reply.message.ends_with("successfully created.");
        let anew = |name: &TableName| match parsed {
            Command::CreateTable(def) => made && written(&def.name, context).as_ref() == Some(name),
            Command::CreateContainer(ContainerDef { kind, name: container, .. }) => {
                made && Container::of(*kind, container, context).is_some_and(|made| made.holds(name))
            }
            _ => false,
        };
        let mut gone = Vec::new();
        let left = |name: &TableName| !there.contains(name) || anew(name);
        for name in self.world.tables.keys().filter(|name| left(name)).cloned().collect::<Vec<_>>() {
            if let Some(table) = self.world.tables.remove(&name) {
                gone.push((name, table));
            }
        }
        for name in there {
            let columns = information::columns(&mut self.world.catalog, &name);
            if let Some(table) = self.world.tables.get_mut(&name) {
                if table.columns != columns {
                    table.reshape(columns);
                }
                continue;
            }
            let table = self.origin(parsed, context, &name, columns, &mut gone)?;
            self.world.tables.insert(name, table);
        }
        self.world.dropped.append(&mut gone);
        Ok(())
    }

    /// Where the rows of a table come from that was not there before.
    fn origin(
        &mut self,
        parsed: &Command,
        context: &Context4,
        name: &TableName,
        columns: Vec<Column>,
        gone: &mut Vec<(TableName, Table)>,
    ) -> Result<Table, Failure> {
        let moved = match parsed {
            Command::Undrop(_) => {
                let at = self.world.dropped.iter().rposition(|(dropped, _)| dropped == name);
                at.map(|at| self.world.dropped.remove(at).1)
            }
            // Renamed, by itself or with what holds it.
            Command::Alter { .. } => {
                let same = gone.iter().position(|(old, _)| old.table == name.table);
                same.or((gone.len() == 1).then_some(0)).map(|at| gone.remove(at).1)
            }
            _ => None,
        };
        if let Some(table) = moved {
            return Ok(table);
        }
        let commit = self.world.new_commit(self.session, self.now);
        if let Command::CreateTable(def) = parsed
            && let TableSource::Query(_) = def.source
        {
            return Ok(Table::new(columns.clone(), commit, self.selected(name, &columns)?));
        }
        let source = match parsed {
            Command::CreateTable(def) => match &def.source {
                TableSource::Clone(source) => written(source, context),
                _ => None,
            },
            Command::CreateContainer(def) => def
                .clone
                .as_ref()
                .and_then(|source| Container::of(def.kind, source, context))
                .map(|container| container.its(name)),
            _ => None,
        };
        let source = source.and_then(|source| self.world.tables.get(&source));
        let rows = source.map(|table| (*table.newest()).clone()).unwrap_or_default();
        Ok(Table::new(columns, commit, rows))
    }

    /// The rows of CREATE TABLE .. AS.
    fn selected(&mut self, name: &TableName, columns: &[Column]) -> Result<Rows, Failure> {
        let Some(at) = self.rewritten.query_at else {
            return Err(Failure::unable("this CREATE TABLE .. AS"));
        };
        let made = self.evaluate(|evaluator, text, binds| evaluator.query(&text[at..], binds))?;
        let mut rows = Rows::new();
        for mut row in made.map_err(Failure::unable)?.rows {
            checked(name, columns, &mut row)?;
            rows.insert(self.world.new_row(), row);
        }
        Ok(rows)
    }

    fn swap(&mut self, one: &Name, other: &Name, context: &Context4) -> Result<(), Failure> {
        let tables = &mut self.world.tables;
        let (Some(one), Some(other)) = (written(one, context), written(other, context)) else {
            return Ok(());
        };
        match (tables.remove(&one), tables.remove(&other)) {
            (None, None) => Ok(()),
            (Some(first), Some(second)) => {
                tables.insert(one, second);
                tables.insert(other, first);
                Ok(())
            }
            _ => Err(Failure::unable("SWAP of a table whose rows are kept with another")),
        }
    }
}

fn written(name: &Name, context: &Context4) -> Option<TableName> {
    let Name::Written(name) = name else { return None };
    full_name(name, context)
}
