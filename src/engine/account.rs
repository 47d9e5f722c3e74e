//! The suite of the sessions on a real account, for whoever has one:
//! `SNOWOPS_TEST_CONNECTION=name cargo test an_account_conforms -- --nocapture`.

use std::{collections::BTreeSet, io::Write as _, sync::Arc};

use camino::Utf8PathBuf;

use super::Workspace;
use crate::{
    config::{self, Inputs, ProcessEnv, commit_and_pipeline},
    model::{ident::Ident, target::Purpose},
    session::{
        Connector, DbError, Fut, Session,
        conformance::{self, Target},
        context::Context,
        snowflake::Notices,
    },
};

/// A connector that others hold too.
struct Shared(Arc<dyn Connector>);

impl Connector for Shared {
    fn capabilities(&self) -> crate::session::Capabilities {
        self.0.capabilities()
    }

    fn open(&self, spec: crate::model::target::SessionSpec) -> Fut<'_, Result<Box<dyn Session>, DbError>> {
        self.0.open(spec)
    }
}

/// Runs in a schema of its own, which it makes and drops. The connection names the database; its role may create schemas.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a test writes its project")]
async fn an_account_conforms() {
    let process = ProcessEnv::capture();
    let surroundings = commit_and_pipeline(&process);
    let Some(name) = surroundings.test_connection.clone() else {
        let _ =
            writeln!(std::io::stderr(), "skipped: no account; SNOWOPS_TEST_CONNECTION names a connection");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let directory = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    std::fs::create_dir(directory.join("migrations")).unwrap();
    let text = format!("environments:\n  account: {{ connection: {name} }}\n");
    std::fs::write(directory.join("snowops.yml"), text).unwrap();
    let inputs = Inputs { directory, process, ..Inputs::default() };
    let environment = config::environment(&inputs).unwrap().value;
    let context = Context::system();
    let notices = Notices::default();
    let workspace = Workspace {
        environment,
        environments: BTreeSet::new(),
        context: context.clone(),
        surroundings,
        notices,
    };
    let connector = workspace.connector().unwrap();

    let mut owner = connector.open(workspace.session(Purpose::Work)).await.unwrap();
    let mut start = owner.info().context.clone();
    start.schema =
        Some(Ident::stored(format!("SNOWOPS_SUITE_{}", context.ids.next().simple()).to_uppercase()));
    let schema = start.schema.as_ref().unwrap().quoted();
    let target = conformance::account(Box::new(Shared(connector)), context, start);
    target.user(owner.as_mut(), &format!("CREATE SCHEMA {schema}")).await.unwrap();
    conformance::run(&target).await;
    drop_schema(&target, owner, &schema).await;
}

async fn drop_schema(target: &Target, mut owner: Box<dyn Session>, schema: &str) {
    target.user(owner.as_mut(), &format!("DROP SCHEMA {schema}")).await.unwrap();
    owner.close().await.unwrap();
}
