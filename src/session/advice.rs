//! What to check when a server refuses, by the classes of its codes.

use super::{DbError, ErrorClass};

/// What to check; nothing where the server's words say it all.
///
/// Codes and texts are those of Snowflake's documentation and of public reports of its users.
pub fn advice(error: &DbError) -> Option<&'static str> {
    let by_code = match error.code.as_deref().unwrap_or_default() {
        "001003" | "000900" | "000002" => None,
        "002003" | "002043" | "002140" | "002141" | "000707" | "090025" => Some(
            "check the name, the database and schema that the session stands in, and whether its role may see it: \
             Snowflake says the same of what is hidden and of what is missing",
        ),
        "000904" => Some("check the column's name; a quoted name keeps its case"),
        "090105" | "090106" => {
            Some("set `database` and `schema` of the environment, or write the name with all its parts")
        }
        "002002" | "001998" | "003041" => Some(
            "it is there already: made by hand, by another tool, or by an earlier run; CREATE OR ALTER or IF NOT \
             EXISTS bear being repeated",
        ),
        "003001" | "003008" | "003028" => Some(
            "grant the privilege to the session's role, or run the script with another (`-- snowops: role=NAME`)",
        ),
        "003011" => Some("a part of the privileges was granted and stands; look which are missing"),
        "003013" => Some("grant the role to the user, or choose another"),
        "000606" => Some("set `warehouse` of the environment, and grant USAGE on it to the role"),
        "090073" => {
            Some("the resource monitor stopped the warehouse: raise its quota, or take another warehouse")
        }
        "000630" => Some(
            "the statement's time is over, queue and locks included: look for a busy or suspended warehouse, then \
             raise `statement_timeout`, or `timeout` in the script's header",
        ),
        "000604" => {
            Some("somebody or something cancelled it: a person, a lost client, the end of its session")
        }
        "000625" => Some("another transaction holds the table: find it with SHOW LOCKS IN ACCOUNT"),
        "000603" => Some("a fault of the server, which may come after the work was done"),
        "091421" => Some("suspend the root task of the graph first, and resume it at the script's end"),
        "000008" => Some("one statement was sent, and the server saw several: report it, with the statement"),
        code if code.starts_with("100") => Some("the data does not fit; mend it, or the statement"),
        _ => None,
    };
    by_code.or(match error.class {
        ErrorClass::Connection => Some("check the network, the proxy, and the account's host"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Effect, Phase};

    fn error(class: ErrorClass, code: Option<&str>) -> DbError {
        DbError {
            class,
            code: code.map(str::to_owned),
            sqlstate: None,
            message: "no".to_owned(),
            line: None,
            position: None,
            query_id: None,
            phase: Phase::Answer,
            outcome: Effect::Failed,
        }
    }

    #[test]
    fn f35_f36_the_cause_is_named() {
        for (code, words) in [
            ("000630", "queue and locks included"),
            ("090073", "resource monitor"),
            ("000606", "set `warehouse`"),
            ("003001", "grant the privilege"),
            ("002003", "whether its role may see it"),
            ("100072", "the data does not fit"),
        ] {
            let advice = advice(&error(ErrorClass::Statement, Some(code))).unwrap();
            assert!(advice.contains(words), "{code}: {advice}");
        }
        assert_eq!(advice(&error(ErrorClass::Statement, Some("001003"))), None);
        assert_eq!(advice(&error(ErrorClass::Statement, None)), None);
        assert!(advice(&error(ErrorClass::Connection, None)).unwrap().contains("the proxy"));
    }
}
