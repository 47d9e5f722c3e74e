//! The statements that bring a target back to what should be.

use crate::{
    catalog::{Clauses, Column, Database, Key, KeyRule, Object, Schema, holds_secret},
    model::{ident::Ident, kind::ObjectKind},
    sql::{command::written, lex::literal},
};

use super::{Difference, What};

/// What mends a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Statements, in order.
    Statements {
        /// Their texts, without `;`.
        texts: Vec<String>,
        /// Whether data is lost with them.
        destroys: bool,
        /// What to know before they run.
        note: Option<&'static str>,
    },
    /// No statement is safe; the sentence says why and what to do.
    ByHand(String),
}

impl Mend {
    pub(super) fn statement(text: String) -> Self {
        Self::Statements { texts: vec![text], destroys: false, note: None }
    }

    pub(super) fn with_note(text: String, note: &'static str) -> Self {
        Self::Statements { texts: vec![text], destroys: false, note: Some(note) }
    }

    pub(super) fn destroys(text: String) -> Self {
        Self::Statements { texts: vec![text], destroys: true, note: None }
    }

    /// The statements, if there are any.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Statements { texts, .. } => texts,
            Self::ByHand(_) => &[],
        }
    }
}

/// An object that is compared, with its name as statements write it.
pub(super) struct Place {
    pub(super) kind: ObjectKind,
    /// Full name.
    pub(super) name: String,
    /// Types of the arguments, with their parentheses.
    pub(super) arguments: String,
}

impl Place {
    pub(super) fn of(
        kind: ObjectKind,
        database: Option<&Ident>,
        schema: Option<&Ident>,
        name: &Ident,
        arguments: Option<&[String]>,
    ) -> Self {
        let parts = database.into_iter().chain(schema).chain([name]);
        let arguments =
            arguments.filter(|_| kind.is_routine()).map(|types| format!("({})", types.join(", ")));
        Self {
            kind,
            name: parts.map(written).collect::<Vec<_>>().join("."),
            arguments: arguments.unwrap_or_default(),
        }
    }

    /// Kind and name, as ALTER, DROP, GRANT and COMMENT take them.
    pub(super) fn target(&self) -> String {
        let words = match self.kind {
            // They are changed and dropped as plain ones.
            ObjectKind::ExternalTable => "EXTERNAL TABLE",
            ObjectKind::HybridTable | ObjectKind::IcebergTable | ObjectKind::EventTable => "TABLE",
            kind => kind.words(),
        };
        format!("{words} {}{}", self.name, self.arguments)
    }

    pub(super) fn difference(
        &self,
        what: What,
        expected: Option<String>,
        found: Option<String>,
        mend: Mend,
    ) -> Difference {
        let object = format!("{}{}", self.name, self.arguments);
        Difference { kind: self.kind, object, what, expected, found, mend }
    }

    pub(super) fn missing(&self, mend: Mend) -> Difference {
        self.difference(What::Missing, None, None, mend)
    }

    pub(super) fn unexpected(&self, mend: Mend) -> Difference {
        self.difference(What::Unexpected, None, None, mend)
    }

    pub(super) fn flag(&self, what: What, (expected, found): (bool, bool), mend: Mend) -> Difference {
        let word = |on: bool| Some(if on { "TRUE" } else { "FALSE" }.to_owned());
        self.difference(what, word(expected), word(found), mend)
    }
}

fn comment(text: Option<&String>) -> Option<String> {
    text.map(|text| format!("COMMENT = {}", literal(text)))
}

pub(super) fn names(names: &[Ident]) -> String {
    names.iter().map(written).collect::<Vec<_>>().join(", ")
}

fn properties(found: &std::collections::BTreeMap<String, String>) -> impl Iterator<Item = String> {
    found.iter().map(|(name, value)| format!("{name} = {value}"))
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

pub(super) fn create_database(place: &Place, database: &Database) -> String {
    let transient = if database.transient { "TRANSIENT " } else { "" };
    let head = format!("CREATE {transient}DATABASE {}", place.name);
    joined(
        [head].into_iter().chain(properties(&database.properties)).chain(comment(database.comment.as_ref())),
    )
}

pub(super) fn create_schema(place: &Place, schema: &Schema) -> String {
    let transient = if schema.transient { "TRANSIENT " } else { "" };
    let managed = if schema.managed_access { " WITH MANAGED ACCESS" } else { "" };
    let head = format!("CREATE {transient}SCHEMA {}{managed}", place.name);
    joined([head].into_iter().chain(properties(&schema.properties)).chain(comment(schema.comment.as_ref())))
}

/// A column as CREATE TABLE and ADD COLUMN take it, where it is known well enough.
pub(super) fn column(column: &Column) -> Option<String> {
    if column.computed {
        return None;
    }
    let mut text = format!("{} {}", written(&column.name), column.data_type.as_deref()?);
    if column.not_null {
        text += " NOT NULL";
    }
    if column.autoincrement {
        text += " AUTOINCREMENT";
    }
    if let Some(default) = &column.default {
        text.extend([" DEFAULT ", default]);
    }
    if let Some(comment) = &column.comment {
        text.extend([" COMMENT ", &literal(comment)]);
    }
    Some(text)
}

/// A key as CREATE TABLE and ADD take it.
pub(super) fn key(key: &Key) -> String {
    let name = key.name.as_ref().map(|name| format!("CONSTRAINT {} ", written(name))).unwrap_or_default();
    let columns = names(&key.columns);
    match key.rule {
        KeyRule::Primary => format!("{name}PRIMARY KEY ({columns})"),
        KeyRule::Unique => format!("{name}UNIQUE ({columns})"),
        KeyRule::Foreign => {
            let table = key.references.as_deref().unwrap_or_default();
            let referenced = match key.referenced.as_slice() {
                [] => String::new(),
                some => format!(" ({})", names(some)),
            };
            format!("{name}FOREIGN KEY ({columns}) REFERENCES {table}{referenced}")
        }
        KeyRule::Check => String::new(),
    }
}

/// Creates an object anew.
pub(super) fn create(place: &Place, object: &Object, written: Option<&str>, replace: bool) -> Mend {
    let unknown = |what: &str| Mend::ByHand(format!("take its CREATE from a script: {what} not known here"));
    match object.kind {
        ObjectKind::Table => create_table(place, object).unwrap_or_else(|| unknown("its columns are")),
        ObjectKind::View | ObjectKind::MaterializedView => {
            create_view(place, object, replace).unwrap_or_else(|| unknown("its query is"))
        }
        kind if kind.is_relation() && kind != ObjectKind::Stream => unknown("what makes it this kind is"),
        ObjectKind::DatabaseRole => {
            let head = format!("CREATE DATABASE ROLE {}", place.name);
            Mend::statement(joined([head].into_iter().chain(comment(object.comment.as_ref()))))
        }
        kind if kind.is_routine() => create_routine(place, object, written, replace),
        _ => create_other(place, object, replace).unwrap_or_else(|| unknown("its definition is")),
    }
}

fn create_table(place: &Place, object: &Object) -> Option<Mend> {
    let columns: Option<Vec<String>> = object.columns.as_ref()?.iter().map(column).collect();
    let (foreign, own): (Vec<&Key>, Vec<&Key>) =
        object.keys.iter().partition(|key| key.rule == KeyRule::Foreign);
    let parts: Vec<String> = columns?.into_iter().chain(own.into_iter().map(key)).collect();
    let transient = if object.transient { "TRANSIENT " } else { "" };
    let head = format!("CREATE {transient}TABLE {} ({})", place.name, parts.join(", "));
    let cluster = if object.cluster_by.is_empty() {
        String::new()
    } else {
        format!("CLUSTER BY ({})", names(&object.cluster_by))
    };
    let more = properties(&object.properties).chain(comment(object.comment.as_ref()));
    let create = joined([head, cluster].into_iter().chain(more));
    // The table that a key references may come after this one.
    let keys = foreign.into_iter().map(|one| format!("ALTER TABLE {} ADD {}", place.name, key(one)));
    let note = (!object.cluster_by.is_empty())
        .then_some("of a clustering key only the columns are known: compare its expressions with the script");
    Some(Mend::Statements { texts: [create].into_iter().chain(keys).collect(), destroys: false, note })
}

fn create_view(place: &Place, object: &Object, replace: bool) -> Option<Mend> {
    let query = object.definition.as_ref()?;
    let replace = if replace { "OR REPLACE " } else { "" };
    let secure = if object.secure { "SECURE " } else { "" };
    let head = format!("CREATE {replace}{secure}{} {}", object.kind, place.name);
    let columns = object.columns.as_ref().map(|columns| {
        let named = columns.iter().map(|column| {
            let comment = column.comment.as_ref().map(|text| format!(" COMMENT {}", literal(text)));
            format!("{}{}", written(&column.name), comment.unwrap_or_default())
        });
        format!("({})", named.collect::<Vec<_>>().join(", "))
    });
    let grants = if replace.is_empty() { String::new() } else { "COPY GRANTS".to_owned() };
    let parts = [Some(head), columns, Some(grants), comment(object.comment.as_ref())];
    Some(Mend::statement(format!("{} AS\n{query}", joined(parts.into_iter().flatten()))))
}

/// A routine as its script wrote it; else from what a listing tells, which has no sizes and defaults of arguments.
fn create_routine(place: &Place, object: &Object, written: Option<&str>, replace: bool) -> Mend {
    let head = format!("CREATE {}{} {}", if replace { "OR REPLACE " } else { "" }, object.kind, place.name);
    let written = written.filter(|_| !object.definition.as_deref().is_some_and(holds_secret));
    match (written, create_other(place, object, replace)) {
        (Some(definition), _) => Mend::statement(format!("{head}{definition}")),
        (None, Some(Mend::Statements { texts, destroys, .. })) => {
            let note = Some("sizes and defaults of arguments are not known here: compare with the script");
            Mend::Statements { texts, destroys, note }
        }
        _ => Mend::ByHand("take its CREATE from a script: its body is not known here".to_owned()),
    }
}

fn create_other(place: &Place, object: &Object, replace: bool) -> Option<Mend> {
    let kind = object.kind;
    let mode = if replace { "OR REPLACE " } else { "" };
    let head = format!("CREATE {mode}{kind} {}", place.name);
    let definition = match Clauses::of(object) {
        Some(mut clauses) => {
            if let Some(text) = &object.comment {
                clauses.named.insert("COMMENT".to_owned(), literal(text));
            }
            clauses.text(kind)
        }
        None if kind == ObjectKind::Tag => {
            object.definition.clone().or_else(|| comment(object.comment.as_ref())).unwrap_or_default()
        }
        None => object.definition.clone()?,
    };
    let text = joined([head, definition]);
    // What a replaced one held is lost: files, offsets, load history, the next number.
    let holds =
        matches!(kind, ObjectKind::Stage | ObjectKind::Stream | ObjectKind::Pipe | ObjectKind::Sequence);
    Some(match kind {
        _ if replace && holds => Mend::destroys(text),
        ObjectKind::Task => Mend::with_note(text, "a task is created suspended: resume it afterwards"),
        _ => Mend::statement(text),
    })
}

/// Drops an object that should not be there.
pub(super) fn drop(place: &Place) -> Mend {
    let text = format!("DROP {}", place.target());
    let holds = matches!(
        place.kind,
        ObjectKind::Table
            | ObjectKind::DynamicTable
            | ObjectKind::HybridTable
            | ObjectKind::IcebergTable
            | ObjectKind::EventTable
            | ObjectKind::Stage
            | ObjectKind::Stream
            | ObjectKind::Pipe
            | ObjectKind::Sequence
    );
    if holds { Mend::destroys(text) } else { Mend::statement(text) }
}
