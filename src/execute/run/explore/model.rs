//! What can happen next, and what must never be.

use stateright::{Model, Property};

use super::{
    Bug, Setup,
    client::Client,
    ledger::{Ended, Row, Server},
    takeover::{self, Write},
};
use crate::{
    execute::run::{Event, RunOutcomeKey},
    model::statement::Class,
};

/// What a run can see of an earlier one at the server.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum Sees {
    /// All of its statements.
    Listed,
    /// Nothing.
    Nothing,
    /// Nothing, but the server has ended its sessions.
    Ended,
}

/// Where the present run stands.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) enum Pc {
    /// It has the lease and has read nothing.
    Reads,
    Takes {
        todo: Vec<Write>,
        settled: Vec<Row>,
    },
    Runs(Box<Client>),
    /// It stopped: a person must say.
    Asks {
        script: usize,
        ordinal: usize,
    },
    Dead,
    Finished,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct State {
    pub(super) server: Server,
    pub(super) run: u8,
    pub(super) pc: Pc,
    kills: u8,
    lost: u8,
    fails: u8,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum Act {
    Read(Sees),
    /// A ledger write lands and is confirmed.
    Write,
    /// Its answer is lost; it landed or not.
    WriteLost(bool),
    /// The statement is done, refused.
    Done,
    Refused,
    /// Its answer is lost; it was done or not.
    Lost(bool),
    /// Its answer is lost and it goes on; so it does behind a kill.
    LostRunning,
    KilledRunning,
    Kill,
    /// What goes on without its client is done, or ends without effect.
    OrphanDone,
    OrphanEnds,
    PersonSays,
    NextRun,
}

impl Setup {
    fn of_client(state: &State, client: &Client, acts: &mut Vec<Act>) {
        if client.statement().is_none() {
            acts.push(Act::Write);
            if state.lost > 0 {
                acts.extend([Act::WriteLost(true), Act::WriteLost(false)]);
            }
            return;
        }
        acts.push(Act::Done);
        if state.fails > 0 {
            acts.push(Act::Refused);
        }
        if state.lost > 0 {
            acts.extend([Act::Lost(true), Act::Lost(false)]);
        }
        if state.server.orphan.is_none() {
            acts.extend([Act::LostRunning].iter().filter(|_| state.lost > 0));
            acts.extend([Act::KilledRunning].iter().filter(|_| state.kills > 0));
        }
    }

    /// What becomes of the client's statement or write.
    fn answer(&self, state: &mut State, act: Act) -> Option<()> {
        let run = state.run;
        let server = &mut state.server;
        let Pc::Runs(client) = &mut state.pc else { return None };
        let event = match (act, client.statement()) {
            (Act::Write, None) => {
                client.write(self, server, run);
                Event::Confirmed
            }
            (Act::WriteLost(landed), None) => {
                state.lost -= 1;
                if landed {
                    client.write(self, server, run);
                }
                if self.has(Bug::HistoryRepeated) && client.inserts_history() {
                    client.write(self, server, run);
                    Event::Confirmed
                } else {
                    Event::LedgerLost
                }
            }
            (_, Some((script, ordinal))) => {
                client.before(self, server);
                match act {
                    Act::Done => {
                        server.apply(run, script, ordinal);
                        client.after(self, server, run);
                        Event::Confirmed
                    }
                    Act::Refused => {
                        state.fails -= 1;
                        server.ended.push(Ended { run, script, ordinal, done: false });
                        Event::Refused
                    }
                    Act::Lost(done) => {
                        state.lost -= 1;
                        if done {
                            server.apply(run, script, ordinal);
                        }
                        Event::Lost
                    }
                    Act::LostRunning => {
                        state.lost -= 1;
                        server.send(run, script, ordinal);
                        Event::Lost
                    }
                    Act::KilledRunning => {
                        state.kills -= 1;
                        server.send(run, script, ordinal);
                        state.pc = Pc::Dead;
                        return Some(());
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        client.hear(event);
        client.skip();
        match client.finished() {
            Some(RunOutcomeKey::Success) => state.pc = Pc::Finished,
            Some(_) => state.pc = Pc::Dead,
            None => {}
        }
        Some(())
    }
}

impl Model for Setup {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        (0..self.mixes.len())
            .map(|mix| State {
                server: Server::new(self, mix),
                run: 1,
                pc: Pc::Reads,
                kills: self.kills,
                lost: self.lost,
                fails: self.fails,
            })
            .collect()
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.server.orphan.is_some() {
            acts.extend([Act::OrphanDone, Act::OrphanEnds]);
        }
        match &state.pc {
            Pc::Reads => acts.extend([Sees::Listed, Sees::Nothing, Sees::Ended].map(Act::Read)),
            Pc::Takes { .. } => acts.push(Act::Write),
            Pc::Runs(client) => Self::of_client(state, client, acts),
            // A person is told that it may still run.
            Pc::Asks { .. } if state.server.orphan.is_none() => acts.push(Act::PersonSays),
            Pc::Dead => acts.push(Act::NextRun),
            Pc::Asks { .. } | Pc::Finished => {}
        }
        if state.kills > 0 && matches!(state.pc, Pc::Takes { .. } | Pc::Runs(_)) {
            acts.push(Act::Kill);
        }
    }

    fn next_state(&self, state: &State, act: Act) -> Option<State> {
        let mut next = state.clone();
        let run = next.run;
        match act {
            Act::Read(sees) => next.pc = takeover::read(self, &mut next.server, sees)?,
            Act::Write if matches!(next.pc, Pc::Takes { .. }) => {
                if let Pc::Takes { todo, settled } = std::mem::replace(&mut next.pc, Pc::Dead) {
                    next.pc = takeover::take(self, &mut next.server, run, todo, settled);
                }
            }
            Act::Kill => {
                next.kills -= 1;
                next.pc = Pc::Dead;
            }
            Act::OrphanDone => next.server.land()?,
            Act::OrphanEnds => next.server.orphan = None,
            Act::PersonSays => {
                if let Pc::Asks { script, ordinal } = next.pc {
                    next.run += 1;
                    takeover::repair(self, &mut next.server, next.run, script, ordinal);
                }
                next.pc = Pc::Dead;
            }
            Act::NextRun => {
                next.run += 1;
                next.pc = Pc::Reads;
            }
            _ => self.answer(&mut next, act)?,
        }
        next.server.forget();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("what must not be repeated is done at most once", |setup, state| {
                let fixed = |script, ordinal| {
                    matches!(state.server.class(setup, script, ordinal), Class::Opaque | Class::Checkable)
                };
                let scripts = state.server.executed.iter().enumerate();
                !scripts.into_iter().any(|(script, times)| {
                    times.iter().zip(1..).any(|(times, ordinal)| *times > 1 && fixed(script, ordinal))
                })
            }),
            Property::<Self>::always("success only after execution", |_, state| !state.server.wrong.ahead),
            Property::<Self>::always("in order", |_, state| !state.server.wrong.order),
            Property::<Self>::always("after a crash known up to one statement", |_, state| {
                !state.server.wrong.lost_track
            }),
            Property::<Self>::always("one history row a script", |_, state| {
                let rows = |script| state.server.history.iter().filter(|row| row.0 == script).count();
                (0..state.server.executed.len()).all(|script| rows(script) <= 1)
            }),
            Property::<Self>::always("no plan is refused", |_, state| !state.server.wrong.refused),
            Property::<Self>::always("it can be finished", |setup, state| {
                let mut acts = Vec::new();
                setup.actions(state, &mut acts);
                let server = &state.server;
                let all = || (0..server.executed.len()).all(|script| server.is_done(script));
                let executed = || server.executed.iter().all(|times| !times.contains(&0));
                if state.pc == Pc::Finished { all() && executed() } else { !acts.is_empty() }
            }),
            Property::<Self>::sometimes("a third run finishes", |_, state| {
                state.run == 3 && state.pc == Pc::Finished
            }),
            Property::<Self>::sometimes("a person says", |_, state| matches!(state.pc, Pc::Asks { .. })),
        ]
    }
}
