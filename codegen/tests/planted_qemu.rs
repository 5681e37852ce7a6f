//! Tests mistakes in the options of QEMU.

mod mistakes;

use mistakes::{Planted, faults, planted};

const MICRO: &str = "mps2-an385";
const ARM: &str = "virt-arm64";
const RISC_V: &str = "virt-rv64";
const NUMA: &str = "virt-rv64-numa";
const PC: &str = "q35-x64";

const MISTAKES: &[Planted] = &[
    planted(
        "an interrupt controller of another version",
        ARM,
        [
            "machine = \"virt,gic-version=3\"",
            "machine = \"virt,gic-version=2\"",
            "machine = \"virt,gic-version=3\"",
        ],
        "E0057",
        "write gic-version=3",
    ),
    planted(
        "an interrupt controller of another version, the last of several",
        ARM,
        [
            "machine = \"virt,gic-version=3\"",
            "machine = \"virt,gic-version=3,gic-version=7\"",
            "machine = \"virt,gic-version=7,gic-version=3\"",
        ],
        "E0057",
        "gic-version=7",
    ),
    planted(
        "an advanced interrupt controller for a PLIC",
        RISC_V,
        [
            "machine = \"virt\"",
            "machine = \"virt,aia=aplic\"",
            "machine = \"virt,aia=none\"",
        ],
        "E0057",
        "`interrupt-controller.plic` needs aia=none",
    ),
    planted(
        "a processor with capitals",
        ARM,
        [
            "cpu = \"cortex-a72\"",
            "cpu = \"Cortex-A72\"",
            "cpu = \"cortex-a72\"",
        ],
        "E0020",
        "write \"cortex-a72\"",
    ),
    planted(
        "a processor without its hyphen, with an option",
        ARM,
        [
            "cpu = \"cortex-a72\"",
            "cpu = \"cortexa72,pmu=off\"",
            "cpu = \"cortex-a72,pmu=off\"",
        ],
        "E0020",
        "write \"cortex-a72,pmu=off\"",
    ),
    planted(
        "a machine with capitals",
        PC,
        [
            "machine = \"q35\"",
            "machine = \"Q35\"",
            "machine = \"q35\"",
        ],
        "E0020",
        "write \"q35\"",
    ),
    planted(
        "an option at the end without its value",
        MICRO,
        [
            "\"enable=on,target=native\"]",
            "\"enable=on,target=native\", \"-smp\"]",
            "\"enable=on,target=native\", \"-smp\", \"1\"]",
        ],
        "E0020",
        "QEMU needs another argument after it",
    ),
    planted(
        "an option before another one without its value",
        NUMA,
        [
            "    \"-smp\", \"2,sockets=2\",",
            "    \"-smp\",",
            "    \"-smp\", \"2\",",
        ],
        "E0020",
        "would take \"-object\" for the value",
    ),
    planted(
        "a number of processors in words",
        NUMA,
        ["\"2,sockets=2\"", "\"two\"", "\"2\""],
        "E0020",
        "is not a number of processors",
    ),
    planted(
        "no processors",
        NUMA,
        ["\"2,sockets=2\"", "\"0\"", "\"2\""],
        "E0020",
        "is not a number of processors",
    ),
    planted(
        "an option without its dash",
        NUMA,
        [
            "    \"-smp\", \"2,sockets=2\",",
            "    \"smp\", \"2,sockets=2\",",
            "    \"-smp\", \"2,sockets=2\",",
        ],
        "E0020",
        "write \"-smp\"",
    ),
    planted(
        "a second value of an option",
        NUMA,
        [
            "    \"-smp\", \"2,sockets=2\",",
            "    \"-smp\", \"2\", \"sockets=2\",",
            "    \"-smp\", \"2\", \"-smp\", \"sockets=2\",",
        ],
        "E0020",
        "write the option before its value",
    ),
    planted(
        "the last bus for the number of buses",
        RISC_V,
        ["buses = 256", "buses = 255", "buses = 256"],
        "E0019",
        "buses 0 to 255 are 256 buses",
    ),
];

#[test]
fn every_mistake_is_reported_at_its_line_with_what_to_write() {
    let wrong = faults(MISTAKES);
    assert!(wrong.is_empty(), "{wrong}");
}
