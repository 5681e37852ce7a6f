use core::cell::{Cell, RefCell};
use core::task::{Context, Poll, Waker};
use std::rc::Rc;
use std::vec::Vec;

use super::*;

#[cfg(feature = "ekv")]
mod ekv;

/// Runs a future that never waits.
fn now<T>(task: impl Future<Output = T>) -> T {
    match core::pin::pin!(task).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the disk of this test never waits"),
    }
}

/// A disk that fails at some point.
#[derive(Clone)]
struct Fragile {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// The number of sectors written before the failure; `None` for no failure.
    left: Rc<Cell<Option<usize>>>,
    /// The number of bytes of the last sector that are still written; the others are damaged.
    torn: usize,
}

impl Fragile {
    fn new(sectors: usize) -> Self {
        Self {
            bytes: Rc::new(RefCell::new(std::vec![0; sectors * SECTOR_SIZE])),
            left: Rc::default(),
            torn: 0,
        }
    }

    /// Returns the same disk after a restart.
    fn again(&self) -> Self {
        self.left.set(None);
        self.clone()
    }

    fn is_dead(&self) -> bool {
        self.left.get() == Some(0)
    }
}

impl Sectors for Fragile {
    async fn read(&self, sector: u64, mut buffer: Buffer) -> Result<Buffer, FlashError> {
        if self.is_dead() {
            return Err(FlashError::OutOfRange);
        }
        let start = sector as usize * SECTOR_SIZE;
        let length = buffer.len();
        buffer.copy_from_slice(&self.bytes.borrow()[start..start + length]);
        Ok(buffer)
    }

    async fn write(&self, sector: u64, buffer: Buffer) -> Result<Buffer, FlashError> {
        for (index, new) in buffer.chunks(SECTOR_SIZE).enumerate() {
            if self.is_dead() {
                return Err(FlashError::OutOfRange);
            }
            let start = (sector as usize + index) * SECTOR_SIZE;
            let place = &mut self.bytes.borrow_mut()[start..start + SECTOR_SIZE];
            let left = self.left.get().map(|left| left - 1);
            self.left.set(left);
            if left == Some(0) {
                let (arrives, harmed) = place.split_at_mut(self.torn);
                arrives.copy_from_slice(&new[..self.torn]);
                harmed.fill(0xa5);
                return Err(FlashError::OutOfRange);
            }
            place.copy_from_slice(new);
        }
        Ok(buffer)
    }
}

const SECTORS: u64 = 8 * 6;

fn open(disk: Fragile, block: usize) -> Memory<Fragile> {
    now(Memory::open(disk, 0..SECTORS, block)).unwrap()
}

fn read(memory: &mut Memory<Fragile>, offset: u32, length: usize) -> Vec<u8> {
    let mut bytes = std::vec![0; length];
    now(memory.read(offset, &mut bytes)).unwrap();
    bytes
}

#[test]
fn a_new_disk_is_erased() {
    let mut memory = open(Fragile::new(48), 512);
    assert_eq!(memory.capacity(), 4 * FLASH_PAGE);
    assert!(
        read(&mut memory, 0, 4 * FLASH_PAGE)
            .iter()
            .all(|byte| *byte == 0xff)
    );
}

#[test]
fn written_data_is_read_back_across_pages_and_after_a_restart() {
    let disk = Fragile::new(48);
    let mut memory = open(disk.clone(), 512);
    let bytes: Vec<u8> = (0..1000).map(|n| n as u8).collect();
    now(memory.write(FLASH_PAGE as u32 - 500, &bytes)).unwrap();
    assert_eq!(read(&mut memory, FLASH_PAGE as u32 - 500, 1000), bytes);
    let mut again = open(disk, 512);
    assert_eq!(read(&mut again, FLASH_PAGE as u32 - 500, 1000), bytes);
    assert_eq!(read(&mut again, FLASH_PAGE as u32 - 504, 4), [0xff; 4]);
}

#[test]
fn a_write_that_failed_has_the_same_effect_now_as_after_a_restart() {
    // Two sectors of the log are written, then the one at the place.
    for sectors in 1..=3 {
        for torn in [0, 100, SECTOR_SIZE] {
            let disk = Fragile {
                torn,
                ..Fragile::new(48)
            };
            let mut memory = open(disk.clone(), 512);
            now(memory.write(8, &[0xf0; 4])).unwrap();
            disk.left.set(Some(sectors));
            assert!(now(memory.write(8, &[0x3c; 4])).is_err());
            let disk = disk.again();
            let before = read(&mut memory, 8, 8);
            let mut again = open(disk, 512);
            assert_eq!(before, read(&mut again, 8, 8), "{sectors}, {torn}");
        }
    }
}

#[test]
fn a_write_clears_bits_and_only_erasing_sets_them() {
    let mut memory = open(Fragile::new(48), 512);
    now(memory.write(8, &[0xf0; 4])).unwrap();
    now(memory.write(8, &[0x3c; 4])).unwrap();
    assert_eq!(read(&mut memory, 8, 4), [0x30; 4]);
    now(memory.erase(0, FLASH_PAGE as u32)).unwrap();
    assert_eq!(read(&mut memory, 8, 4), [0xff; 4]);
}

#[test]
fn invalid_ranges_are_rejected() {
    let mut memory = open(Fragile::new(48), 512);
    let capacity = memory.capacity() as u32;
    assert!(matches!(
        now(memory.write(2, &[0; 4])),
        Err(FlashError::Misaligned)
    ));
    assert!(matches!(
        now(memory.write(0, &[0; 3])),
        Err(FlashError::Misaligned)
    ));
    assert!(matches!(
        now(memory.write(capacity, &[0; 4])),
        Err(FlashError::OutOfRange)
    ));
    assert!(matches!(
        now(memory.erase(0, capacity + 4096)),
        Err(FlashError::OutOfRange)
    ));
    assert!(matches!(
        now(memory.erase(4096, 0)),
        Err(FlashError::OutOfRange)
    ));
    assert!(matches!(
        now(memory.erase(0, 100)),
        Err(FlashError::Misaligned)
    ));
    for (start, end) in [(0, 16), (4, 48), (0, 47), (48, 0)] {
        let opened = now(Memory::open(Fragile::new(48), start..end, 512));
        assert!(matches!(opened, Err(FlashError::Range)));
    }
}

/// Runs various operations until the disk fails, and returns the possible contents of each word.
fn work(memory: &mut Memory<Fragile>) -> (Vec<u8>, Option<Change>) {
    let mut expected = std::vec![0xff; memory.capacity()];
    let page = FLASH_PAGE;
    let write = |place: usize, value: u8, length: usize| Change::Write(place, value, length);
    let changes = [
        write(0, 0x11, 4),
        write(4, 0x22, 4),
        write(page - 8, 0x33, 16),
        Change::Erase(0),
        write(8, 0x44, 600),
        write(page + 1024, 0x55, 4),
        Change::Erase(1),
        write(page + 1024, 0x66, 8),
        write(0, 0x77, 4),
    ];
    for change in changes {
        let done = match change {
            Change::Write(place, value, length) => {
                now(memory.write(place as u32, &std::vec![value; length]))
            }
            Change::Erase(index) => {
                now(memory.erase((index * page) as u32, ((index + 1) * page) as u32))
            }
        };
        if done.is_err() {
            return (expected, Some(change));
        }
        change.apply(&mut expected);
    }
    (expected, None)
}

#[derive(Clone, Copy)]
enum Change {
    Write(usize, u8, usize),
    Erase(usize),
}

impl Change {
    fn apply(self, bytes: &mut [u8]) {
        match self {
            Self::Write(place, value, length) => {
                for byte in &mut bytes[place..place + length] {
                    *byte &= value;
                }
            }
            Self::Erase(page) => bytes[page * FLASH_PAGE..][..FLASH_PAGE].fill(0xff),
        }
    }
}

#[test]
fn at_any_failure_each_word_has_its_old_or_new_content() {
    // Under Miri, every twelfth sector, in one way.
    let (blocks, lengths, step): (&[_], &[_], _) = if cfg!(miri) {
        (&[512], &[20], 12)
    } else {
        (&[512, 4096], &[0, 20, 256, 512], 1)
    };
    for &block in blocks {
        for &torn in lengths {
            for sectors in (1..).step_by(step) {
                let mut disk = Fragile::new(48);
                disk.torn = torn;
                let mut memory = open(disk.clone(), block);
                disk.left.set(Some(sectors));
                let (expected, cut) = work(&mut memory);
                let mut again = open(disk.again(), block);
                let found = read(&mut again, 0, expected.len());
                let mut changed = expected.clone();
                if let Some(change) = cut {
                    change.apply(&mut changed);
                }
                for (place, byte) in found.iter().enumerate() {
                    if matches!(cut, Some(Change::Erase(page)) if place / FLASH_PAGE == page) {
                        continue;
                    }
                    assert!(
                        *byte == expected[place] || *byte == changed[place],
                        "block {block}, torn {torn}, sector {sectors}: {place} is {byte:#x}"
                    );
                }
                // The earlier content is still readable.
                now(again.erase(0, FLASH_PAGE as u32)).unwrap();
                now(again.write(0, &[0; 4])).unwrap();
                if cut.is_none() {
                    break;
                }
            }
        }
    }
}
