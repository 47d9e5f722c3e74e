//! What goes wrong, as data.

use std::time::Duration;

use crate::log::{Endpoint, Entry};

/// One fault: it happens once, at the first request that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which request it meets.
    pub when: When,
    /// What happens.
    pub what: What,
}

/// Which request a fault meets. Everything that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// The endpoint.
    pub endpoint: Option<Endpoint>,
    /// How many requests that fit go by before.
    pub after: usize,
    /// A text that the statement holds.
    pub text: Option<String>,
    /// A text that the query tag holds.
    pub tag: Option<String>,
    /// The session: by the value of this parameter of its login, or of its login's client environment.
    pub session: Option<(String, String)>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The connection ends without an answer.
    Cut(Cut),
    /// An answer of HTTP instead of the server's, which no code of Snowflake explains.
    Status {
        /// The status: 407, 408, 429, 500, 502, 503, 504.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
        /// Whether the request had its effect all the same.
        applied: bool,
    },
    /// A page of a proxy, with status 200.
    Page,
    /// The answer comes this much later, by the server's clock.
    Delay(Duration),
    /// The answer's JSON ends in the middle, the HTTP answer does not.
    BrokenJson,
    /// The answer is compressed and its last bytes are missing.
    TruncatedGzip,
    /// Snowflake's own error instead of the answer.
    Refused {
        /// Code, six digits: 390112 and 390114 end the tokens.
        code: String,
        /// Message.
        message: String,
        /// Whether the request had its effect all the same: 000603.
        applied: bool,
    },
    /// The session is lost: this and every later request gets 390111.
    SessionLost,
}

/// Where a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Before the body is read; where the fault asks for what the body says, after it, as [`Cut::BeforeEffect`].
    BeforeBody,
    /// After it is read, before it has any effect.
    BeforeEffect,
    /// After the effect, before the answer.
    BeforeAnswer,
    /// In the middle of the answer's body.
    InAnswer,
}

impl Fault {
    /// Whether it happens before the body is read, and so cannot know of it.
    fn needs_no_body(&self) -> bool {
        let When { text, tag, session, .. } = &self.when;
        let known = text.is_some() || tag.is_some() || session.is_some();
        self.what == What::Cut(Cut::BeforeBody) && !known
    }
}

impl Fault {
    /// Faults at random moments of a run of about so many statements, the same for the same seed: connections that are
    /// cut, and answers of HTTP.
    pub fn seeded(seed: u64, count: usize, statements: usize) -> Vec<Self> {
        let mut dice = Dice(seed);
        let applied = |dice: &mut Dice| dice.throw(2) == 1;
        (0..count)
            .map(|_| {
                let when = When {
                    endpoint: Some(Endpoint::Query),
                    after: dice.throw(statements.max(1)),
                    ..When::default()
                };
                let what = match dice.throw(8) {
                    0 => What::Cut(Cut::BeforeBody),
                    1 => What::Cut(Cut::BeforeEffect),
                    2 => What::Cut(Cut::BeforeAnswer),
                    3 => What::Cut(Cut::InAnswer),
                    4 => What::Status { status: 503, retry_after: None, applied: applied(&mut dice) },
                    5 => What::Status { status: 504, retry_after: None, applied: true },
                    6 => What::Status { status: 429, retry_after: Some(1), applied: false },
                    _ => What::BrokenJson,
                };
                Self { when, what }
            })
            .collect()
    }
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % sides as u64).unwrap_or_default()
    }
}

/// What a session said of itself when it logged in.
pub(crate) type About<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Faults still to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// The fault that meets a request whose head is known, and not yet its body.
    pub(crate) fn at_head(&mut self, endpoint: Endpoint) -> Option<What> {
        self.take(|fault| fault.needs_no_body() && fault.when.endpoint.is_none_or(|only| only == endpoint))
    }

    /// The fault that meets a request.
    pub(crate) fn at_body(&mut self, entry: &Entry, about: About<'_>) -> Option<What> {
        let holds = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| found.contains(wanted.as_str())))
        };
        self.take(|fault| {
            let when = &fault.when;
            let session = |(name, value): &(String, String)| about(name).as_ref() == Some(value);
            !fault.needs_no_body()
                && when.endpoint.is_none_or(|only| only == entry.endpoint)
                && holds(&when.text, entry.text())
                && holds(&when.tag, entry.tag())
                && when.session.as_ref().is_none_or(session)
        })
    }

    /// Takes the first fault that fits; every fault that fits has seen one request more.
    fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<What> {
        let mut found = None;
        for (at, fault) in self.0.iter_mut().enumerate() {
            if !fits(fault) {
                continue;
            }
            if fault.when.after > 0 {
                fault.when.after -= 1;
            } else if found.is_none() {
                found = Some(at);
            }
        }
        found.map(|at| self.0.remove(at).what)
    }
}
