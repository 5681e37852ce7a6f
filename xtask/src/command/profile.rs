//! `cargo xtask profile`: shows which functions and lines execute the instructions of an operation.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use vmos_codegen::Board;

use crate::bench::cost::Cost;
use crate::bench::operation::{self, LARGE, SMALL, Service};
use crate::bench::running::{NullDisk, Start, Task};
use crate::bench::watch::Watch;
use crate::bench::{counting, image_text};
use crate::boards;
use crate::emulator;
use crate::failure::{Failure, FileError};
use crate::guest::outcome::Outcome;
use crate::image::{self, Image};
use crate::install;
use crate::plugin::Plugin;
use crate::profile::attribution::Profile;
use crate::profile::flame;
use crate::symbolise::Symbols;
use crate::target;
use crate::transport::{self, Transport};
use crate::workspace::{Workspace, relative_to_here};

use super::bench::APP;

/// Show which functions and source lines execute the instructions of an operation
///
/// The machine repeats the operation while a QEMU plugin counts each instruction. The tables show
/// one operation. A function's count includes code of Rust's standard library that was inlined into
/// it, and excludes other functions that were inlined into it. A flame graph, written to
/// target/profile/, shows what is inlined into what.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask profile <BOARD>
  cargo xtask profile <BOARD> --what blk --top 60
  cargo xtask profile <BOARD> --what boot --transport pci

VMOS_QEMU names the folder of another QEMU than the installed one.")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`
    board: String,
    /// Operation to measure
    #[arg(long, value_enum, default_value_t = What::Udp)]
    what: What,
    /// Virtio transport; default: the board's first
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Number of functions and lines to show
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    top: usize,
}

/// An operation that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Echo a datagram of 64 bytes
    Udp,
    /// Echo a datagram of 64 bytes, with 32 in flight
    #[value(name = "udp-32x64")]
    UdpBatch,
    /// Echo a datagram of 1,400 bytes, with 32 in flight
    #[value(name = "udp-32x1400")]
    UdpLargeBatch,
    /// Answer a ping
    Icmp,
    /// Echo 64 bytes over TCP
    Tcp,
    /// Send 1 KiB over TCP
    TcpSent,
    /// Receive 1 KiB over TCP
    TcpReceived,
    /// Read 4 KiB from the disk
    Blk,
    /// Read 4 KiB from the disk, with 32 requests in flight
    #[value(name = "blk-32")]
    BlkBatch,
    /// Write 4 KiB to the disk
    BlkWrite,
    /// Boot: from the first instruction until the machine serves
    Boot,
}

impl What {
    fn service(self) -> Option<Service> {
        let datagrams = |payload| Service::Datagrams {
            payload,
            window: 32,
        };
        Some(match self {
            Self::Udp => Service::Datagram,
            Self::UdpBatch => datagrams(SMALL),
            Self::UdpLargeBatch => datagrams(LARGE),
            Self::Icmp => Service::Ping,
            Self::Tcp => Service::TcpEcho,
            Self::TcpSent => Service::TcpSent,
            Self::TcpReceived => Service::TcpReceived,
            Self::Blk | Self::BlkBatch | Self::BlkWrite | Self::Boot => return None,
        })
    }

    /// Returns the name of the disk measurement; `None` for other operations.
    fn disk(self) -> Option<&'static str> {
        match self {
            Self::Blk => Some("read-1"),
            Self::BlkBatch => Some("read-32"),
            Self::BlkWrite => Some("write-1"),
            _ => None,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let board = boards::load(&workspace, &arguments.board)?;
    workspace.app(APP).map_err(Failure::usage)?;
    boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    let transport = transport::choose(&board, arguments.transport).map_err(Failure::usage)?;
    let program = target::qemu_program(&board);
    install::target(target::triple(board.architecture))?;
    install::qemu(&program)?;
    let plugin = Plugin::build(&workspace.target.join("plugin"), &program)?;
    eprintln!("xtask: building {APP} for {}", board.name);
    let mut images = image::build(&workspace, &board, &[APP], None)?;
    let image = images.pop().ok_or("cargo produced no image")?;
    let profile = arguments.profile(&workspace, &board, transport, &image, &plugin)?;
    let what = arguments.name();
    let title = format!(
        "{}, {transport}, QEMU {}, {what}",
        board.name,
        emulator::version(&program)?
    );
    println!(
        "{title}: {:.1} instructions\n\n{}",
        profile.total,
        profile.text(arguments.top)
    );
    let drawing = keep(
        &workspace.target,
        &board.name,
        &what,
        &flame::svg(&title, &profile),
    )?;
    eprintln!(
        "xtask: the flame graph is {}",
        relative_to_here(&drawing).display()
    );
    Ok(())
}

/// Writes the flame graph, and returns its path.
fn keep(target: &Path, board: &str, what: &str, svg: &str) -> Result<PathBuf, FileError> {
    let folder = target.join("profile");
    fs::create_dir_all(&folder).map_err(FileError::at("create the folder", &folder))?;
    let path = folder.join(format!("{board}-{what}.svg"));
    fs::write(&path, svg).map_err(FileError::at("write", &path))?;
    Ok(path)
}

impl Arguments {
    /// Returns the operation's name on the command line.
    fn name(&self) -> String {
        let value = self.what.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn profile(
        &self,
        workspace: &Workspace,
        board: &Board,
        transport: Transport,
        image: &Image,
        plugin: &Plugin,
    ) -> Outcome<Profile> {
        let text = image_text::of(&image.elf)?;
        let task = match self.what.disk() {
            Some(_) => Task::Disk,
            None => Task::Net,
        };
        let start = Start {
            workspace,
            board,
            attachment: transport.attachment(),
            kernel: &image.kernel,
            task,
            disk: Some(NullDisk::Slow),
            append: "",
            words: &[],
            plugin: Some(plugin),
        };
        let cost = self.cost(&start, &text)?;
        let symbols = Symbols::read(&image.elf, &workspace.root).map_err(|e| e.to_string())?;
        let executions = cost.executions.unwrap_or_default();
        Ok(Profile::new(&executions, &symbols, &text))
    }

    fn cost(&self, start: &Start<'_>, text: &core::ops::Range<u64>) -> Outcome<Cost> {
        let mut running = start.wired()?;
        if let Some(key) = self.what.disk() {
            let costs = operation::disk(&mut running, true, &[key])?;
            let cost = costs
                .into_iter()
                .next()
                .ok_or("the disk measurement returned no result")?;
            return Ok(cost.1);
        }
        running.ready()?;
        let Some(service) = self.what.service() else {
            let mut watch = Watch::new(running.counter()?, true);
            return Ok(operation::boot(&mut watch, text)?.0);
        };
        counting::warm_up(&mut running)?;
        let (counter, link) = running.parts()?;
        service.cost(&mut Watch::new(counter, true), link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_one_of_the_network_of_the_disk_or_the_boot() {
        for what in What::value_variants() {
            let kinds = [
                what.service().is_some(),
                what.disk().is_some(),
                *what == What::Boot,
            ];
            assert_eq!(kinds.iter().filter(|&&is| is).count(), 1, "{what:?}");
        }
    }

    #[test]
    fn the_flame_graph_is_written_where_the_message_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = keep(folder.path(), "some-board", "udp", "<svg></svg>").unwrap();
        assert!(path.ends_with("profile/some-board-udp.svg"));
        assert_eq!(fs::read_to_string(path).unwrap(), "<svg></svg>");
    }
}
