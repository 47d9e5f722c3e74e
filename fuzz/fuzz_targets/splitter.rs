//! No byte is lost, for any text: pieces are in order, between them are comments, white space and `;` alone, and a
//! piece by itself is one piece, unless it begins as a client's command does. Refusals point into the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use snowops::{
    diagnostic::Code,
    sql::{
        lex::{self, TokenKind},
        split::{Piece, split},
    },
};

fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    match split(text) {
        Ok(pieces) => whole(text, &pieces.iter().collect::<Vec<_>>()),
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert_ne!(error.code, Code::Internal, "{}", error.message);
                assert!(text.get(error.at).is_some_and(|there| !there.is_empty()));
                assert!(error.related.is_none_or(|(at, _)| text.get(at).is_some()));
            }
        }
    }
});

fn whole(text: &str, pieces: &[Piece]) {
    let mut joined = String::with_capacity(text.len());
    let mut from = 0;
    for piece in pieces {
        let gap = &text[from..piece.start];
        assert_nothing(gap);
        let own = piece.of(text);
        assert!(!own.is_empty());
        joined.push_str(gap);
        joined.push_str(own);
        from = piece.end;
        if own.starts_with('!') {
            // A client's command only where it begins a line.
            continue;
        }
        match split(own) {
            Ok(again) => {
                assert_eq!(again.iter().collect::<Vec<_>>(), [Piece { start: 0, end: own.len() }], "{own:?}")
            }
            Err(errors) => panic!("{own:?} is a piece and refused by itself: {errors:?}"),
        }
    }
    assert_nothing(&text[from..]);
    joined.push_str(&text[from..]);
    assert_eq!(joined, text);
}

fn assert_nothing(gap: &str) {
    for token in lex::tokens(gap) {
        assert!(token.kind.is_trivia() || token.kind == TokenKind::Semicolon, "lost: {:?}", token.of(gap));
    }
}
