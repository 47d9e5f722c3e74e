//! Limits that keep a hostile or broken template from taking the process down.
//!
//! minijinja counts fuel while it runs, which bounds time and memory, but not depth, and an overflow of the stack
//! ends the process with nothing to catch. Depth comes from two sides:
//! - The parser builds deep trees from long flat chains (`not not ..`, `a|f|f`, `elif` after `elif`). They are
//!   counted before the parser sees them.
//! - A loop can wrap a value into a list again and again, some 500,000 times for the fuel of a small script; such a
//!   value is then dropped, printed and compared by recursion. Nothing can count that, so the stack is large enough
//!   for all that the fuel can pay for. It is address space only: memory is taken when it is touched.

use std::{cell::Cell, ops::Range, thread};

use minijinja::{
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

/// Tokens in one tag.
const MOST_TOKENS: usize = 1_000;

/// `elif` branches of all `if` blocks that are open at one place.
const MOST_ELIFS: usize = 500;

/// Bytes of stack. One level of a deep value takes up to 0.5 kB where the code is optimised and 1.8 kB where it is
/// not, and costs at least 1.8 units of fuel: measured, the base fuel reaches 250 MB and 950 MB at most.
const STACK: usize = 1 << 30;

/// Bytes of stack where the system does not grant [`STACK`]: enough for every chain that is let through.
const SMALL_STACK: usize = 64 << 20;

/// Instructions that a template may cost whatever its size; one pays for 64 bytes of text too.
const BASE_FUEL: u64 = 1_000_000;

/// Bytes that a script may render to whatever its size.
const BASE_OUTPUT: usize = 64 << 20;

/// The fuel of a script of `bytes`: it grows with the script, so that a large one without loops always renders.
pub(super) fn fuel(bytes: usize) -> u64 {
    BASE_FUEL + (bytes / 8) as u64
}

/// The most bytes that a script of `bytes` may render to.
pub(super) fn most_output(bytes: usize) -> usize {
    BASE_OUTPUT.saturating_add(bytes.saturating_mul(16))
}

/// A template that is nested too deep to be parsed safely.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooDeep {
    /// The tag, in bytes of the template.
    pub(super) range: Range<usize>,
    /// What there is too much of, and the limit.
    pub(super) message: String,
}

/// Counts what the parser does not. A text that is no template in other ways passes: the parser says it better.
pub(super) fn check_nesting(text: &str, syntax: SyntaxConfig) -> Result<(), TooDeep> {
    let mut tokens = 0;
    let mut tag_start = 0;
    let mut first_in_block = false;
    let mut open: Vec<usize> = vec![];
    for item in tokenize(text, false, syntax) {
        let Ok((token, span)) = item else { return Ok(()) };
        let range = || tag_start..(span.end_offset as usize).max(tag_start);
        match token {
            Token::TemplateData(_) => continue,
            Token::VariableStart | Token::BlockStart => {
                tag_start = span.start_offset as usize;
                tokens = 0;
                first_in_block = matches!(token, Token::BlockStart);
                continue;
            }
            Token::Ident(word) if first_in_block => match word {
                "if" => open.push(0),
                "elif" => {
                    if let Some(count) = open.last_mut() {
                        *count += 1;
                    }
                    if open.iter().sum::<usize>() > MOST_ELIFS {
                        let message = format!("more than {MOST_ELIFS} 'elif' branches are open at once");
                        return Err(TooDeep { range: range(), message });
                    }
                }
                "endif" => {
                    open.pop();
                }
                _ => {}
            },
            _ => {}
        }
        first_in_block = false;
        tokens += 1;
        if tokens > MOST_TOKENS {
            let message = format!("one tag has more than {MOST_TOKENS} words and signs");
            return Err(TooDeep { range: range(), message });
        }
    }
    Ok(())
}

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread with a stack of known size, or here if this is one; `None` when there is no thread to be
/// had, or `work` panicked on it.
pub(super) fn on_deep_stack<T: Send>(work: impl Fn() -> T + Sync) -> Option<T> {
    if IS_DEEP.get() {
        return Some(work());
    }
    let marked = || {
        IS_DEEP.set(true);
        work()
    };
    thread::scope(|scope| {
        let thread = |size| thread::Builder::new().name("render".to_owned()).stack_size(size);
        let spawned = thread(STACK).spawn_scoped(scope, marked);
        spawned.or_else(|_| thread(SMALL_STACK).spawn_scoped(scope, marked)).ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), TooDeep> {
        check_nesting(text, SyntaxConfig::default())
    }

    #[test]
    fn tokens_count_by_tag() {
        let sum = |n: usize| format!("select {{{{ 1{} }}}}", "+1".repeat(n));
        assert_eq!(check(&sum(450).repeat(4)), Ok(()));
        let error = check(&sum(600)).unwrap_err();
        assert_eq!(error.range.start, 7);
        assert!(error.message.contains("1000"), "{}", error.message);
    }

    #[test]
    fn elifs_count_while_their_ifs_are_open() {
        let chain =
            |n: usize, inner: &str| format!("{{% if a %}}{}{inner}{{% endif %}}", "{% elif b %}x".repeat(n));
        assert_eq!(check(&chain(500, "").repeat(3)), Ok(()));
        assert!(check(&chain(501, "")).is_err());
        assert!(check(&chain(300, &chain(300, ""))).is_err(), "nested chains add up");
        assert_eq!(check(&chain(200, &chain(200, ""))), Ok(()));
    }

    #[test]
    fn raw_text_and_broken_templates_pass() {
        let raw = format!("{{% raw %}}{}{{% endraw %}}", "{% elif %}".repeat(600));
        assert_eq!(check(&raw), Ok(()));
        assert_eq!(check("{{ 'open"), Ok(()));
        assert_eq!(check("{% endif %}{% elif %}"), Ok(()));
    }

    #[test]
    fn a_panic_is_no_abort() {
        assert_eq!(on_deep_stack(|| 7), Some(7));
        let thread = || std::thread::current().id();
        let nested = on_deep_stack(|| (thread(), on_deep_stack(thread)));
        assert!(nested.is_some_and(|(outer, inner)| inner == Some(outer) && outer != thread()));
        assert_eq!(on_deep_stack(|| -> u8 { std::panic::resume_unwind(Box::new(())) }), None);
    }
}
