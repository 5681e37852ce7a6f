//! An image to query a machine with: of the kind that the board has, at its load address, with an
//! endless loop in place of a kernel. What a machine contains can depend on that: QEMU adds PSCI
//! only for a kernel that does not run in the secure state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vmos_codegen::board::{Architecture, Board, ImageForm};

/// The size of the loop's page, in bytes.
const SIZE: usize = 0x1000;

/// A file for `-kernel`, and where the loader enters it.
pub(super) struct StandIn {
    pub(super) file: PathBuf,
    pub(super) entry: u64,
}

impl StandIn {
    /// Writes the image of a board to `folder`; `None` for a PC or a microcontroller, whose machine
    /// does not depend on its image.
    pub(super) fn of(board: &Board, folder: &Path) -> io::Result<Option<Self>> {
        let Some(code) = endless_loop(board.architecture) else {
            return Ok(None);
        };
        // The jump to an image that is elsewhere is at its start.
        let (address, form) = (board.boot.start(), board.boot.form);
        let ram = board.memory.ram.iter().map(|ram| ram.base);
        let ram = ram.filter(|base| *base <= address).max().unwrap_or(address);
        Self::write(
            board.architecture,
            address,
            address - ram,
            form,
            code,
            folder,
        )
        .map(Some)
    }

    /// Writes a flat image for a machine without a board yet; `None` where that is of no use.
    pub(super) fn flat(architecture: Architecture, folder: &Path) -> io::Result<Option<Self>> {
        // The loader ignores the address of an image without a header.
        match (architecture, endless_loop(architecture)) {
            (Architecture::Aarch64 | Architecture::Arm, Some(code)) => {
                Self::write(architecture, 0, 0, ImageForm::Flat, code, folder).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn write(
        architecture: Architecture,
        address: u64,
        offset: u64,
        form: ImageForm,
        code: [u8; 4],
        folder: &Path,
    ) -> io::Result<Self> {
        let page: Vec<u8> = code.iter().copied().cycle().take(SIZE).collect();
        let bytes = match (form, architecture) {
            (ImageForm::Flat, Architecture::Aarch64) if offset > 0 => {
                with_linux_header(page, offset)
            }
            (ImageForm::Flat, _) => page,
            (ImageForm::Elf, _) => elf(architecture, address, &page),
        };
        let file = folder.join("stand-in");
        fs::write(&file, bytes)?;
        Ok(Self {
            file,
            entry: address,
        })
    }
}

/// Returns an instruction that jumps to itself; `None` for a machine that needs no image.
fn endless_loop(architecture: Architecture) -> Option<[u8; 4]> {
    let word: u32 = match architecture {
        Architecture::Aarch64 => 0x1400_0000,
        Architecture::Arm => 0xEAFF_FFFE,
        Architecture::Riscv64 | Architecture::Riscv32 => 0x0000_006F,
        Architecture::X86_64
        | Architecture::ArmV6M
        | Architecture::ArmV7M
        | Architecture::ArmV8M => return None,
    };
    Some(word.to_le_bytes())
}

/// Adds the header of the Linux boot protocol (Linux, Documentation/arch/arm64/booting.rst): the
/// image's offset in RAM at byte 8, its size at 16, and the magic number at 56.
fn with_linux_header(mut page: Vec<u8>, offset: u64) -> Vec<u8> {
    page[4..64].fill(0);
    page[8..16].copy_from_slice(&offset.to_le_bytes());
    page[16..24].copy_from_slice(&(SIZE as u64).to_le_bytes());
    page[56..60].copy_from_slice(b"ARM\x64");
    page
}

/// Returns an ELF file with one segment, entered at its first byte (System V ABI, chapter 4).
fn elf(architecture: Architecture, address: u64, segment: &[u8]) -> Vec<u8> {
    let is_wide = matches!(architecture, Architecture::Aarch64 | Architecture::Riscv64);
    let machine: u16 = match architecture {
        Architecture::Aarch64 => 183,
        Architecture::Arm | Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => {
            40
        }
        Architecture::X86_64 => 62,
        Architecture::Riscv64 | Architecture::Riscv32 => 243,
    };
    let mut file = Vec::new();
    let word = |file: &mut Vec<u8>, value: u64| match is_wide {
        true => file.extend(value.to_le_bytes()),
        // A 32-bit board has no address above 4 GiB.
        false => file.extend((value as u32).to_le_bytes()),
    };
    let (header, program): (u16, u16) = if is_wide { (64, 56) } else { (52, 32) };
    let class = if is_wide { 2 } else { 1 };
    file.extend([
        0x7F, b'E', b'L', b'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    file.extend(2_u16.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    word(&mut file, address);
    word(&mut file, header.into());
    word(&mut file, 0);
    let flags: u32 = if architecture == Architecture::Arm {
        0x0500_0000
    } else {
        0
    };
    file.extend(flags.to_le_bytes());
    for half in [header, program, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // One loadable segment, which may be read and executed. Its flags come second in a wide file.
    let offset = u64::from(header + program);
    let size = segment.len() as u64;
    file.extend(1_u32.to_le_bytes());
    if is_wide {
        file.extend(5_u32.to_le_bytes());
    }
    for value in [offset, address, address, size, size] {
        word(&mut file, value);
    }
    if !is_wide {
        file.extend(5_u32.to_le_bytes());
    }
    word(&mut file, 4);
    file.extend(segment);
    file
}
