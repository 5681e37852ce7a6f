//! Starts the kernel, from the first Rust instruction to the event loop.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::{debug, error, info, warn};

use crate::arch::{self, Access, Mapping, PAGE};
use crate::command_line::CommandLine;
use crate::device_tree::Unusable;
use crate::devices::{self, NoDevices};
use crate::executor::Executor;
use crate::firmware::{Table, TableKind, Unclear};
use crate::kernel::{Kernel, State};
use crate::machine::{self, Machine};
use crate::memory::Memory;
use crate::memory::discovery::{self, Finding};
use crate::memory::heap;
use crate::memory::range_set::RangeSet;
use crate::{app, debugger, event_loop, image};

mod attest;

use attest::Attestation;

/// The function that the board's entry code calls, through the `vmos_start` that `#[vmos::main]`
/// defines. The stack is set up, `.bss` is cleared, interrupts and address translation are off.
/// `arguments` are the registers that the loader passed.
#[cold]
pub fn start(arguments: [usize; 4]) -> ! {
    let table = Table::find(arguments);
    let (table, unusable) = match table {
        Ok(table) => (table, None),
        Err(unusable) => (None, Some(unusable)),
    };
    let attestation = Attestation::of(table);
    // SAFETY: this is the first call.
    unsafe { machine::start_console_and_clock(attestation.console()) };
    crate::log::start();
    match boot(unusable, attestation) {
        Ok(never) => match never {},
        Err(error) => {
            // A conflict may be the cause.
            attest::conclude();
            error!("cannot start: {error}");
            machine::off(1)
        }
    }
}

/// Why the kernel cannot start.
#[derive(Debug)]
enum CannotStart {
    /// The clock's frequency is unknown, or it does not run.
    NoClock,
    /// The processor does not have the timer.
    NoTimer(&'static str),
    /// The timer raises no interrupt.
    NoInterrupt,
    /// It is not known which memory is free.
    Unclear(Unclear),
    /// The board file and the machine conflict.
    Contradicted,
    /// The machine lacks a required device at the address in the board file. Contains the device's
    /// key.
    Missing(&'static str),
    /// No RAM is left for the heap.
    NoMemory,
    /// Memory cannot be mapped.
    Translation(arch::TranslationError),
}

impl fmt::Display for CannotStart {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Translation(error) => return write!(f, "cannot map memory: {error}"),
            Self::Unclear(error) => return error.fmt(f),
            Self::NoTimer(missing) => missing,
            Self::Missing(key) => {
                return write!(
                    f,
                    "{key}: firmware's tables do not contain it at the address in the board file"
                );
            }
            Self::Contradicted => "board file and machine conflict, and this is a debug build",
            Self::NoClock => {
                "the clock does not run, or has no frequency: see [timer] in the board file"
            }
            Self::NoInterrupt => {
                "the timer raises no interrupt: see [timer], [interrupt-controller] and \
                 [boot] in the board file"
            }
            Self::NoMemory => {
                "no RAM is left for the heap: give the machine more memory, or see memory.ram in \
                 the board file"
            }
        })
    }
}

impl<E: Into<Unclear>> From<E> for CannotStart {
    fn from(error: E) -> Self {
        Self::Unclear(error.into())
    }
}

#[cold]
fn boot(
    unusable: Option<Unusable>,
    attestation: Attestation<'static>,
) -> Result<core::convert::Infallible, CannotStart> {
    let table = attestation.table();
    let command_line = CommandLine::new(table.map_or("", |table| table.command_line()));
    crate::log::set_level(command_line.value("log"));
    info!(
        "VMOS {} on {} ({})",
        env!("CARGO_PKG_VERSION"),
        machine::TITLE,
        machine::NAME
    );
    if let Some(unusable) = unusable {
        warn!("{unusable}");
    }

    if let Some(missing) = machine::missing_timer() {
        return Err(CannotStart::NoTimer(missing));
    }
    if !machine::clock_runs() {
        return Err(CannotStart::NoClock);
    }

    let memory = prepare_memory(attestation, command_line)?;

    // SAFETY: the console and the clock run, memory is mapped, and this is the only call.
    let mut machine = unsafe { Machine::start_interrupts() };
    if !machine.timer_interrupt_comes() {
        return Err(CannotStart::NoInterrupt);
    }
    let state = find_devices(&mut machine, memory, command_line);
    debugger::show(state);
    let executor = Executor::new();
    let (kernel, spawner) = (Kernel::new(state), executor.spawner());
    app::start(kernel, spawner);
    let statistics = &state.loop_statistics;
    let Some(drivers) = state.devices.drivers().first() else {
        let services = &mut NoDevices;
        event_loop::run(machine, services, executor, statistics, |_| {
            attest::conclude();
        });
    };
    let services = &mut *drivers.borrow_mut();
    event_loop::run(machine, services, executor, statistics, |drivers| {
        // No frame has been sent yet.
        crate::secrets::draw(kernel, spawner);
        if attest::conclude() {
            drivers.doubt_lines();
        }
    })
}

/// Finds the memory, compares the board file with the machine as far as that must be known before devices
/// are accessed, maps what the kernel may access, and makes the rest of RAM the heap. This needs more of
/// the stack than the event loop, which runs in the caller.
#[cold]
#[inline(never)]
fn prepare_memory(
    mut attestation: Attestation<'static>,
    command_line: CommandLine<'_>,
) -> Result<Memory, CannotStart> {
    let mut ram = RangeSet::new();
    let unreachable = find_ram(&mut attestation, &mut ram)?;
    if arch::FIRMWARE_TABLE == TableKind::None {
        return make_heap(None, command_line, ram, unreachable);
    }
    attestation.find_misplaced()?;
    match make_heap(attestation.table(), command_line, ram, unreachable) {
        Ok(memory) => {
            attestation.conclude_later()?;
            Ok(memory)
        }
        Err(error) => {
            attestation.find_others();
            Err(error)
        }
    }
}

/// Maps what the kernel may access, and makes the RAM that is free the heap.
#[cold]
fn make_heap(
    table: Option<&Table>,
    command_line: CommandLine<'_>,
    ram: RangeSet,
    unreachable: u64,
) -> Result<Memory, CannotStart> {
    for range in ram.as_slice() {
        debug!("RAM: {:#x} bytes at {}", range.size, range.base);
    }
    debug!("the clock runs at {} Hz", machine::clock_frequency());
    let mut free = ram.clone();
    carve(&mut free, table)?;
    map(&ram, table, command_line, &mut free)?;

    // No code before this line may allocate.
    let mut heap_size = 0;
    let mut left = machine::HEAP;
    for &range in free.as_slice() {
        let mut range = range;
        if let Some(left) = &mut left {
            range.size = range.size.min(*left);
            *left -= range.size;
        }
        // SAFETY: the range is part of the RAM, and nothing else uses it.
        heap_size += unsafe { heap::add(range) } as u64;
    }
    if heap_size == 0 {
        return Err(CannotStart::NoMemory);
    }
    debug!("heap: {heap_size} bytes");
    Ok(Memory {
        ram: Vec::from(ram.as_slice()),
        unreachable,
        image: image::range(),
        heap_size,
    })
}

/// Finds the devices, and makes the parts of the kernel that exist once.
#[cold]
#[inline(never)]
fn find_devices(
    machine: &mut Machine,
    memory: Memory,
    command_line: CommandLine<'static>,
) -> &'static State {
    let devices = devices::probe(machine.controller(), command_line);
    Box::leak(Box::new(State::new(memory, command_line, devices)))
}

/// Adds the RAM to use to `ram`, and reports it as far as it differs from the board file's. Returns
/// the number of bytes that the processor cannot address.
#[cold]
#[inline(never)]
fn find_ram(attestation: &mut Attestation<'static>, ram: &mut RangeSet) -> Result<u64, Unclear> {
    if arch::FIRMWARE_TABLE == TableKind::None {
        // Nothing could tell anything else.
        for described in machine::MEMORY.ram {
            ram.add(Range {
                base: described.base,
                size: described.expected_size,
            })?;
        }
        return Ok(0);
    }
    let mut reported = RangeSet::new();
    let table = attestation.table();
    if let Some(table) = table {
        table.find_ram(&mut reported)?;
    }
    let reported = table.map(|_| &reported);
    let mut unreachable = 0;
    let last = usize::MAX as u64;
    discovery::discover(machine::MEMORY.ram, reported, last, ram, |finding| {
        if let Finding::OutOfReach { beyond, .. } = finding {
            unreachable += beyond.size;
        }
        attestation.take(finding);
    })?;
    Ok(unreachable)
}

/// Whether the board's RAM includes address zero.
const STARTS_AT_ZERO: bool = {
    let ram = machine::MEMORY.ram;
    let mut index = 0;
    while index < ram.len() && ram[index].base.0 >= PAGE {
        index += 1;
    }
    index < ram.len()
};

/// Removes from `free`, which is all RAM to use, what is not for the heap: the image, firmware's table
/// and what it reserves, the regions that the board reserves, and the first and the last page.
#[cold]
fn carve(free: &mut RangeSet, table: Option<&Table>) -> Result<(), Unclear> {
    free.remove(image::range())?;
    if let Some(table) = table {
        table.carve(free)?;
    }
    machine::MEMORY
        .reserved
        .iter()
        .try_for_each(|region| free.remove(region.range))?;
    // Address zero stays unmapped, so that a null pointer access faults.
    if STARTS_AT_ZERO {
        free.remove(Range {
            base: PhysicalAddress(0),
            size: PAGE,
        })?;
    }
    // The end of the address space is not used either: the pointer past it would be null.
    free.remove(Range {
        base: PhysicalAddress(usize::MAX as u64 & !(PAGE - 1)),
        size: PAGE,
    })?;
    free.align(PAGE);
    Ok(())
}

/// Maps everything that the kernel may access, with the permissions that it needs, and nothing
/// else.
#[cold]
fn map(
    ram: &RangeSet,
    table: Option<&Table>,
    command_line: CommandLine<'_>,
    free: &mut RangeSet,
) -> Result<(), CannotStart> {
    let mut data = ram.clone();
    if let Some(tree) = table.and_then(|table| table.device_tree()) {
        // The table may be outside the described RAM.
        data.add(tree.range())?;
    }
    data.remove(image::range())?;
    // The command line stays where the loader placed it. Only if that is in the first page, a null
    // pointer access does not fault.
    let line = command_line.as_str();
    if STARTS_AT_ZERO && (line.is_empty() || line.as_ptr().addr() as u64 >= PAGE) {
        data.remove(Range {
            base: PhysicalAddress(0),
            size: PAGE,
        })?;
    }
    // One sequence by index, because chained iterators would repeat the code that maps for each part.
    let (image, data, devices) = (image::mappings(), data.as_slice(), machine::MEMORY.mmio);
    let console = machine::moved_console().map(|range| Mapping::identity(range, Access::Device));
    let mapping = |mut index: usize| {
        if let Some(&part) = image.get(index) {
            return Some(part);
        }
        index -= image.len();
        if let Some(&range) = data.get(index) {
            return Some(Mapping::identity(range, Access::Data));
        }
        index -= data.len();
        if let Some(region) = devices.get(index) {
            return Some(Mapping {
                range: region.range,
                physical: region.physical,
                access: Access::Device,
            });
        }
        console.filter(|_| index == devices.len())
    };
    let mappings = (0..).map_while(mapping);
    // SAFETY: the mappings cover the image, all RAM and every described device, each at the address
    // that the kernel uses; the tables are allocated from free RAM.
    unsafe {
        arch::enable_translation::<{ machine::SHORT_DESCRIPTORS }>(mappings, || {
            free.take(PAGE).map(|page| page.base)
        })
    }
    .map_err(CannotStart::Translation)
}
