//! QEMU's options: the machine's and the processor's name, the options of the machine that select
//! its interrupt controller, and the further arguments.

use crate::description::Description;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::Located;
use crate::machine::processors;
use crate::part::Controller;
use crate::part::surroundings::{Argument, Qemu};

/// Options that have a value, and those that have none, as far as board files need them. Of an option
/// in neither list, it is unknown whether the next argument is its value.
const WITH_VALUE: &[&str] = &[
    "accel",
    "bios",
    "blockdev",
    "chardev",
    "d",
    "device",
    "display",
    "drive",
    "dtb",
    "fw_cfg",
    "global",
    "icount",
    "initrd",
    "loadvm",
    "mon",
    "monitor",
    "name",
    "net",
    "netdev",
    "nic",
    "numa",
    "object",
    "pflash",
    "qmp",
    "rtc",
    "sd",
    "semihosting-config",
    "serial",
    "smbios",
    "smp",
    "trace",
    "uuid",
    "vga",
    "watchdog-action",
];
const WITHOUT_VALUE: &[&str] = &[
    "S",
    "enable-kvm",
    "no-acpi",
    "no-fd-bootchk",
    "no-hpet",
    "no-reboot",
    "no-shutdown",
    "no-user-config",
    "nodefaults",
    "s",
    "semihosting",
    "snapshot",
    "usb",
];

/// Reports names that QEMU does not know in this spelling, options that contradict the board, and
/// arguments that are incomplete.
pub(super) fn check(
    description: &Description,
    controller: Option<&dyn Controller>,
    problems: &mut Problems,
) {
    let Some(qemu) = description.qemu.value() else {
        return;
    };
    check_machine(qemu, problems);
    check_processor(qemu, problems);
    if let Some(controller) = controller {
        check_selection(qemu, controller, problems);
    }
    if let Some(arguments) = qemu.arguments.value() {
        check_arguments(arguments, problems);
    }
}

/// Reports a machine's name with capitals, which no machine of these architectures has.
fn check_machine(qemu: &Qemu, problems: &mut Problems) {
    let Some(machine) = qemu.machine.get() else {
        return;
    };
    let (name, options) = match machine.value.0.split_once(',') {
        Some((name, options)) => (name, format!(",{options}")),
        None => (machine.value.0.as_str(), String::new()),
    };
    if name.chars().any(char::is_uppercase) {
        let right = name.to_lowercase();
        problems.report(spelling(machine.at, name, &right, &options));
    }
}

/// Reports the name of a known processor in another spelling, such as `Cortex-A72`.
fn check_processor(qemu: &Qemu, problems: &mut Problems) {
    let Some(cpu) = qemu.cpu.get() else { return };
    let name = processors::name(&cpu.value.0);
    if let Some(right) = processors::respelled(name) {
        let options = cpu.value.0.strip_prefix(name).unwrap_or_default();
        problems.report(spelling(cpu.at, name, right, options));
    }
}

/// Returns the error for a name with another spelling; `options` follow it.
fn spelling(at: crate::source::Location, name: &str, right: &str, options: &str) -> Diagnostic {
    let title = format!("QEMU does not know `{name}`");
    Diagnostic::new(Code::BadText, at, title)
        .label(format!("did you mean `{right}`?"))
        .write(format!("\"{right}{options}\""))
}

/// Reports an option of the machine that selects another interrupt controller than the board has.
fn check_selection(qemu: &Qemu, controller: &dyn Controller, problems: &mut Problems) {
    let (Some(machine), Some(selected)) = (qemu.machine.get(), controller.selected()) else {
        return;
    };
    let mut options = machine
        .value
        .0
        .split(',')
        .filter_map(|one| one.split_once('='));
    // QEMU takes the last of several.
    let last = options.rfind(|(key, _)| *key == selected.option);
    let Some((key, value)) = last.filter(|(_, value)| !selected.values.contains(value)) else {
        return;
    };
    let place = controller.place();
    let right = selected.values.first().copied().unwrap_or_default();
    let title = format!("`{}` selects another interrupt controller", machine.path);
    problems.report(
        Diagnostic::new(Code::QemuOption, machine.at, title)
            .label(format!("{key}={value}"))
            .also(place.at, format!("`{}` needs {key}={right}", place.path))
            .help(format!(
                "write {key}={right}, or describe the controller that the machine has then"
            )),
    );
}

/// Reports an option without its value, and a value without an option.
fn check_arguments(arguments: &[Located<Argument>], problems: &mut Problems) {
    let mut rest = arguments.iter().peekable();
    while let Some(argument) = rest.next() {
        let word = argument.value.0.as_str();
        let Some(option) = word.strip_prefix('-') else {
            let title = format!("`{}` is not an option", argument.path);
            let known = WITH_VALUE.iter().chain(WITHOUT_VALUE);
            let is_option = known.into_iter().any(|one| *one == word);
            let diagnostic = Diagnostic::new(Code::BadText, argument.at, title)
                .label("QEMU would take it for the file of a disk");
            problems.report(match is_option {
                true => diagnostic.write(format!("\"-{word}\"")),
                false => diagnostic.help("write the option before its value"),
            });
            // What follows may be the value of the option that is meant.
            rest.next_if(|next| is_option && !next.value.0.starts_with('-'));
            continue;
        };
        // QEMU accepts two dashes, too.
        let option = option.strip_prefix('-').unwrap_or(option);
        let is_value = |next: &&Located<Argument>| !next.value.0.starts_with('-');
        if WITHOUT_VALUE.contains(&option) {
            continue;
        }
        let value = rest.next_if(is_value);
        if value.is_none() && WITH_VALUE.contains(&option) {
            let title = format!("`{}` has no value", argument.path);
            let label = match rest.peek() {
                Some(next) => format!("QEMU would take \"{}\" for the value", next.value.0),
                None => "QEMU needs another argument after it".to_owned(),
            };
            problems.report(
                Diagnostic::new(Code::BadText, argument.at, title)
                    .label(label)
                    .help("write the value as the next string, or remove the option"),
            );
        }
        if let Some(value) = value.filter(|value| option == "smp" && !is_count(&value.value.0)) {
            let title = format!("`{}` is not a number of processors", value.path);
            problems.report(
                Diagnostic::new(Code::BadText, value.at, title)
                    .label("write it as \"2\" or \"2,sockets=2\""),
            );
        }
    }
}

/// Returns whether this is a value of `-smp`: positive numbers, the first one with or without a name.
fn is_count(value: &str) -> bool {
    let is_number = |number: &str| number.parse::<u32>().is_ok_and(|number| number > 0);
    value
        .split(',')
        .enumerate()
        .all(|(nth, word)| match word.split_once('=') {
            Some((name, number)) => !name.is_empty() && is_number(number),
            None => nth == 0 && is_number(word),
        })
}
