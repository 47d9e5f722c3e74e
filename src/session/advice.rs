//! What to check when a server refuses, by the classes of its codes; and whose fault it is.

use super::{DbError, ErrorClass};

/// What has to change before a refused statement can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// The script.
    Script,
    /// Rights, a warehouse, a limit, another's lock: something around the script.
    Surroundings,
    /// Nothing: the session or the way to the server was lost, or a person stopped it.
    Nothing,
}

/// What has to change before a refused statement can pass.
pub fn cure(error: &DbError) -> Cure {
    match (error.class, error.code.as_deref().unwrap_or_default()) {
        (ErrorClass::Connection, _) | (_, "000604") => Cure::Nothing,
        (ErrorClass::Privilege | ErrorClass::Busy | ErrorClass::Cancelled | ErrorClass::Login, _)
        | (_, "000606" | "090073") => Cure::Surroundings,
        _ if error.message.contains(DISK_FULL) => Cure::Surroundings,
        _ => Cure::Script,
    }
}

/// What to check, by the classes that a person mends in different ways. A refused login says it by itself, with all that
/// is known of the credential.
///
/// Codes and texts are those of Snowflake's documentation and of public reports of its users.
pub fn advice(error: &DbError) -> Option<&'static str> {
    let code = error.code.as_deref().unwrap_or_default();
    by_words(&error.message)
        .or_else(|| by_code(code))
        .or_else(|| by_state(error.sqlstate.as_deref().unwrap_or_default()))
        .or_else(|| by_class(error.class))
}

/// Refusals that have no code of their own, or one that says less than the words.
fn by_words(message: &str) -> Option<&'static str> {
    let all = [
        (
            "Uncaught exception of type",
            "it happened inside a block: the server counts lines in the block's text, and what stands before it in the \
             block is done and stays done",
        ),
        (DISK_FULL, "free some space on the disk that holds the embedded engine's file"),
        ("primary key already exists", ALREADY_THERE),
        ("as it is associated", HELD),
        ("because of dependencies", HELD),
    ];
    all.into_iter().find_map(|(words, advice)| message.contains(words).then_some(advice))
}

/// What SQLite says.
const DISK_FULL: &str = "database or disk is full";

const ALREADY_THERE: &str = "it is there already: made by hand, by another tool, or by an earlier run; CREATE OR ALTER \
     or IF NOT EXISTS bear being repeated";
const HELD: &str = "something holds it: take the policy, tag, constraint or share away first; DESCRIBE and \
     POLICY_REFERENCES name what it is";
const SHAPE: &str =
    "the statement does not fit the object: compare names, number and types of its columns with DESCRIBE";

fn by_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "001003" | "000900" => "the server cannot read the statement: look at this place and just before it",
        "000002" | "000007" => {
            "the server does not do this: check the spelling, the edition and the region of the account"
        }
        "000008" => "one statement was sent, and the server saw several: report it, with the statement",
        "002003" | "002043" | "002140" | "002141" | "000707" | "090025" => {
            "check the name, the database and schema that the session stands in, and whether its role may see it: \
             Snowflake says the same of what is hidden and of what is missing"
        }
        "000904" => "check the column's name; a quoted name keeps its case",
        "090105" | "090106" => {
            "set `database` and `schema` of the environment, or write the name with all its parts"
        }
        "002002" | "001998" | "003041" => ALREADY_THERE,
        "002025" => {
            "the column is there already, or twice in the list; ADD COLUMN IF NOT EXISTS bears being repeated"
        }
        "002020" | "002022" | "002023" | "002026" | "002028" | "002037" | "002040" | "002049" | "002057"
        | "002108" | "002263" | "001007" | "001008" | "001011" | "001795" | "090207" | "090208" => SHAPE,
        code if code.starts_with("0400") || code.starts_with("00142") => SHAPE,
        "003001" | "003008" | "003028" | "003036" => {
            "grant the privilege to the session's role, or run the script with another (`-- snowops: role=NAME`)"
        }
        "003011" => "a part of the privileges was granted and stands; look which are missing",
        "003013" => "grant the role to the user, or choose another",
        "091421" => "suspend the root task of the graph first, and resume it at the script's end",
        "098507" | "098508" | "001492" => HELD,
        code if code.starts_with("1000") || code.starts_with("22") => {
            "the data does not fit; mend it, or the statement"
        }
        "000606" => {
            "no warehouse runs for this session: set `warehouse` of the environment, grant USAGE on it to the role, and \
             OPERATE or AUTO_RESUME where it is suspended"
        }
        "090073" => "the resource monitor stopped the warehouse: raise its quota, or take another warehouse",
        "000630" => {
            "the statement's time is over, queue and locks included: look for a busy or suspended warehouse, then \
             raise `statement_timeout`, or `timeout` in the script's header"
        }
        "000604" => "somebody or something cancelled it: a person, a lost client, the end of its session",
        "000625" => "another transaction holds the table: find it with SHOW LOCKS IN ACCOUNT",
        "000603" => "a fault of the server, which may come after the work was done",
        "390111" | "390112" | "390113" | "390114" | "390115" => {
            "the session is over at the server: it was idle, ended by a person, or its tokens could not be renewed"
        }
        _ => return None,
    })
}

/// Classes of SQL states that Snowflake sends with many codes.
fn by_state(state: &str) -> Option<&'static str> {
    (state.starts_with("22") || state == "42P18")
        .then_some("the data does not fit; mend it, or the statement")
}

fn by_class(class: ErrorClass) -> Option<&'static str> {
    match class {
        ErrorClass::Connection => Some("check the network, the proxy, and the account's host"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Effect, Phase};

    fn error(class: ErrorClass, code: Option<&str>, message: &str) -> DbError {
        DbError {
            class,
            code: code.map(str::to_owned),
            sqlstate: None,
            message: message.to_owned(),
            line: None,
            position: None,
            query_id: None,
            phase: Phase::Answer,
            outcome: Effect::Failed,
        }
    }

    /// The classes of codes that need different cures, all their codes, and words of the advice.
    const CLASSES: &[(&str, &str, &str)] = &[
        ("syntax", "001003 000900", "just before it"),
        ("not supported", "000002 000007", "edition"),
        ("several statements", "000008", "report it"),
        ("missing or hidden", "002003 002043 002140 002141 090025 000707", "whether its role may see it"),
        ("no context", "090105 090106", "set `database` and `schema`"),
        ("column", "000904", "keeps its case"),
        ("already there", "002002 001998 003041", "IF NOT EXISTS"),
        ("column already there", "002025", "ADD COLUMN IF NOT EXISTS"),
        (
            "shape",
            "002020 002022 002023 002026 002028 002037 002040 002049 002057 002108 002263 040050 040052 001007 001008 \
             001011 001420 001423 001795 090207 090208",
            "DESCRIBE",
        ),
        ("rights", "003001 003008 003028 003036", "grant the privilege"),
        ("rights in part", "003011", "look which are missing"),
        ("role", "003013", "grant the role"),
        ("dependency", "098507 098508 001492", "something holds it"),
        ("task graph", "091421", "root task"),
        ("data", "100072 100078 100035 220000", "the data does not fit"),
        ("warehouse", "000606", "AUTO_RESUME"),
        ("monitor", "090073", "resource monitor"),
        ("time", "000630", "queue and locks included"),
        ("cancelled", "000604", "cancelled it"),
        ("locks", "000625", "SHOW LOCKS"),
        ("server", "000603", "after the work was done"),
        ("session", "390111 390112 390113 390114 390115", "the session is over"),
    ];

    #[test]
    fn each_class_of_codes_says_what_to_check() {
        for (class, codes, words) in CLASSES {
            for code in codes.split_whitespace() {
                let found = advice(&error(ErrorClass::Statement, Some(code), "no")).unwrap_or_default();
                assert!(found.contains(words), "{class} {code}: {found}");
            }
        }
        assert_eq!(advice(&error(ErrorClass::Statement, None, "no")), None);
        assert_eq!(advice(&error(ErrorClass::Statement, Some("099999"), "no")), None);
        assert_eq!(advice(&error(ErrorClass::Login, Some("390100"), "no: check user X")), None);
        assert!(advice(&error(ErrorClass::Connection, None, "no")).unwrap().contains("the proxy"));
    }

    #[test]
    fn words_and_states_tell_where_codes_do_not() {
        for (message, words) in [
            ("Uncaught exception of type 'STATEMENT_ERROR' on line 3 at position 2 : no", "inside a block"),
            ("primary key already exists for table 'X'", "IF NOT EXISTS"),
            (
                "Policy P cannot be dropped/replaced as it is associated with one or more entities.",
                "holds it",
            ),
            ("Cannot drop the table because of dependencies", "holds it"),
        ] {
            let found = advice(&error(ErrorClass::Statement, None, message)).unwrap_or_default();
            assert!(found.contains(words), "{message}: {found}");
        }
        for state in ["22018", "42P18"] {
            let error = DbError {
                sqlstate: Some(state.into()),
                ..error(ErrorClass::Statement, Some("000000"), "no")
            };
            assert!(advice(&error).unwrap().contains("data"), "{state}");
        }
    }

    #[test]
    fn f35_f36_a_script_is_not_to_be_mended_for_what_lies_around_it() {
        for (class, code, expected) in [
            (ErrorClass::Statement, Some("000606"), Cure::Surroundings),
            (ErrorClass::Statement, Some("090073"), Cure::Surroundings),
            (ErrorClass::Cancelled, Some("000630"), Cure::Surroundings),
            (ErrorClass::Cancelled, Some("000604"), Cure::Nothing),
            (ErrorClass::Busy, Some("000625"), Cure::Surroundings),
            (ErrorClass::Privilege, Some("003001"), Cure::Surroundings),
            (ErrorClass::Connection, Some("390111"), Cure::Nothing),
            (ErrorClass::NotFound, Some("002003"), Cure::Script),
            (ErrorClass::Statement, Some("001003"), Cure::Script),
            (ErrorClass::Statement, None, Cure::Script),
        ] {
            assert_eq!(cure(&error(class, code, "no")), expected, "{code:?}");
        }
    }
}
