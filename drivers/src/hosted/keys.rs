//! The terminal, as an app with its own line editing needs it: each key arrives at once, and the app
//! shows it.

use core::cell::RefCell;
use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The modes of a terminal before they were changed. They return with the end of the thread.
#[derive(Debug)]
struct Before(Termios);

impl Drop for Before {
    fn drop(&mut self) {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

std::thread_local! {
    static BEFORE: RefCell<Option<Before>> = const { RefCell::new(None) };
}

/// Makes the terminal at the standard input pass on each key without waiting for the end of the line,
/// and without showing it. Keys that send signals still do. Does nothing if there is no terminal.
pub fn take_keys() {
    BEFORE.with_borrow_mut(|before| {
        if before.is_some() {
            return;
        }
        let Ok(modes) = tcgetattr(io::stdin()) else {
            return;
        };
        let mut changed = modes.clone();
        changed.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        if tcsetattr(io::stdin(), OptionalActions::Now, &changed).is_ok() {
            *before = Some(Before(modes));
        }
    });
}

/// Restores the modes that the terminal had before [`take_keys`].
pub(super) fn give_back_keys() {
    BEFORE.take();
}
