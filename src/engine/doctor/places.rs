//! How a connection is made up, and where a login put the session. Pure.

use super::Check;
use crate::{
    config::ResolvedConnection,
    diagnostic::Diagnostic,
    inspect::account::{About, Warehouse},
    model::{
        connection::{Connection, Login, TokenKind},
        ident::Ident,
        target::Context4,
    },
    session::{DbError, SessionInfo},
};

/// Each key in effect with the place that it comes from; or all that is in the way.
pub(super) fn settings(connection: &ResolvedConnection) -> Vec<Check> {
    if let Err(findings) = &connection.outcome {
        let wrong =
            |finding: &Diagnostic| Check::wrong("connection", finding.to_string(), finding.hint.clone());
        return findings.iter().map(wrong).collect();
    }
    let words = connection.keys.iter().map(|row| {
        let value = row.value.as_str().map_or_else(|| row.value.to_string(), str::to_owned);
        let key = row.key.strip_prefix("connection.").unwrap_or(&row.key);
        format!("{key} {value} ({})", row.origin())
    });
    vec![Check::ok("connection", words.collect::<Vec<_>>().join(", "))]
}

/// The login that worked.
pub(super) fn login(info: &SessionInfo, connection: &Connection, about: Option<&About>) -> Check {
    let how = match &connection.login {
        Login::Password {
            passcode: None, passcode_in_password: false, cache_second_factor: false, ..
        } => "a password",
        Login::Password { .. } => "a password and a second factor",
        Login::KeyPair { .. } => "a key pair",
        Login::Token { kind: TokenKind::ProgrammaticAccess, .. } => "a programmatic access token",
        Login::Token { kind: TokenKind::OAuth, .. } => "an OAuth access token",
    };
    let account = about.map_or_else(
        || info.account.clone(),
        |about| format!("{} ({} in {})", about.account, about.locator, about.region),
    );
    Check::ok("login", format!("{} with {how}, account {account}, server {}", info.user, info.server))
}

/// The session's role beside the one that is asked for. `refused`: the login with it was.
pub(super) fn role(wanted: Option<&Ident>, info: &SessionInfo, refused: bool) -> Check {
    let found = info.context.role.as_ref();
    match (wanted, found) {
        (Some(wanted), found) if refused => Check::wrong(
            "role",
            format!(
                "{wanted} does not exist, or is not granted to {}; what follows is what {} sees",
                info.user,
                found.map_or_else(|| "a session without a role".to_owned(), |role| format!("role {role}"))
            ),
            Some(format!("GRANT ROLE {wanted} TO USER {};", info.user)),
        ),
        (Some(wanted), Some(found)) if wanted == found => {
            Check::ok("role", format!("{found}, granted to {}", info.user))
        }
        (None, Some(found)) => Check::ok("role", format!("{found}, the default of {}", info.user)),
        (Some(wanted), found) => Check::wrong(
            "role",
            format!("{wanted} is asked for, and the session has {}", named(found)),
            Some(format!("GRANT ROLE {wanted} TO USER {};", info.user)),
        ),
        (None, None) => {
            Check::wrong("role", "the session has none", Some("give `role` in snowops.yml".into()))
        }
    }
}

/// Snowflake lets a user in who asks for a warehouse, database or schema that is not there or not visible, and leaves the
/// place empty (<https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect>).
pub(super) fn warehouse(
    wanted: Option<&Ident>,
    found: Option<&Ident>,
    listed: &Result<Option<Warehouse>, DbError>,
    role: &str,
) -> Check {
    let Some(name) = found.or(wanted) else {
        return Check::wrong(
            "warehouse",
            "there is none, and the history cannot be read without one",
            Some("give `warehouse` in snowops.yml, or the user a default one".into()),
        );
    };
    let grant = format!("GRANT USAGE ON WAREHOUSE {name} TO ROLE {role};");
    match (found, listed) {
        (None, Ok(Some(_))) => {
            Check::wrong("warehouse", format!("{name} is there, and role {role} may not use it"), Some(grant))
        }
        (None, _) => Check::wrong(
            "warehouse",
            format!("{name} does not exist, or role {role} may not see it"),
            Some(format!("correct `warehouse`, create it, or\n{grant}")),
        ),
        (Some(_), Ok(Some(Warehouse { state, size, auto_resume: false }))) if state == "SUSPENDED" => {
            Check::wrong(
                "warehouse",
                format!("{name}, {size}, is suspended and does not resume by itself"),
                Some(format!(
                    "ALTER WAREHOUSE {name} RESUME;\nALTER WAREHOUSE {name} SET AUTO_RESUME = TRUE;"
                )),
            )
        }
        (Some(_), Ok(Some(warehouse))) => {
            let state = match warehouse.state.as_str() {
                "STARTED" => "running".to_owned(),
                "SUSPENDED" => "suspended, resumes by itself".to_owned(),
                other => other.to_lowercase(),
            };
            Check::ok("warehouse", format!("{name}, {}, {state}", warehouse.size))
        }
        (Some(_), Ok(None)) => Check::ok("warehouse", format!("{name}; it is not listed for role {role}")),
        (Some(_), Err(error)) => Check::ok("warehouse", format!("{name}; its state cannot be told: {error}")),
    }
}

/// Database and schema. Scripts start in the schema; to plan, nobody has to see it.
pub(super) fn target(wanted: &Context4, found: &Context4, role: &str, plan_only: bool) -> Check {
    let (Some(database), schema) = (&wanted.database, &wanted.schema) else {
        return Check::ok("target", named(found.database.as_ref()));
    };
    if found.database.as_ref() != Some(database) {
        return Check::wrong(
            "target",
            format!("database {database} does not exist, or role {role} may not see it"),
            Some(format!(
                "correct `database`, or create it: snowops never does; where it is there\nGRANT USAGE ON DATABASE {database} TO ROLE {role};"
            )),
        );
    }
    match schema {
        Some(schema) if found.schema.as_ref() != Some(schema) && plan_only => Check::ok(
            "target",
            format!("{database}; schema {schema} is not to be seen, and planning does not need it"),
        ),
        Some(schema) if found.schema.as_ref() != Some(schema) => Check::wrong(
            "target",
            format!("schema {database}.{schema} does not exist, or role {role} may not see it"),
            Some(format!(
                "correct `schema`, or create it: scripts start in it; where it is there\nGRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {role};"
            )),
        ),
        Some(schema) => Check::ok("target", format!("{database}.{schema}")),
        None => Check::ok("target", database.to_string()),
    }
}

fn named(ident: Option<&Ident>) -> String {
    ident.map_or_else(|| "none".to_owned(), ToString::to_string)
}
