//! Random numbers without waiting, from a ChaCha generator that the machine's entropy device seeds.
//!
//! The generator exists only after [`start`] has found an entropy device; no clock or counter is
//! ever used in its place. Past output cannot be reconstructed from memory, since each draw
//! replaces the key (D. J. Bernstein, "Fast-key-erasure random-number generators", 2017). After
//! [`FRESH_FOR`] or [`FRESH_BYTES`], a task of the kernel mixes in new bytes from the device; if
//! the device fails then, the kernel logs it and the generator continues.
//!
//! With the feature `getrandom`, the generator also serves that crate: see
//! `provide_getrandom`.
//!
//! ```no_run
//! use rand_core::Rng;
//! use vmos::{Kernel, Result, Spawner, random};
//!
//! async fn draw(kernel: Kernel, spawner: Spawner) -> Result<u64> {
//!     let mut random = random::start(kernel, spawner).await?;
//!     Ok(random.next_u64())
//! }
//! ```

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use critical_section::Mutex;
use embassy_executor::Spawner;
use embassy_time::Duration;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _, TryCryptoRng, TryRng};

use crate::entropy::Entropy;
use crate::{Kernel, Result, time};

/// The time after which a new seed is mixed in.
pub const FRESH_FOR: Duration = Duration::from_secs(600);
/// The number of bytes drawn after which a new seed is mixed in.
pub const FRESH_BYTES: u64 = 1 << 20;

/// The size of a seed in bytes: a key of ChaCha20.
const SEED: usize = 32;
type Seed = [u8; SEED];

/// The state of the generator, which exists once.
struct Source {
    generator: RefCell<Option<Generator>>,
    /// The waker of the task that fetches seeds, while it waits for a request.
    seeder: Cell<Option<Waker>>,
}

static SOURCE: Mutex<Source> = Mutex::new(Source {
    generator: RefCell::new(None),
    seeder: Cell::new(None),
});

/// A handle of the generator. All copies refer to the same generator.
#[derive(Clone, Copy)]
pub struct Random(());

/// There is no generator: [`start`] was not called, or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStarted;

impl fmt::Display for NotStarted {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no random numbers yet: await vmos::random::start first")
    }
}

impl core::error::Error for NotStarted {}

/// Seeds the generator from the machine's entropy device and keeps it fresh. Further calls are the
/// same as [`get`].
///
/// # Errors
///
/// If the machine has no entropy device, or the device fails; then there is no generator.
pub async fn start(kernel: Kernel, spawner: Spawner) -> Result<Random> {
    if let Ok(random) = get() {
        return Ok(random);
    }
    let entropy = kernel.entropy()?;
    let mut seed = Seed::default();
    entropy.fill(&mut seed).await?;
    let is_first = critical_section::with(|cs| {
        let generator = &mut *SOURCE.borrow(cs).generator.borrow_mut();
        let is_first = generator.is_none();
        generator.get_or_insert_with(|| Generator::new(seed, time::now()));
        is_first
    });
    if is_first {
        spawner.spawn(keep_fresh(entropy)?);
    }
    Ok(Random(()))
}

/// Returns the generator.
///
/// # Errors
///
/// Returns [`NotStarted`] before it is [started](start).
pub fn get() -> Result<Random, NotStarted> {
    critical_section::with(|cs| {
        let is_there = SOURCE.borrow(cs).generator.borrow().is_some();
        is_there.then_some(Random(())).ok_or(NotStarted)
    })
}

/// Fills `bytes` from the generator.
///
/// # Errors
///
/// Returns [`NotStarted`] before it is [started](start), and leaves `bytes` unchanged.
pub fn fill(bytes: &mut [u8]) -> Result<(), NotStarted> {
    critical_section::with(|cs| {
        let source = SOURCE.borrow(cs);
        let mut generator = source.generator.borrow_mut();
        let generator = generator.as_mut().ok_or(NotStarted)?;
        generator.fill(bytes);
        if generator.is_stale(time::now())
            && let Some(waker) = source.seeder.take()
        {
            waker.wake();
        }
        Ok(())
    })
}

/// Mixes in a new seed each time a draw finds the current seed too old.
#[embassy_executor::task]
async fn keep_fresh(entropy: Entropy) {
    loop {
        poll_fn(|context| {
            critical_section::with(|cs| {
                let source = SOURCE.borrow(cs);
                source.seeder.set(Some(context.waker().clone()));
                let generator = source.generator.borrow();
                let stale = generator
                    .as_ref()
                    .is_some_and(|one| one.is_stale(time::now()));
                if stale {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
        })
        .await;
        let mut seed = Seed::default();
        let filled = entropy.fill(&mut seed).await;
        if let Err(error) = &filled {
            vmos_drivers::warn!("the random number generator cannot be reseeded: {error}");
        }
        critical_section::with(|cs| {
            if let Some(generator) = &mut *SOURCE.borrow(cs).generator.borrow_mut() {
                match filled {
                    Ok(()) => generator.mix(seed, time::now()),
                    // The next draw after the postponed time asks again.
                    Err(_) => generator.postpone(time::now()),
                }
            }
        });
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        // A handle proves that the generator was started, and it is never stopped.
        match fill(bytes) {
            Ok(()) => Ok(()),
            Err(error) => panic!("{error}"),
        }
    }
}

impl TryCryptoRng for Random {}

/// A generator, with the age of its seed.
struct Generator {
    key: Seed,
    /// When the last seed was mixed in, in nanoseconds.
    seeded: u64,
    /// The number of bytes drawn since then.
    drawn: u64,
}

impl Generator {
    fn new(key: Seed, now: u64) -> Self {
        Self {
            key,
            seeded: now,
            drawn: 0,
        }
    }

    /// Draws a new key, then `bytes`.
    fn fill(&mut self, bytes: &mut [u8]) {
        let mut stream = ChaCha20Rng::from_seed(self.key);
        stream.fill_bytes(&mut self.key);
        stream.fill_bytes(bytes);
        self.drawn = self.drawn.saturating_add(bytes.len() as u64);
    }

    fn is_stale(&self, now: u64) -> bool {
        self.drawn >= FRESH_BYTES || now.saturating_sub(self.seeded) >= FRESH_FOR.as_ticks()
    }

    /// Mixes in a seed. Neither the seed nor the old key alone is enough to compute the new key.
    fn mix(&mut self, seed: Seed, now: u64) {
        for (key, seed) in self.key.iter_mut().zip(seed) {
            *key ^= seed;
        }
        self.fill(&mut []);
        self.postpone(now);
    }

    fn postpone(&mut self, now: u64) {
        self.seeded = now;
        self.drawn = 0;
    }
}

/// Makes the crate `getrandom`, versions 0.3 and 0.4, draw from the generator of
/// [`random`](crate::random). An app uses it once, next to its `main`, and is built with `--cfg
/// getrandom_backend="custom"`; the `.cargo/config.toml` of VMOS and of its project template sets
/// this for every board. Before the generator is started, `getrandom` returns an error.
///
/// ```
/// vmos::provide_getrandom!();
/// # fn main() {}
/// ```
#[cfg(feature = "getrandom")]
#[macro_export]
macro_rules! provide_getrandom {
    () => {
        // SAFETY: getrandom requires this name and signature, and only an app uses this macro.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        unsafe extern "Rust" fn __getrandom_v03_custom(
            bytes: *mut u8,
            length: usize,
        ) -> ::core::result::Result<(), $crate::random::GetrandomError> {
            // SAFETY: getrandom passes memory of this length, which nothing else accesses
            // meanwhile.
            unsafe { $crate::random::fill_for_getrandom(bytes, length) }
        }
    };
}

/// The error that getrandom returns if there is no generator.
#[cfg(feature = "getrandom")]
#[doc(hidden)]
pub use getrandom::Error as GetrandomError;

/// Fills memory for getrandom; not part of the API.
///
/// # Safety
///
/// `bytes` must point to `length` writable bytes, initialised or not, that nothing else uses.
///
/// # Errors
///
/// If there is no generator.
#[cfg(feature = "getrandom")]
#[doc(hidden)]
pub unsafe fn fill_for_getrandom(bytes: *mut u8, length: usize) -> Result<(), GetrandomError> {
    // SAFETY: the caller guarantees it; zeroes initialise the bytes.
    unsafe { bytes.write_bytes(0, length) };
    // SAFETY: the caller guarantees it, and the bytes are initialised now.
    let bytes = unsafe { core::slice::from_raw_parts_mut(bytes, length) };
    fill(bytes).map_err(|NotStarted| GetrandomError::UNSUPPORTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_seed_there_is_no_generator() {
        let mut bytes = [7; 4];
        assert_eq!(fill(&mut bytes), Err(NotStarted));
        assert_eq!(bytes, [7; 4]);
        assert!(get().is_err());
    }

    #[test]
    fn draws_differ_and_follow_from_the_seed() {
        let draw = |generator: &mut Generator| {
            let mut bytes = [0; 16];
            generator.fill(&mut bytes);
            bytes
        };
        let (mut one, mut same) = (Generator::new([1; SEED], 0), Generator::new([1; SEED], 0));
        let first = draw(&mut one);
        assert_eq!(first, draw(&mut same));
        assert_ne!(first, draw(&mut one));
        assert_ne!(first, draw(&mut Generator::new([2; SEED], 0)));
    }

    #[test]
    fn a_draw_replaces_the_key() {
        let mut generator = Generator::new([1; SEED], 0);
        let before = generator.key;
        generator.fill(&mut [0; 1]);
        assert_ne!(generator.key, before);
    }

    #[test]
    fn a_seed_is_old_after_a_time_or_a_number_of_bytes() {
        let mut generator = Generator::new([1; SEED], 5);
        assert!(!generator.is_stale(5));
        assert!(generator.is_stale(5 + FRESH_FOR.as_ticks()));
        // The number of bytes that are really drawn: Miri takes minutes for all of them.
        let drawn = if cfg!(miri) { 8192 } else { FRESH_BYTES };
        generator.drawn += FRESH_BYTES - drawn;
        for _ in 0..drawn / 4096 {
            assert!(!generator.is_stale(5));
            generator.fill(&mut [0; 4096]);
        }
        assert!(generator.is_stale(5));
        let before = generator.key;
        generator.mix([3; SEED], 7);
        assert!(!generator.is_stale(7) && generator.key != before);
    }
}
