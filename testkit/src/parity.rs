//! The steps at which snowops' requests are compared with those of the official connector, and the server for each.
//!
//! `tests/python/record_parity.py` drives the connector through them, a test of the session drives snowops.

mod marks;

use std::time::Duration;

pub use self::marks::Plain;
use crate::{
    fault::{Fault, What, When},
    log::{Endpoint, Entry},
    settings::{Credential, Settings, Takes, User},
};

/// The steps, in the order of the recording.
pub const STEPS: [&str; 20] = [
    "login_password",
    "login_passcode",
    "login_passcode_in_password",
    "login_second_factor_kept",
    "login_key_pair",
    "login_access_token",
    "login_oauth",
    "login_context",
    "login_unavailable",
    "submit",
    "binds",
    "rows_in_parts",
    "unavailable",
    "busy",
    "renewal",
    "poll",
    "renewal_while_polling",
    "abort",
    "heartbeat",
    "logout",
];

/// The public key of `tests/golden/session/keys/plain.p8`.
const PUBLIC_KEY: &str = include_str!("../../tests/golden/session/keys/public.pem");

impl Settings {
    /// The server for a step; `None` if there is none of that name.
    pub fn for_parity(step: &str) -> Option<Self> {
        let known = STEPS.contains(&step);
        known.then(|| Self {
            users: users(),
            hold: Duration::from_secs(1),
            durations: vec![
                Takes { contains: "'slow'".to_owned(), time: Duration::from_millis(2_500) },
                Takes { contains: "'endless'".to_owned(), time: Duration::from_hours(1) },
            ],
            inline_rows: 2,
            kept_tables: vec!["PARITY".to_owned()],
            faults: faults(step),
            ..Self::default()
        })
    }
}

fn users() -> Vec<User> {
    let password = |passcode: Option<&str>| Credential::Password {
        password: "correct horse".to_owned(),
        passcode: passcode.map(str::to_owned),
        cached_token: passcode.is_some(),
    };
    let service = vec![
        password(None),
        Credential::PublicKey(PUBLIC_KEY.to_owned()),
        Credential::AccessToken { token: "access-token".to_owned(), expires: None },
        Credential::OAuth { token: "oauth-token".to_owned(), expires: None },
    ];
    vec![User::new("SNOWOPS", service), User::new("HUMAN", vec![password(Some("123456"))])]
}

fn faults(step: &str) -> Vec<Fault> {
    let once =
        |endpoint, what| vec![Fault { when: When { endpoint: Some(endpoint), ..When::default() }, what }];
    let status = |status, retry_after| What::Status { status, retry_after, applied: false };
    let expired = || What::Refused {
        code: "390112".to_owned(),
        message: "Your session has expired. Please login again.".to_owned(),
        applied: false,
    };
    match step {
        "login_unavailable" => once(Endpoint::Login, status(503, None)),
        "unavailable" => once(Endpoint::Query, status(503, None)),
        "busy" => once(Endpoint::Query, status(429, Some(1))),
        "renewal" => once(Endpoint::Query, expired()),
        "renewal_while_polling" => once(Endpoint::Result, expired()),
        _ => Vec::new(),
    }
}

/// The requests of a step that are compared, with marks for what differs from run to run: logins and logouts have steps
/// of their own, and telemetry is no part of the protocol.
pub fn plain(step: &str, log: &[Entry]) -> Vec<Plain> {
    let belongs = |entry: &&Entry| match entry.endpoint {
        Endpoint::Telemetry => false,
        Endpoint::Login => step.starts_with("login_"),
        Endpoint::Logout => step == "logout",
        _ => true,
    };
    marks::plain(step, log.iter().filter(belongs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_has_each_step() {
        let recorded = include_str!("../../tests/data/parity.jsonl");
        let requests = recorded.lines().map(|line| serde_json::from_str::<Plain>(line).unwrap());
        let mut steps: Vec<_> = requests.map(|request| request.step).collect();
        steps.dedup();
        assert_eq!(steps, STEPS);
        assert!(STEPS.iter().all(|step| Settings::for_parity(step).is_some()));
        assert!(Settings::for_parity("no step").is_none());
    }
}
