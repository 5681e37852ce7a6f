#!/usr/bin/env bash
# The crate fdt 0.1.5 finds no standard output if `stdout-path` has options after a colon.
#
# The Devicetree Specification 0.4, section 3.6, allows options: "serial1:115200n8" is the node of the
# alias `serial1` and how to set it up, and this form is usual in the trees of boards. `Chosen::stdout()`
# resolves the alias only without the options, and otherwise returns `None`. Its descendant
# flat_device_tree 3.1.1 finds the node.
#
# Way out: read the property itself, and cut it at the first colon.
#
# Seen with Rust 1.95 and dtc 1.6.1:
#   fdt 0.1.5, "serial1": Some("serial@10001000")
#   fdt 0.1.5, "serial1:115200n8": None
#   flat_device_tree 3.1.1, "serial1:115200n8": Some("serial@10001000")
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v dtc >/dev/null || apt-get install --yes --no-install-recommends device-tree-compiler >/dev/null
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "stdout"
version = "0.1.0"
edition = "2021"

[dependencies]
fdt = "=0.1.5"
flat_device_tree = "=3.1.1"
END
for path in serial1 serial1:115200n8; do
    cat >tree.dts <<END
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    compatible = "example,board";
    model = "Example";
    aliases { serial0 = &first; serial1 = &second; };
    chosen { stdout-path = "$path"; };
    cpus {
        #address-cells = <1>;
        #size-cells = <0>;
        cpu@0 { device_type = "cpu"; reg = <0>; };
    };
    memory@80000000 { device_type = "memory"; reg = <0x80000000 0x8000000>; };
    first: serial@10000000 { compatible = "ns16550a"; reg = <0x10000000 0x100>; };
    second: serial@10001000 { compatible = "ns16550a"; reg = <0x10001000 0x100>; };
};
END
    dtc -I dts -O dtb -o "$path.dtb" tree.dts
done
cat >src/main.rs <<'END'
fn main() {
    for path in ["serial1", "serial1:115200n8"] {
        let tree = std::fs::read(format!("{path}.dtb")).expect("a tree");
        let fdt = fdt::Fdt::new(&tree).expect("a tree");
        let node = fdt.chosen().stdout().map(|node| node.name);
        println!("fdt 0.1.5, {path:?}: {node:?}");
    }
    let tree = std::fs::read("serial1:115200n8.dtb").expect("a tree");
    let fdt = flat_device_tree::Fdt::new(&tree).expect("a tree");
    let node = fdt.chosen().expect("chosen").stdout().map(|found| found.node().name);
    println!("flat_device_tree 3.1.1, \"serial1:115200n8\": {node:?}");
}
END
cargo run --quiet >found
cat found
diff found - <<'END'
fdt 0.1.5, "serial1": Some("serial@10001000")
fdt 0.1.5, "serial1:115200n8": None
flat_device_tree 3.1.1, "serial1:115200n8": Some("serial@10001000")
END
