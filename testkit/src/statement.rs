//! A statement from its arrival to its end: queue, lock, run, effect. It goes on by itself; requests only look at it.

use std::{sync::Arc, time::Duration};

use snowops::{
    catalog::{Stamp, apply},
    model::{
        checksum::Sha256,
        command::{Command, Name},
        target::Context4,
    },
    sql::command::command,
};

use crate::{
    answer::{Answer, Failure},
    evaluate::Binds,
    execute::{self, Done},
    table::TableName,
    world::{Shared, World, new_id},
};

/// Longest wait for a lock (documented default of `LOCK_TIMEOUT`).
const LOCK_TIMEOUT: u64 = 43_200;

/// A transaction that was idle for so long is rolled back when it is in the way of another statement (Snowflake's page on
/// transactions). One whose client has gone is idle.
const IDLE: Duration = Duration::from_mins(5);

/// More waiters than this on one lock are refused (error 000625; its text says 20).
const MOST_WAITERS: usize = 20;

/// One statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) query_id: String,
    pub(crate) request_id: String,
    pub(crate) session: u64,
    pub(crate) user: String,
    /// Where the session stood before it.
    pub(crate) context: Context4,
    pub(crate) text: String,
    pub(crate) hash: String,
    pub(crate) tag: String,
    pub(crate) binds: Binds,
    /// Statements that the text may hold: `MULTI_STATEMENT_COUNT`, 0 for any.
    pub(crate) expected: usize,
    pub(crate) started: Duration,
    pub(crate) ended: Option<Duration>,
    pub(crate) status: Status,
    pub(crate) failure: Option<Failure>,
    /// What it came to, if it succeeded.
    pub(crate) done: Option<Done>,
    /// The answer, once it is over.
    pub(crate) answer: Option<Answer>,
    pub(crate) cancelled: bool,
    /// Requests that wait for it.
    pub(crate) attended: usize,
    /// Since when nobody waits for it.
    pub(crate) alone_since: Duration,
    /// Longest run, in seconds, if the request says so.
    pub(crate) timeout: Option<u64>,
}

/// States, in the words of `INFORMATION_SCHEMA.QUERY_HISTORY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Queued,
    Blocked,
    Running,
    Success,
    Failed,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Blocked => "BLOCKED",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED_WITH_ERROR",
        }
    }
}

impl Statement {
    pub(crate) fn hash_of(text: &str) -> String {
        Sha256::of(text.as_bytes()).to_string()
    }

    pub(crate) fn new_query_id() -> String {
        new_id()
    }
}

/// Runs a statement to its end.
pub(crate) async fn run(shared: Arc<Shared>, number: usize) {
    let done = carry_out(&shared, number).await;
    let now = shared.clock.now();
    let mut world = shared.world();
    finish(&shared, &mut world, number, done, now);
    drop(world);
    shared.clock.touch();
    shared.changed.notify_waiters();
}

fn finish(shared: &Shared, world: &mut World, number: usize, done: Result<Done, Failure>, now: Duration) {
    let query_id = world.statements[number].query_id.clone();
    let (status, failure, answer) = match done {
        Ok(done) => {
            let answer = crate::result::answer(shared, world, number, done);
            (Status::Success, None, answer)
        }
        Err(failure) => {
            let answer = failure.answer(&query_id);
            (Status::Failed, Some(failure), answer)
        }
    };
    let statement = &mut world.statements[number];
    statement.status = status;
    statement.failure = failure;
    statement.ended = Some(now);
    statement.answer = Some(answer);
}

/// Why a wait ended.
enum Woken<T> {
    Ready(T),
    Cancelled,
}

/// Waits until `ready`, the moment, or the end of the statement by other hands.
async fn wait<T>(
    shared: &Shared,
    number: usize,
    until: Duration,
    mut ready: impl FnMut(&mut World) -> Option<T>,
) -> Option<Woken<T>> {
    let mut until = until;
    loop {
        let detached_end = detached_end(shared, number);
        let stop = detached_end.map_or(until, |end| end.min(until));
        let woken = shared
            .wait_for(Some(stop), false, |world| {
                if world.statements[number].cancelled {
                    return Some(Woken::Cancelled);
                }
                ready(world).map(Woken::Ready)
            })
            .await;
        if woken.is_some() {
            return woken;
        }
        let now = shared.clock.now();
        // Somebody may have come back to it meanwhile.
        if detached_end_now(shared, number, now) {
            return Some(Woken::Cancelled);
        }
        if now >= until {
            return None;
        }
        until = until.max(now);
    }
}

/// When a statement that nobody waits for is aborted.
fn detached_end(shared: &Shared, number: usize) -> Option<Duration> {
    let world = shared.world();
    let statement = &world.statements[number];
    let session = world.sessions.get(&statement.session)?;
    let alone = statement.attended == 0 && session.is_on("ABORT_DETACHED_QUERY");
    alone.then(|| statement.alone_since + shared.settings.modes.abort_detached_after)
}

fn detached_end_now(shared: &Shared, number: usize, now: Duration) -> bool {
    detached_end(shared, number).is_some_and(|end| now >= end)
}

async fn carry_out(shared: &Shared, number: usize) -> Result<Done, Failure> {
    let settings = &shared.settings;
    let (text, session) = {
        let world = shared.world();
        let statement = &world.statements[number];
        (statement.text.clone(), statement.session)
    };
    let pieces = execute::pieces(&text, shared.world().statements[number].expected)?;
    let limits = Limits::of(&shared.world(), number, session);
    queue(shared, number, &limits).await?;
    let started = shared.clock.now();
    let mut done = Vec::new();
    for piece in pieces {
        let parsed = command(&piece).map_err(Failure::from);
        let (mut seen, target) = {
            let mut world = shared.world();
            world.statements[number].status = Status::Running;
            let seen = world.seen_by(session, shared.clock.now(), settings.modes.stale_reads);
            (seen, parsed.as_ref().ok().and_then(|parsed| locked_table(&world, session, parsed)))
        };
        if let Some(target) = &target
            && lock(shared, number, session, target, &limits).await?
            && settings.modes.where_again_after_wait
        {
            seen = shared.world().last_commit();
        }
        let takes = settings.durations.iter().find(|takes| piece.contains(&takes.contains));
        let ran = run_time(shared, number, started, takes.map(|takes| takes.time), &limits).await;
        let mut world = shared.world();
        let now = shared.clock.now();
        let result =
            ran.and_then(|()| execute::execute(shared, &mut world, number, &piece, parsed, seen, now));
        // Outside a transaction a lock is held for one statement.
        let open = world.sessions.get(&session).is_some_and(|session| session.transaction.is_some());
        if !open {
            world.locks.retain(|_, (_, holder)| *holder != number);
        }
        drop(world);
        shared.changed.notify_waiters();
        done.push(result?);
    }
    Ok(execute::together(done))
}

struct Limits {
    run: Option<u64>,
    queued: Option<u64>,
    lock: u64,
}

impl Limits {
    fn of(world: &World, number: usize, session: u64) -> Self {
        let set = |name: &str| {
            let seconds = world.sessions.get(&session)?.seconds(name)?;
            (seconds > 0).then_some(seconds)
        };
        let own = world.statements[number].timeout;
        Self {
            run: own.or_else(|| set("STATEMENT_TIMEOUT_IN_SECONDS")),
            queued: set("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"),
            lock: set("LOCK_TIMEOUT").unwrap_or(LOCK_TIMEOUT),
        }
    }
}

/// Waits for a warehouse.
async fn queue(shared: &Shared, number: usize, limits: &Limits) -> Result<(), Failure> {
    let queue = shared.settings.modes.queue;
    if queue.is_zero() {
        return Ok(());
    }
    shared.world().statements[number].status = Status::Queued;
    let most = limits.queued.map(Duration::from_secs);
    let time = most.map_or(queue, |most| most.min(queue));
    match wait(shared, number, shared.clock.now() + time, |_| None::<()>).await {
        Some(_) => Err(Failure::cancelled()),
        None if time < queue => Err(Failure::timeout(time.as_secs())),
        None => Ok(()),
    }
}

/// Lets the statement's own time pass. Queue and lock count neither way: what the timeout covers, only an account
/// can prove.
async fn run_time(
    shared: &Shared,
    number: usize,
    started: Duration,
    takes: Option<Duration>,
    limits: &Limits,
) -> Result<(), Failure> {
    if shared.world().statements[number].cancelled {
        return Err(Failure::cancelled());
    }
    let Some(takes) = takes else { return Ok(()) };
    let end = started + takes;
    let most = limits.run.map(|seconds| started + Duration::from_secs(seconds));
    let until = most.map_or(end, |most| most.min(end));
    match wait(shared, number, until, |_| None::<()>).await {
        Some(_) => Err(Failure::cancelled()),
        None if until < end => Err(Failure::timeout(limits.run.unwrap_or_default())),
        None => Ok(()),
    }
}

/// The table whose lock a statement needs. INSERT needs none: inserts run beside each other (Snowflake's page on
/// transactions).
fn locked_table(world: &World, session: u64, parsed: &Command) -> Option<TableName> {
    let name = match parsed {
        Command::Update { table, .. } | Command::Delete { table, .. } | Command::Merge { table, .. } => {
            &table.name
        }
        Command::Truncate(target) => &target.name,
        _ => return None,
    };
    let Name::Written(name) = name else { return None };
    let context = &world.sessions.get(&session)?.state.context;
    let full = execute::full_name(name, context)?;
    world.tables.contains_key(&full).then_some(full)
}

/// Takes the lock of a table; answers whether it had to wait.
async fn lock(
    shared: &Shared,
    number: usize,
    session: u64,
    target: &TableName,
    limits: &Limits,
) -> Result<bool, Failure> {
    let try_lock = |world: &mut World| match world.locks.get(target) {
        Some((holder, _)) if *holder != session => None,
        Some(_) => Some(()),
        None => {
            world.locks.insert(target.clone(), (session, number));
            Some(())
        }
    };
    {
        let mut world = shared.world();
        if try_lock(&mut world).is_some() {
            return Ok(false);
        }
        let waiting = world.statements.iter().filter(|other| other.status == Status::Blocked).count();
        if waiting >= MOST_WAITERS {
            let end = "because the number of waiters for this lock exceeds the 20 statements limit.";
            return Err(contention(&world, number, target, end));
        }
        world.statements[number].status = Status::Blocked;
    }
    let limit = shared.clock.now() + Duration::from_secs(limits.lock);
    loop {
        let idle = end_idle(&mut shared.world(), target, shared.clock.now());
        let until = idle.map_or(limit, |end| end.min(limit));
        match wait(shared, number, until, try_lock).await {
            Some(Woken::Ready(())) => {
                shared.world().statements[number].status = Status::Running;
                return Ok(true);
            }
            Some(Woken::Cancelled) => return Err(Failure::cancelled()),
            None if shared.clock.now() < limit => {}
            None => {
                let end =
                    format!("because it waited longer than the lock timeout of {} second(s).", limits.lock);
                return Err(contention(&shared.world(), number, target, &end));
            }
        }
    }
}

/// Rolls back what holds a table's lock and has been idle for too long; else says when that may be so.
fn end_idle(world: &mut World, target: &TableName, now: Duration) -> Option<Duration> {
    let holder = world.locks.get(target)?.0;
    let own = || world.statements.iter().filter(|statement| statement.session == holder);
    let busy = own().any(|statement| statement.answer.is_none());
    let last = if busy { now } else { own().filter_map(|statement| statement.ended).max().unwrap_or(now) };
    if now < last + IDLE {
        return Some(last + IDLE);
    }
    if let Some(session) = world.sessions.get_mut(&holder) {
        apply(&mut world.catalog, &mut session.state, &Command::Rollback, &Stamp::default());
    }
    world.end_transaction(holder, false, now);
    None
}

/// 000625. The ending for a lock timeout is not known word for word.
fn contention(world: &World, number: usize, target: &TableName, end: &str) -> Failure {
    let (holder, by) = world.locks.get(target).map_or(("", 0), |(session, statement)| {
        let transaction = world.sessions.get(session).and_then(|session| session.transaction.as_ref());
        (world.statements[*statement].query_id.as_str(), transaction.map_or(0, |open| open.id))
    });
    let own = &world.statements[number].query_id;
    let message = format!(
        "Statement '{holder}' has locked table '{}' in transaction {by} and this lock has not yet been released.\n\
         Your statement '{own}' was aborted {end}",
        target.table
    );
    Failure::new("000625", "57014", message)
}
