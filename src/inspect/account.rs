//! What an account says of itself, its warehouses, and who was granted what: SHOW and functions of the session, none of
//! which needs a warehouse.
//!
//! Sources: Snowflake's pages of [SHOW GRANTS](https://docs.snowflake.com/en/sql-reference/sql/show-grants),
//! [SHOW WAREHOUSES](https://docs.snowflake.com/en/sql-reference/sql/show-warehouses) and
//! [context functions](https://docs.snowflake.com/en/sql-reference/functions-context), read in 2026.

use std::collections::BTreeSet;

use super::{
    listing::{Columns, cell, pattern},
    send,
};
use crate::{
    model::ident::Ident,
    session::{DbError, Session, context::Context},
    sql::lex,
};

/// What an account says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `organization-name`, as new connections spell it.
    pub account: String,
    /// Its locator.
    pub locator: String,
    /// Its region.
    pub region: String,
    /// The server's clock, in UTC, as printed.
    pub now: String,
}

/// A warehouse as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// `STARTED`, `SUSPENDED`, ...
    pub state: String,
    /// `X-Small`, ...
    pub size: String,
    /// Whether a statement resumes it.
    pub auto_resume: bool,
}

/// One privilege that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// `USAGE`, `OWNERSHIP`, ...
    pub privilege: String,
    /// Whom it was granted to.
    pub grantee: String,
    /// Whether that is a role of the account: not of a database, of an application, or a share.
    pub is_role: bool,
}

/// Account, region and clock. One request.
pub async fn about(session: &mut dyn Session, context: &Context) -> Result<About, DbError> {
    let text = "SELECT CURRENT_ORGANIZATION_NAME(), CURRENT_ACCOUNT_NAME(), CURRENT_ACCOUNT(), CURRENT_REGION(), \
                SYSDATE()";
    let answer = send(session, context, text.to_owned()).await?;
    let get = |at: usize| answer.rows.first().and_then(|row| cell(row, Some(at))).unwrap_or_default();
    Ok(About {
        account: format!("{}-{}", get(0), get(1)),
        locator: get(2).to_owned(),
        region: get(3).to_owned(),
        now: get(4).to_owned(),
    })
}

/// A warehouse, if the role sees it. One request.
pub async fn warehouse(
    session: &mut dyn Session,
    name: &Ident,
    context: &Context,
) -> Result<Option<Warehouse>, DbError> {
    let answer = send(session, context, format!("SHOW WAREHOUSES LIKE '{}'", pattern(name))).await?;
    let columns = Columns(&answer.columns);
    let mine = |row: &&Vec<Option<String>>| cell(row, columns.at("name")) == Some(name.as_str());
    let row = answer.rows.iter().find(mine);
    let text = |row: &[Option<String>], column| cell(row, columns.at(column)).unwrap_or_default().to_owned();
    Ok(row.map(|row| Warehouse {
        state: text(row, "state").to_uppercase(),
        size: text(row, "size"),
        auto_resume: text(row, "auto_resume").eq_ignore_ascii_case("true"),
    }))
}

/// Who was granted what on an object: kind and full name, quoted. One request.
pub async fn grants_on(
    session: &mut dyn Session,
    object: &str,
    context: &Context,
) -> Result<Vec<Granted>, DbError> {
    let answer = send(session, context, format!("SHOW GRANTS ON {object}")).await?;
    let columns = Columns(&answer.columns);
    let granted = |row: &Vec<Option<String>>| {
        Some(Granted {
            privilege: cell(row, columns.at("privilege"))?.to_owned(),
            grantee: cell(row, columns.at("grantee_name"))?.to_owned(),
            is_role: cell(row, columns.at("granted_to")) == Some("ROLE"),
        })
    };
    Ok(answer.rows.iter().filter_map(granted).collect())
}

/// Which of these roles the session has, through its own role or secondary ones. One request.
pub async fn roles_in_session(
    session: &mut dyn Session,
    roles: &BTreeSet<String>,
    context: &Context,
) -> Result<BTreeSet<String>, DbError> {
    let call = |role: &String| format!("IS_ROLE_IN_SESSION({})", lex::literal(role));
    let text = format!("SELECT {}", roles.iter().map(call).collect::<Vec<_>>().join(", "));
    let answer = send(session, context, text).await?;
    let row = answer.rows.first();
    let is_true = |at: usize| {
        let found = row.and_then(|row| cell(row, Some(at)));
        found.is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
    };
    Ok(roles.iter().enumerate().filter(|(at, _)| is_true(*at)).map(|(_, role)| role.clone()).collect())
}

/// The tables of a schema whose names begin so, as far as the role sees them. One request.
pub async fn tables(
    session: &mut dyn Session,
    database: &Ident,
    schema: &Ident,
    start: &str,
    context: &Context,
) -> Result<BTreeSet<String>, DbError> {
    let text = format!(
        "SHOW TABLES LIKE '{}%' IN SCHEMA {}.{}",
        pattern(&Ident::stored(start)),
        database.quoted(),
        schema.quoted()
    );
    let answer = send(session, context, text).await?;
    let at = Columns(&answer.columns).at("name");
    let names = answer.rows.iter().filter_map(|row| cell(row, at));
    Ok(names.filter(|name| name.starts_with(start)).map(str::to_owned).collect())
}
