//! The counts of tasks.
//!
//! The attributes [`task`](crate::task) and [`main`](crate::main) give each function that is a task a
//! [`Task`], which counts what its tasks do. Nobody registers them: a function is listed once its first
//! task has started. Tasks of `embassy_executor::task` itself are not counted.
//!
//! ```no_run
//! use vmos::time::{Duration, Timer};
//!
//! #[vmos::task]
//! async fn tick(mut pause: Duration) -> ! {
//!     loop {
//!         Timer::after(pause).await;
//!         pause += pause;
//!     }
//! }
//!
//! # async fn example(kernel: vmos::Kernel, spawner: vmos::Spawner) -> vmos::Result<()> {
//! spawner.spawn(tick(Duration::from_millis(1))?);
//! for task in kernel.statistics().await.tasks {
//!     vmos::println!("{} ran {} times", task.name, task.counts.polls);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Needs the feature `tasks`. It takes two readings of the clock for each poll of a task.

use alloc::vec::Vec;
use core::cell::Cell;
use core::future::{Future, poll_fn};
use core::pin::pin;

use critical_section::Mutex;

use crate::machine;

/// The counts of all tasks of one function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TaskCounts {
    /// Tasks that have started and not ended.
    pub running: u32,
    /// Polls: how often the executor ran one of the tasks until it awaited something or ended.
    pub polls: u64,
    /// The time that all polls took, in nanoseconds.
    pub time: u64,
    /// The time that the longest poll took, in nanoseconds. No other task runs meanwhile.
    pub longest: u64,
}

vmos_drivers::counted!(TaskCounts {
    running,
    polls,
    time,
    longest
});

/// The tasks of one function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskStatistics {
    /// The path of the function, such as `demo::echo_streams`; `demo::main` for the app's main function.
    pub name: &'static str,
    /// The counts of its tasks.
    pub counts: TaskCounts,
}

/// The function that was listed last.
static LAST: Mutex<Cell<Option<&'static Task>>> = Mutex::new(Cell::new(None));

/// A function that is a task.
pub struct Task {
    name: &'static str,
    counts: Mutex<Cell<TaskCounts>>,
    /// The place in the list of functions: the one that was listed before, if any; `None` if this one is
    /// not listed yet.
    before: Mutex<Cell<Option<Option<&'static Task>>>>,
}

impl Task {
    /// Creates the counts of the function with this path.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            counts: Mutex::new(Cell::new(TaskCounts {
                running: 0,
                polls: 0,
                time: 0,
                longest: 0,
            })),
            before: Mutex::new(Cell::new(None)),
        }
    }

    /// Runs one of the function's tasks, and counts what it does.
    pub async fn run<F: Future>(&'static self, task: F) -> F::Output {
        let _running = self.start();
        let mut task = pin!(task);
        poll_fn(|context| {
            let begun = machine::now();
            let outcome = task.as_mut().poll(context);
            let took = machine::now().saturating_sub(begun);
            self.change(|counts| {
                counts.polls += 1;
                counts.time += took;
                counts.longest = counts.longest.max(took);
            });
            outcome
        })
        .await
    }

    /// Counts a task as running, until the result is dropped, and lists the function.
    fn start(&'static self) -> Running {
        critical_section::with(|cs| {
            let before = self.before.borrow(cs);
            if before.get().is_none() {
                before.set(Some(LAST.borrow(cs).replace(Some(self))));
            }
        });
        self.change(|counts| counts.running += 1);
        Running(self)
    }

    fn change(&self, change: impl FnOnce(&mut TaskCounts)) {
        critical_section::with(|cs| {
            let cell = self.counts.borrow(cs);
            let mut counts = cell.get();
            change(&mut counts);
            cell.set(counts);
        });
    }
}

/// A task that has started and not ended.
struct Running(&'static Task);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.change(|counts| counts.running -= 1);
    }
}

/// Returns the statistics of all functions whose tasks have started, in the order in which the first ones
/// did.
pub(crate) fn statistics() -> Vec<TaskStatistics> {
    let mut all = critical_section::with(|cs| {
        let mut all = Vec::new();
        let mut next = LAST.borrow(cs).get();
        while let Some(task) = next {
            all.push(TaskStatistics {
                name: task.name,
                counts: task.counts.borrow(cs).get(),
            });
            next = task.before.borrow(cs).get().flatten();
        }
        all
    });
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use core::task::{Context, Poll, Waker};

    use super::*;

    /// Returns the counts of a function, if it is listed.
    fn listed(name: &str) -> Option<TaskCounts> {
        let found = statistics().into_iter().find(|task| task.name == name);
        found.map(|task| task.counts)
    }

    #[test]
    fn a_function_is_listed_once_a_task_started_and_its_tasks_are_added_up() {
        static ECHO: Task = Task::new("app::echo");
        assert_eq!(listed("app::echo"), None);

        let mut context = Context::from_waker(Waker::noop());
        let mut waits = true;
        let mut first = pin!(ECHO.run(poll_fn(move |_| {
            match core::mem::take(&mut waits) {
                true => Poll::Pending,
                false => Poll::Ready(7),
            }
        })));
        assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
        let mut second = std::boxed::Box::pin(ECHO.run(core::future::pending::<()>()));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        let counts = listed("app::echo").expect("it has started");
        assert_eq!((counts.running, counts.polls), (2, 2));

        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(7));
        let counts = listed("app::echo").expect("it was listed");
        assert_eq!((counts.running, counts.polls), (1, 3));
        assert!(counts.longest <= counts.time);
        // A task that is dropped does not run either.
        drop(second);
        assert_eq!(listed("app::echo").map(|counts| counts.running), Some(0));
        let names = statistics();
        let of_echo = names.iter().filter(|task| task.name == "app::echo");
        assert_eq!(of_echo.count(), 1);
    }
}
