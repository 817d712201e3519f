//! Work whose panic is a result: a check, a probe, the parser of a dependency, the whole program.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The value of `work`, or the message of its panic with its place, which is not printed. The message may quote
/// what was read: whoever prints it escapes it.
///
/// The hook is installed once and looks at a flag of its thread, so that other threads keep theirs: to
/// swap hooks around each piece of work would race.
pub(crate) fn isolated<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line()));
                PLACE.set(place);
            } else {
                previous(info);
            }
        }));
    });
    let outer = INSIDE.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outer);
    result.map_err(|payload| message(&*payload) + &PLACE.take().unwrap_or_default())
}

fn message(payload: &(dyn Any + Send)) -> String {
    words(payload).unwrap_or("panicked without a message").to_owned()
}

/// What a panic says, if it is text.
pub(crate) fn words(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_message_with_its_place_and_the_next_one_is_caught_too() {
        let result: Result<(), String> = isolated(|| {
            let inner: Result<(), String> = isolated(|| panic!("out of cheese"));
            assert!(inner.is_err_and(|message| message.starts_with("out of cheese (")));
            panic!("again");
        });
        let message = result.unwrap_err();
        assert!(message.starts_with("again (") && message.contains(".rs:"), "{message}");
        assert_eq!(isolated(|| 7), Ok(7));
    }
}
