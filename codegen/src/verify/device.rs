//! Compares a part of the board with its device.

use super::Comparison;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::{Frequency, Interrupt, Located, hexadecimal};
use crate::machine::device::Device;
use crate::part::expect::{Fact, Part, Registers};

/// The prefix of the kinds of devices from firmware's tables.
const ACPI: &str = "acpi";

impl Comparison<'_> {
    /// Compares a part with its device.
    pub(super) fn part(&mut self, part: &Part, all: &[Part]) {
        if let Some(row) = &part.row {
            self.row(part, row);
            return;
        }
        self.compared.extend(part.not_there.iter().cloned());
        self.not_there.extend(part.not_there.iter().cloned());
        self.within.extend(part.within.iter().cloned());
        for fact in &part.facts {
            match fact {
                Fact::Timebase(clock) => {
                    self.frequency(clock, self.facts.timebase, "the processor's counter");
                }
                Fact::Extension(name) => self.extension(part, name),
                Fact::IntxLines(lines) => {
                    for (line, there) in lines.iter().zip(self.facts.intx_lines.iter().flatten()) {
                        self.interrupt(line, Some(*there), "it");
                    }
                }
                _ => {}
            }
        }
        let Some(index) = self.device_of(part, all) else {
            self.absent(part);
            return;
        };
        self.found.insert(index);
        let device = &self.facts.devices[index];
        for registers in &part.registers {
            self.registers(registers, device);
        }
        for fact in &part.facts {
            self.fact(part, fact, device);
        }
    }

    /// Returns the device with the part's registers, or else the nearest one that belongs to no
    /// other part.
    pub(super) fn device_of(&self, part: &Part, all: &[Part]) -> Option<usize> {
        let devices = || {
            let all = self.facts.devices.iter().enumerate();
            all.filter(|(_, device)| device.is(&part.kinds))
        };
        let Some(first) = part.registers.first() else {
            return self
                .device_by_ports(part)
                .or(devices().next().map(|(index, _)| index));
        };
        let is_at = |device: &Device, registers: &Registers| {
            let there = device.registers.get(registers.nth).copied().flatten();
            there.is_some_and(|range| range.base == registers.base.value)
        };
        if let Some((index, _)) = devices().find(|(_, device)| is_at(device, first)) {
            return Some(index);
        }
        let is_another = |device: &Device| {
            let others = all.iter().filter(|other| other.place != part.place);
            let mut first = others.filter_map(|other| other.registers.first());
            first.any(|registers| is_at(device, registers))
        };
        let distance = |device: &Device| {
            let there = device.registers.get(first.nth).copied().flatten();
            there.map_or(u64::MAX, |range| range.base.abs_diff(first.base.value))
        };
        devices()
            .filter(|(_, device)| !is_another(device))
            .min_by_key(|(_, device)| distance(device))
            .map(|(index, _)| index)
    }

    fn device_by_ports(&self, part: &Part) -> Option<usize> {
        let ports = part.facts.iter().find_map(|fact| match fact {
            Fact::Ports(ports) => Some(ports.value),
            _ => None,
        })?;
        let devices = self.facts.devices.iter();
        devices
            .clone()
            .position(|device| device.is(&part.kinds) && device.ports.contains(&ports))
    }

    fn absent(&mut self, part: &Part) {
        let open_ended = part.registers.iter().filter(|block| block.or_less);
        self.or_less
            .extend(open_ended.map(|block| block.key.clone()));
        let windows = part.facts.iter().filter_map(|fact| match fact {
            Fact::Window(_, key, ..) => Some(key.clone()),
            _ => None,
        });
        self.windows.extend(windows);
        let of_acpi = |kind: &&str| kind.split_once(',').is_some_and(|(whose, _)| whose == ACPI);
        let has_acpi = self.facts.devices.iter().any(Device::is_of_acpi);
        // A machine without any devices may still have this one.
        let tells = |kind: &&str| match kind.contains(',') {
            true if of_acpi(kind) => has_acpi,
            // Such kinds occur in a device tree, and not in QEMU's device list.
            true => self.facts.devices.iter().any(Device::is_of_tree),
            false => !self.facts.devices.is_empty(),
        };
        if !part.kinds.iter().any(tells) {
            return;
        }
        // Firmware's tables are incomplete: a device with an address is only searched for there.
        let has_ports = part.facts.iter().any(|fact| matches!(fact, Fact::Ports(_)));
        let has_place = has_ports || !part.registers.is_empty();
        if has_acpi && has_place && part.kinds.iter().any(of_acpi) {
            return;
        }
        self.compared
            .extend(part.registers.iter().map(|block| block.key.clone()));
        let title = format!("the machine has no `{}`", part.place.path);
        let diagnostic = Diagnostic::new(Code::NotOnMachine, part.place.at, title).label(format!(
            "{} has no {}",
            self.facts.teller,
            part.kinds.join(" or ")
        ));
        let there = part.registers.first().and_then(|registers| {
            let address = registers.base.value;
            let there = self.facts.describe(address)?;
            Some(format!("at {} there is {there}", hexadecimal(address)))
        });
        let diagnostic = diagnostic.helps(self.instead(part));
        self.problems
            .report(there.into_iter().fold(diagnostic, Diagnostic::note));
    }

    fn fact(&mut self, part: &Part, fact: &Fact, device: &Device) {
        let kind = device.kinds.first().map_or("", String::as_str);
        let bridge = device.bridge.as_ref();
        match fact {
            Fact::Interrupt(nth, interrupt) => {
                let there = device.interrupts.get(*nth).copied().flatten();
                if !self.is_foreign(interrupt, device.controller(*nth), kind) {
                    self.interrupt(interrupt, there, kind);
                }
            }
            Fact::Intx(intx) => {
                if let Some(bridge) = bridge {
                    self.pins(intx, bridge, kind);
                }
            }
            Fact::Clock(clock) => self.frequency(clock, device.clock, kind),
            Fact::Hertz(name, clock) => {
                self.frequency(clock, device.number(name).map(u64::from), kind);
            }
            Fact::ClockInput(name, clock) => {
                let there = device.number(name).map(u64::from);
                // Of frequencies that differ only in further digits, the described one is exact.
                let is_near = |there: &u64| there.abs_diff(clock.value) <= there / 200;
                let there = there.map(|there| match is_near(&there) {
                    true => clock.value,
                    false => there,
                });
                self.frequency(clock, there, kind);
            }
            Fact::Timebase(_) | Fact::IntxLines(_) | Fact::Extension(_) => {}
            Fact::Number(name, number) => self.number(number, device.number(name), kind, name),
            Fact::Sources(name, sources) => {
                let there = device.number(name);
                let there = there.filter(|there| u64::from(*there) != sources.value + 1);
                self.number(sources, there, kind, name);
            }
            Fact::NumberOr {
                name,
                usual,
                number,
                written,
            } => {
                // Only a device tree omits usual values.
                let is_of_tree = self.facts.devices.iter().any(Device::is_of_tree);
                let usual = usual.filter(|_| is_of_tree);
                if let Some(there) = device.number(name).or(usual) {
                    self.counted(number, there, kind, name, written(there));
                }
            }
            Fact::Buses(buses) => {
                let there = bridge.and_then(|bridge| bridge.buses);
                self.number(buses, there, kind, "buses");
            }
            Fact::Word(name, word) => {
                let there = device.word(name).filter(|there| *there != word.value);
                if let Some(there) = there {
                    let title = format!("the machine has another value for `{}`", word.path);
                    self.problems.report(
                        Diagnostic::new(Code::MachineProperty, word.at, title)
                            .label(format!("{kind} has {name} = \"{there}\""))
                            .write(format!("\"{there}\"")),
                    );
                }
            }
            Fact::SlotLines(row) => self.slot_lines(row),
            Fact::Bars(bars) => self.bars(bars),
            Fact::Ports(ports) => self.ports(part, ports, device),
            Fact::Window(window, key, base, size) => {
                let windows = bridge.map(|bridge| bridge.windows.as_slice());
                let windows = windows.unwrap_or_default();
                let of_kind = windows.iter().filter(|(one, _)| one == window);
                if of_kind
                    .clone()
                    .any(|(_, there)| self.is_above_ram(base, size, *there))
                {
                    self.compared.insert(key.clone());
                    self.agreed.ranges += 1;
                    return;
                }
                let nearest = of_kind.min_by_key(|(_, range)| range.base.abs_diff(base.value));
                // The windows of a bridge that does not state them are only in the memory tree.
                if let Some((_, there)) = nearest {
                    self.compared.insert(key.clone());
                    let there = self.behind_all_ram(*there);
                    self.range(key, base, Some(size), there, "the window");
                } else if !windows.is_empty() {
                    self.compared.insert(key.clone());
                    let title = format!("the machine has no `{key}`");
                    self.problems.report(
                        Diagnostic::new(Code::NotOnMachine, base.at, title)
                            .label(format!("{kind} has no such window")),
                    );
                }
            }
        }
    }

    /// Compares an interrupt; reports nothing if the machine does not state it.
    pub(super) fn interrupt(
        &mut self,
        interrupt: &Located<Interrupt>,
        there: Option<u32>,
        kind: &str,
    ) {
        let usual = crate::board::Trigger::Level;
        let number = self
            .description
            .surroundings()
            .number(interrupt.value, 1, usual);
        let (Some(number), Some(there)) = (number.map(|one| one.number), there) else {
            return;
        };
        if number == there {
            self.agreed.interrupts += 1;
            return;
        }
        let title = format!("the machine has another interrupt for `{}`", interrupt.path);
        let right = self.in_its_space(there);
        self.problems.report(
            Diagnostic::new(Code::MachineInterrupt, interrupt.at, title)
                .label(format!("{kind} raises {right}"))
                .write(right),
        );
    }

    /// Returns a controller's number in the notation of a board file.
    pub(super) fn in_its_space(&self, number: u32) -> String {
        let inputs = self
            .description
            .controller()
            .map(|one| one.binding().inputs());
        let space = inputs.unwrap_or_default().iter().find_map(|inputs| {
            let offset = number.checked_sub(inputs.first)?;
            (offset < inputs.count).then(|| inputs.space.written(offset))
        });
        space.unwrap_or_else(|| format!("input {number} of the controller"))
    }

    fn frequency(&mut self, frequency: &Located<u64>, there: Option<u64>, kind: &str) {
        let Some(there) = there else { return };
        if there == frequency.value {
            self.agreed.frequencies += 1;
            return;
        }
        let title = format!("the machine has another frequency for `{}`", frequency.path);
        let right = Frequency(there).written();
        self.problems.report(
            Diagnostic::new(Code::MachineFrequency, frequency.at, title)
                .label(format!("{kind} runs at {right}"))
                .write(right),
        );
    }

    fn number(&mut self, number: &Located<u64>, there: Option<u32>, kind: &str, what: &str) {
        let Some(there) = there.filter(|there| u64::from(*there) != number.value) else {
            return;
        };
        let title = format!("the machine has another value for `{}`", number.path);
        self.problems.report(
            Diagnostic::new(Code::MachineProperty, number.at, title)
                .label(format!("{kind} has {there} ({what})"))
                .write_number(there.into()),
        );
    }

    /// Compares a number that the device tree states in another unit than the key.
    fn counted(
        &mut self,
        number: &Located<u64>,
        there: u32,
        kind: &str,
        name: &str,
        right: String,
    ) {
        if u64::from(there) == number.value {
            return;
        }
        let title = format!("the machine has another value for `{}`", number.path);
        self.problems.report(
            Diagnostic::new(Code::MachineProperty, number.at, title)
                .label(format!(
                    "{kind} has {name} = {there}, which is {right} here"
                ))
                .write(right),
        );
    }
}
