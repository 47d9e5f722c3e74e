//! Where the session stands, as the server's answers tell.

use serde::Deserialize;

use crate::model::{ident::Ident, target::Context4};

/// The names in the answer to a login. What a server leaves out stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Names {
    #[serde(rename = "databaseName", alias = "finalDatabaseName", deserialize_with = "said")]
    database: Said,
    #[serde(rename = "schemaName", alias = "finalSchemaName", deserialize_with = "said")]
    schema: Said,
    #[serde(rename = "warehouseName", alias = "finalWarehouseName", deserialize_with = "said")]
    warehouse: Said,
    #[serde(rename = "roleName", alias = "finalRoleName", deserialize_with = "said")]
    role: Said,
}

/// Nothing said; or a name, or that there is none.
type Said = Option<Option<Ident>>;

fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Said, D::Error> {
    Ok(Some(
        Option::<String>::deserialize(deserializer)?
            .filter(|name| !name.is_empty())
            .map(|name| stored(&name)),
    ))
}

/// A name as the server prints it: stored, in quotes where SQL would need them.
fn stored(name: &str) -> Ident {
    if name.len() >= 2 && name.starts_with('"') && name.ends_with('"') {
        Ident::written(name)
    } else {
        Ident::stored(name)
    }
}

impl Names {
    /// The names over what was known.
    pub(super) fn over(self, known: &Context4) -> Context4 {
        Context4 {
            role: self.role.unwrap_or_else(|| known.role.clone()),
            warehouse: self.warehouse.unwrap_or_else(|| known.warehouse.clone()),
            database: self.database.unwrap_or_else(|| known.database.clone()),
            schema: self.schema.unwrap_or_else(|| known.schema.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_what_is_null_is_gone() {
        let known = Context4 {
            role: Some(Ident::stored("R")),
            warehouse: Some(Ident::stored("W")),
            database: Some(Ident::stored("D")),
            schema: Some(Ident::stored("S")),
        };
        let read = |text: &str| serde_json::from_str::<Names>(text).unwrap().over(&known);
        assert_eq!(read("{}"), known);
        let moved =
            read(r#"{"finalDatabaseName": "my db", "finalSchemaName": null, "finalRoleName": "\"x\"\"y\""}"#);
        assert_eq!(moved.database, Some(Ident::stored("my db")));
        assert_eq!(moved.schema, None);
        assert_eq!(moved.role, Some(Ident::stored("x\"y")));
        assert_eq!(moved.warehouse, Some(Ident::stored("W")));
        assert_eq!(read(r#"{"databaseName": "E", "schemaName": ""}"#).database, Some(Ident::stored("E")));
        assert_eq!(read(r#"{"databaseName": "E", "schemaName": ""}"#).schema, None);
    }
}
