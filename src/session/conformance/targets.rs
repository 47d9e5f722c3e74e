//! The servers that the suite is run on, and what each cannot do.

use std::{any::Any, time::Duration};

use camino::Utf8PathBuf;

use super::{
    super::{
        Connector,
        context::Context,
        embedded::testing,
        simulated::simulated,
        snowflake::{Notices, SnowflakeConnector, SnowflakeSettings},
    },
    Gap,
};
use crate::model::{
    connection::{Connection, Endpoint, Login, Network, Protocol},
    ident::Ident,
    secret::SecretText,
    target::Context4,
};

/// A server under test.
pub(crate) struct Target {
    /// What messages call it.
    pub(crate) name: &'static str,
    /// Opens sessions with it.
    pub(crate) connector: Box<dyn Connector>,
    /// Clock and ids.
    pub(crate) context: Context,
    /// Where its sessions start: an empty schema.
    pub(crate) start: Context4,
    /// What it cannot do.
    pub(crate) gaps: &'static [Gap],
    /// Lives as long as the target.
    _alive: Box<dyn Any>,
}

/// The embedded engine, in a folder of its own.
pub(crate) fn embedded() -> Target {
    let folder = tempfile::tempdir().unwrap();
    let (context, _) = simulated();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("local.db")).unwrap();
    Target {
        name: "the embedded engine",
        connector: Box::new(testing::connector(path, context.clone())),
        context,
        start: testing::context(),
        gaps: EMBEDDED_GAPS,
        _alive: Box::new(folder),
    }
}

/// The protocol server, over HTTP.
pub(crate) fn protocol_server() -> Target {
    let mut settings = testkit::Settings::default();
    settings.kept_tables.push("suite".to_owned());
    let server = testkit::Server::start(settings).unwrap();
    let name = |name| Some(Ident::stored(name));
    let start = Context4 {
        role: name("DEPLOYER"),
        warehouse: name("DEPLOY_XS"),
        database: name("RETAIL"),
        schema: name("PUBLIC"),
    };
    over_http("the protocol server", server.port(), "testkit", start, PROTOCOL_SERVER_GAPS, server)
}

/// fakesnow, with a database of its own; `None` where there is no Python.
pub(crate) fn fakesnow() -> Option<Target> {
    let server = testkit::Fakesnow::shared()?;
    let database = format!("SUITE_{}", Context::system().ids.next().simple()).to_uppercase();
    let start = Context4 {
        role: None,
        warehouse: None,
        database: Some(Ident::stored(database)),
        schema: Some(Ident::stored("PUBLIC")),
    };
    Some(over_http("fakesnow", server.port(), "fakesnow", start, FAKESNOW_GAPS, ()))
}

/// An account that somebody has, in a schema of its own.
pub(crate) fn account(connector: Box<dyn Connector>, context: Context, start: Context4) -> Target {
    Target { name: "the account", connector, context, start, gaps: &[], _alive: Box::new(()) }
}

fn over_http(
    name: &'static str,
    port: u16,
    account: &str,
    start: Context4,
    gaps: &'static [Gap],
    alive: impl Any,
) -> Target {
    let connection = Connection {
        label: name.to_owned(),
        account: account.to_owned(),
        user: Some("SNOWOPS".to_owned()),
        endpoint: Endpoint { protocol: Protocol::Http, host: "127.0.0.1".to_owned(), port },
        network: Network::default(),
        login: Login::Password {
            password: SecretText::new("correct horse"),
            passcode: None,
            passcode_in_password: false,
            cache_second_factor: false,
        },
    };
    on_connection(name, connection, start, gaps, alive)
}

fn on_connection(
    name: &'static str,
    connection: Connection,
    start: Context4,
    gaps: &'static [Gap],
    alive: impl Any,
) -> Target {
    let context = Context::system();
    let settings = SnowflakeSettings {
        connection,
        secrets: std::collections::BTreeMap::new(),
        lease: Duration::from_mins(2),
        context: context.clone(),
        notices: Notices::default(),
    };
    let connector = Box::new(SnowflakeConnector::new(settings));
    Target { name, connector, context, start, gaps, _alive: Box::new(alive) }
}

const EMBEDDED_GAPS: &[Gap] =
    &[Gap { check: "opening: a query answers rows", reason: "it checks queries and executes no data" }];

const PROTOCOL_SERVER_GAPS: &[Gap] = &[];

const NO_QUERY_ID: &str = "its errors carry no query id";
const DUCKDB_DDL: &str = "DuckDB keeps DDL within the transaction";
const OTHER_CODE: &str = "it gives every fault of DuckDB's catalogue the code of a missing object";

const FAKESNOW_GAPS: &[Gap] = &[
    Gap { check: "ddl: it is seen at once by others", reason: DUCKDB_DDL },
    Gap { check: "ddl: a rollback does not undo it", reason: DUCKDB_DDL },
    Gap { check: "errors: missing in a query: query id", reason: NO_QUERY_ID },
    Gap { check: "errors: missing for a drop: query id", reason: NO_QUERY_ID },
    Gap { check: "errors: there already: query id", reason: NO_QUERY_ID },
    Gap { check: "errors: there already: code", reason: OTHER_CODE },
    Gap { check: "errors: there already: SQL state", reason: OTHER_CODE },
    Gap { check: "errors: not SQL: query id", reason: NO_QUERY_ID },
    Gap { check: "errors: not SQL: place", reason: "its errors carry no place" },
];
