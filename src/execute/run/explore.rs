//! All states of small migrates are visited: two scripts, one run after the other, and whatever may go wrong.
//!
//! Server and ledger are a model; what to do is decided by the project's own code: the run loop's machine, the places of
//! `step` rows, what the journal says of a script, the plan, and how a settled statement goes on. That one run follows
//! the other, and that no ledger write lands after the next one's first read, is the lease's part.

mod client;
mod ledger;
mod model;
mod takeover;
mod tests;

use std::sync::Arc;

use crate::{
    model::{migration::Prepared, statement::Class},
    plan::{Policy, planned, testing},
};

/// A mistake that the search has to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// The history row is written before the last statement.
    HistoryFirst,
    /// A `step` row is written after the statement that it announces.
    StepLate,
    /// A resume starts one statement too late.
    ResumeLate,
    /// What is not known counts as not done.
    LostIsNotDone,
    /// A settled statement counts for the newest attempt, whichever it was.
    SettledWithoutRun,
    /// Rows of runs that ended are not read.
    OpenRunsOnly,
    /// A resume does not repeat what is known.
    NoCarry,
    /// A trace that is not there counts although the statement may still run.
    ProbeWhileRunning,
    /// What may be repeated is repeated although it may still run.
    RepeatWhileRunning,
    /// A history row whose answer was lost is sent again without a look at the head.
    HistoryRepeated,
    /// A session that was ended counts as listed.
    EndedIsListed,
}

/// Scripts, first version first, with the classes of their statements.
#[derive(Clone, Debug)]
struct Mix {
    scripts: Vec<Arc<Prepared>>,
    classes: Vec<Vec<Class>>,
}

impl Mix {
    fn of(texts: [&str; 2]) -> Self {
        let names = ["V1__s.sql", "V2__s.sql"];
        let scripts = names.iter().zip(texts).map(|(name, text)| Arc::new(testing::prepared(name, text)));
        let scripts: Vec<_> = scripts.collect();
        let classes = |script: &Arc<Prepared>| {
            let rendered = script.rendered().expect("it is rendered");
            planned(rendered).iter().map(|statement| statement.class).collect()
        };
        Self { classes: scripts.iter().map(classes).collect(), scripts }
    }
}

/// One world.
#[derive(Clone, Debug)]
struct Setup {
    mixes: Vec<Mix>,
    policy: Policy,
    kills: u8,
    lost: u8,
    fails: u8,
    bug: Option<Bug>,
}

/// A statement that may be repeated, one that leaves a trace, one of which nothing is known.
const CLASSES: [&str; 3] = ["create view v", "create table t", "insert into t"];

/// Every text of `count` statements.
fn texts(count: usize, script: usize) -> Vec<String> {
    (0..count).fold(vec![String::new()], |texts, at| {
        let longer = |text: &String| CLASSES.map(|class| format!("{text}{class}{script}{at};"));
        texts.iter().flat_map(longer).collect()
    })
}

impl Setup {
    /// Every mix of up to `first` and up to `second` statements.
    fn up_to(first: usize, second: usize) -> Self {
        let all = |most: usize, script| (1..=most).flat_map(move |count| texts(count, script));
        let mut mixes = Vec::new();
        for one in all(first, 0) {
            for two in all(second, 1) {
                mixes.push(Mix::of([&one, &two]));
            }
        }
        Self { mixes, policy: testing::policy(), kills: 2, lost: 1, fails: 1, bug: None }
    }

    /// The mixes whose second script is one statement of which nothing is known.
    fn narrow(self) -> Self {
        let last = |mix: &Mix| mix.classes[1] == [Class::Opaque];
        Self { mixes: self.mixes.into_iter().filter(last).collect(), ..self }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}
