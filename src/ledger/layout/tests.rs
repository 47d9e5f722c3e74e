use super::{super::testing::*, *};
use crate::ledger::read;
use crate::model::target::Purpose;

const TO_STATS: LayoutStep = LayoutStep {
    layout: Layout { major: 1, minor: 1 },
    name: "stats",
    sql: "CREATE TABLE IF NOT EXISTS {_stats} (\"run\" VARCHAR(36) NOT NULL)",
};

const TO_TAGS: LayoutStep = LayoutStep {
    layout: Layout { major: 1, minor: 2 },
    name: "tags",
    sql: "CREATE TABLE IF NOT EXISTS {_tags} (\"tag\" VARCHAR NOT NULL)",
};

async fn layout_of(place: &Place) -> Option<Layout> {
    read(place.open(Purpose::Keeper).await.as_mut(), &name(), &place.context).await.unwrap().layout
}

#[tokio::test]
async fn steps_run_once_in_order_and_leave_only_rows_in_the_journal() {
    let place = Place::made().await;
    let (mut keeper, state) = place.held("run").await;
    upgrade(&mut keeper, state.layout, &[TO_STATS, TO_TAGS]).await.unwrap();
    let sent = place.take_sent();
    let starts: Vec<_> = sent.iter().map(|text| text.split('(').next().unwrap().trim().to_owned()).collect();
    assert_eq!(
        starts,
        [
            "CREATE TABLE IF NOT EXISTS \"LOCAL.SNOWOPS.history_stats\"",
            "INSERT INTO \"LOCAL.SNOWOPS.history_journal\"",
            "CREATE TABLE IF NOT EXISTS \"LOCAL.SNOWOPS.history_tags\"",
            "INSERT INTO \"LOCAL.SNOWOPS.history_journal\"",
        ]
    );
    assert_eq!(layout_of(&place).await, Some(TO_TAGS.layout));
    place.take_sent();
    upgrade(&mut keeper, Some(TO_TAGS.layout), &[TO_STATS, TO_TAGS]).await.unwrap();
    assert_eq!(place.take_sent(), Vec::<String>::new());
}

#[tokio::test]
async fn a_step_that_fails_is_named_and_the_next_run_goes_on_there() {
    let place = Place::made().await;
    let (mut keeper, state) = place.held("run").await;
    let broken = LayoutStep { sql: "CREATE TABLE IF NOT EXISTS {_tags} (", ..TO_TAGS };
    let failed = upgrade(&mut keeper, state.layout, &[TO_STATS, broken]).await;
    assert!(matches!(&failed, Err(LedgerError::Db(_))), "{failed:?}");
    assert_eq!(layout_of(&place).await, Some(TO_STATS.layout));
    place.take_sent();
    upgrade(&mut keeper, Some(TO_STATS.layout), &[TO_STATS, TO_TAGS]).await.unwrap();
    assert_eq!(place.take_sent().len(), 2);
    assert_eq!(layout_of(&place).await, Some(TO_TAGS.layout));
}

#[tokio::test]
async fn a_step_after_the_lease_is_gone_writes_no_row_and_newer_tables_are_refused() {
    let place = Place::made().await;
    let (mut keeper, _) = place.held("run").await;
    let newer = upgrade(&mut keeper, Some(TO_TAGS.layout), &[TO_STATS]).await;
    assert!(matches!(newer, Err(LedgerError::NewerLayout { .. })), "{newer:?}");
    place.clock.advance(TTL);
    let lost = upgrade(&mut keeper, None, &[TO_STATS]).await;
    assert!(matches!(lost, Err(LedgerError::LeaseLost(_))), "{lost:?}");
    assert_eq!(layout_of(&place).await, Some(FIRST_LAYOUT));
}

#[test]
fn the_shipped_steps_are_in_order_and_may_be_repeated() {
    let layouts: Vec<_> = std::iter::once(FIRST_LAYOUT).chain(STEPS.iter().map(|step| step.layout)).collect();
    assert!(layouts.is_sorted_by(|a, b| a < b));
    assert_eq!(layouts.last(), Some(&known()));
    assert!(STEPS.iter().all(|step| step.sql.starts_with("CREATE TABLE IF NOT EXISTS ")));
}
