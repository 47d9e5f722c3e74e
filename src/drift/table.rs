//! Columns and keys of a table.

use super::{Difference, Mend, Sight, What, mend, mend::Place};
use crate::{
    catalog::{Column, Key, KeyRule, Object, is_sequence},
    model::command::DataType,
    sql::{command::written, lex::literal},
};

pub(super) fn table(
    sight: &Sight<'_>,
    place: &Place,
    expected: &Object,
    found: &Object,
    out: &mut Vec<Difference>,
) {
    if let (Some(wanted), Some(there)) = (&expected.columns, &found.columns)
        && sight.has("COLUMNS")
    {
        columns(place, wanted, there, out);
    }
    for rule in [KeyRule::Primary, KeyRule::Unique, KeyRule::Foreign] {
        let listed = match rule {
            KeyRule::Primary => "PRIMARY KEYS",
            KeyRule::Unique => "UNIQUE KEYS",
            KeyRule::Foreign | KeyRule::Check => "FOREIGN KEYS",
        };
        if sight.has(listed) {
            keys(place, rule, &expected.keys, &found.keys, out);
        }
    }
    if expected.cluster_by != found.cluster_by {
        let list = |object: &Object| (!object.cluster_by.is_empty()).then(|| mend::names(&object.cluster_by));
        let mend = if expected.cluster_by.is_empty() {
            Mend::statement(format!("ALTER TABLE {} DROP CLUSTERING KEY", place.name))
        } else {
            let text =
                format!("ALTER TABLE {} CLUSTER BY ({})", place.name, mend::names(&expected.cluster_by));
            Mend::with_note(text, "only the columns are known: compare the expressions with the script")
        };
        out.push(place.difference(What::Clustering, list(expected), list(found), mend));
    }
    if expected.transient != found.transient {
        let mend = Mend::ByHand(
            "a table stays transient or permanent: create it anew, copy its rows, swap the two".to_owned(),
        );
        let what = What::Property("TRANSIENT".to_owned());
        out.push(place.flag(what, (expected.transient, found.transient), mend));
    }
}

fn columns(place: &Place, expected: &[Column], found: &[Column], out: &mut Vec<Difference>) {
    let of =
        |columns: &'_ [Column], name: &Column| columns.iter().position(|column| column.name == name.name);
    for wanted in expected {
        match of(found, wanted) {
            Some(at) => column(place, wanted, &found[at], out),
            None => out.push(missing(place, wanted)),
        }
    }
    for there in found.iter().filter(|there| of(expected, there).is_none()) {
        let statement = format!("ALTER TABLE {} DROP COLUMN {}", place.name, written(&there.name));
        let what = What::ColumnUnexpected(there.name.clone());
        let shown = mend::column(there);
        out.push(place.difference(what, None, shown, Mend::destroys(statement)));
    }
}

fn missing(place: &Place, wanted: &Column) -> Difference {
    let text = mend::column(wanted);
    let mend = match &text {
        None => Mend::ByHand("add it as a script does: its type or expression is not known here".to_owned()),
        Some(_) if !wanted.default.as_deref().is_none_or(is_constant) => Mend::ByHand(
            "Snowflake adds no column with a default that is computed: make the table anew with it, copy, swap".to_owned(),
        ),
        Some(text) => {
            let statement = format!("ALTER TABLE {} ADD COLUMN {text}", place.name);
            if wanted.not_null && wanted.default.is_none() && !wanted.autoincrement {
                Mend::with_note(statement, "fails while the table has rows, for want of a default")
            } else {
                Mend::statement(statement)
            }
        }
    };
    place.difference(What::ColumnMissing(wanted.name.clone()), text, None, mend)
}

/// Whether ADD COLUMN takes the default: a literal, or a sequence.
fn is_constant(default: &str) -> bool {
    let literal = default.starts_with(['\'', '-', '.']) || default.starts_with(|c: char| c.is_ascii_digit());
    let word = ["TRUE", "FALSE", "NULL"].iter().any(|word| default.eq_ignore_ascii_case(word));
    (literal && !default.contains("::")) || word || is_sequence(default)
}

fn column(place: &Place, expected: &Column, found: &Column, out: &mut Vec<Difference>) {
    let name = &expected.name;
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", place.name, written(name));
    if let (Some(wanted), Some(there)) = (&expected.data_type, &found.data_type)
        && !same_type(wanted, there)
    {
        let mend = retype(&alter, &DataType(there.clone()), &DataType(wanted.clone()));
        let what = What::ColumnType(name.clone());
        out.push(place.difference(what, Some(wanted.clone()), Some(there.clone()), mend));
    }
    if expected.not_null != found.not_null {
        let word = |not_null: bool| Some(if not_null { "NOT NULL" } else { "NULL" }.to_owned());
        let mend = if expected.not_null {
            Mend::with_note(format!("{alter} SET NOT NULL"), "fails while the column holds a NULL")
        } else {
            Mend::statement(format!("{alter} DROP NOT NULL"))
        };
        let what = What::ColumnNullability(name.clone());
        out.push(place.difference(what, word(expected.not_null), word(found.not_null), mend));
    }
    let default = |column: &Column| {
        if column.autoincrement {
            Some("AUTOINCREMENT".to_owned())
        } else if column.computed {
            Some("a computed column".to_owned())
        } else {
            column.default.clone()
        }
    };
    let (wanted, there) = (default(expected), default(found));
    // Of a computed column a server that lists columns tells nothing.
    if wanted != there && !expected.computed && !found.computed {
        let sequence = |text: &Option<String>| text.as_deref().is_some_and(is_sequence);
        let mend = if wanted.is_none() && !found.autoincrement {
            Mend::statement(format!("{alter} DROP DEFAULT"))
        } else if let (Some(value), true) = (&wanted, sequence(&wanted) && sequence(&there)) {
            Mend::statement(format!("{alter} SET DEFAULT {value}"))
        } else {
            Mend::ByHand(
                "Snowflake sets no default on a column that is there: add a column with it, copy, drop, rename"
                    .to_owned(),
            )
        };
        out.push(place.difference(What::ColumnDefault(name.clone()), wanted, there, mend));
    }
    if expected.comment != found.comment {
        let text = literal(expected.comment.as_deref().unwrap_or_default());
        let statement = format!("COMMENT ON COLUMN {}.{} IS {text}", place.name, written(name));
        let what = What::ColumnComment(name.clone());
        let values = (expected.comment.clone(), found.comment.clone());
        out.push(place.difference(what, values.0, values.1, Mend::statement(statement)));
    }
}

/// Whether two types are the same as far as both are told: a server's list of columns has no inner types of ARRAY, OBJECT,
/// MAP and VECTOR.
fn same_type(a: &str, b: &str) -> bool {
    let (a, b) = (DataType(a.to_owned()), DataType(b.to_owned()));
    a == b || (a.base() == b.base() && (a.0 == a.base() || b.0 == b.base()))
}

fn retype(alter: &str, from: &DataType, to: &DataType) -> Mend {
    let statement = format!("{alter} SET DATA TYPE {to}");
    let (old, new) = (from.parameters(), to.parameters());
    match (from.base(), to.base()) {
        ("VARCHAR", "VARCHAR") if old <= new => Mend::statement(statement),
        ("VARCHAR", "VARCHAR") => Mend::ByHand(
            "Snowflake shortens no column: values could be cut; add a column, copy, drop, rename".to_owned(),
        ),
        ("NUMBER", "NUMBER") if old.get(1) == new.get(1) && old <= new => Mend::statement(statement),
        ("NUMBER", "NUMBER") if old.get(1) == new.get(1) => {
            Mend::with_note(statement, "fails while a value has more digits")
        }
        _ => Mend::ByHand(format!(
            "Snowflake does not change {from} to {to}: add a column, copy the values, drop, rename"
        )),
    }
}

fn keys(place: &Place, rule: KeyRule, expected: &[Key], found: &[Key], out: &mut Vec<Difference>) {
    // Who named a key, a script or the server, cannot be told for sure.
    let same = |a: &Key, b: &Key| {
        a.columns == b.columns && a.references == b.references && a.referenced == b.referenced
    };
    let of = |keys: &'_ [Key]| keys.iter().filter(|key| key.rule == rule).cloned().collect::<Vec<_>>();
    let (expected, found) = (of(expected), of(found));
    // What goes goes first: a table has one primary key.
    for there in found.iter().filter(|there| !expected.iter().any(|wanted| same(wanted, there))) {
        let how = match (&there.name, rule) {
            (_, KeyRule::Primary) => "PRIMARY KEY".to_owned(),
            (Some(name), _) => format!("CONSTRAINT {}", written(name)),
            (None, KeyRule::Unique) => format!("UNIQUE ({})", mend::names(&there.columns)),
            (None, _) => format!("FOREIGN KEY ({})", mend::names(&there.columns)),
        };
        let mend = Mend::statement(format!("ALTER TABLE {} DROP {how}", place.name));
        out.push(place.difference(What::KeyUnexpected, None, Some(mend::key(there)), mend));
    }
    for wanted in expected.iter().filter(|wanted| !found.iter().any(|there| same(wanted, there))) {
        let text = mend::key(wanted);
        let mend = Mend::statement(format!("ALTER TABLE {} ADD {text}", place.name));
        out.push(place.difference(What::KeyMissing, Some(text), None, mend));
    }
}
