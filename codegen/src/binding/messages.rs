//! The receivers of message-signalled interrupts: the words of all interrupt controllers.

use super::InterruptController;
use crate::board::Msi;
use crate::diagnostic::Problems;
use crate::language::scalar::read_choice;
use crate::language::schema::{Choice, Kind};
use crate::language::{Given, Read};

const ALL: &[&[Msi]] = InterruptController::MESSAGES;

/// The largest possible number of words, with those that several controllers have.
const MOST: usize = {
    let (mut count, mut driver) = (0, 0);
    while driver < ALL.len() {
        count += ALL[driver].len();
        driver += 1;
    }
    count
};

/// Each word once, in the order of the drivers, and the number of words.
const EACH: ([Choice; MOST], usize) = {
    let none = Choice { word: "", doc: "" };
    let (mut found, mut count, mut driver) = ([none; MOST], 0, 0);
    while driver < ALL.len() {
        let mut index = 0;
        while index < ALL[driver].len() {
            let Msi { word, doc, .. } = ALL[driver][index];
            if !is_among(word, &found, count) {
                found[count] = Choice { word, doc };
                count += 1;
            }
            index += 1;
        }
        driver += 1;
    }
    (found, count)
};

const WORDS: &[Choice] = EACH.0.split_at(EACH.1).0;

/// Whether a word is one of the first `count`.
const fn is_among(word: &str, found: &[Choice], count: usize) -> bool {
    let mut index = 0;
    while index < count {
        if is_same(word.as_bytes(), found[index].word.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

impl Read for Msi {
    const KIND: Kind = Kind::Choice(WORDS);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let word = read_choice(given, &Self::KIND, &[], problems)?;
        let mut all = ALL.iter().copied().flatten();
        all.find(|msi| msi.word == word).copied()
    }
}
