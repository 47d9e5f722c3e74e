//! Queries: every relation must exist, and every column where all its sources are known.

use super::{
    context::missing_variable,
    lookup::{Found, Place},
    scope::{Columns, Output, Relation, Scope, output, renamed, resolve, shared, type_of, unknown_type},
    store::INFORMATION_SCHEMA,
    streams,
    work::{Stop, Work},
};
use crate::{
    model::{
        command::{Body, ColumnRef, Cte, Expr, FromItem, Item, Name, Query, Select, Shape, Source},
        ident::{Ident, QualifiedName},
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::command,
};

/// Views may stand on views this deep (Snowflake's own limit).
const MOST_VIEWS: usize = 20;

/// Reads queries against the catalogue.
pub(super) struct Reading<'w, 'a> {
    pub(super) work: &'w mut Work<'a>,
    /// Database and schema of the view that is read: unqualified names mean these.
    home: Option<(Ident, Ident)>,
    views: usize,
}

impl<'w, 'a> Reading<'w, 'a> {
    /// Names mean what they mean in the session.
    pub(super) fn of(work: &'w mut Work<'a>) -> Self {
        Self { work, home: None, views: 0 }
    }

    /// Names mean what they mean in that schema: the text of a view.
    pub(super) fn at_home(work: &'w mut Work<'a>, database: Ident, schema: Ident) -> Self {
        Self { work, home: Some((database, schema)), views: 0 }
    }

    /// Checks a query by itself.
    pub(super) fn top(&mut self, query: &Query) -> Result<Columns, Stop> {
        self.query(query, None)
    }

    /// Checks a query that may read itself by `name`.
    pub(super) fn recursive(
        &mut self,
        name: &Ident,
        columns: &[Ident],
        query: &Query,
    ) -> Result<Columns, Stop> {
        let own = (!columns.is_empty()).then(|| columns.iter().cloned().map(unknown_type).collect());
        let scope = Scope { ctes: vec![(name.clone(), own)], ..Scope::default() };
        self.query(query, Some(&scope))
    }

    /// Checks the body of a function: its arguments are names that the query's own columns hide.
    pub(super) fn body(&mut self, arguments: &[Ident], query: &Query) -> Result<Columns, Stop> {
        let columns = arguments.iter().cloned().map(unknown_type).collect();
        let scope = Scope::with(vec![Relation { name: None, path: None, columns: Some(columns) }]);
        self.query(query, Some(&scope))
    }

    /// Checks expressions that see no relation.
    pub(super) fn exprs(&mut self, exprs: &[Expr]) -> Result<(), Stop> {
        let scope = Scope::default();
        exprs.iter().try_for_each(|one| self.expr(one, &scope))
    }

    fn query(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<Columns, Stop> {
        let mut scope = Scope { parent: outer, ..Scope::default() };
        for cte in &query.ctes {
            let columns = self.cte(cte, &mut scope)?;
            scope.ctes.push((cte.name.clone(), columns));
        }
        match &query.body {
            Body::Select(select) => self.select(select, &query.order, &scope),
            Body::Set(sides) => {
                let mut all = Vec::with_capacity(sides.len());
                for side in sides {
                    all.push(self.query(side, Some(&scope))?);
                }
                same_width(&all)?;
                Ok(all.into_iter().next().flatten())
            }
            Body::ByName(sides) => {
                for side in sides {
                    self.query(side, Some(&scope))?;
                }
                Ok(None)
            }
            Body::Values(rows) => self.values(rows, &scope),
            Body::Unknown => Ok(None),
        }
    }

    fn cte(&mut self, cte: &Cte, scope: &mut Scope<'_>) -> Result<Columns, Stop> {
        let declared = |columns: Columns| match columns {
            Some(columns) if cte.columns.is_empty() => Some(columns),
            Some(columns) => Some(renamed(columns, &cte.columns)),
            None if cte.columns.is_empty() => None,
            None => Some(cte.columns.iter().cloned().map(unknown_type).collect()),
        };
        let Some(query) = &cte.query else { return Ok(declared(None)) };
        // A query may read itself; its columns are not known before it is read.
        if matches!(query.body, Body::Set(_) | Body::ByName(_)) {
            scope.ctes.push((cte.name.clone(), declared(None)));
            let found = self.query(query, Some(scope));
            scope.ctes.pop();
            return found.map(declared);
        }
        self.query(query, Some(scope)).map(declared)
    }

    fn values(&mut self, rows: &[Vec<Expr>], scope: &Scope<'_>) -> Result<Columns, Stop> {
        for one in rows.iter().flatten() {
            self.expr(one, scope)?;
        }
        let width = rows.first().map_or(0, Vec::len);
        Ok(Some((1..=width).map(|n| unknown_type(Ident::stored(format!("COLUMN{n}")))).collect()))
    }

    fn select(&mut self, select: &Select, order: &[Expr], outer: &Scope<'_>) -> Result<Columns, Stop> {
        let mut scope = Scope { parent: Some(outer), ..Scope::default() };
        // Other items, joins and all clauses may read an item by its name; an item does not read itself.
        scope.aliases = select.items.iter().filter_map(alias_of).cloned().collect();
        self.from(&select.from, &mut scope)?;
        let mut outputs: Columns = Some(Vec::new());
        for item in &select.items {
            match item {
                Item::Star { of, exclude, rename, filtered } => {
                    let stars = star(of.as_ref(), exclude, rename, &scope);
                    match (outputs.as_mut(), stars) {
                        (Some(all), Some(stars)) if !filtered => all.extend(stars),
                        _ => outputs = None,
                    }
                }
                Item::Expr { expr, alias } => {
                    scope.own.clone_from(alias);
                    let output = self.item(expr, alias.as_ref(), &scope)?;
                    scope.own = None;
                    if let Some(all) = outputs.as_mut() {
                        all.push(output);
                    }
                }
            }
        }
        for one in &select.conditions {
            self.expr(one, &scope)?;
        }
        // ORDER BY means what the query gives, before what it reads from.
        scope.aliases.extend(outputs.iter().flatten().filter_map(|output| output.name.clone()));
        for one in order {
            self.expr(one, &scope)?;
        }
        Ok(outputs)
    }

    fn item(&mut self, expr: &Expr, alias: Option<&Ident>, scope: &Scope<'_>) -> Result<Output, Stop> {
        self.expr(expr, scope)?;
        let (own, data_type) = match &expr.shape {
            Shape::Column => {
                let column = expr.columns.first();
                let known = column.and_then(|column| type_of(column, scope));
                (column.and_then(|column| column.column().cloned()), known)
            }
            Shape::Cast(data_type) => (None, Some(data_type.clone())),
            _ => (None, None),
        };
        let nameless = alias.is_none()
            && matches!(expr.shape, Shape::Literal(_) | Shape::Null | Shape::Query | Shape::Call);
        Ok(Output { name: alias.cloned().or(own), data_type, nameless })
    }

    /// Adds relations to a scope and checks their conditions.
    pub(super) fn from(&mut self, items: &[FromItem], scope: &mut Scope<'_>) -> Result<(), Stop> {
        for item in items {
            let relation = self.relation(item, scope)?;
            scope.merged |= item.natural || !item.using.is_empty();
            scope.relations.push(relation);
        }
        let before = scope.relations.len() - items.len();
        for (n, item) in items.iter().enumerate() {
            for one in &item.on {
                self.expr(one, scope)?;
            }
            for column in &item.using {
                shared(column, &scope.relations[..=before + n])?;
            }
        }
        Ok(())
    }

    fn relation(&mut self, item: &FromItem, scope: &Scope<'_>) -> Result<Relation, Stop> {
        let mut path = None;
        let mut name = item.alias.clone();
        let columns = match &item.source {
            Source::Relation(written) => {
                if let (None, Name::Written(written)) = (&item.alias, written) {
                    name = Some(written.name.clone());
                    path = Some(written.clone());
                }
                self.named(written, scope)?
            }
            Source::Query(query) => self.query(query, Some(scope))?,
            Source::Flatten => {
                let names = ["SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"];
                Some(names.into_iter().map(|name| unknown_type(Ident::stored(name))).collect())
            }
            Source::Stage(name) => {
                self.stage(name)?;
                None
            }
            Source::Unknown => None,
        };
        let columns = match columns {
            Some(columns) if !item.columns.is_empty() => Some(renamed(columns, &item.columns)),
            other => other,
        };
        Ok(Relation { name, path, columns })
    }

    fn stage(&mut self, name: &Name) -> Result<(), Stop> {
        if *name == Name::Unknown {
            return Ok(());
        }
        let Some(written) = self.work.written(name)? else { return Ok(()) };
        let place = self.full(&written)?;
        match self.work.find(ObjectKind::Stage, &place)? {
            // A Git repository is a stage too.
            Found::Missing if !self.work.exists(ObjectKind::GitRepository, &place)? => {
                Err(SnowflakeError::missing(ObjectKind::Stage, &place).into())
            }
            _ => Ok(()),
        }
    }

    fn full(&self, name: &QualifiedName) -> Result<Place, Stop> {
        match &self.home {
            None => self.work.place(name, "SELECT"),
            Some((database, schema)) => Ok(Place {
                database: name.database.clone().unwrap_or_else(|| database.clone()),
                schema: name.schema.clone().unwrap_or_else(|| schema.clone()),
                name: name.name.clone(),
            }),
        }
    }

    /// The columns of a relation that is given by name.
    fn named(&mut self, name: &Name, scope: &Scope<'_>) -> Result<Columns, Stop> {
        let Some(written) = self.work.written(name)? else { return Ok(None) };
        if written.schema.is_none()
            && let Some(columns) = scope.cte(&written.name)
        {
            return Ok(columns.clone());
        }
        if written.schema.as_ref().is_some_and(|schema| schema.as_str() == INFORMATION_SCHEMA) {
            let place = self.full(&written)?;
            self.work.database(&place.database)?;
            return Ok(None);
        }
        let mut place = self.full(&written)?;
        let mut missing = matches!(self.work.find(ObjectKind::Table, &place)?, Found::Missing);
        if missing && written.schema.is_none() && self.home.is_none() {
            // Queries go through the search path: the current schema, then PUBLIC.
            let public = Place { schema: Ident::stored("PUBLIC"), ..place.clone() };
            let there = self.work.schema(&public.database, &public.schema).is_ok();
            if there && self.work.exists(ObjectKind::Table, &public)? {
                place = public;
                missing = false;
            }
        }
        if missing {
            // A bare name is printed so, any other in full.
            let bare = written.schema.is_none();
            let printed = if bare { written.to_string() } else { place.to_string() };
            return Err(SnowflakeError::missing_object(printed).into());
        }
        let Found::Here(object) = self.work.find(ObjectKind::Table, &place)? else { return Ok(None) };
        if object.kind == ObjectKind::Stream {
            streams::readable(self.work, object)?;
            return Ok(streams::columns(self.work, object));
        }
        let columns = object.known_columns().map(|columns| columns.iter().map(output).collect::<Vec<_>>());
        let view = matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView);
        let definition = if view { object.definition.clone() } else { None };
        if let Some(text) = definition {
            self.expand(&place, &text, columns.as_ref().map(Vec::len))?;
        }
        Ok(columns)
    }

    /// Reading a view reads what it stands on.
    fn expand(&mut self, place: &Place, text: &str, declared: Option<usize>) -> Result<(), Stop> {
        if self.views >= MOST_VIEWS || !self.work.seen.insert(place.to_string()) {
            return Ok(());
        }
        let Ok(query) = command::query(text) else { return Ok(()) };
        let home = Some((place.database.clone(), place.schema.clone()));
        let mut inner = Reading { work: &mut *self.work, home, views: self.views + 1 };
        match inner.top(&query) {
            Ok(Some(columns)) if declared.is_some_and(|declared| declared != columns.len()) => {
                let message = format!(
                    "View definition for '{place}' declared {} column(s), but view query produces {} column(s).",
                    declared.unwrap_or_default(),
                    columns.len()
                );
                Err(SnowflakeError::compilation("002057", "42601", message).into())
            }
            Ok(_) | Err(Stop::Unknowable) => Ok(()),
            Err(Stop::Refused(error)) => {
                let message = format!("Failure during expansion of view '{}': {}", place.name, error.message);
                Err(SnowflakeError::compilation("002037", "42601", message).into())
            }
        }
    }

    /// Checks an expression.
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<(), Stop> {
        for (name, at) in &expr.variables {
            if !self.work.session.variables.contains_key(name) {
                return Err(missing_variable(name, *at).into());
            }
        }
        for column in &expr.columns {
            self.column(column, scope)?;
        }
        for query in &expr.queries {
            self.query(query, Some(scope))?;
        }
        for function in &expr.functions {
            self.function(function)?;
        }
        Ok(())
    }

    fn column(&mut self, column: &ColumnRef, scope: &Scope<'_>) -> Result<(), Stop> {
        let Err(error) = resolve(column, scope) else { return Ok(()) };
        // `sequence.NEXTVAL`
        if let Some((last, parts)) = column.parts.split_last()
            && last.as_str() == "NEXTVAL"
            && !parts.is_empty()
        {
            return self.sequence(parts);
        }
        Err(error.into())
    }

    fn sequence(&mut self, parts: &[Ident]) -> Result<(), Stop> {
        let mut parts = parts.iter().rev().cloned();
        let Some(name) = parts.next() else { return Ok(()) };
        let written = QualifiedName { name, schema: parts.next(), database: parts.next() };
        let place = self.full(&written)?;
        match self.work.find(ObjectKind::Sequence, &place)? {
            Found::Missing => Err(SnowflakeError::missing(ObjectKind::Sequence, &written).into()),
            _ => Ok(()),
        }
    }

    /// A function whose name has a schema must exist where the schema is known.
    fn function(&mut self, name: &Name) -> Result<(), Stop> {
        let Name::Written(written) = name else { return Ok(()) };
        let Ok(place) = self.full(written) else { return Ok(()) };
        // `sequence.NEXTVAL()` and methods of instances look the same.
        if place.name.as_str() == "NEXTVAL" {
            return Ok(());
        }
        let unknown = || SnowflakeError::unknown_function(&place);
        match self.work.routines(ObjectKind::Function, &place) {
            Ok(Some(found)) if found.is_empty() => Err(unknown().into()),
            Ok(_) => Ok(()),
            Err(_) => Err(unknown().into()),
        }
    }
}

fn alias_of(item: &Item) -> Option<&Ident> {
    match item {
        Item::Expr { alias, .. } => alias.as_ref(),
        Item::Star { .. } => None,
    }
}

/// The sides of a set operator give as many columns each.
fn same_width(sides: &[Columns]) -> Result<(), Stop> {
    let mut known =
        sides.iter().enumerate().filter_map(|(n, columns)| Some((n + 1, columns.as_ref()?.len())));
    let Some((_, expected)) = known.next() else { return Ok(()) };
    match known.find(|(_, width)| *width != expected) {
        Some((branch, got)) => Err(SnowflakeError::set_width(expected, got, branch).into()),
        None => Ok(()),
    }
}

/// The columns of `*`.
fn star(of: Option<&ColumnRef>, exclude: &[Ident], rename: &[(Ident, Ident)], scope: &Scope<'_>) -> Columns {
    let chosen: Vec<&Relation> = match of {
        Some(of) => vec![scope.relations.iter().find(|relation| relation.is_named(&of.parts))?],
        None if scope.merged || scope.relations.is_empty() => return None,
        None => scope.relations.iter().collect(),
    };
    let mut all = Vec::new();
    for relation in chosen {
        all.extend(relation.columns.clone()?);
    }
    all.retain(|output| output.name.as_ref().is_none_or(|name| !exclude.contains(name)));
    for output in &mut all {
        let to = rename.iter().find(|(from, _)| Some(from) == output.name.as_ref());
        if let Some((_, to)) = to {
            output.name = Some(to.clone());
        }
    }
    Some(all)
}
