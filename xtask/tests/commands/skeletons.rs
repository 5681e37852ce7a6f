//! Compiles the skeletons that `new-driver` writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::workspace::{Workspace, cargo};

const CLASSES: [&str; 5] = ["console", "interrupt-controller", "power", "rtc", "timer"];

/// Copies the crates that a driver belongs to, as a workspace of their own.
fn copy_crates(from: &Path, to: &Path) {
    let manifest = fs::read_to_string(from.join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members"));
    let own = "members = [\"codegen\", \"drivers\"]";
    let manifest = manifest.replacen(members.expect("a list of members"), own, 1);
    fs::write(to.join("Cargo.toml"), manifest).unwrap();
    for name in [
        "Cargo.lock",
        "boards",
        "codegen",
        "drivers",
        "generated",
        "templates",
        "tests/golden",
    ] {
        copy(&from.join(name), &to.join(name));
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn the_skeletons_of_all_classes_compile() {
    let workspace = Workspace::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    copy_crates(&workspace.root, root);
    for class in CLASSES {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["new-driver", class, &format!("some-{class}")])
            .current_dir(root)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{class}: {said}");
    }
    let output = cargo()
        // The libraries with the tests in them, which is all that a skeleton adds to.
        .args(["check", "--offline", "--lib", "--profile=test", "--quiet"])
        .args(["--package", "vmos-codegen", "--package", "vmos-drivers"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
