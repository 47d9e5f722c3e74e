//! Names as Snowflake stores and prints them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One identifier, as stored: unquoted names are folded to upper case, quoted ones kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ident(String);

impl Ident {
    /// A name exactly as stored.
    pub fn stored(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// A name as written in SQL or in the configuration: `"x"` keeps its case and its doubled quotes become one,
    /// anything else is folded to upper case.
    pub fn written(text: &str) -> Self {
        match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            Some(inner) if text.len() >= 2 => Self(inner.replace("\"\"", "\"")),
            _ => Self(text.to_ascii_uppercase()),
        }
    }

    /// The stored name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Always quoted, for statements that snowops writes itself.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    /// Whether the stored name can be written without quotes and mean the same.
    pub fn is_plain(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_uppercase() || b == b'_')
            && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'$')
    }
}

impl fmt::Display for Ident {
    /// As Snowflake prints it: quoted only if it must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() { f.write_str(&self.0) } else { f.write_str(&self.quoted()) }
    }
}

/// A name of one to three parts, as written; what is left out comes from the session. `db..name` has the schema
/// `PUBLIC`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QualifiedName {
    /// The database, if written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Ident>,
    /// The schema, if written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Ident>,
    /// The last part.
    pub name: Ident,
}

impl QualifiedName {
    /// A name of one part.
    pub fn bare(name: Ident) -> Self {
        Self { database: None, schema: None, name }
    }

    /// A name in full.
    pub fn full(database: Ident, schema: Ident, name: Ident) -> Self {
        Self { database: Some(database), schema: Some(schema), name }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.database.iter().chain(&self.schema) {
            write!(f, "{part}.")?;
        }
        self.name.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_unless_quoted_and_prints_quotes_only_where_needed() {
        for (written, stored, shown) in [
            ("orders", "ORDERS", "ORDERS"),
            ("\"orders\"", "orders", "\"orders\""),
            ("\"ORDERS\"", "ORDERS", "ORDERS"),
            ("\"a\"\"b\"", "a\"b", "\"a\"\"b\""),
            ("_x$1", "_X$1", "_X$1"),
            ("\"1X\"", "1X", "\"1X\""),
        ] {
            let ident = Ident::written(written);
            assert_eq!((ident.as_str(), ident.to_string().as_str()), (stored, shown), "{written}");
        }
    }
}
