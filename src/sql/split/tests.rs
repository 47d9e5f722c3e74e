use super::*;

mod errors;
mod golden;
mod properties;
mod traps;
mod vectors;

/// The texts of the pieces.
fn pieces(text: &str) -> Vec<&str> {
    match split(text) {
        Ok(pieces) => pieces.iter().map(|piece| piece.of(text)).collect(),
        Err(errors) => panic!("{text:?} was refused: {errors:#?}"),
    }
}

fn refusals(text: &str) -> Vec<SplitError> {
    match split(text) {
        Ok(pieces) => panic!("{text:?} was taken as {pieces:?}"),
        Err(errors) => errors,
    }
}
