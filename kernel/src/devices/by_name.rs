//! Disks by name. A name and its disk come from the command line, `disk.NAME=`, and otherwise from the
//! board file, `[disk.NAME]`.

use core::fmt;

use vmos_drivers::board::NamedDevice;

use super::{DeviceKind, Devices, Place};
use crate::block::Disk;
use crate::command_line::CommandLine;
use crate::machine;

/// There is no disk with the name that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSuchDisk {
    /// Neither the command line nor the board file has the name.
    Unnamed,
    /// The machine does not have the disk with this name, or it failed to start.
    Absent,
}

impl fmt::Display for NoSuchDisk {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unnamed => {
                "no disk has this name: give it to one by [disk.NAME] in the board file, or by \
                 disk.NAME=SERIAL on the command line"
            }
            Self::Absent => {
                "the machine does not have the disk with this name: attach it, or correct \
                 disk.NAME= on the command line or [disk.NAME] in the board file"
            }
        })
    }
}

impl core::error::Error for NoSuchDisk {}

/// What identifies the disk that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selector<'a> {
    /// The place or the serial number in a word of the command line.
    Stated(&'a str),
    /// The properties in the board file.
    Described(&'static NamedDevice),
}

impl Selector<'_> {
    fn is_at(self, place: Place) -> bool {
        match self {
            Self::Stated(text) => place.is_called(text),
            Self::Described(named) => place.is_of(named),
        }
    }

    fn serial(&self) -> Option<&str> {
        match self {
            Self::Stated(text) => Some(text),
            Self::Described(named) => named.identity,
        }
    }
}

/// Returns what identifies the disk with this name; `None` if nothing gives the name.
fn selector<'a>(
    name: &str,
    command_line: CommandLine<'a>,
    described: &'static [NamedDevice],
) -> Option<Selector<'a>> {
    let words = command_line.words().filter_map(|word| {
        let rest = word.strip_prefix("disk.")?;
        rest.strip_prefix(name)?.strip_prefix('=')
    });
    let stated = words.last().map(Selector::Stated);
    let mut described = described.iter();
    stated.or_else(|| {
        described
            .find(|one| one.name == name)
            .map(Selector::Described)
    })
}

impl Devices {
    /// Returns the disk with this name: the first one at a place that the name's selector states, and
    /// otherwise the first one with the serial number there.
    pub(crate) async fn disk_by_name(
        &self,
        name: &str,
        command_line: CommandLine<'_>,
    ) -> Result<Disk, NoSuchDisk> {
        let selector = selector(name, command_line, machine::DISKS).ok_or(NoSuchDisk::Unnamed)?;
        let found = self.found.iter();
        let places = found.filter(|device| device.kind == DeviceKind::BLK);
        let mut disks = places.zip(self.disks());
        if let Some((_, disk)) = disks.find(|(device, _)| selector.is_at(device.place)) {
            return Ok(disk);
        }
        match selector.serial() {
            Some(serial) => self.disk_by_serial(serial).await,
            None => None,
        }
        .ok_or(NoSuchDisk::Absent)
    }

    /// Returns the first disk with this serial number.
    pub(crate) async fn disk_by_serial(&self, serial: &str) -> Option<Disk> {
        for disk in self.disks() {
            if disk
                .serial()
                .await
                .is_ok_and(|one| one.as_bytes() == serial.as_bytes())
            {
                return Some(disk);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static DESCRIBED: [NamedDevice; 2] = [
        NamedDevice {
            name: "data",
            identity: Some("serial-1"),
            slot: Some(28),
            function: Some("00:04.0"),
        },
        NamedDevice {
            name: "log",
            identity: None,
            slot: Some(27),
            function: None,
        },
    ];

    fn of<'a>(name: &str, line: &'a str) -> Option<Selector<'a>> {
        selector(name, CommandLine::new(line), &DESCRIBED)
    }

    #[test]
    fn the_command_line_overrides_the_board_file() {
        assert_eq!(of("data", ""), Some(Selector::Described(&DESCRIBED[0])));
        assert_eq!(of("dat", ""), None);
        assert_eq!(
            of("data", "disk.data2=x"),
            Some(Selector::Described(&DESCRIBED[0]))
        );
        let line = "disk.data=a disk.data=slot30 disk.new=serial-2";
        assert_eq!(of("data", line), Some(Selector::Stated("slot30")));
        assert_eq!(of("new", line), Some(Selector::Stated("serial-2")));
    }

    #[test]
    fn a_disk_is_selected_by_its_place_or_its_serial_number() {
        let slot = |slot| Place::MmioSlot { slot, version: 2 };
        let on_pci = |device| Place::Pci(vmos_drivers::pci::Address::new(0, device, 0));
        let data = Selector::Described(&DESCRIBED[0]);
        assert!(data.is_at(slot(28)) && data.is_at(on_pci(4)));
        assert!(!data.is_at(slot(4)) && !data.is_at(on_pci(28)));
        assert_eq!(data.serial(), Some("serial-1"));
        assert_eq!(Selector::Described(&DESCRIBED[1]).serial(), None);
        assert!(Selector::Stated("slot28").is_at(slot(28)));
        assert!(Selector::Stated("00:04.0").is_at(on_pci(4)));
        assert!(!Selector::Stated("serial-1").is_at(slot(28)));
    }
}
