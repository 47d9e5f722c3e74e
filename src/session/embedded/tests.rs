use std::time::Duration;

use camino::Utf8PathBuf;

use super::{testing, *};
use crate::{
    model::target::{Purpose, SecondaryRoles},
    session::{Answer, CLAIM_BEGIN, ErrorClass, Outcome, QueryTag, Request, RowUse, simulated::simulated},
};

struct Place {
    folder: tempfile::TempDir,
    connector: EmbeddedConnector,
    context: Context,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (context, _) = simulated();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("local.db")).unwrap();
        Self { connector: testing::connector(path, context.clone()), folder, context }
    }

    async fn open(&self, purpose: Purpose) -> Box<dyn Session> {
        self.try_open(purpose).await.unwrap()
    }

    async fn try_open(&self, purpose: Purpose) -> Result<Box<dyn Session>, DbError> {
        let spec = SessionSpec {
            purpose,
            context: testing::context(),
            secondary_roles: SecondaryRoles::None,
            parameters: std::collections::BTreeMap::new(),
            statement_timeout: None,
        };
        self.connector.open(spec).await
    }

    async fn refusal(&self) -> String {
        self.try_open(Purpose::Keeper).await.map(drop).unwrap_err().message
    }

    async fn send(
        &self,
        session: &mut dyn Session,
        text: &str,
        tag: &str,
        ledger: bool,
    ) -> Result<Answer, DbError> {
        let request = Request {
            id: self.context.ids.request(),
            text: text.to_owned(),
            binds: Vec::new(),
            tag: QueryTag(tag.to_owned()),
            timeout: None,
            repeatable: false,
            ledger,
            local_opaque: text.starts_with("opaque"),
            rows: RowUse::Read,
        };
        session.execute(&request).await
    }

    async fn user(&self, session: &mut dyn Session, text: &str) -> Result<Answer, DbError> {
        self.send(session, text, "", false).await
    }

    async fn ledger(&self, session: &mut dyn Session, text: &str) -> Result<Answer, DbError> {
        self.send(session, text, "", true).await
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }

    fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("local.db")).unwrap()
    }
}

#[tokio::test]
async fn reading_an_absent_target_creates_nothing() {
    let place = Place::new();
    let mut keeper = place.open(Purpose::Keeper).await;
    place.ledger(keeper.as_mut(), "SELECT \"created_on\" FROM \"snowops$meta\"").await.unwrap();
    let missing = place.ledger(keeper.as_mut(), "SELECT 1 FROM \"LOCAL.SNOWOPS.history\"").await.unwrap_err();
    assert_eq!(missing.class, ErrorClass::NotFound);
    place.user(keeper.as_mut(), "SELECT 1").await.unwrap();
    let mut work = place.open(Purpose::Work).await;
    assert_eq!(place.files(), 0);
    // A session that saw nothing sees what another makes.
    place.user(work.as_mut(), "CREATE TABLE made (id INTEGER)").await.unwrap();
    assert!(place.files() > 0);
    place.user(keeper.as_mut(), "SELECT id FROM made").await.unwrap();
}

#[tokio::test]
async fn a_tag_tells_after_the_fact_what_was_applied() {
    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    let done = place.send(work.as_mut(), "CREATE TABLE a (id INTEGER)", "run:1", false).await.unwrap();
    place.send(work.as_mut(), "CREATE TABLE a (id INTEGER)", "run:2", false).await.unwrap_err();
    let select = "SELECT \"query_tag\", \"status\", \"query_id\" FROM \"snowops_query_history\" ORDER BY \"query_tag\"";
    let rows = place.ledger(work.as_mut(), select).await.unwrap().rows;
    let first = |at: usize| rows.iter().map(|row| row[at].clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        (first(0), first(1)),
        (vec!["run:1".into(), "run:2".into()], vec!["SUCCESS".into(), "FAIL".into()])
    );
    assert_eq!(rows[0][2], done.query_id);
}

#[tokio::test]
async fn a_statement_let_through_unread_is_opaque_and_is_not_read_later_either() {
    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    place.user(work.as_mut(), "SELECT a FROM made").await.unwrap_err();
    place.user(work.as_mut(), "CREATE SCHEMA other").await.unwrap();
    let answer = place.user(work.as_mut(), "opaque CREAT nonsense public.made").await.unwrap();
    assert_eq!(answer.result, Some(Outcome::Opaque));
    let mut again = place.open(Purpose::Work).await;
    for session in [&mut work, &mut again] {
        place.user(session.as_mut(), "SELECT a FROM public.made").await.unwrap();
    }
    place.user(again.as_mut(), "CREATE TABLE a (id INTEGER)").await.unwrap();
    let nowhere = place.user(again.as_mut(), "SELECT a FROM local.nowhere.made").await.unwrap_err();
    assert_eq!(nowhere.class, ErrorClass::NotFound);
}

#[tokio::test]
async fn the_lock_of_the_system_is_held_from_claim_to_close() {
    let place = Place::new();
    let mut one = place.open(Purpose::Keeper).await;
    let mut two = place.open(Purpose::Keeper).await;
    place.ledger(one.as_mut(), CLAIM_BEGIN).await.unwrap();
    place.ledger(one.as_mut(), "COMMIT").await.unwrap();
    let before = place.context.clock.now();
    let busy = place.ledger(two.as_mut(), CLAIM_BEGIN).await.unwrap_err();
    assert_eq!(
        (busy.class, place.context.clock.now()),
        (ErrorClass::Busy, before),
        "waited for a living process"
    );
    // Reading and the work session's statements go on beside it.
    place.user(two.as_mut(), "CREATE TABLE beside (id INTEGER)").await.unwrap();
    drop(one);
    place.ledger(two.as_mut(), CLAIM_BEGIN).await.unwrap();
}

#[tokio::test]
async fn a_writer_in_the_way_is_waited_for_within_a_bound() {
    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    place.user(work.as_mut(), "CREATE TABLE a (id INTEGER)").await.unwrap();
    let other = place.file();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = place.context.clock.now();
    let busy = place.user(work.as_mut(), "CREATE TABLE b (id INTEGER)").await.unwrap_err();
    let waited = place.context.clock.now().since(before);
    assert_eq!(busy.class, ErrorClass::Busy);
    assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11), "{waited:?}");
    other.execute_batch("ROLLBACK").unwrap();
    place.user(work.as_mut(), "CREATE TABLE b (id INTEGER)").await.unwrap();
}

#[tokio::test]
async fn a_statement_whose_record_cannot_be_written_did_not_happen() {
    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    place.user(work.as_mut(), "CREATE SCHEMA s").await.unwrap();
    place.user(work.as_mut(), "USE SCHEMA public").await.unwrap();
    place.file().execute_batch("ALTER TABLE \"snowops_query_history\" RENAME TO \"away\"").unwrap();
    place.user(work.as_mut(), "USE SCHEMA s").await.unwrap_err();
    place.file().execute_batch("ALTER TABLE \"away\" RENAME TO \"snowops_query_history\"").unwrap();
    let answer = place.user(work.as_mut(), "CREATE TABLE here (id INTEGER)").await.unwrap();
    assert_eq!(answer.context, testing::context(), "the session moved with a statement that was taken back");
    place.user(work.as_mut(), "SELECT id FROM public.here").await.unwrap();
}

#[tokio::test]
async fn sessions_are_replayed_each_in_its_own_context() {
    let place = Place::new();
    let mut one = place.open(Purpose::Work).await;
    let mut two = place.open(Purpose::Work).await;
    place.user(one.as_mut(), "CREATE SCHEMA s").await.unwrap();
    place.user(one.as_mut(), "USE SCHEMA s").await.unwrap();
    place.user(two.as_mut(), "USE SCHEMA public").await.unwrap();
    place.user(one.as_mut(), "CREATE TABLE t (id INTEGER)").await.unwrap();
    place.user(two.as_mut(), "CREATE TABLE t (id INTEGER)").await.unwrap();
    let mut three = place.open(Purpose::Keeper).await;
    for name in ["s.t", "public.t"] {
        place.user(three.as_mut(), &format!("SELECT id FROM {name}")).await.unwrap();
    }
}

#[tokio::test]
async fn another_file_and_a_newer_format_are_named() {
    let place = Place::new();
    std::fs::write(place.folder.path().join("local.db"), "this is a text, and no database at all").unwrap();
    let message = place.refusal().await;
    assert!(message.contains("is no database of snowops"), "{message}");

    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    place.user(work.as_mut(), "CREATE TABLE a (id INTEGER)").await.unwrap();
    place.file().execute_batch("UPDATE \"snowops$meta\" SET \"format\" = 99").unwrap();
    let message = place.refusal().await;
    assert!(message.contains("has format 99"), "{message}");
}

#[tokio::test]
async fn a_long_tail_becomes_a_snapshot_that_says_the_same() {
    let place = Place::new();
    let mut work = place.open(Purpose::Work).await;
    for text in [
        "CREATE SCHEMA s",
        "USE SCHEMA s",
        "CREATE TABLE t (id INTEGER)",
        "DROP TABLE t",
        "CREATE TABLE u (id INTEGER)",
    ] {
        place.user(work.as_mut(), text).await.unwrap();
    }
    let file = place.file();
    let count = |table: &str| -> i64 {
        file.query_row(&format!("SELECT COUNT(*) FROM \"snowops${table}\""), [], |row| row.get(0)).unwrap()
    };
    let mut catalogue = catalogue::Catalogue::load(&file, &testing::seed()).unwrap();
    let before = catalogue.catalog.to_text();
    catalogue.compact(&file, 5).unwrap();
    assert_eq!((count("tail"), count("snapshot")), (5, 1), "five are not more than five");
    catalogue.compact(&file, 4).unwrap();
    assert_eq!((count("tail"), count("snapshot")), (0, 1));
    let again = catalogue::Catalogue::load(&file, &testing::seed()).unwrap();
    assert_eq!(again.catalog.to_text(), before);
    // The session that knew the tail goes on, and what it adds is read behind the snapshot, where it stood.
    place.user(work.as_mut(), "CREATE TABLE v (id INTEGER)").await.unwrap();
    let mut other = place.open(Purpose::Keeper).await;
    for table in ["u", "v"] {
        place.user(other.as_mut(), &format!("SELECT id FROM s.{table}")).await.unwrap();
    }
    let gone = place.user(other.as_mut(), "SELECT id FROM s.t").await.unwrap_err();
    assert_eq!(gone.class, ErrorClass::NotFound);
}
