//! Where a request of ours is not the official connector's, and why. Connector 4 is the connector in Python alone, whose
//! `network.py` and `auth/_auth.py` can be read.

/// Fields that differ for one reason.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) why: &'static str,
    /// Path (`*`: any), field, the connector's value as JSON, ours; empty: it is not sent.
    pub(super) fields: &'static [[&'static str; 4]],
}

const LOGIN: &str = "/session/v1/login-request";
const STATEMENT: &str = "/queries/v1/query-request";
const ABORT: &str = "/queries/v1/abort-request";
const HEARTBEAT: &str = "/session/heartbeat";
const RESULT: &str = "/queries/<query id 1>/result";
const PART: &str = "/chunks/<part 1>";
const ANY: &str = "*";

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        why: "The name of a driver: snowops bears its own, and the server answers drivers by their habits.",
        fields: &[
            [ANY, "headers.user-agent", r#""PythonConnector""#, r#""snowops""#],
            [LOGIN, "body.data.CLIENT_APP_ID", r#""PythonConnector""#, ""],
            [LOGIN, "body.data.CLIENT_APP_VERSION", r#""<version>""#, ""],
            [LOGIN, "body.data.SVN_REVISION", "null", ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.APPLICATION", r#""PythonConnector""#, r#""snowops""#],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.APPLICATION_VERSION", "", r#""<version>""#],
        ],
    },
    Difference {
        why: "The stores that hold parts of results learn of the program; nothing depends on it.",
        fields: &[[PART, "headers.user-agent", "", r#""snowops""#]],
    },
    Difference {
        why: "About the machine and the interpreter: nothing in the protocol depends on it, and it is the user's.",
        fields: &[
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.APPLICATION_PATH", r#""<path>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.COMPILER", r#""<version>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.CORE_VERSION", r#""<version>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.LIBC_FAMILY", r#""<platform>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.LIBC_VERSION", r#""<version>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.OS_DETAILS", r#""<platform>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.OS_VERSION", r#""<version>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.RUNTIME_NAME", r#""<runtime>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.RUNTIME_VERSION", r#""<version>""#, ""],
            [LOGIN, "body.data.CLIENT_ENVIRONMENT.IS_FIPS", "false", ""],
            [LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_APPLICATION_PATH", r#""<path>""#, ""],
            [LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_COMPILER", r#""<version>""#, ""],
            [LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_RUNTIME_NAME", r#""<runtime>""#, ""],
            [LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_RUNTIME_VERSION", r#""<version>""#, ""],
        ],
    },
    Difference {
        why: "How keys of files in stages are read: snowops moves no files.",
        fields: &[[LOGIN, "body.data.CLIENT_CAPABILITIES.SMK_ID_AS_STRING", "true", ""]],
    },
    Difference {
        why: "A plain password asks for no second factor: whom a push would wake is not known to a pipeline. Users of the kind that have one configure a passcode.",
        fields: &[[LOGIN, "body.data.EXT_AUTHN_DUO_METHOD", r#""push""#, ""]],
    },
    Difference {
        why: "The connector takes the last six digits of the password off by itself; snowops leaves that to the server, as connector 4 does.",
        fields: &[
            [LOGIN, "body.data.PASSCODE", r#""123456""#, ""],
            [LOGIN, "body.data.PASSWORD", r#""correct horse""#, r#""correct horse123456""#],
        ],
    },
    Difference {
        why: "Asks for a second factor token also when it has one, as connector 4 does: the server may give a younger one.",
        fields: &[[LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_REQUEST_MFA_TOKEN", "", "true"]],
    },
    Difference {
        why: "snowops keeps the second factor's token in memory only.",
        fields: &[[LOGIN, "body.data.SESSION_PARAMETERS.CLIENT_STORE_TEMPORARY_CREDENTIAL", "true", ""]],
    },
    Difference {
        why: "Truth values as JSON has them, as connector 4 sends them.",
        fields: &[
            [LOGIN, "body.data.SESSION_PARAMETERS.ABORT_DETACHED_QUERY", r#""false""#, "false"],
            [LOGIN, "body.data.SESSION_PARAMETERS.AUTOCOMMIT", r#""true""#, "true"],
            [LOGIN, "body.data.SESSION_PARAMETERS.QUOTED_IDENTIFIERS_IGNORE_CASE", r#""false""#, "false"],
        ],
    },
    Difference {
        why: "A longer life leaves room for a clock that is behind; the server allows an hour.",
        fields: &[[LOGIN, "body.data.TOKEN.claims.exp", r#""<iat + 120 s>""#, r#""<iat + 600 s>""#]],
    },
    Difference {
        why: "What is not known is left out.",
        fields: &[
            [LOGIN, "headers.authorization", r#""Snowflake Token=\"None\"""#, ""],
            [LOGIN, "query.databaseName", r#""""#, ""],
            [LOGIN, "query.roleName", r#""""#, ""],
            [LOGIN, "query.schemaName", r#""""#, ""],
            [LOGIN, "query.warehouse", r#""""#, ""],
        ],
    },
    Difference {
        why: "An id by which support finds the request, as connector 4 sends it.",
        fields: &[
            [LOGIN, "query.request_id", "", r#""<request_id>""#],
            [LOGIN, "query.request_guid", "", r#""<request_guid>""#],
            [RESULT, "query.request_guid", "", r#""<request_guid>""#],
            [HEARTBEAT, "query.requestId", "", r#""<requestId>""#],
            [HEARTBEAT, "query.request_guid", "", r#""<request_guid>""#],
        ],
    },
    Difference {
        why: "Connector 4 and the other clients that are known to get results in JSON ask for statements so. For the rest it means nothing.",
        fields: &[[ANY, "headers.accept", r#""application/json""#, r#""application/snowflake""#]],
    },
    Difference {
        why: "The connector counts by cursor, snowops by session, as connector 4 does.",
        fields: &[[STATEMENT, "body.sequenceId", "1", "2"], [STATEMENT, "body.sequenceId", "1", "3"]],
    },
    Difference {
        why: "A repeat has an id of its own and tells when the first was sent, as with connector 4.",
        fields: &[
            [STATEMENT, "query.request_guid", r#""<request_guid 1>""#, r#""<request_guid 2>""#],
            [STATEMENT, "query.clientStartTime", "", r#""<millis>""#],
        ],
    },
    Difference {
        why: "A first sending is no repeat.",
        fields: &[
            [ABORT, "query.clientStartTime", r#""<millis>""#, ""],
            [ABORT, "query.retryCount", r#""0""#, ""],
        ],
    },
];
