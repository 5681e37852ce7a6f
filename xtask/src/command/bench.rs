//! `cargo xtask bench`: measures the cost of operations from outside.

mod keeping;

use std::fs;

use clap::Args;
use vmos_codegen::Board;

use crate::bench::figure::Values;
use crate::bench::linux::{self, Port};
use crate::bench::plot;
use crate::bench::sheet::{Column, Sheet};
use crate::bench::side::{Abilities, Phase, Side};
use crate::bench::table;
use crate::boards;
use crate::checkout::Checkout;
use crate::emulator;
use crate::failure::{Failure, FileError};
use crate::footprint::Footprint;
use crate::git::Git;
use crate::image::{self, Image};
use crate::install;
use crate::plugin::Plugin;
use crate::target;
use crate::transport::{self, Attachment, Transport};
use crate::workspace::{Workspace, relative_to_here};

/// The app that is measured.
pub(super) const APP: &str = "bench";

/// The app without a kernel, for comparison.
const FLOOR: &str = "floor";

/// Measure the cost of datagrams, pings, TCP, disk blocks, booting and idling
///
/// Starts machines one after the other and measures them from outside. A QEMU plugin, which is
/// built first, counts instructions, register accesses and wake-ups. These are the same on every
/// host within 0.3 %, or a little more if requests arrive together. Times depend on the host:
/// compare only the columns of one run, which are measured alternately.
///
/// On boards with virtio-mmio, a bare loop without a kernel (the app `floor`) is measured for
/// comparison; it has no PCI driver.
///
/// The results are stored in target/bench/, with plots, and compared with those of the previous
/// run.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask bench <BOARD>
  cargo xtask bench <BOARD> --counts
  cargo xtask bench <BOARD> --transport pci --rounds 5
  cargo xtask bench <BOARD> --against main
  cargo xtask bench <BOARD> --linux
  cargo xtask bench --check
  cargo xtask bench --record
  VMOS_QEMU=/opt/qemu-10 cargo xtask bench <BOARD> --json

VMOS_QEMU names the folder of another QEMU than the installed one.")]
pub struct Arguments {
    /// Boards; default: the first one
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Virtio transport; default: each board's first
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// How often to repeat measurements by the clock; the median is used
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
    /// Only count; measure nothing by the clock
    #[arg(long)]
    counts: bool,
    /// Also measure another revision: a commit, a branch or a tag
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// Also measure a Debian kernel, which apt-get downloads into target/bench/linux on first use;
    /// for boards with arm64, and with x64 and PCI
    #[arg(long)]
    linux: bool,
    /// Print all results as JSON
    #[arg(long)]
    json: bool,
    /// Repeat the counts in tests/counts.json, for every board if none is named. Fails if a count
    /// grew
    /// by more than 3 %, and names the functions that grew
    #[arg(long, conflicts_with_all = ["record", "transport", "rounds", "counts", "json", "against", "linux"])]
    check: bool,
    /// Write the counts to tests/counts.json, for every board if none is named
    #[arg(long, conflicts_with_all = ["transport", "rounds", "counts", "json", "against", "linux"])]
    record: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    if arguments.check || arguments.record {
        let mut boards = boards::load_some(&workspace, &arguments.boards)?;
        if arguments.boards.is_empty() {
            // Without a network and a disk, there is nothing to count.
            boards.retain(|board| !transport::is_console_only(board));
            emulator::keep_tested(&mut boards);
        }
        boards::bring_up_to_date(&workspace, &boards)?;
        return if arguments.check {
            keeping::check(&workspace, &boards)
        } else {
            keeping::record(&workspace, &boards)
        };
    }
    let mut names = arguments.boards.clone();
    if names.is_empty() {
        names.extend(boards::names(&workspace)?.into_iter().take(1));
    }
    let boards = boards::load_some(&workspace, &names)?;
    boards::bring_up_to_date(&workspace, &boards)?;
    let against = match &arguments.against {
        None => None,
        Some(revision) => {
            let git = Git::of(&workspace.root)?;
            let commit = git.commit(revision).map_err(Failure::usage)?;
            let name = commit.describe();
            Some((name, Checkout::new(&workspace, &git, &commit)?))
        }
    };
    let folder = workspace.target.join("bench");
    let mut results = Vec::new();
    for board in &boards {
        let sheet = arguments.measure(&workspace, board, against.as_ref())?;
        if !arguments.json {
            println!("{}", table::text(&sheet, sheet.before(&folder).as_ref()));
        }
        sheet.keep(&folder)?;
        let path = sheet.path(&folder);
        let kept = path.with_extension("json");
        eprintln!(
            "xtask: all results are in {}",
            relative_to_here(&kept).display()
        );
        for (name, drawing) in [
            ("latency", plot::latency(&sheet)),
            ("load", plot::load(&sheet)),
        ] {
            let Some(svg) = drawing else { continue };
            let path = path.with_extension(format!("{name}.svg"));
            fs::write(&path, svg).map_err(FileError::at("write", &path))?;
            eprintln!("xtask: the plot is {}", relative_to_here(&path).display());
        }
        results.push(sheet.to_json());
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    Ok(())
}

impl Arguments {
    fn measure(
        &self,
        workspace: &Workspace,
        board: &Board,
        against: Option<&(String, Checkout)>,
    ) -> Result<Sheet, Failure> {
        let program = target::qemu_program(board);
        install::target(target::triple(board.architecture))?;
        install::qemu(&program)?;
        let transport = transport::choose(board, self.transport).map_err(Failure::usage)?;
        let attachment = transport.attachment();
        let plugin = Plugin::build(&workspace.target.join("plugin"), &program)?;
        let mut sides = sides(workspace, board, attachment)?;
        if let Some((name, checkout)) = against {
            sides.insert(1, other(&checkout.workspace, board, name)?);
        }
        let mut notes = Vec::new();
        if self.linux {
            match Port::of(board) {
                Some(port) => sides.push(linux::side(workspace, board, port)?),
                None => notes.push(linux::no_peer(board)),
            }
        }
        let mut columns: Vec<_> = sides.iter().map(|side| Column::new(&side.name)).collect();
        let times = if self.counts { 0 } else { self.rounds };
        let rounds = (0..times).flat_map(|_| Phase::TIMES);
        for (side, column) in sides.iter().zip(&mut columns) {
            if let Some(elf) = &side.elf {
                let loaded = Footprint::of(elf, &side.workspace.root)?.loadable;
                column.add(Values::from([("size", loaded as f64)]));
            }
        }
        for phase in Phase::COUNTS.into_iter().chain(rounds) {
            for (side, column) in sides.iter().zip(&mut columns) {
                eprintln!("xtask: {}, {}: {}", board.name, side.name, phase.title());
                side.measure(phase, attachment, &plugin, column)
                    .map_err(|error| {
                        format!("{}, {}, {}: {error}", board.name, side.name, phase.title())
                    })?;
            }
        }
        Ok(Sheet {
            board: board.name.clone(),
            attachment: attachment.to_string(),
            emulator: emulator::version(&program)?,
            columns,
            notes,
        })
    }
}

/// Builds the kernel at another revision.
fn other(workspace: &Workspace, board: &Board, name: &str) -> Result<Side, Failure> {
    eprintln!("xtask: building {APP} for {} at {name}", board.name);
    // Its description may differ; the current generator reads it.
    let board = boards::load(workspace, &board.name)?;
    let mut images = image::build(workspace, &board, &[APP], None)?;
    let image = images.pop().ok_or("cargo produced no image")?;
    Ok(Side {
        name: name.to_owned(),
        workspace: workspace.clone(),
        board,
        kernel: image.kernel,
        elf: Some(image.elf),
        abilities: Abilities {
            is_a_kernel: true,
            serves_with_disk: true,
            // An older revision may not support it.
            has_many_sockets: false,
            answers_later: false,
        },
        append: String::new(),
        words: Vec::new(),
    })
}

/// Builds all programs to measure, the kernel first.
fn sides(
    workspace: &Workspace,
    board: &Board,
    attachment: Attachment,
) -> Result<Vec<Side>, Failure> {
    workspace.app(APP).map_err(Failure::usage)?;
    let mut apps = vec![(APP, "vmos")];
    // The bare loop has no PCI driver.
    if attachment == Attachment::Mmio && workspace.app(FLOOR).is_ok() {
        apps.push((FLOOR, FLOOR));
    }
    let names: Vec<_> = apps.iter().map(|(app, _)| *app).collect();
    eprintln!("xtask: building {} for {}", names.join(", "), board.name);
    let images = image::build(workspace, board, &names, None)?;
    let side = |((app, name), Image { elf, kernel, .. }): ((&str, &str), Image)| Side {
        name: name.to_owned(),
        workspace: workspace.clone(),
        board: board.clone(),
        kernel,
        elf: Some(elf),
        abilities: Abilities {
            is_a_kernel: app == APP,
            serves_with_disk: app == APP,
            has_many_sockets: app == APP,
            answers_later: app == APP,
        },
        append: String::new(),
        words: Vec::new(),
    };
    Ok(apps.into_iter().zip(images).map(side).collect())
}
