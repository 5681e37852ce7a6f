//! Runs every target on its corpus, and on mutations of it that are the same in each run.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vmos_fuzz::{TARGETS, Target};

/// The number of mutations of each target's corpus.
const MUTATIONS: u64 = 4000;
/// The number of mutations of board files, each of which takes some milliseconds.
const MUTATED_BOARDS: u64 = 300;
/// The time limit of a target for one input, on a busy computer.
const LIMIT: Duration = Duration::from_secs(20);

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a file of the corpus").path())
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a file of the corpus");
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

/// Pseudo-random numbers with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Values that often cause errors.
const INTERESTING: [u8; 8] = [0, 1, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xff];

/// Makes a few changes: flips a bit, replaces a byte, removes, repeats or inserts a part, or
/// truncates.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let length = random.below(24).min(bytes.len() - at);
        match random.below(8) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            2 | 3 if !bytes.is_empty() => bytes[at] = INTERESTING[random.below(8)],
            4 => {
                bytes.drain(at..at + length);
            }
            5 => {
                let again = bytes[at..at + length].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let from = random.below(other.len());
                let part = &other[from..other.len().min(from + length)];
                bytes.splice(at..at + length, part.iter().copied());
            }
            _ => bytes.truncate(at + length),
        }
    }
}

fn try_one(target: Target, what: &str, bytes: &[u8]) {
    let (name, run) = target;
    let begin = Instant::now();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(bytes)));
    let took = begin.elapsed();
    if outcome.is_err() || took > LIMIT {
        let kept = std::env::temp_dir().join(format!("vmos-fuzz-{name}"));
        fs::write(&kept, bytes).expect("the input is kept");
        panic!(
            "{name}: {what} failed or took {took:?}; the input is in {}",
            kept.display()
        );
    }
}

fn replay(target: Target) {
    let (name, _) = target;
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "there is no corpus for {name}");
    try_one(target, "nothing", &[]);
    for (path, bytes) in &corpus {
        try_one(target, &path.display().to_string(), bytes);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mutations = match name {
        "board" => MUTATED_BOARDS,
        _ => MUTATIONS,
    };
    for number in 0..mutations {
        let (path, bytes) = &corpus[random.below(corpus.len())];
        let (_, other) = &corpus[random.below(corpus.len())];
        let mut bytes = bytes.clone();
        mutate(&mut bytes, other, &mut random);
        try_one(
            target,
            &format!("mutation {number} of {}", path.display()),
            &bytes,
        );
    }
}

#[test]
fn boards_of_the_corpus_are_resolved() {
    for (path, bytes) in corpus("board") {
        if let Err(diagnostics) = vmos_fuzz::load(&bytes) {
            panic!("{}:\n{diagnostics}", path.display());
        }
    }
}

macro_rules! targets {
    ($($name:ident $index:literal),*) => {$(
        #[test]
        fn $name() {
            let target = TARGETS[$index];
            assert_eq!(target.0, stringify!($name));
            replay(target);
        }
    )*};
}

targets!(
    board 0,
    device_tree 1,
    pc_tables 2,
    pci 3,
    frames 4,
    dhcp_answers 5,
    name_answers 6
);
