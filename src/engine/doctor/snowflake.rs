//! What is looked at on Snowflake alone: how the connection is made up, where a login put the session, and the grants
//! that roles need. Values only; the session is asked elsewhere.

use super::Check;
use crate::{
    config::ResolvedConnection,
    diagnostic::Diagnostic,
    model::{
        ident::Ident,
        target::{Context4, LedgerName},
    },
};

/// Account, host, user and authenticator, each with the place that it comes from; or all that is in the way.
pub(super) fn settings(connection: &ResolvedConnection) -> Vec<Check> {
    if let Err(findings) = &connection.outcome {
        let wrong =
            |finding: &Diagnostic| Check::wrong("connection", finding.to_string(), finding.hint.clone());
        return findings.iter().map(wrong).collect();
    }
    let words = ["account", "host", "user", "authenticator"].iter().filter_map(|key| {
        let row = connection.keys.iter().find(|row| row.key == format!("connection.{key}"))?;
        let value = row.value.as_str().map_or_else(|| row.value.to_string(), str::to_owned);
        Some(format!("{key} {value} ({})", row.origin()))
    });
    vec![Check::ok("connection", words.collect::<Vec<_>>().join(", "))]
}

/// Where a login put the session, beside what the environment asks for. Snowflake lets a user in who asks for a
/// warehouse, database or schema that is not there or not visible, and leaves the place empty
/// (<https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect>).
pub(super) fn places(wanted: &Context4, found: &Context4) -> Vec<Check> {
    let role = found.role.as_ref().map_or_else(|| "<role>".to_owned(), ToString::to_string);
    vec![role_check(wanted, found), warehouse(wanted, found, &role), target(wanted, found, &role)]
}

fn role_check(wanted: &Context4, found: &Context4) -> Check {
    match (&wanted.role, &found.role) {
        (Some(wanted), Some(found)) if wanted == found => Check::ok("role", found.to_string()),
        (None, Some(found)) => Check::ok("role", format!("{found}, the user's default")),
        (Some(wanted), found) => Check::wrong(
            "role",
            format!("{wanted} is asked for, and the session has {}", named(found.as_ref())),
            Some(format!("GRANT ROLE {wanted} TO USER <user>;")),
        ),
        (None, None) => {
            Check::wrong("role", "the session has none", Some("give `role` in snowops.yml".into()))
        }
    }
}

fn warehouse(wanted: &Context4, found: &Context4, role: &str) -> Check {
    match (&wanted.warehouse, &found.warehouse) {
        (_, Some(found)) => Check::ok("warehouse", found.to_string()),
        (Some(wanted), None) => Check::wrong(
            "warehouse",
            format!("{wanted} does not exist, or role {role} may not use it"),
            Some(format!("GRANT USAGE ON WAREHOUSE {wanted} TO ROLE {role};")),
        ),
        (None, None) => Check::wrong(
            "warehouse",
            "there is none, and the history cannot be read without one",
            Some("give `warehouse` in snowops.yml, or the user a default one".into()),
        ),
    }
}

fn target(wanted: &Context4, found: &Context4, role: &str) -> Check {
    let (Some(database), schema) = (&wanted.database, &wanted.schema) else {
        return Check::ok("target", named(found.database.as_ref()));
    };
    if found.database.as_ref() != Some(database) {
        return Check::wrong(
            "target",
            format!("database {database} does not exist, or role {role} may not see it"),
            Some(format!(
                "GRANT USAGE ON DATABASE {database} TO ROLE {role}; if it is not there, create it: snowops never does"
            )),
        );
    }
    match schema {
        Some(schema) if found.schema.as_ref() != Some(schema) => Check::wrong(
            "target",
            format!("schema {database}.{schema} does not exist, or role {role} may not see it"),
            Some(format!(
                "GRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {role}; if it is not there, create it: scripts start in it"
            )),
        ),
        Some(schema) => Check::ok("target", format!("{database}.{schema}")),
        None => Check::ok("target", database.to_string()),
    }
}

fn named(ident: Option<&Ident>) -> String {
    ident.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// The grants for two roles: one that only plans, and one that migrates. Always fine; for reading and running.
pub(super) fn grants(ledger: &LedgerName, context: &Context4) -> Vec<Check> {
    let (database, schema) = (&ledger.database, &ledger.schema);
    let warehouse = context.warehouse.as_ref().map_or_else(|| "<warehouse>".to_owned(), ToString::to_string);
    let role = context.role.as_ref().map_or_else(|| "<role>".to_owned(), ToString::to_string);
    let reads = |role: &str| {
        format!(
            "GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role}; GRANT USAGE ON DATABASE {database} TO ROLE {role}; \
             GRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA {database}.{schema} TO ROLE {role};"
        )
    };
    let plans = format!("a role that only plans (info, validate, plan) needs: {}", reads("<plan role>"));
    let migrates = format!(
        "a role that migrates needs what its scripts need, and for the history: the first time GRANT CREATE SCHEMA ON \
         DATABASE {database} TO ROLE {role}; where another role made the tables: {} GRANT INSERT, UPDATE, DELETE ON ALL \
         TABLES IN SCHEMA {database}.{schema} TO ROLE {role};",
        reads(&role)
    );
    vec![Check::ok("grants", plans), Check::ok("grants", migrates)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(names: [&str; 4]) -> Context4 {
        let ident = |text: &str| (!text.is_empty()).then(|| Ident::written(text));
        let [role, warehouse, database, schema] = names.map(ident);
        Context4 { role, warehouse, database, schema }
    }

    #[test]
    fn what_a_login_left_open_is_told_with_the_grant() {
        let all = ["DEPLOYER", "WH", "SHOP", "PUBLIC"];
        for (wanted, found, expected) in [
            (all, all, ["ok DEPLOYER", "ok WH", "ok SHOP.PUBLIC"]),
            (["", "", "SHOP", ""], all, ["ok DEPLOYER, the user's default", "ok WH", "ok SHOP"]),
            (
                all,
                ["PUBLIC", "", "", ""],
                [
                    "DEPLOYER is asked for, and the session has PUBLIC | GRANT ROLE DEPLOYER TO USER <user>;",
                    "WH does not exist, or role PUBLIC may not use it | GRANT USAGE ON WAREHOUSE WH TO ROLE PUBLIC;",
                    "database SHOP does not exist, or role PUBLIC may not see it | GRANT USAGE ON DATABASE SHOP TO ROLE PUBLIC; if it is not there, create it: snowops never does",
                ],
            ),
            (
                ["", "", "SHOP", "\"My schema\""],
                ["R", "", "SHOP", "PUBLIC"],
                [
                    "ok R, the user's default",
                    "there is none, and the history cannot be read without one | give `warehouse` in snowops.yml, or the user a default one",
                    "schema SHOP.\"My schema\" does not exist, or role R may not see it | GRANT USAGE ON SCHEMA SHOP.\"My schema\" TO ROLE R; if it is not there, create it: scripts start in it",
                ],
            ),
        ] {
            let checks = places(&context(wanted), &context(found));
            let lines: Vec<_> = checks
                .iter()
                .map(|check| match &check.hint {
                    Some(hint) => format!("{} | {hint}", check.detail),
                    None => format!("ok {}", check.detail),
                })
                .collect();
            assert_eq!(lines, expected, "{wanted:?} {found:?}");
            assert_eq!(
                checks.iter().map(|check| check.name).collect::<Vec<_>>(),
                ["role", "warehouse", "target"]
            );
        }
    }

    #[test]
    fn grants_name_the_places_of_this_environment() {
        let ledger = LedgerName {
            database: Ident::stored("SHOP"),
            schema: Ident::stored("SNOWOPS"),
            table: "snowops_schema_history".into(),
        };
        let checks = grants(&ledger, &context(["DEPLOYER", "", "SHOP", ""]));
        assert_eq!(
            checks[0].detail,
            "a role that only plans (info, validate, plan) needs: GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE <plan role>; GRANT USAGE ON DATABASE SHOP TO ROLE <plan role>; GRANT USAGE ON SCHEMA SHOP.SNOWOPS TO ROLE <plan role>; GRANT SELECT ON ALL TABLES IN SCHEMA SHOP.SNOWOPS TO ROLE <plan role>;"
        );
        assert!(
            checks[1].detail.contains("CREATE SCHEMA ON DATABASE SHOP TO ROLE DEPLOYER"),
            "{}",
            checks[1].detail
        );
    }
}
