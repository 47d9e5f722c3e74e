//! What every implementation of `Session` must do, written over a `Connector`, and the servers that it is run on.
//!
//! Each thing that must be true is a named check. What a server cannot do is data, the names with their reasons
//! ([`Gap`]): the suite fails when anything else fails, and also when something on the list works.

mod cases;
mod targets;

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

pub(crate) use self::{
    cases::run,
    targets::{Target, account, embedded, fakesnow, protocol_server},
};
use super::{Answer, Bind, DbError, QueryTag, Request, RowUse, Session};
use crate::model::target::{Purpose, SecondaryRoles, SessionSpec};

/// A check that a server cannot pass.
pub(crate) struct Gap {
    /// Its name, with that of its case in front.
    pub(crate) check: &'static str,
    /// Why.
    pub(crate) reason: &'static str,
}

/// What was checked, and what was wrong.
#[derive(Default)]
pub(crate) struct Checks {
    case: &'static str,
    found: BTreeMap<String, Option<String>>,
}

impl Checks {
    /// Begins a case.
    pub(crate) fn case(&mut self, name: &'static str) {
        self.case = name;
    }

    /// Holds what must be true; `detail` says what is there instead.
    pub(crate) fn holds(&mut self, name: &str, truth: bool, detail: impl Debug) {
        let wrong = (!truth).then(|| format!("{detail:?}"));
        let before = self.found.insert(format!("{}: {name}", self.case), wrong);
        assert!(before.is_none(), "two checks are called {}: {name}", self.case);
    }

    /// Holds two values to be equal.
    pub(crate) fn equal<T: PartialEq + Debug>(&mut self, name: &str, found: &T, wanted: &T) {
        self.holds(name, found == wanted, (found, wanted));
    }

    /// Ends a case: an error on the way leaves its other checks out.
    pub(crate) fn end(&mut self, outcome: Result<(), DbError>) {
        self.holds("runs to its end", outcome.is_ok(), outcome);
    }

    /// What failed is what the target cannot do, neither more nor less.
    pub(crate) fn compare(&self, target: &Target, cases: &[&str]) {
        let mut wrong = Vec::new();
        for (name, found) in &self.found {
            let gap = target.gaps.iter().find(|gap| gap.check == name);
            match (found, gap) {
                (Some(detail), None) => wrong.push(format!("{name}: {detail}")),
                (None, Some(gap)) => wrong.push(format!("{name}: works, but is listed: {}", gap.reason)),
                _ => {}
            }
        }
        let ours = |gap: &&Gap| cases.iter().any(|case| gap.check.starts_with(&format!("{case}: ")));
        for gap in target.gaps.iter().filter(ours).filter(|gap| !self.found.contains_key(gap.check)) {
            wrong.push(format!("{}: is listed, but was not looked at", gap.check));
        }
        assert!(wrong.is_empty(), "on {}:\n{}", target.name, wrong.join("\n"));
    }
}

impl Target {
    /// A session of this target.
    pub(crate) async fn open(&self, purpose: Purpose) -> Result<Box<dyn Session>, DbError> {
        let spec = SessionSpec {
            purpose,
            context: self.start.clone(),
            secondary_roles: SecondaryRoles::None,
            parameters: BTreeMap::new(),
            statement_timeout: Some(Duration::from_mins(1)),
        };
        self.connector.open(spec).await
    }

    /// A request with a fresh id.
    pub(crate) fn request(&self, text: &str, binds: Vec<Bind>, tag: &str, ledger: bool) -> Request {
        Request {
            id: self.context.ids.request(),
            text: text.to_owned(),
            binds,
            tag: QueryTag(tag.to_owned()),
            timeout: None,
            repeatable: false,
            ledger,
            local_opaque: false,
            rows: RowUse::Read,
        }
    }

    /// Runs a statement of a script.
    pub(crate) async fn user(&self, session: &mut dyn Session, text: &str) -> Result<Answer, DbError> {
        session.execute(&self.request(text, vec![], "suite:user", false)).await
    }

    /// Runs a statement of the kind that the ledger sends.
    pub(crate) async fn ledger(
        &self,
        session: &mut dyn Session,
        text: &str,
        binds: Vec<Bind>,
    ) -> Result<Answer, DbError> {
        session.execute(&self.request(text, binds, "suite:ledger", true)).await
    }
}

#[tokio::test]
async fn the_embedded_engine_conforms() {
    run(&embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_server_conforms() {
    run(&protocol_server()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fakesnow_conforms() {
    if let Some(target) = fakesnow() {
        run(&target).await;
    }
}
