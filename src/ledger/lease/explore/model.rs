//! What can happen next, and what must never be.

use stateright::{Model, Property};

use super::{
    Op, Phase, Seen, Setup,
    server::{Landing, State, User},
};

/// Everything that can happen. Runs and statements are numbered from 0.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) enum Act {
    /// Time passes; a client that does nothing meanwhile sleeps.
    Tick,
    /// A run looks at the row, and begins where its lease wants it.
    Look(usize),
    /// The bytes of a statement leave.
    Send(usize, Op),
    /// A statement comes to the server.
    Arrive(usize, usize),
    /// It is carried out.
    Land(Landing),
    /// The server ends it without effect and says so.
    Abort(usize, usize),
    /// It is lost on its way.
    Lose(usize, usize),
    /// The connection of a waiting client breaks; its statement goes on.
    Cut(usize),
    /// The work session reads the row, history and journal.
    ReadBack(usize),
    /// Statements of earlier runs were waited for.
    Drain(usize),
    /// A user statement leaves, comes, ends, is lost on its way.
    StartUser(usize),
    UserArrives(usize),
    UserEnds(usize),
    UserLost(usize),
    /// The connection breaks while it goes on.
    UserCut(usize),
    /// The run gives the lease back or leaves it.
    Finish(usize),
    /// ROLLBACK comes to the server, or the end of the session.
    Close(usize),
    Kill(usize),
    /// The server ends the transaction of a silent client.
    EndTransaction,
}

/// Whether time may pass, besides what can happen.
struct Choices<'a> {
    acts: &'a mut Vec<Act>,
    tick: bool,
}

impl Setup {
    fn of_statements(&self, state: &State, run: usize, choices: &mut Choices<'_>) {
        let prompt = self.prompt(run);
        for (at, statement) in state.runs[run].statements.iter().enumerate() {
            if !statement.at_server {
                choices.acts.push(Act::Arrive(run, at));
                if !prompt && self.losses {
                    choices.acts.push(Act::Lose(run, at));
                }
                choices.tick &= statement.age < if prompt { 0 } else { self.pause };
                continue;
            }
            let blocked = statement.locks() && state.is_locked_for(run);
            if !blocked {
                for row_of_start in self.rows.choices() {
                    for clock_of_start in self.clock.choices() {
                        let same = statement.age == 0 && *clock_of_start && self.clock.choices().len() > 1;
                        let landing = |answered| Landing {
                            run,
                            at,
                            row_of_start: *row_of_start,
                            clock_of_start: *clock_of_start,
                            answered,
                        };
                        if same {
                            continue;
                        }
                        choices.acts.push(Act::Land(landing(statement.attended)));
                        if statement.attended && self.crashes && !prompt {
                            choices.acts.push(Act::Land(landing(false)));
                        }
                    }
                }
            }
            let over = statement.age >= self.life;
            if (!prompt && self.losses) || (blocked && over) {
                choices.acts.push(Act::Abort(run, at));
            }
            choices.tick &= !over;
        }
    }

    fn of_user(&self, state: &State, run: usize, choices: &mut Choices<'_>) {
        let runner = &state.runs[run];
        let prompt = self.prompt(run);
        match runner.user {
            User::Sent(age) => {
                choices.acts.push(Act::UserArrives(run));
                if !prompt && self.losses {
                    choices.acts.push(Act::UserLost(run));
                }
                choices.tick &= age < if prompt { 0 } else { self.pause };
            }
            User::Runs(_) => choices.acts.push(Act::UserEnds(run)),
            User::None => {}
        }
        if runner.user != User::None && runner.is_running() && !prompt && self.losses {
            choices.acts.push(Act::UserCut(run));
        }
    }

    fn of_client(&self, state: &State, run: usize, choices: &mut Choices<'_>) {
        let runner = &state.runs[run];
        let prompt = self.prompt(run);
        let mut must = false;
        if runner.may_look()
            && (run == 0 || state.runs[run - 1].lease.phase() != Phase::Idle || !state.runs[run - 1].alive)
        {
            choices.acts.push(Act::Look(run));
            must |= state.is_free(self, run);
        }
        for op in [Op::Touch, Op::Claim, Op::Commit, Op::Renew, Op::Write] {
            if runner.may_send(self, op) {
                choices.acts.push(Act::Send(run, op));
                must |= op != Op::Write;
            }
        }
        if runner.closing {
            choices.acts.push(Act::Close(run));
            must = true;
        }
        if !runner.alive {
            return;
        }
        if runner.lease.phase() == Phase::Committed {
            choices.acts.push(Act::ReadBack(run));
            must = true;
        }
        if runner.may_drain() {
            choices.acts.push(Act::Drain(run));
        }
        if runner.may_start_user(self) {
            choices.acts.push(Act::StartUser(run));
        }
        if runner.may_finish() && !prompt {
            choices.acts.push(Act::Finish(run));
        }
        choices.tick &= !(prompt && must);
        if self.crashes && !prompt && runner.lease.phase() != Phase::Idle {
            choices.acts.push(Act::Kill(run));
            if runner.waits() {
                choices.acts.push(Act::Cut(run));
            }
        }
    }
}

impl Model for Setup {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        let mut choices = Choices { acts, tick: true };
        for run in 0..state.runs.len() {
            self.of_statements(state, run, &mut choices);
            self.of_user(state, run, &mut choices);
            self.of_client(state, run, &mut choices);
        }
        let mut tick = choices.tick;
        if state.transaction.as_ref().is_some_and(|open| open.idle >= self.detached) {
            acts.push(Act::EndTransaction);
            tick = false;
        }
        if tick {
            acts.push(Act::Tick);
        }
    }

    fn next_state(&self, state: &State, act: Act) -> Option<State> {
        let mut next = state.clone();
        match act {
            Act::Tick => next.pass(self),
            Act::Look(run) => {
                let seen = match next.owner {
                    None => Seen::Free,
                    Some(_) if next.is_free(self, run) => Seen::Expired,
                    Some(_) if self.has(super::Bug::NoLook) => Seen::Expired,
                    Some(_) => Seen::Held,
                };
                (next.runs[run].token, next.runs[run].quiet) = (next.wins, next.quiet(self, run));
                next.runs[run].look(self, seen);
            }
            Act::Send(run, op) => next.runs[run].send(self, op),
            Act::Arrive(run, at) => next.arrive(self, run, at),
            Act::Land(landing) => next.land(self, landing),
            Act::Abort(run, at) | Act::Lose(run, at) => {
                let statement = next.runs[run].statements.remove(at);
                if statement.attended {
                    next.runs[run].unsent(self, statement.op, matches!(act, Act::Abort(..)));
                }
            }
            Act::Cut(run) => next.runs[run].cut(self),
            Act::ReadBack(run) => next.read_back(self, run),
            Act::Drain(run) => next.drain(self, run)?,
            Act::StartUser(run) => next.runs[run].user = User::Sent(0),
            Act::UserArrives(run) => next.start_user(run),
            Act::UserEnds(run) | Act::UserLost(run) => next.runs[run].user = User::None,
            Act::UserCut(run) => next.runs[run].doubt_user(),
            Act::Finish(run) => next.runs[run].finish(self),
            Act::Close(run) => {
                next.transaction.take_if(|open| open.owner == run);
                next.runs[run].close(self);
            }
            Act::Kill(run) => {
                if run == 0 && self.bound > 0 {
                    next.waited = Some(0);
                }
                next.runs[run].kill(self);
            }
            Act::EndTransaction => next.transaction = None,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut wanted = vec![
            Property::<Self>::always("never two runs that may start a statement", |_, state| {
                state.runs.iter().filter(|run| run.may_start()).count() <= 1
            }),
            Property::<Self>::always("never statements of two runs", |_, state| !state.seen.both),
            Property::<Self>::always("no ledger write after the next owner's first read", |_, state| {
                !state.seen.late
            }),
        ];
        if self.healthy {
            wanted.extend([
                Property::<Self>::always("a healthy holder is never robbed", |_, state| !state.seen.robbed),
                Property::<Self>::always("a healthy holder never has to stop", |_, state| {
                    state.runs[0].may_start()
                }),
                Property::<Self>::sometimes("a healthy holder's beat waits at the server", |setup, state| {
                    state.runs[0].statements.iter().any(|s| s.op == Op::Renew && s.age >= setup.life)
                }),
            ]);
        } else {
            wanted.push(Property::<Self>::sometimes("a takeover runs", |_, state| {
                state.runs.iter().any(|run| run.won == 2 && run.is_running())
            }));
        }
        if self.bound > 0 {
            wanted.push(Property::<Self>::always(
                "a dead owner's lease is had again in time",
                |setup, state| state.waited.is_none_or(|waited| waited <= setup.bound),
            ));
        }
        wanted
    }
}
