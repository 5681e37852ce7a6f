use super::*;

fn machine(attachment: Attachment) -> Machine {
    Machine {
        program: "qemu-system-example".to_owned(),
        arguments: ["-machine", "example", "-m", "128M"]
            .map(str::to_owned)
            .to_vec(),
        memory: None,
        kernel: "target/images/example/demo.img".into(),
        append: "ip=10.0.2.15/24".to_owned(),
        firmware: None,
        devices: Devices {
            ethernet: false,
            attachment,
            rng: true,
            disk: Some(Disk {
                image: "a,b.img".into(),
                read_only: false,
            }),
            network: Some(Network::User {
                ipv6: false,
                address: GUEST_ADDRESS.to_owned(),
                forwards: vec!["udp:8007:7".parse().unwrap()],
            }),
            more: More::default(),
        },
        console: Console::Output,
        qmp: None,
        extra: Vec::new(),
    }
}

#[test]
fn comments_and_blank_lines_are_skipped() {
    assert_eq!(
        parse_arguments("# generated\n-cpu\ncortex-a72\n\n"),
        ["-cpu", "cortex-a72"]
    );
}

#[test]
fn an_amount_of_memory_replaces_the_boards_default() {
    let mut machine = machine(Attachment::Mmio);
    machine.memory = Some("4G".parse().unwrap());
    let command = machine.command();
    assert_eq!(command.iter().filter(|word| *word == "-m").count(), 1);
    assert!(command.contains(&"4096M".to_owned()), "{command:?}");
}

#[test]
fn a_comma_in_a_path_is_doubled() {
    let command = machine(Attachment::Pci).command().join(" ");
    assert!(command.contains("file=a,,b.img"), "{command}");
}

/// Returns the number of words that begin so.
fn count(command: &[String], start: &str) -> usize {
    let words = command.iter();
    words.filter(|word| word.starts_with(start)).count()
}

#[test]
fn an_ethernet_controller_has_one_connection() {
    let mut machine = machine(Attachment::Mmio);
    machine.devices.ethernet = true;
    machine.devices.more.networks = vec![Network::Unconnected];
    let command = machine.command();
    assert_eq!(count(&command, "nic,netdev=net0"), 1, "{command:?}");
    assert_eq!(count(&command, "virtio-net-device,netdev=net1"), 1);
    // Without a network of its own, it is connected with nothing.
    machine.devices.network = None;
    (machine.devices.rng, machine.devices.disk) = (false, None);
    let command = machine.command();
    assert_eq!(count(&command, "socket,listen="), 1, "{command:?}");
    assert_eq!(count(&command, "nic,netdev="), 0, "{command:?}");
    assert_eq!(count(&command, "virtio-net-device,netdev=net0"), 1);
    assert_eq!(count(&command, "virtio-mmio.force-legacy=false"), 1);
}

#[test]
fn mmio_devices_are_modern_unless_legacy_is_requested() {
    let modern = machine(Attachment::Mmio).command();
    let legacy = machine(Attachment::MmioLegacy).command();
    let switch = "virtio-mmio.force-legacy=false".to_owned();
    assert!(
        modern.contains(&switch) && !legacy.contains(&switch),
        "{modern:?} {legacy:?}"
    );
}

#[test]
fn intx_devices_have_no_vectors() {
    let command = machine(Attachment::PciIntx).command();
    assert!(
        command.contains(&"virtio-rng-pci,vectors=0".to_owned()),
        "{command:?}"
    );
}

#[test]
fn a_forward_leads_from_loopback_to_the_machine() {
    let command = machine(Attachment::Pci).command().join(" ");
    assert!(
        command.contains("hostfwd=udp:127.0.0.1:8007-10.0.2.15:7"),
        "{command}"
    );
}

#[test]
fn a_device_left_out_adds_no_argument() {
    let mut machine = machine(Attachment::Mmio);
    machine.devices.rng = false;
    machine.devices.disk = None;
    machine.devices.network = None;
    let command = machine.command().join(" ");
    assert!(
        !command.contains("virtio") && !command.contains("netdev"),
        "{command}"
    );
}

#[test]
fn firmware_replaces_the_boards_default() {
    let mut machine = machine(Attachment::Mmio);
    machine.arguments = ["-bios", "none"].map(str::to_owned).to_vec();
    machine.firmware = Some("fw.bin".into());
    let words = machine.command();
    let bios: Vec<_> = words.iter().filter(|word| *word == "-bios").collect();
    assert_eq!(bios.len(), 1);
    assert!(words.windows(2).any(|pair| pair == ["-bios", "fw.bin"]));
}

#[test]
fn further_devices_have_numbers_of_their_own() {
    let mut machine = machine(Attachment::Pci);
    machine.devices.more.disks.push(Disk {
        image: "second.img".into(),
        read_only: true,
    });
    machine.devices.more.networks = vec![Network::Unconnected, Network::Tap("tap0".to_owned())];
    let words = machine.command();
    for expected in [
        "if=none,id=disk1,format=raw,file=second.img,readonly=on",
        "virtio-blk-pci,drive=disk1,serial=vmos-disk1",
        // QEMU warns about an interface without a peer.
        "socket,id=net1,listen=127.0.0.1:0",
        "virtio-net-pci,netdev=net1,romfile=",
        "tap,id=net2,ifname=tap0,script=no,downscript=no",
        "virtio-net-pci,netdev=net2,romfile=",
    ] {
        assert!(
            words.iter().any(|word| word == expected),
            "{expected}: {words:?}"
        );
    }
}
