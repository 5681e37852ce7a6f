//! Tests the app `fat` with files on a disk of `mkfs.vfat`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::install::{self, FAT_COPY, MAKE_FAT};

use super::super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread("fat_shows_the_files_of_a_disk", |setting| {
        shows(setting, &["-F", "16"])
    })
    .of("fat")
    .needing(Need::Table),
    Case::spread("fat_shows_the_files_of_a_large_disk", |setting| {
        shows(setting, &["-F", "32", "-s", "1"])
    })
    .of("fat")
    .needing(Need::Table),
];

/// The size of a file that exceeds the read-ahead and is not a whole number of clusters.
const LARGE: usize = 200_001;
/// The size of the disk in bytes; FAT32 has at least 65,525 clusters.
const DISK: u64 = 64 << 20;

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Outcome {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {said}");
    Ok(())
}

fn shows(setting: &Setting, format: &[&str]) -> Outcome {
    install::fat_tools()?;
    let disk = setting.disk()?;
    let folder = disk.parent().ok_or("the disk is in no folder")?;
    fs::File::options().write(true).open(&disk)?.set_len(DISK)?;
    let name = disk.file_name().and_then(|name| name.to_str());
    let name = name.ok_or("the disk has no name")?;
    let make = [format, &[name]].concat();
    run(folder, MAKE_FAT, &make)?;
    let mut text = "the first line\n".to_owned();
    text += &"x".repeat(3000);
    text += "\nthe last line\n";
    fs::write(folder.join("page.txt"), text)?;
    fs::write(folder.join("large"), vec![7; LARGE])?;
    run(folder, "mmd", &["-i", name, "::deep", "::deep/deeper"])?;
    run(folder, FAT_COPY, &["-i", name, "page.txt", "::PAGE.TXT"])?;
    let long = "::deep/deeper/A name of many letters.bin";
    run(folder, FAT_COPY, &["-i", name, "large", long])?;
    let before = fs::read(&disk)?;
    let mut machine = setting.machine("fat")?.append("file=PAGE.TXT").start()?;
    let large = format!("{LARGE} /DEEP/DEEPER/A name of many letters.bin");
    for expected in [&*large, "the first line", "the last line"] {
        machine.wait_for(expected, |line| {
            let same = line.trim().eq_ignore_ascii_case(expected);
            same.then_some(())
        })?;
    }
    let status = machine.wait_for_end()?;
    ensure!(status.code().is_some(), "it ended by {status}");
    ensure!(fs::read(&disk)? == before, "the disk was changed");
    Ok(())
}
