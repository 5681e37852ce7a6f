//! A disk as its driver sees it, with each way to its file.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::task::{Poll, Waker};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process, thread};

use rustix::event::{PollFd, Timespec, poll};

use super::{Aio, Disk};
use crate::dma::Buffer;
use crate::hosted::{Slot, SlotRegisters};
use crate::virtio::blk::{Blk, Completion, Operation, Payload, Token};
use crate::virtio::mmio::probe_registers;
use crate::virtio::transport::MmioTransport;
use crate::watched::Watched as _;

const SECTOR: usize = 512;
/// The size of each file, in sectors.
const SECTORS: u64 = 64;

/// A disk, its driver, and its file.
struct Machine {
    driver: Blk<MmioTransport<SlotRegisters>>,
    slot: Rc<RefCell<Slot>>,
    file: File,
}

impl Machine {
    fn new(aio: Option<Aio>) -> Self {
        let file = file();
        let same = file.try_clone().expect("a descriptor");
        let disk = Disk::new(same, false, "", aio).expect("a disk");
        let slot = Rc::new(RefCell::new(Slot::new(disk)));
        let registers = SlotRegisters::new(Some(Rc::clone(&slot)));
        let found = probe_registers(registers, 0x200)
            .expect("it is a slot")
            .expect("it has a device");
        let driver = Blk::new(found.transport).expect("it is a disk");
        Self { driver, slot, file }
    }

    fn submit(&mut self, operation: Operation) -> Token {
        let accepted = self.driver.submit(operation);
        accepted.expect("there is room for a request")
    }

    fn read(&mut self, sector: u64, sectors: usize) -> Token {
        let payload = Payload::One(Buffer::new(sectors * SECTOR).expect("memory"));
        self.submit(Operation::Read { sector, payload })
    }

    fn write(&mut self, sector: u64, bytes: &[u8]) -> Token {
        let mut buffer = Buffer::new(bytes.len()).expect("memory");
        buffer.copy_from_slice(bytes);
        let payload = Payload::One(buffer);
        self.submit(Operation::Write { sector, payload })
    }

    /// Lets the device serve what was submitted.
    fn serve(&mut self) {
        self.driver.publish();
        self.slot.borrow_mut().serve();
    }

    /// Waits until a request is complete.
    fn wait(&mut self, token: Token) -> Completion {
        loop {
            self.serve();
            self.driver.complete(usize::MAX);
            if let Poll::Ready(done) = self.driver.poll(token, Waker::noop()) {
                return done;
            }
            self.sleep();
        }
    }

    /// Sleeps as the event loop does.
    fn sleep(&self) {
        let patience = Timespec {
            tv_sec: 20,
            tv_nsec: 0,
        };
        // Miri has no `poll`.
        if cfg!(miri) {
            return thread::yield_now();
        }
        let slot = self.slot.borrow();
        let (descriptor, flags) = slot.awaited().expect("a disk is always awaited");
        let mut watched = [PollFd::from_borrowed_fd(descriptor, flags)];
        let count = poll(&mut watched, Some(&patience)).expect("it can be waited for");
        assert_eq!(count, 1, "the host does not answer");
    }
}

/// Creates a file whose sectors each consist of their number, and which has no name any more.
fn file() -> File {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("vmos-disk-{}-{count}.img", process::id()));
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("a new file");
    fs::remove_file(&path).expect("the file that was created");
    for sector in 0..SECTORS {
        let bytes = [sector as u8; SECTOR];
        let written = file.write_all_at(&bytes, sector * SECTOR as u64);
        written.expect("room for a sector");
    }
    file
}

/// Returns the ways to a file that this host has.
fn ways() -> Vec<Aio> {
    let both = [Aio::Threads, Aio::IoUring].into_iter();
    both.filter(|aio| Disk::new(file(), false, "", Some(*aio)).is_ok())
        .collect()
}

fn bytes(done: Completion) -> Vec<u8> {
    assert_eq!(done.result, Ok(()));
    match done.payload {
        Some(Payload::One(buffer)) => buffer.to_vec(),
        _ => panic!("the buffer does not come back"),
    }
}

#[test]
fn each_way_has_the_name_that_qemu_gives_it() {
    assert_eq!("threads".parse(), Ok(Aio::Threads));
    assert_eq!("io_uring".parse(), Ok(Aio::IoUring));
    assert!("native".parse::<Aio>().is_err());
}

#[test]
fn a_host_without_io_uring_has_threads() {
    assert!(ways().contains(&Aio::Threads));
    let mut machine = Machine::new(None);
    let token = machine.read(3, 1);
    assert_eq!(bytes(machine.wait(token)), [3; SECTOR]);
}

#[test]
fn what_was_written_is_in_the_file_and_is_read_again() {
    for aio in ways() {
        let mut machine = Machine::new(Some(aio));
        let token = machine.write(5, &[0xa5; 2 * SECTOR]);
        bytes(machine.wait(token));
        let token = machine.submit(Operation::Flush);
        assert_eq!(machine.wait(token).result, Ok(()), "{aio:?}");
        let token = machine.read(4, 4);
        let read = bytes(machine.wait(token));
        assert_eq!(read[..SECTOR], [4; SECTOR], "{aio:?}");
        assert_eq!(read[SECTOR..3 * SECTOR], [0xa5; 2 * SECTOR], "{aio:?}");
        assert_eq!(read[3 * SECTOR..], [7; SECTOR], "{aio:?}");
        let mut stored = [0; SECTOR];
        let at = 6 * SECTOR as u64;
        machine.file.read_exact_at(&mut stored, at).expect("a file");
        assert_eq!(stored, [0xa5; SECTOR], "{aio:?}");
    }
}

#[test]
fn each_of_many_requests_gets_its_own_sector() {
    for aio in ways() {
        let mut machine = Machine::new(Some(aio));
        let tokens: Vec<_> = (0..SECTORS).map(|sector| machine.read(sector, 1)).collect();
        for (sector, token) in tokens.into_iter().enumerate() {
            let read = bytes(machine.wait(token));
            assert_eq!(read, [sector as u8; SECTOR], "{aio:?}");
        }
    }
}

#[test]
fn a_read_beyond_the_end_of_a_file_that_became_shorter_fails() {
    for aio in ways() {
        let mut machine = Machine::new(Some(aio));
        machine.file.set_len(10 * SECTOR as u64).expect("a file");
        let token = machine.read(8, 4);
        assert!(machine.wait(token).result.is_err(), "{aio:?}");
        let token = machine.read(8, 2);
        assert!(machine.wait(token).result.is_ok(), "{aio:?}");
    }
}

#[test]
fn what_a_reset_has_overtaken_is_not_reported() {
    for aio in ways() {
        let mut machine = Machine::new(Some(aio));
        let token = machine.write(0, &[0xa5; 32 * SECTOR]);
        machine.serve();
        let restarted = machine.driver.reinitialize();
        assert!(restarted.is_ok(), "{aio:?}");
        assert!(machine.wait(token).result.is_err(), "{aio:?}");
        for sector in 40..60 {
            let token = machine.read(sector, 1);
            assert_eq!(bytes(machine.wait(token))[0], sector as u8, "{aio:?}");
        }
    }
}

#[test]
fn io_uring_ends_with_its_last_request() {
    if !ways().contains(&Aio::IoUring) {
        return;
    }
    let mut machine = Machine::new(Some(Aio::IoUring));
    for half in 0..2 {
        machine.write(32 * half, &[0xa5; 32 * SECTOR]);
    }
    machine.serve();
    let Machine { driver, slot, file } = machine;
    drop(driver);
    drop(slot);
    let mut stored = [0; SECTORS as usize * SECTOR];
    file.read_exact_at(&mut stored, 0).expect("a file");
    assert!(stored.iter().all(|byte| *byte == 0xa5));
}
