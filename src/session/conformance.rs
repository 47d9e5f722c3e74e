//! What every implementation of `Session` must do, written over a `Connector`.
//!
//! Ledger SQL is tried where the ledger is; here are the rules that both kinds of request stand on.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Answer, Bind, Connector, DbError, Effect, ErrorClass, Phase, QueryTag, Request, Session, context::Context,
};
use crate::model::{
    ident::Ident,
    target::{Context4, Purpose, SecondaryRoles, SessionSpec},
};

/// A connector under test, and where its sessions start.
pub(super) struct Suite<'c> {
    pub(super) connector: &'c dyn Connector,
    pub(super) context: Context,
    pub(super) start: Context4,
}

impl Suite<'_> {
    /// All of it, on a target that holds nothing but the start's database and schema.
    pub(super) async fn run(&self) {
        self.ddl_commits_on_its_own().await;
        self.a_failing_statement_leaves_earlier_ones().await;
        self.errors_have_classes().await;
        self.answers_tell_where_the_session_stands().await;
        self.binds_counts_and_nulls().await;
        self.transactions_of_the_ledger_hold_and_roll_back().await;
        self.requests_are_found_by_tag().await;
        self.control_is_apart().await;
    }

    async fn open(&self, purpose: Purpose) -> Box<dyn Session> {
        let spec = SessionSpec {
            purpose,
            context: self.start.clone(),
            secondary_roles: SecondaryRoles::None,
            parameters: BTreeMap::new(),
            statement_timeout: Some(Duration::from_mins(1)),
        };
        let session = self.connector.open(spec).await.unwrap();
        assert!(!session.info().id.is_empty());
        assert_eq!(session.info().context, self.start);
        session
    }

    fn request(&self, text: &str, binds: Vec<Bind>, tag: &str, ledger: bool) -> Request {
        Request {
            id: self.context.ids.request(),
            text: text.to_owned(),
            binds,
            tag: QueryTag(tag.to_owned()),
            timeout: None,
            repeatable: false,
            ledger,
            local_opaque: false,
        }
    }

    async fn user(&self, session: &mut dyn Session, text: &str) -> Result<Answer, DbError> {
        session.execute(&self.request(text, vec![], "suite:user", false)).await
    }

    async fn ledger(
        &self,
        session: &mut dyn Session,
        text: &str,
        binds: Vec<Bind>,
    ) -> Result<Answer, DbError> {
        session.execute(&self.request(text, binds, "suite:ledger", true)).await
    }

    async fn ddl_commits_on_its_own(&self) {
        let mut one = self.open(Purpose::Work).await;
        let mut two = self.open(Purpose::Work).await;
        self.user(one.as_mut(), "BEGIN").await.unwrap();
        let answer = self.user(one.as_mut(), "CREATE TABLE committed (id INTEGER)").await.unwrap();
        assert_eq!(answer.query_id.is_some(), self.connector.capabilities().query_ids);
        // Before any COMMIT, and in a session that was open before.
        self.user(two.as_mut(), "SELECT id FROM committed").await.unwrap();
        self.user(one.as_mut(), "ROLLBACK").await.unwrap();
        let again = self.user(two.as_mut(), "CREATE TABLE committed (id INTEGER)").await.unwrap_err();
        assert_eq!(again.class, ErrorClass::AlreadyExists);
        one.close().await.unwrap();
        two.close().await.unwrap();
        // And in one that is opened later.
        let mut three = self.open(Purpose::Work).await;
        self.user(three.as_mut(), "DROP TABLE committed").await.unwrap();
    }

    async fn a_failing_statement_leaves_earlier_ones(&self) {
        let mut session = self.open(Purpose::Work).await;
        self.user(session.as_mut(), "CREATE TABLE stays (id INTEGER)").await.unwrap();
        self.user(session.as_mut(), "DROP TABLE never_was").await.unwrap_err();
        self.user(session.as_mut(), "SELECT id FROM stays").await.unwrap();
    }

    async fn errors_have_classes(&self) {
        let mut session = self.open(Purpose::Work).await;
        for (text, class) in [
            ("SELECT id FROM never_was", ErrorClass::NotFound),
            ("DROP TABLE never_was", ErrorClass::NotFound),
            ("CREATE TABLE stays (id INTEGER)", ErrorClass::AlreadyExists),
            ("CREAT TABLE misspelt (id INTEGER)", ErrorClass::Statement),
        ] {
            let error = self.user(session.as_mut(), text).await.unwrap_err();
            assert_eq!(
                (error.class, error.outcome, error.phase),
                (class, Effect::Failed, Phase::Answer),
                "{text}"
            );
            assert!(error.code.as_ref().is_some_and(|code| code.len() == 6), "{text}: {error:?}");
            assert_eq!(error.query_id.is_some(), self.connector.capabilities().query_ids, "{text}");
        }
        let error = self.user(session.as_mut(), "CREAT TABLE misspelt (id INTEGER)").await.unwrap_err();
        assert_eq!(error.line.is_some(), self.connector.capabilities().positions);
        let missing = self.ledger(session.as_mut(), "SELECT 1 FROM \"never_was\"", vec![]).await.unwrap_err();
        assert_eq!(missing.class, ErrorClass::NotFound);
    }

    async fn answers_tell_where_the_session_stands(&self) {
        let mut session = self.open(Purpose::Work).await;
        let answer = self.user(session.as_mut(), "SELECT 1").await.unwrap();
        assert_eq!(answer.context, self.start);
        self.user(session.as_mut(), "CREATE SCHEMA elsewhere").await.unwrap();
        let answer = self.user(session.as_mut(), "USE SCHEMA elsewhere").await.unwrap();
        assert_eq!(answer.context.schema, Some(Ident::stored("ELSEWHERE")));
        self.user(session.as_mut(), "CREATE TABLE only_there (id INTEGER)").await.unwrap();
        let mut other = self.open(Purpose::Work).await;
        let error = self.user(other.as_mut(), "SELECT id FROM only_there").await.unwrap_err();
        assert_eq!(error.class, ErrorClass::NotFound, "a USE reached another session");
        self.user(other.as_mut(), "SELECT id FROM elsewhere.only_there").await.unwrap();
    }

    async fn binds_counts_and_nulls(&self) {
        let mut session = self.open(Purpose::Keeper).await;
        let create = "CREATE TABLE \"suite\" (\"text\" VARCHAR, \"number\" INTEGER, \"truth\" BOOLEAN)";
        self.ledger(session.as_mut(), create, vec![]).await.unwrap();
        let error = self.ledger(session.as_mut(), create, vec![]).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::AlreadyExists);
        let insert = "INSERT INTO \"suite\" (\"truth\", \"text\", \"number\") SELECT :3, :1, :2";
        let rows = [
            vec![Bind::Text("it's \\ \"so\"\n:2".to_owned()), Bind::Integer(-7), Bind::Boolean(true)],
            vec![Bind::Null, Bind::Null, Bind::Boolean(false)],
        ];
        for row in &rows {
            assert_eq!(self.ledger(session.as_mut(), insert, row.clone()).await.unwrap().changed, 1);
        }
        let select =
            "SELECT \"text\", \"number\", \"truth\" FROM \"suite\" ORDER BY \"number\" DESC NULLS LAST";
        let answer = self.ledger(session.as_mut(), select, vec![]).await.unwrap();
        assert_eq!(answer.columns, ["text", "number", "truth"]);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(answer.rows[0][..2], [text("it's \\ \"so\"\n:2"), text("-7")]);
        assert_eq!(answer.rows[1][..2], [None, None]);
        let truth = |at: usize| {
            answer.rows[at][2].as_deref().is_some_and(|t| t == "1" || t.eq_ignore_ascii_case("true"))
        };
        assert_eq!((truth(0), truth(1)), (true, false));
        let update = "UPDATE \"suite\" SET \"number\" = :1";
        let count = self.ledger(session.as_mut(), update, vec![Bind::Integer(1)]).await.unwrap().changed;
        assert_eq!(count, 2);
        let nobody = "DELETE FROM \"suite\" WHERE \"number\" = :1";
        let count = self.ledger(session.as_mut(), nobody, vec![Bind::Integer(2)]).await.unwrap().changed;
        assert_eq!(count, 0);
        self.ledger(session.as_mut(), nobody, vec![]).await.unwrap_err();
    }

    async fn transactions_of_the_ledger_hold_and_roll_back(&self) {
        let mut one = self.open(Purpose::Keeper).await;
        let mut two = self.open(Purpose::Keeper).await;
        let count = "SELECT COUNT(*) FROM \"suite\"";
        let before = self.ledger(two.as_mut(), count, vec![]).await.unwrap().rows;
        self.ledger(one.as_mut(), super::CLAIM_BEGIN, vec![]).await.unwrap();
        self.ledger(one.as_mut(), "DELETE FROM \"suite\"", vec![]).await.unwrap();
        assert_eq!(self.ledger(two.as_mut(), count, vec![]).await.unwrap().rows, before);
        self.ledger(one.as_mut(), super::CLAIM_ROLLBACK, vec![]).await.unwrap();
        assert_eq!(self.ledger(two.as_mut(), count, vec![]).await.unwrap().rows, before);
        self.ledger(one.as_mut(), super::CLAIM_BEGIN, vec![]).await.unwrap();
        self.ledger(one.as_mut(), "DELETE FROM \"suite\"", vec![]).await.unwrap();
        self.ledger(one.as_mut(), "COMMIT", vec![]).await.unwrap();
        one.close().await.unwrap();
        assert_ne!(self.ledger(two.as_mut(), count, vec![]).await.unwrap().rows, before);
        // Outside a transaction it is no error: a session that may hold one is told to end it.
        self.ledger(two.as_mut(), super::CLAIM_ROLLBACK, vec![]).await.unwrap();
        self.ledger(two.as_mut(), "DROP TABLE \"suite\"", vec![]).await.unwrap();
    }

    async fn requests_are_found_by_tag(&self) {
        let mut session = self.open(Purpose::Work).await;
        let good = self.request("CREATE TABLE tagged (id INTEGER)", vec![], "suite:run:1", false);
        let bad = self.request("CREATE TABLE tagged (id INTEGER)", vec![], "suite:run:2", false);
        session.execute(&good).await.unwrap();
        session.execute(&bad).await.unwrap_err();
        // How history is asked differs by engine; that the session survives a refusal does not.
        self.user(session.as_mut(), "DROP TABLE tagged").await.unwrap();
    }

    async fn control_is_apart(&self) {
        let mut session = self.open(Purpose::Work).await;
        let control = session.control();
        let request = self.request("SELECT 1", vec![], "suite", false);
        let id = request.id;
        let work = session.execute(&request);
        control.keep_alive().await.unwrap();
        work.await.unwrap();
        assert!(!control.cancel(id).await.unwrap(), "a finished request was stopped");
    }
}
