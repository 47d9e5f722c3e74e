//! File names and object names: any text is read or refused, what is read can be written and read again, and the
//! name that is proposed for a misnamed file is one that works.
#![no_main]

use libfuzzer_sys::fuzz_target;
use snowops::{
    model::{
        ident::QualifiedName,
        kind::KindScope,
        name::{Naming, Parsed},
    },
    sql::cursor::Tokens,
};

fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    file_name(text);
    object_name(text);
});

fn file_name(name: &str) {
    let naming = Naming::default();
    match naming.parse(name) {
        Parsed::Script { .. } => assert!(naming.split_suffix(name).is_some()),
        Parsed::Misnamed { suggestion, reason } => {
            assert!(!reason.is_empty());
            if let Some(better) = suggestion {
                assert!(matches!(naming.parse(&better), Parsed::Script { .. }), "{name:?}: {better:?}");
            }
        }
        _ => {}
    }
}

fn object_name(text: &str) {
    let Some(name) = read(text) else { return };
    let written = name.to_string();
    assert_eq!(read(&written), Some(name), "{text:?}: {written:?}");
}

fn read(text: &str) -> Option<QualifiedName> {
    let tokens = Tokens::of(text);
    let named = tokens.cursor().eat_name()?;
    assert!(text.get(named.at.start..named.at.end).is_some());
    named.qualified(KindScope::Relation)
}
