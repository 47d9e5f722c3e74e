//! Planning by situation.

mod findings;
mod progress;
mod properties;
mod states;
mod steps;
