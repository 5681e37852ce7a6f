//! The terminal, as an app with its own line editing needs it: each key arrives at once, and the app
//! shows it. Whatever ends or stops the process, the terminal is given back as it was, unless it is a
//! signal that nothing can catch.

use core::cell::RefCell;
use std::io;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The signals that end or stop a process, and the one after a stop.
const SIGNALS: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT];

/// The modes of the terminal before they were changed; `None` while they are not changed.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives the terminal back with the end of the thread, after a panic too.
#[derive(Debug)]
struct Keys;

impl Drop for Keys {
    fn drop(&mut self) {
        give_back_keys();
    }
}

std::thread_local! {
    static KEYS: RefCell<Option<Keys>> = const { RefCell::new(None) };
}

/// Makes the terminal at the standard input pass on each key without waiting for the end of the line,
/// and without showing it. Keys that send signals still do. Does nothing if there is no terminal.
pub fn take_keys() {
    static WATCHED: Once = Once::new();
    KEYS.with_borrow_mut(|keys| {
        if keys.is_some() || tcgetattr(io::stdin()).is_err() {
            return;
        }
        *keys = Some(Keys);
        WATCHED.call_once(watch_signals);
        change_modes();
    });
}

/// Restores the modes that the terminal had before [`take_keys`].
pub(super) fn give_back_keys() {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(modes) = before.take()
        && is_in_foreground()
    {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
    }
}

fn change_modes() {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_some() || !is_in_foreground() {
        return;
    }
    let Ok(modes) = tcgetattr(io::stdin()) else {
        return;
    };
    let mut changed = modes.clone();
    changed.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    if tcsetattr(io::stdin(), OptionalActions::Now, &changed).is_ok() {
        *before = Some(modes);
    }
}

/// Returns whether the terminal is this process's to change: a shell gives it to one job at a time.
fn is_in_foreground() -> bool {
    // A terminal that does not control this process has no jobs.
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

/// Starts a thread that does what signals do anyway, with the terminal as it was before. It does so even
/// while the app keeps the event loop busy.
fn watch_signals() {
    // Without the thread, the signals still work, and only the terminal stays as it is.
    let Ok(mut signals) = Signals::new(SIGNALS) else {
        return;
    };
    let handle = signals.handle();
    let thread = thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if signal == SIGCONT {
                    change_modes();
                } else {
                    give_back_keys();
                    // All of these signals are known.
                    let _ = emulate_default_handler(signal);
                }
            }
        });
    if thread.is_err() {
        handle.close();
    }
}
