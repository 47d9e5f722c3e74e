//! What a server is made of.

use std::time::Duration;

use snowops::{
    catalog::Seed,
    model::{ident::Ident, target::Context4},
};

use crate::{
    clock::Time,
    fault::{Dice, Fault},
};

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the account: issuers and subjects of tokens name it.
    pub account: String,
    /// Users that may log in.
    pub users: Vec<User>,
    /// What the account calls itself: `CURRENT_ORGANIZATION_NAME`, `CURRENT_ACCOUNT` (its locator) and `CURRENT_REGION`.
    pub names: AccountNames,
    /// What the account holds at start. Its role and warehouse are those of sessions that name none.
    pub seed: Seed,
    /// GRANT statements that hold at start; `None`: every role may do everything.
    pub privileges: Option<Vec<String>>,
    /// What SHOW WAREHOUSES says of warehouses; of those that are not named here, that they are running and extra small.
    pub warehouses: Vec<Warehouse>,
    /// Stored names of the tables whose rows are kept; all others have none.
    pub kept_tables: Vec<String>,
    /// How time passes.
    pub time: Time,
    /// How long tokens live.
    pub tokens: Lives,
    /// Longest time that an answer is held back before the statement goes on without it (45 s: what Snowflake's SQL
    /// API documents; the clients of the session protocol see the same).
    pub hold: Duration,
    /// Statements that take time.
    pub durations: Vec<Takes>,
    /// Rows of a result that stand in the answer; the others are fetched in parts of as many.
    pub inline_rows: usize,
    /// Whether to speak TLS, with a certificate of an authority that is made for this server.
    pub tls: bool,
    /// Ways in which a real server might behave.
    pub modes: Modes,
    /// What goes wrong, in this order.
    pub faults: Vec<Fault>,
    /// Port to listen on, 0: any.
    pub port: u16,
}

/// What an account calls itself.
#[derive(Clone, Debug)]
pub struct AccountNames {
    /// Organization.
    pub organization: String,
    /// Locator.
    pub locator: String,
    /// Region.
    pub region: String,
}

/// A warehouse.
#[derive(Clone, Debug)]
pub struct Warehouse {
    /// Stored name.
    pub name: String,
    /// `X-Small`, `Medium`, ...
    pub size: String,
    /// `STARTED`, `SUSPENDED`, `RESIZING`.
    pub state: String,
    /// Whether a statement resumes it.
    pub auto_resume: bool,
}

impl Warehouse {
    /// One that runs.
    pub fn new(name: &str) -> Self {
        let [name, size, state] = [name, "X-Small", "STARTED"].map(str::to_owned);
        Self { name, size, state, auto_resume: true }
    }
}

/// How long tokens live.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    /// Session token (one hour: `validityInSeconds` of Snowflake's login answer).
    pub session: Duration,
    /// Master token (four hours: `masterValidityInSeconds`).
    pub master: Duration,
}

/// Statements that hold a text take that long.
#[derive(Clone, Debug)]
pub struct Takes {
    /// The text.
    pub contains: String,
    /// The time, by the server's clock.
    pub time: Duration,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Login name, any case.
    pub name: String,
    /// How the user may log in.
    pub credentials: Vec<Credential>,
    /// Roles that are granted; `None`: every role there is.
    pub roles: Option<Vec<String>>,
    /// A network policy that keeps the user out, code 390422.
    pub kept_out: bool,
    /// Locked after too many failures, code 390102.
    pub locked: bool,
}

/// A way to log in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Password, and a second factor if the account wants one.
    Password {
        /// The password.
        password: String,
        /// The passcode that is right now. It is good once if tokens are cached.
        passcode: Option<String>,
        /// Whether the account allows to cache MFA tokens (`ALLOW_CLIENT_MFA_CACHING`).
        cached_token: bool,
    },
    /// The registered public key: PEM or its base64 alone, as `RSA_PUBLIC_KEY` holds it.
    PublicKey(String),
    /// A programmatic access token.
    AccessToken {
        /// The token.
        token: String,
        /// When it ends, since 1970.
        expires: Option<Duration>,
    },
    /// An OAuth access token.
    OAuth {
        /// The token.
        token: String,
        /// When it ends, since 1970.
        expires: Option<Duration>,
    },
}

/// Ways in which a real server might behave, each allowed by what is documented.
#[derive(Clone, Debug)]
pub struct Modes {
    /// UPDATE, DELETE and MERGE that waited for a lock look at the rows again. Nothing documents either way. If not, which
    /// rows they change, and to what, is as of their start; what others wrote into other columns stays.
    pub where_again_after_wait: bool,
    /// A session may not see what others committed within this time, unless it was opened later (Snowflake documents
    /// that a commit may take a moment to be seen by other sessions).
    pub stale_reads: Duration,
    /// Query history shows a statement this long after its last change; `None`: never.
    pub history_delay: Option<Duration>,
    /// What a request id means that was seen before.
    pub same_request_id: SameRequest,
    /// What becomes of a statement when its client is gone: this time later it is aborted if the session's
    /// `ABORT_DETACHED_QUERY` says so (documented: five minutes).
    pub abort_detached_after: Duration,
    /// Time that every statement waits for a warehouse.
    pub queue: Duration,
    /// Clocks of sessions differ: the n-th session's is ahead by n times this, n counted by 0 and 1 in turn.
    pub clock_skew: Duration,
    /// Whether roles may monitor the warehouse: `QUERY_HISTORY` then lists the statements of all users.
    pub monitor: bool,
}

/// What a request id means that was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameRequest {
    /// The first answer is given again (what Snowflake's drivers rely on).
    Replayed,
    /// The statement runs again (snowflake-connector-nodejs#740 reports a CREATE that met its own object).
    RunTwice,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            where_again_after_wait: true,
            stale_reads: Duration::ZERO,
            history_delay: Some(Duration::ZERO),
            same_request_id: SameRequest::Replayed,
            abort_detached_after: Duration::from_mins(5),
            queue: Duration::ZERO,
            clock_skew: Duration::ZERO,
            monitor: false,
        }
    }
}

impl Modes {
    /// One mixture of all of them, the same for the same seed.
    pub fn mixed(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut yes = || dice.throw(2) == 1;
        let seconds = |on: bool, seconds| if on { Duration::from_secs(seconds) } else { Duration::ZERO };
        Self {
            where_again_after_wait: yes(),
            stale_reads: seconds(yes(), 2),
            history_delay: if yes() { Some(seconds(yes(), 5)) } else { None },
            same_request_id: if yes() { SameRequest::Replayed } else { SameRequest::RunTwice },
            queue: seconds(yes(), 200),
            clock_skew: seconds(yes(), 2),
            ..Self::default()
        }
    }
}

impl User {
    /// A user with every role and these credentials.
    pub fn new(name: &str, credentials: Vec<Credential>) -> Self {
        Self { name: name.to_owned(), credentials, roles: None, kept_out: false, locked: false }
    }
}

impl Default for Settings {
    /// Account `TESTKIT`; user `SNOWOPS` with the password `correct horse`; role `DEPLOYER`, warehouse `DEPLOY_XS`,
    /// database `RETAIL` with its schema `PUBLIC`.
    fn default() -> Self {
        let password = Credential::Password {
            password: "correct horse".to_owned(),
            passcode: None,
            cached_token: false,
        };
        let name = |name| Some(Ident::stored(name));
        let context = Context4 {
            role: name("DEPLOYER"),
            warehouse: name("DEPLOY_XS"),
            database: name("RETAIL"),
            schema: name("PUBLIC"),
        };
        let kept = ["", "_journal", "_lock"].map(|suffix| format!("snowops_schema_history{suffix}"));
        Self {
            account: "TESTKIT".to_owned(),
            users: vec![User::new("SNOWOPS", vec![password])],
            names: AccountNames {
                organization: "MYORG".to_owned(),
                locator: "TK12345".to_owned(),
                region: "AZURE_WESTEUROPE".to_owned(),
            },
            privileges: None,
            warehouses: Vec::new(),
            seed: Seed { account: "TESTKIT".to_owned(), context, ..Seed::default() },
            kept_tables: kept.into_iter().chain(["flyway_schema_history".to_owned()]).collect(),
            time: Time::Machine,
            tokens: Lives { session: Duration::from_hours(1), master: Duration::from_hours(4) },
            hold: Duration::from_secs(45),
            durations: Vec::new(),
            inline_rows: 10_000,
            tls: false,
            modes: Modes::default(),
            faults: Vec::new(),
            port: 0,
        }
    }
}
