//! Policies and tags: what they are tied to, and what that forbids.

use super::{
    lookup::{Found, Place},
    refs,
    store::{Column, Link, Object},
    work::{Stop, Work},
};
use crate::model::{
    command::{self, ColumnRef, DataType, ObjectUse, Unlink},
    ident::Ident,
    kind::ObjectKind,
    refusal::{SnowflakeError, UNKNOWN_CODE},
};

/// What a statement ties, as far as it is known.
struct Tied {
    link: Link,
    /// The policy's or tag's own name.
    name: Ident,
    /// Types that the policy takes.
    signature: Option<Vec<String>>,
    force: bool,
}

/// Finds the policy or tag; `None` where its name or its schema is not known. A tag's value must be allowed.
fn tied(work: &Work<'_>, link: &command::Link) -> Result<Option<Tied>, Stop> {
    let Some(written) = work.written(&link.name)? else { return Ok(None) };
    let place = work.place(&written, "SELECT")?;
    let columns = link.columns.iter().filter_map(|column| column.column().cloned()).collect();
    let mut tied = Tied {
        link: Link { kind: link.kind, name: place.to_string(), value: link.value.clone(), columns },
        name: place.name.clone(),
        signature: None,
        force: link.force,
    };
    if let Found::Here(object) = work.find(link.kind, &place)? {
        tied.signature.clone_from(&object.signature);
        let allowed = &object.allowed_values;
        if let Some(value) = &link.value
            && !allowed.is_empty()
            && !allowed.contains(value)
        {
            let detail = format!("the value '{value}' is not among the allowed values of tag '{place}'");
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "22023", detail).into());
        }
    }
    Ok(Some(tied))
}

/// Puts a link in; a tag has one value, and `one` policy of a kind is tied to a thing.
fn put(links: &mut Vec<Link>, link: Link, one: bool) {
    let gives_way = one && link.kind != ObjectKind::Tag;
    links.retain(|old| !(old.kind == link.kind && (old.name == link.name || gives_way)));
    links.push(link);
    links.sort();
}

/// Tags of a database, a schema or an object that has no columns.
pub(super) fn tag(work: &Work<'_>, links: &mut Vec<Link>, set: &[command::Link]) -> Result<(), Stop> {
    for link in set {
        if let Some(tied) = tied(work, link)? {
            put(links, tied.link, true);
        }
    }
    Ok(())
}

/// Takes links off.
pub(super) fn untie(work: &Work<'_>, links: &mut Vec<Link>, unlink: &Unlink) -> Result<(), Stop> {
    let name = match &unlink.name {
        None => None,
        Some(name) => match work.written(name)? {
            None => return Ok(()),
            Some(written) => Some(work.place(&written, "SELECT")?.to_string()),
        },
    };
    links.retain(|link| link.kind != unlink.kind || name.as_ref().is_some_and(|name| *name != link.name));
    Ok(())
}

/// Takes off the policies and tags that UNSET names.
pub(super) fn untie_all(work: &Work<'_>, links: &mut Vec<Link>, uses: &[ObjectUse]) -> Result<(), Stop> {
    uses.iter()
        .try_for_each(|one| untie(work, links, &Unlink { kind: one.kind, name: Some(one.name.clone()) }))
}

/// Ties policies and tags to a relation.
pub(super) fn relation(work: &Work<'_>, object: &mut Object, set: &[command::Link]) -> Result<(), Stop> {
    for link in set {
        let Some(tied) = tied(work, link)? else { continue };
        if link.kind == ObjectKind::RowAccessPolicy {
            row_access(object, &tied, &link.columns)?;
        }
        // A tag carries a masking policy for each type.
        put(&mut object.links, tied.link, object.kind != ObjectKind::Tag);
    }
    Ok(())
}

/// One row access policy a relation, with as many columns as it takes, of its types.
fn row_access(object: &Object, tied: &Tied, columns: &[ColumnRef]) -> Result<(), Stop> {
    if let Some(signature) = &tied.signature {
        if signature.len() != columns.len() {
            let detail = format!(
                "Invalid number of arguments for attaching policy '{}' to '{}', expected {} arguments, got {} arguments.",
                tied.name,
                object.name,
                signature.len(),
                columns.len()
            );
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail).into());
        }
        for (wanted, column) in signature.iter().zip(columns) {
            let found = column.column().and_then(|name| object.column(name));
            let Some(column) = found else { continue };
            if let Some(data_type) = &column.data_type
                && differ(data_type, wanted)
            {
                let detail = format!(
                    "Column '{}' data type '{data_type}' does not match with Row access policy data type '{}'.",
                    column.name,
                    widest(wanted)
                );
                return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail).into());
            }
        }
    }
    unmasked(object, columns)?;
    if object.links.iter().any(|old| old.kind == ObjectKind::RowAccessPolicy) {
        let message = format!(
            "Object {} already has a ROW_ACCESS_POLICY. Only one ROW_ACCESS_POLICY is allowed at a time.",
            object.name
        );
        return Err(SnowflakeError::bare("003549", "23505", message).into());
    }
    Ok(())
}

/// A column with a policy of its own is no argument of another.
fn unmasked(object: &Object, columns: &[ColumnRef]) -> Result<(), Stop> {
    for column in columns.iter().filter_map(|column| object.column(column.column()?)) {
        let start = format!("Column '{}' cannot be used as policy argument because it", column.name);
        let has = |kind| column.links.iter().any(|link| link.kind == kind);
        if has(ObjectKind::MaskingPolicy) {
            let detail = format!("{start} is masked by another policy.");
            return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail).into());
        }
        if has(ObjectKind::ProjectionPolicy) {
            let message = format!("{start} has a projection policy attached.");
            return Err(SnowflakeError::bare(UNKNOWN_CODE, "42601", message).into());
        }
    }
    Ok(())
}

/// Takes a policy off a relation; a row access policy must be there.
pub(super) fn drop_policy(work: &Work<'_>, object: &mut Object, unlink: &Unlink) -> Result<(), Stop> {
    if unlink.kind == ObjectKind::RowAccessPolicy
        && let Some(name) = &unlink.name
        && let Some(written) = work.written(name)?
        && object.known_columns().is_some()
    {
        let place = work.place(&written, "SELECT")?;
        let full = place.to_string();
        if !object.links.iter().any(|link| link.kind == unlink.kind && link.name == full) {
            let message = format!("Policy {} is not attached to TABLE {}.", place.name, object.name);
            return Err(SnowflakeError::bare(UNKNOWN_CODE, "42601", message).into());
        }
    }
    untie(work, &mut object.links, unlink)
}

/// Ties policies and tags to a column: one masking policy, of the column's type.
pub(super) fn column(work: &Work<'_>, column: &mut Column, set: &[command::Link]) -> Result<(), Stop> {
    for link in set {
        let Some(tied) = tied(work, link)? else { continue };
        if link.kind == ObjectKind::MaskingPolicy {
            masking(column, &tied)?;
        }
        put(&mut column.links, tied.link, true);
    }
    Ok(())
}

fn masking(column: &Column, tied: &Tied) -> Result<(), Stop> {
    let wanted = tied.signature.as_ref().and_then(|types| types.first());
    if let (Some(wanted), Some(data_type)) = (wanted, &column.data_type)
        && differ(data_type, wanted)
    {
        let detail = format!(
            "COLUMN data type {data_type} does not match with masking policy data type {}.",
            internal(wanted)
        );
        return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail).into());
    }
    let other = column.links.iter().any(|old| old.kind == tied.link.kind && old.name != tied.link.name);
    if other && !tied.force {
        let message = "Specified column already attached to another masking policy. A column cannot be attached to \
                       multiple masking policies. Please drop the current association in order to attach a new masking \
                       policy.";
        return Err(SnowflakeError::bare(UNKNOWN_CODE, "42601", message).into());
    }
    Ok(())
}

fn base(data_type: &str) -> &str {
    let base = data_type.split('(').next().unwrap_or_default();
    // The three kinds of timestamp are not told apart here.
    if base.starts_with("TIMESTAMP") { "TIMESTAMP" } else { base }
}

/// Whether two types are certainly of different families: sizes do not count, other people's types are not known.
fn differ(a: &str, b: &str) -> bool {
    base(a) != base(b) && !a.contains('.') && !b.contains('.')
}

/// A type of a signature as refusals print it: text without a size is as wide as can be.
fn widest(data_type: &str) -> &str {
    if data_type == "VARCHAR(16777216)" { "VARCHAR(134217728)" } else { data_type }
}

/// The server's inner name of a type.
fn internal(data_type: &str) -> &str {
    match base(data_type) {
        "VARCHAR" => "TEXT",
        "NUMBER" => "FIXED",
        "FLOAT" => "REAL",
        "TIMESTAMP" => data_type.split('(').next().unwrap_or_default(),
        base => base,
    }
}

/// The first argument of a masking policy has the type that the policy returns.
pub(super) fn returns_what_it_takes(
    kind: ObjectKind,
    takes: &[DataType],
    returns: &DataType,
) -> Result<(), Stop> {
    let first = takes.first().filter(|_| kind == ObjectKind::MaskingPolicy);
    if first.is_some_and(|first| differ(&first.0, &returns.0)) {
        let detail = "Masking policy function argument and return type mismatch.";
        return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail).into());
    }
    Ok(())
}

/// A policy that something is tied to is neither dropped nor replaced.
pub(super) fn unattached(work: &Work<'_>, kind: ObjectKind, place: &Place) -> Result<(), Stop> {
    if kind.name_space() != "policy" {
        return Ok(());
    }
    let full = place.to_string();
    if refs::any_link(work, |link| link.kind.name_space() == "policy" && link.name == full) {
        let message = format!(
            "Policy {} cannot be dropped/replaced as it is associated with one or more entities.",
            place.name
        );
        return Err(SnowflakeError::bare(UNKNOWN_CODE, "", message).into());
    }
    Ok(())
}
