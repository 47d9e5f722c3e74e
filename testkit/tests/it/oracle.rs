//! What others read of this server's results is what snowops reads, cell by cell: Snowflake's Python connector where there
//! is Python, and `snowflake-connector-rs` with the feature `oracle`.

use std::{collections::BTreeMap, time::Duration};

use snowops::{
    model::{
        connection::{Connection, Endpoint, Login, Network, Protocol},
        ident::Ident,
        secret::SecretText,
        target::{Context4, Purpose, SecondaryRoles, SessionSpec},
    },
    session::{
        Answer, Connector as _, DbError, QueryTag, Request, Session,
        context::Context,
        snowflake::{Notices, SnowflakeConnector, SnowflakeSettings},
    },
};
use testkit::{Python, Server, Settings};

/// A table of all types, more rows than an answer holds, the last without values.
const SCRIPT: [&str; 3] = [
    "CREATE TABLE cells (n NUMBER(38,0), d NUMBER(10,2), f FLOAT, b BOOLEAN, t VARCHAR, day DATE, hour TIME, \
     ntz TIMESTAMP_NTZ, ltz TIMESTAMP_LTZ, tz TIMESTAMP_TZ, v VARIANT, x BINARY)",
    "INSERT INTO cells \
     SELECT -7, 12.5, 1.5, 'true', 'Grüße, \"x\"', '2026-01-31', '13:05:00.25', '2026-01-31 13:05:00.000001', \
      '2026-01-31 13:05:00', '1969-12-31 23:59:59.5', PARSE_JSON('{\"a\":[1,null]}'), 'DEADBEEF' \
     UNION ALL SELECT 0, -0.05, -0.1, 'false', '', '1969-12-31', '00:00:00', '1969-12-31 23:59:59.75', '2038-01-19 03:14:08', \
      '2026-06-30 12:00:00', PARSE_JSON('\"text\"'), '00FF' \
     UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    "SELECT * FROM cells",
];

/// Not SQL: its refusal has a code and a query id.
const WRONG: &str = "SELECT id FROM never_was";

fn server() -> Server {
    let mut settings = Settings { inline_rows: 2, ..Settings::default() };
    settings.kept_tables.push("CELLS".to_owned());
    Server::start(settings).unwrap()
}

async fn session(server: &Server) -> Box<dyn Session> {
    let connection = Connection {
        label: "oracle".to_owned(),
        account: "testkit".to_owned(),
        user: Some("SNOWOPS".to_owned()),
        endpoint: Endpoint { protocol: Protocol::Http, host: server.host(), port: server.port() },
        network: Network::default(),
        login: Login::Password {
            password: SecretText::new("correct horse"),
            passcode: None,
            passcode_in_password: false,
            cache_second_factor: false,
        },
    };
    let settings = SnowflakeSettings {
        connection,
        secrets: BTreeMap::new(),
        lease: Duration::from_mins(2),
        context: Context::system(),
        notices: Notices::default(),
    };
    let name = |name| Some(Ident::stored(name));
    let context = Context4 { database: name("RETAIL"), schema: name("PUBLIC"), ..Context4::default() };
    let spec = SessionSpec {
        purpose: Purpose::Work,
        context,
        secondary_roles: SecondaryRoles::Default,
        parameters: BTreeMap::new(),
        statement_timeout: None,
    };
    SnowflakeConnector::new(settings).open(spec).await.unwrap()
}

async fn run(session: &mut dyn Session, text: &str) -> Result<Answer, DbError> {
    let request = Request {
        id: Context::system().ids.request(),
        text: text.to_owned(),
        binds: vec![],
        tag: QueryTag(String::new()),
        timeout: None,
        repeatable: true,
        ledger: false,
        local_opaque: false,
        rows: snowops::session::RowUse::Read,
    };
    session.execute(&request).await
}

/// Rows as text.
type Rows = Vec<Vec<Option<String>>>;

/// Makes the table; what snowops reads, and the code of its refusal.
async fn ours(server: &Server) -> (Rows, String) {
    let mut session = session(server).await;
    let mut rows = Vec::new();
    for text in SCRIPT {
        rows = run(session.as_mut(), text).await.unwrap().rows;
    }
    let refused = run(session.as_mut(), WRONG).await.unwrap_err();
    session.close().await.unwrap();
    (rows, refused.code.unwrap())
}

#[tokio::test]
async fn snowops_reads_the_cells_of_all_types() {
    let (rows, code) = ours(&server()).await;
    let text = |row: &[Option<String>]| {
        row.iter().map(|cell| cell.as_deref().unwrap_or("NULL").to_owned()).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| text(row)).collect();
    assert_eq!(
        rows[0],
        [
            "-7",
            "12.50",
            "1.5",
            "true",
            "Grüße, \"x\"",
            "2026-01-31",
            "13:05:00.250000",
            "2026-01-31 13:05:00.000001",
            "2026-01-31 13:05:00.000000+00:00",
            "1969-12-31 23:59:59.500000+00:00",
            "{\"a\":[1,null]}",
            "DEADBEEF",
        ]
    );
    assert_eq!(rows[2], ["NULL"; 12]);
    assert_eq!((rows.len(), code.as_str()), (3, "002003"));
}

#[tokio::test]
async fn the_python_connector_reads_what_snowops_reads() {
    let Some(python) = Python::shared() else { return };
    let server = server();
    let (rows, code) = ours(&server).await;
    let mut command = python.script("read_rows.py");
    command.args([&server.port().to_string(), SCRIPT[2], WRONG]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: (Rows, String) = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read, (rows, code));
}

#[cfg(feature = "oracle")]
mod with_another_crate {
    use snowflake_connector_rs::{
        AuthConfig, CellValue, Client, ClientConfig, DynamicRow, EndpointConfig, SessionConfig,
    };

    use super::*;

    fn text(value: &CellValue) -> Option<String> {
        let text = match value {
            CellValue::Null => return None,
            CellValue::Boolean(truth) => truth.to_string(),
            CellValue::Integer(number) => number.to_string(),
            CellValue::Float(number) => number.to_string(),
            CellValue::Decimal(number) => number.raw().to_owned(),
            CellValue::String(text) => text.clone(),
            CellValue::Date(day) => day.to_string(),
            CellValue::Time(time) => time.format("%H:%M:%S%.6f").to_string(),
            CellValue::TimestampNtz(at) => at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
            CellValue::TimestampLtz(at) => at.format("%Y-%m-%d %H:%M:%S%.6f%:z").to_string(),
            CellValue::TimestampTz(at) => at.format("%Y-%m-%d %H:%M:%S%.6f%:z").to_string(),
            CellValue::Json(value) => value.to_string(),
            CellValue::Binary(bytes) => format!("{:X}", bytes.clone().into_bytes()),
            other => panic!("{other:?}"),
        };
        Some(text)
    }

    #[tokio::test]
    async fn snowflake_connector_rs_reads_what_snowops_reads() {
        let server = server();
        let (rows, code) = ours(&server).await;
        let config = ClientConfig::new("SNOWOPS", "TESTKIT", AuthConfig::password("correct horse"))
            .with_session(SessionConfig::new().with_database("RETAIL").with_schema("PUBLIC"))
            .with_endpoint(EndpointConfig::custom_base_url(server.url().parse().unwrap()));
        let session = Client::new(config).unwrap().create_session().await.unwrap();
        let answer = session.query(SCRIPT[2]).await.unwrap();
        let read = answer.collect::<Vec<DynamicRow>>().await.unwrap();
        let read: Rows = read.iter().map(|row| row.values().iter().map(text).collect()).collect();
        assert_eq!(read, rows);
        let refused = session.query(WRONG).await.err().unwrap();
        assert_eq!(refused.snowflake_code(), Some(code.as_str()), "{refused}");
        let ran = server.world().statements;
        assert_eq!(refused.query_id(), ran.last().map(|last| last.query_id.as_str()));
    }
}
