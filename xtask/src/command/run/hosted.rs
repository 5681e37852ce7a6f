//! An app as a process of this host, instead of a board in QEMU.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::connection::Connection;
use super::refusal::{check_disks, check_folders};
use super::{Arguments, Device, announce_forwards, tell_time_limit, watch};
use crate::boards::HOSTED as NAME;
use crate::child;
use crate::disk;
use crate::failure::Failure;
use crate::gateway::{self, Gateway};
use crate::host_program;
use crate::install;
use crate::missing_main;
use crate::qemu::{Disk, Network};
use crate::session::{self, Ending};
use crate::shell;
use crate::time_limit;
use crate::workspace::{App, Workspace, cargo};

impl Arguments {
    /// Builds an app for this host and replaces this process by it; or runs it next to its gateway, or
    /// within its time limit.
    pub(super) fn run_hosted(&self, workspace: &Workspace, app: &App) -> Result<(), Failure> {
        self.refuse_what_a_process_lacks()?;
        let disks = self.hosted_disks(workspace);
        disks.iter().try_for_each(check_path)?;
        let user = self.user_network(app)?;
        if self.dry_run {
            let folder = env::temp_dir().join("vmos-gateway");
            if let Some(user) = &user {
                let gateway = shell::quote(gateway::command(user, &folder));
                eprintln!("xtask: QEMU is the gateway to this host: {gateway}");
            }
            let wire = user.map(|_| gateway::wire(&folder));
            let words = self.hosted_words(&disks, wire)?;
            let target = env::var_os("CARGO_BUILD_TARGET");
            let program = expected_program(workspace, app, target.as_deref());
            let program = program.display().to_string();
            let command: Vec<_> = [program].into_iter().chain(words).collect();
            println!("{}", shell::quote(&command));
            return Ok(());
        }
        // Refuses what is wrong before anything is built.
        self.hosted_words(&disks, None)?;
        check_folders(&self.disk)?;
        check_disks(disks.iter())?;
        if self.watch {
            return watch::run(workspace, app, &self.outputs());
        }
        for Disk { image, .. } in &disks {
            disk::create_if_missing(image)?;
        }
        let mut build = child::bound(cargo().get_program());
        build
            .args(["build", "--package", &app.name])
            .current_dir(&workspace.root)
            .env("CARGO_TARGET_DIR", &workspace.target);
        let program = host_program::build_one(&mut build, &app.name).inspect_err(|_| {
            if let Some(advice) = missing_main::of(&workspace.root, &app.name) {
                eprintln!("xtask: {advice}");
            }
        })?;
        if user.is_none() && self.time_limit.is_none() {
            let words = self.hosted_words(&disks, None)?;
            let error = Command::new(&program).args(words).exec();
            return Err(format!("cannot start {}: {error}", program.display()).into());
        }
        let gateway = user.as_ref().map(start_gateway).transpose()?;
        let words = self.hosted_words(&disks, gateway.as_ref().map(Gateway::wire))?;
        if let Some(Network::User { forwards, .. }) = &user {
            announce_forwards(forwards);
        }
        match session::run_program(child::bound(&program).args(words), self.time_limit)? {
            Ending::Interrupted | Ending::Exited(0) => Ok(()),
            Ending::TimedOut => {
                tell_time_limit(&app.name, self.time_limit);
                Err(Failure::Status(time_limit::STATUS))
            }
            Ending::Exited(status) => Err(Failure::Status(status)),
        }
    }

    /// Returns the user network: unless the options name another connection, an app that the ports of
    /// this host are forwarded to has it.
    fn user_network(&self, app: &App) -> Result<Option<Network>, Failure> {
        if self.net.is_none() && self.forward.is_empty() && app.forwards.is_empty() {
            return Ok(None);
        }
        let network = self.network(app)?;
        Ok(network.filter(|network| matches!(network, Network::User { .. })))
    }

    fn hosted_disks(&self, workspace: &Workspace) -> Vec<Disk> {
        let images: Vec<PathBuf> = if self.without.contains(&Device::Disk) {
            Vec::new()
        } else if self.disk.is_empty() {
            vec![disk::default_path(workspace, NAME)]
        } else {
            self.disk.clone()
        };
        let read_only = self.read_only;
        let disks = images.into_iter().map(|image| Disk { image, read_only });
        disks.collect()
    }

    /// Returns the arguments of the program. `user` is the wire to the user network.
    fn hosted_words(&self, disks: &[Disk], user: Option<String>) -> Result<Vec<String>, Failure> {
        let mut words = Vec::new();
        if self.without.contains(&Device::Rng) {
            words.push("--no-entropy".to_owned());
        }
        for Disk { image, read_only } in disks {
            let read_only = if *read_only { ",read-only" } else { "" };
            words.extend([
                "--disk".to_owned(),
                format!("{}{read_only}", image.display()),
            ]);
        }
        if let Some(wire) = user {
            words.extend(["--net".to_owned(), wire]);
            if self.words("ip=").next().is_none() {
                words.push(format!("ip={}/24{}", self.address(), self.router()));
            }
        }
        let first = self.net.iter().filter(|net| **net != Connection::User);
        for connection in first.chain(&self.nic) {
            let wire = match connection {
                Connection::Tap(name) => format!("tap={name}"),
                Connection::Connect(port) => format!("connect=127.0.0.1:{port}"),
                Connection::Unconnected => continue,
                Connection::User => {
                    return Err(Failure::usage(
                        "--nic user: on `hosted`, only --net can be `user`",
                    ));
                }
                Connection::Listen(_) => {
                    return Err(Failure::usage(format!(
                        "--net {connection}: a process has `user`, `tap=NAME`, `socket=connect:PORT` and \
                         `none`; its own options, which the app shows with --help, have more"
                    )));
                }
            };
            words.extend(["--net".to_owned(), wire]);
        }
        if let Some(memory) = &self.memory {
            let mebibytes = memory.mebibytes().to_string();
            words.extend(["--memory".to_owned(), mebibytes]);
        }
        if let Some(level) = self.log {
            words.push(format!("log={level}"));
        }
        words.extend(
            self.append
                .iter()
                .flat_map(|line| line.split_whitespace())
                .map(str::to_owned),
        );
        Ok(words)
    }

    /// Refuses the options that need QEMU.
    fn refuse_what_a_process_lacks(&self) -> Result<(), Failure> {
        let given = [
            ("--transport", self.transport.is_some()),
            ("--legacy", self.legacy),
            ("--intx", self.intx),
            ("--ethernet", self.ethernet),
            ("--balloon", self.balloon),
            ("--share", self.share.is_some()),
            ("--serial", !self.serial.is_empty()),
            ("--pcap", self.pcap.is_some()),
            ("--smp", self.smp.is_some()),
            ("--gdb", self.gdb.is_some()),
            ("--max-log", self.max_log.is_some()),
            ("--qemu-arg", !self.qemu_arg.is_empty()),
            ("--bios", self.bios.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((option, _)) => Err(Failure::usage(format!(
                "{option}: this option is for boards in QEMU, and `{NAME}` is a process of this host"
            ))),
        }
    }
}

/// Returns where cargo puts the program of an app, which may not be built yet. `target` is the compiler target
/// of the environment; one in cargo's configuration files is known only after a build.
fn expected_program(workspace: &Workspace, app: &App, target: Option<&OsStr>) -> PathBuf {
    // For a target described by a JSON file, cargo names the folder after the file, without its extension.
    let name = target
        .map(Path::new)
        .and_then(|target| match target.extension() {
            Some(extension) if extension == "json" => target.file_stem(),
            _ => Some(target.as_os_str()),
        });
    let folder = workspace.target.join(name.unwrap_or_default());
    folder.join("debug").join(&app.name)
}

/// Rejects a path with a comma, where the app takes the options of the disk to begin.
fn check_path(disk: &Disk) -> Result<(), Failure> {
    let shown = disk.image.display().to_string();
    if shown.contains(',') {
        return Err(Failure::usage(format!(
            "--disk {shown}: on `{NAME}`, a path must have no comma, because the app reads what follows \
             it as options; rename the file or name a link to it"
        )));
    }
    Ok(())
}

/// Starts the gateway of a user network.
fn start_gateway(user: &Network) -> Result<Gateway, Failure> {
    install::qemu(&gateway::program())?;
    let gateway = Gateway::start(user);
    gateway.map_err(|error| format!("the gateway to this host does not start: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_target_adds_a_folder() {
        let workspace = Workspace::find().unwrap();
        let app = workspace.app("hello").unwrap();
        for (target, folder) in [
            (None, "debug"),
            (
                Some("aarch64-unknown-linux-gnu"),
                "aarch64-unknown-linux-gnu/debug",
            ),
            (Some("targets/own.json"), "own/debug"),
        ] {
            let found = expected_program(&workspace, app, target.map(OsStr::new));
            assert_eq!(found, workspace.target.join(folder).join("hello"));
        }
    }
}
