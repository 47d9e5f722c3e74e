//! The checks. Each case has names of its own, so that one does not rest on another.

use super::{
    super::{Answer, Bind, CLAIM_BEGIN, CLAIM_ROLLBACK, DbError, Effect, ErrorClass, Phase, Session},
    Checks, Target,
};
use crate::model::{ident::Ident, target::Purpose};

const CASES: &[&str] = &[
    "opening",
    "ddl",
    "failures",
    "errors",
    "context",
    "binds",
    "values",
    "transactions",
    "tags",
    "control",
    "closing",
];

/// All cases, on a target that holds nothing but the start's database and schema.
pub(crate) async fn run(target: &Target) {
    let mut checks = Checks::default();
    for case in CASES {
        checks.case(case);
        let outcome = match *case {
            "opening" => opening(target, &mut checks).await,
            "ddl" => ddl(target, &mut checks).await,
            "failures" => failures(target, &mut checks).await,
            "errors" => errors(target, &mut checks).await,
            "context" => context(target, &mut checks).await,
            "binds" => binds(target, &mut checks).await,
            "values" => values(target, &mut checks).await,
            "transactions" => transactions(target, &mut checks).await,
            "tags" => tags(target, &mut checks).await,
            "control" => control(target, &mut checks).await,
            "closing" => closing(target, &mut checks).await,
            other => unreachable!("{other}"),
        };
        checks.end(outcome);
    }
    checks.compare(target, CASES);
}

/// The class of what came.
fn class(result: &Result<Answer, DbError>) -> Option<ErrorClass> {
    result.as_ref().err().map(|error| error.class)
}

async fn opening(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut one = target.open(Purpose::Work).await?;
    let two = target.open(Purpose::Keeper).await?;
    checks.holds("sessions have ids of their own", one.info().id != two.info().id, one.info());
    checks.equal("sessions start where they shall", &one.info().context, &target.start);
    let answer = target.user(one.as_mut(), "SELECT 1").await?;
    checks.equal("answers tell where a session stands", &answer.context, &target.start);
    checks.equal("a query answers rows", &answer.rows, &vec![vec![Some("1".to_owned())]]);
    one.close().await?;
    two.close().await
}

async fn ddl(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut one = target.open(Purpose::Work).await?;
    let mut two = target.open(Purpose::Work).await?;
    target.user(one.as_mut(), "BEGIN").await?;
    let made = target.user(one.as_mut(), "CREATE TABLE committed (id INTEGER)").await?;
    let ids = target.connector.capabilities().query_ids;
    checks.holds("an answer has a query id", made.query_id.is_some() == ids, &made);
    // Before any COMMIT, and in a session that was open before.
    let seen = target.user(two.as_mut(), "SELECT id FROM committed").await;
    checks.holds("it is seen at once by others", seen.is_ok(), seen);
    target.user(one.as_mut(), "ROLLBACK").await?;
    let again = target.user(two.as_mut(), "CREATE TABLE committed (id INTEGER)").await;
    checks.equal("a rollback does not undo it", &class(&again), &Some(ErrorClass::AlreadyExists));
    one.close().await?;
    two.close().await?;
    let mut three = target.open(Purpose::Work).await?;
    let dropped = target.user(three.as_mut(), "DROP TABLE committed").await;
    checks.holds("it is there for later sessions", dropped.is_ok(), dropped);
    three.close().await
}

async fn failures(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Work).await?;
    target.user(session.as_mut(), "CREATE TABLE stays (id INTEGER)").await?;
    let failed = target.user(session.as_mut(), "DROP TABLE never_was").await;
    checks.holds("what cannot be done fails", failed.is_err(), failed);
    let kept = target.user(session.as_mut(), "SELECT id FROM stays").await;
    checks.holds("what was done before stays", kept.is_ok(), kept);
    session.close().await
}

async fn errors(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Work).await?;
    target.user(session.as_mut(), "CREATE TABLE there (id INTEGER)").await?;
    let can = target.connector.capabilities();
    // Codes and SQL states as Snowflake's error messages print them.
    for (what, statement, wanted, code, state) in [
        ("missing in a query", "SELECT id FROM never_was", ErrorClass::NotFound, "002003", "42S02"),
        ("missing for a drop", "DROP TABLE never_was", ErrorClass::NotFound, "002003", "42S02"),
        ("there already", "CREATE TABLE there (id INTEGER)", ErrorClass::AlreadyExists, "002002", "42710"),
        ("not SQL", "CREAT TABLE misspelt (id INTEGER)", ErrorClass::Statement, "001003", "42000"),
    ] {
        let result = target.user(session.as_mut(), statement).await;
        let Err(error) = result else {
            checks.holds(what, false, result);
            continue;
        };
        checks.equal(&format!("{what}: class"), &error.class, &wanted);
        checks.equal(&format!("{what}: code"), &error.code.as_deref(), &Some(code));
        checks.equal(&format!("{what}: SQL state"), &error.sqlstate.as_deref(), &Some(state));
        checks.equal(&format!("{what}: nothing was done"), &error.outcome, &Effect::Failed);
        checks.equal(&format!("{what}: phase"), &error.phase, &Phase::Answer);
        checks.equal(&format!("{what}: query id"), &error.query_id.is_some(), &can.query_ids);
        if wanted == ErrorClass::Statement && can.positions {
            checks.equal(&format!("{what}: place"), &(error.line, error.position), &(Some(1), Some(0)));
        }
    }
    let missing = target.ledger(session.as_mut(), "SELECT 1 FROM \"never_was\"", vec![]).await;
    checks.equal("a table of the ledger is missing", &class(&missing), &Some(ErrorClass::NotFound));
    session.close().await
}

async fn context(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Work).await?;
    let schema = |name| Some(Ident::stored(name));
    let made = target.user(session.as_mut(), "CREATE SCHEMA made_here").await?;
    checks.equal("a new schema is the current one", &made.context.schema, &schema("MADE_HERE"));
    target.user(session.as_mut(), "CREATE SCHEMA elsewhere").await?;
    let used = target.user(session.as_mut(), "USE SCHEMA made_here").await?;
    checks.equal("USE moves the session", &used.context.schema, &schema("MADE_HERE"));
    checks.equal("and only the schema", &used.context.database, &target.start.database);
    let other = target.user(session.as_mut(), "USE SCHEMA elsewhere").await?;
    checks.equal("USE moves it again", &other.context.schema, &schema("ELSEWHERE"));
    target.user(session.as_mut(), "CREATE TABLE only_there (id INTEGER)").await?;
    let mut other = target.open(Purpose::Work).await?;
    let found = target.user(other.as_mut(), "SELECT id FROM only_there").await;
    checks.equal("a USE does not reach other sessions", &class(&found), &Some(ErrorClass::NotFound));
    let found = target.user(other.as_mut(), "SELECT id FROM elsewhere.only_there").await;
    checks.holds("a full name is found", found.is_ok(), found);
    let gone = target.user(other.as_mut(), "USE SCHEMA never_was").await;
    checks.equal("USE of what is not there", &class(&gone), &Some(ErrorClass::NotFound));
    let still = target.user(other.as_mut(), "SELECT 1").await?;
    checks.equal("a USE that failed moves nothing", &still.context, &target.start);
    session.close().await?;
    other.close().await
}

async fn binds(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Keeper).await?;
    let create = "CREATE TABLE \"suite\" (\"text\" VARCHAR, \"number\" INTEGER, \"truth\" BOOLEAN)";
    target.ledger(session.as_mut(), create, vec![]).await?;
    let again = target.ledger(session.as_mut(), create, vec![]).await;
    checks.equal("a second CREATE", &class(&again), &Some(ErrorClass::AlreadyExists));
    let insert = "INSERT INTO \"suite\" (\"truth\", \"text\", \"number\") SELECT :3, :1, :2";
    let quotes = "it's \\ \"so\"\n:2 ? %s $$";
    let unicode = "\u{17e}lu\u{165}ou\u{10d}k\u{fd} e\u{301} \u{96ea} \u{1f980}\u{200d} \u{202e}";
    let long = "0123456789abcdef".repeat(16 * 1024);
    let rows = [
        vec![Bind::Text(quotes.to_owned()), Bind::Integer(-7), Bind::Boolean(true)],
        vec![Bind::Text(unicode.to_owned()), Bind::Integer(i64::MIN), Bind::Boolean(false)],
        vec![Bind::Text(long.clone()), Bind::Integer(i64::MAX), Bind::Boolean(true)],
        vec![Bind::Text(String::new()), Bind::Integer(0), Bind::Null],
        vec![Bind::Null, Bind::Null, Bind::Boolean(false)],
    ];
    let mut counts = Vec::new();
    for row in rows {
        counts.push(target.ledger(session.as_mut(), insert, row).await?.changed);
    }
    checks.equal("each insert counts one row", &counts, &vec![1; 5]);
    let select = "SELECT \"text\", \"number\", \"truth\" FROM \"suite\" ORDER BY \"number\" NULLS LAST";
    let answer = target.ledger(session.as_mut(), select, vec![]).await?;
    let names = ["text", "number", "truth"].map(str::to_owned).to_vec();
    checks.equal("columns have the names that were asked for", &answer.columns, &names);
    let cell = |row: usize, column: usize| answer.rows.get(row).and_then(|row| row.get(column)?.clone());
    checks.equal("a text with quotes and placeholders", &cell(1, 0), &Some(quotes.to_owned()));
    checks.equal("a text of many scripts", &cell(0, 0), &Some(unicode.to_owned()));
    checks.holds("a long text", cell(3, 0) == Some(long), cell(3, 0).map(|text| text.len()));
    checks.equal("an empty text is not NULL", &cell(2, 0), &Some(String::new()));
    checks.equal("NULL for a text and a number", &(cell(4, 0), cell(4, 1)), &(None, None));
    checks.equal("NULL for a truth value", &cell(2, 2), &None);
    let numbers: Vec<_> = (0..4).map(|row| cell(row, 1)).collect();
    let wanted = [i64::MIN, -7, 0, i64::MAX].map(|number| Some(number.to_string())).to_vec();
    checks.equal("whole numbers of each size", &numbers, &wanted);
    let truths: Vec<_> = [0, 1, 3, 4].map(|row| cell(row, 2).map(|t| t == "1" || t == "true")).to_vec();
    checks.equal("truth values", &truths, &vec![Some(false), Some(true), Some(true), Some(false)]);
    let update = "UPDATE \"suite\" SET \"number\" = :1 WHERE \"truth\" = :2";
    let count = target.ledger(session.as_mut(), update, vec![Bind::Integer(1), Bind::Boolean(true)]).await?;
    checks.equal("an update counts its rows", &count.changed, &2);
    let delete = "DELETE FROM \"suite\" WHERE \"number\" = :1";
    let count = target.ledger(session.as_mut(), delete, vec![Bind::Integer(2)]).await?;
    checks.equal("a delete of nothing counts none", &count.changed, &0);
    let count = target.ledger(session.as_mut(), delete, vec![Bind::Integer(1)]).await?;
    checks.equal("a delete counts its rows", &count.changed, &2);
    let unbound = target.ledger(session.as_mut(), delete, vec![]).await;
    checks.holds("a bind without a value is refused", unbound.is_err(), unbound);
    target.ledger(session.as_mut(), "DROP TABLE \"suite\"", vec![]).await?;
    session.close().await
}

async fn values(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Keeper).await?;
    let create = "CREATE TABLE \"suite\" (\"at\" TIMESTAMP_NTZ NOT NULL, \
                  \"zoned\" TIMESTAMP_LTZ(9) NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    target.ledger(session.as_mut(), create, vec![]).await?;
    target.ledger(session.as_mut(), "INSERT INTO \"suite\" (\"at\") SELECT SYSDATE()", vec![]).await?;
    let select = "SELECT \"at\", DATEADD('millisecond', :1, \"at\") AS \"later\", \
                  CASE WHEN \"at\" <= SYSDATE() THEN 1 ELSE 0 END AS \"past\", \"zoned\" FROM \"suite\"";
    let answer = target.ledger(session.as_mut(), select, vec![Bind::Integer(90_500)]).await?;
    let cell = |column: usize| answer.rows.first().and_then(|row| row.get(column)?.clone());
    let civil = |column: usize| {
        let cell = cell(column)?;
        let plain = cell.strip_suffix("+00:00").unwrap_or(&cell);
        plain.parse::<jiff::civil::DateTime>().ok()
    };
    let apart = match (civil(0), civil(1)) {
        (Some(at), Some(later)) => Some(at.duration_until(later).as_millis()),
        _ => None,
    };
    checks.holds("times are added to in milliseconds", apart == Some(90_500), &answer.rows);
    checks.equal("times are compared with the server's clock", &cell(2), &Some("1".to_owned()));
    let apart = match (civil(0), civil(3)) {
        (Some(at), Some(zoned)) => Some(at.duration_until(zoned).abs().as_secs()),
        _ => None,
    };
    // The default is taken at the same moment, whatever the session's zone.
    checks.holds("a time with a zone is that moment", apart.is_some_and(|apart| apart < 60), &answer.rows);
    target.ledger(session.as_mut(), "DROP TABLE \"suite\"", vec![]).await?;
    session.close().await
}

async fn count(target: &Target, session: &mut dyn Session) -> Result<Option<String>, DbError> {
    let answer = target.ledger(session, "SELECT COUNT(*) FROM \"suite\"", vec![]).await?;
    Ok(answer.rows.into_iter().next().and_then(|row| row.into_iter().next()?))
}

async fn transactions(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut one = target.open(Purpose::Keeper).await?;
    let mut two = target.open(Purpose::Keeper).await?;
    let create = "CREATE TABLE \"suite\" AS SELECT CAST(1 AS INTEGER) AS \"number\"";
    target.ledger(one.as_mut(), create, vec![]).await?;
    checks.equal(
        "a table made of a query has its rows",
        &count(target, two.as_mut()).await?,
        &Some("1".to_owned()),
    );
    target.ledger(one.as_mut(), CLAIM_BEGIN, vec![]).await?;
    target.ledger(one.as_mut(), "DELETE FROM \"suite\"", vec![]).await?;
    checks.equal(
        "it is not seen before its commit",
        &count(target, two.as_mut()).await?,
        &Some("1".to_owned()),
    );
    checks.equal("but by itself", &count(target, one.as_mut()).await?, &Some("0".to_owned()));
    target.ledger(one.as_mut(), CLAIM_ROLLBACK, vec![]).await?;
    checks.equal("a rollback undoes it", &count(target, two.as_mut()).await?, &Some("1".to_owned()));
    target.ledger(one.as_mut(), CLAIM_BEGIN, vec![]).await?;
    target.ledger(one.as_mut(), "DELETE FROM \"suite\"", vec![]).await?;
    target.ledger(one.as_mut(), "COMMIT", vec![]).await?;
    one.close().await?;
    let mut three = target.open(Purpose::Keeper).await?;
    checks.equal(
        "a commit is seen by later sessions",
        &count(target, three.as_mut()).await?,
        &Some("0".to_owned()),
    );
    // A session that may hold one is told to end it.
    let outside = target.ledger(three.as_mut(), CLAIM_ROLLBACK, vec![]).await;
    checks.holds("a rollback outside of one is no error", outside.is_ok(), outside);
    target.ledger(three.as_mut(), "DROP TABLE \"suite\"", vec![]).await?;
    two.close().await?;
    three.close().await
}

async fn tags(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Work).await?;
    let create = "CREATE TABLE tagged (id INTEGER)";
    session.execute(&target.request(create, vec![], "suite:run:1", false)).await?;
    let again = session.execute(&target.request(create, vec![], "suite:run:2", false)).await;
    checks.holds("a tag changes nothing of an error", again.is_err(), again);
    // How history is asked differs by engine; that the session survives a refusal does not.
    let dropped = target.user(session.as_mut(), "DROP TABLE tagged").await;
    checks.holds("a session goes on after an error", dropped.is_ok(), dropped);
    session.close().await
}

async fn control(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let mut session = target.open(Purpose::Work).await?;
    let control = session.control();
    let request = target.request("SELECT 1", vec![], "suite", false);
    let id = request.id;
    let work = session.execute(&request);
    control.keep_alive().await?;
    work.await?;
    let stopped = control.cancel(id).await;
    checks.equal("what is finished is not stopped", &stopped.ok(), &Some(false));
    let never = control.cancel(target.context.ids.request()).await;
    checks.equal("what never was is not stopped", &never.ok(), &Some(false));
    session.close().await
}

async fn closing(target: &Target, checks: &mut Checks) -> Result<(), DbError> {
    let one = target.open(Purpose::Work).await?;
    let mut two = target.open(Purpose::Work).await?;
    let control = one.control();
    one.close().await?;
    let late = control.cancel(target.context.ids.request()).await;
    checks.holds("nothing is stopped after the end", !matches!(late, Ok(true)), late);
    let other = target.user(two.as_mut(), "SELECT 1").await;
    checks.holds("other sessions go on", other.is_ok(), other);
    let before = two.info().id.clone();
    two.close().await?;
    let three = target.open(Purpose::Work).await?;
    checks.holds("a new session is another one", before != three.info().id, three.info());
    three.close().await
}
