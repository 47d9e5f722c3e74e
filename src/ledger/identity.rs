//! What tells one target from another.

use super::{How, LedgerError, ask, cell, full_name, sql_for};
use crate::{
    model::target::{LedgerName, TargetIdentity},
    session::{Answer, Bind, Engine, ErrorClass, Session, context::Context},
};

/// What makes the target the same one again. One request where the server knows the functions that name its account.
///
/// On the embedded engine the file stands for the account: a file that does not exist yet has no lasting identity,
/// so a keeper asks again when the lock row holds none.
pub async fn identity(
    session: &mut dyn Session,
    name: &LedgerName,
    context: &Context,
) -> Result<TargetIdentity, LedgerError> {
    let sql = sql_for(session, name);
    let missing = || LedgerError::MissingDatabase { database: name.database.to_string() };
    let mut identity = TargetIdentity {
        account: session.info().account.clone(),
        database: name.database.as_str().to_owned(),
        created_on: String::new(),
        history: full_name(name),
        other_accounts: Vec::new(),
    };
    let answer = if session.info().engine == Engine::Snowflake {
        let binds = vec![Bind::Text(name.database.as_str().to_owned())];
        match ask(session, context, sql.select_account(), binds.clone(), How::READ).await {
            Ok(answer) => {
                name_account(&mut identity, &answer);
                Ok(answer)
            }
            // The database is not there; or the server, which is not Snowflake, knows no such function and says the same.
            Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::Statement) => {
                ask(session, context, sql.select_database(), binds, How::READ).await
            }
            Err(error) => Err(error),
        }
    } else {
        ask(session, context, sql.select_database(), Vec::new(), How::READ).await
    };
    let answer = match answer {
        Err(error) if error.class == ErrorClass::NotFound => return Err(missing()),
        answer => answer?,
    };
    cell(&answer, 0).ok_or_else(missing)?.clone_into(&mut identity.created_on);
    Ok(identity)
}

/// Names the account as the server does: its locator and region stay when it or its organization is renamed, and are the same
/// however a connection spells it. A region may come with its group in front, which is there only in some organizations.
fn name_account(identity: &mut TargetIdentity, answer: &Answer) {
    let [locator, region, organization, account] = [1, 2, 3, 4].map(|at| cell(answer, at));
    let Some(locator) = locator else { return };
    let mut others = vec![locator.to_owned()];
    others.extend(account.map(str::to_owned));
    if let (Some(organization), Some(account)) = (organization, account) {
        let name = format!("{organization}-{account}");
        // A host has no underscores.
        others.extend([name.replace('_', "-"), name]);
    }
    let region = region.and_then(|region| region.rsplit('.').next());
    identity.account = region.map_or_else(|| locator.to_owned(), |region| format!("{locator}.{region}"));
    identity.other_accounts = others;
}
