//! Facts are total: any text has some, every range in them lies in the text, and what follows from facts never fails.
#![no_main]

use libfuzzer_sys::fuzz_target;
use snowops::{
    model::facts::{ByteRange, Certainty},
    sql::facts,
};

fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    let found = facts::facts(text);
    let inside = |at: ByteRange| assert!(text.get(at.start..at.end).is_some(), "{at:?} of {}", text.len());
    let objects = found.object.iter().chain(&found.defines).chain(&found.destroys).chain(&found.reads);
    objects.for_each(|object| inside(object.at));
    if let Certainty::Partial(why) = &found.certainty {
        inside(ByteRange { start: why.at, end: why.at });
        assert!(!why.reason.is_empty());
    }
    assert_eq!(facts::facts(text), found);
    let _ = facts::probe(&found);
    let _ = facts::hazard(&found);
    let alone = facts::class(&found);
    assert_eq!(facts::classes(&[found]).len(), 1);
    let _ = alone.as_str();
});
