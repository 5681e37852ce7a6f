//! Tests that generated files do not depend on the directory, the environment or the time.

mod fixture;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use fixture::smallest;
use vmos_codegen::emit::MARKER;
use vmos_codegen::tree::Plan;

/// The environment variable that tells a child process of
/// [`neither_directory_nor_environment_matters`] where to write.
const TREE: &str = "VMOS_TEST_TREE";

/// Generates the files in a child process, started in `directory` with only `variables` in its
/// environment.
fn generate_in(directory: &Path, variables: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    let tree = tempfile::tempdir().unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "generates_the_tree_in_a_child_process",
            "--quiet",
        ])
        .current_dir(directory)
        .env_clear()
        .envs(variables.iter().copied())
        .env(TREE, tree.path())
        .status()
        .unwrap();
    assert!(status.success());
    let mut files = vec![];
    for directory in ["", "smallest"] {
        for entry in fs::read_dir(tree.path().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path
                    .strip_prefix(tree.path())
                    .unwrap()
                    .display()
                    .to_string();
                files.push((name, fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn generates_the_tree_in_a_child_process() {
    if let Some(tree) = env::var_os(TREE) {
        Plan::all(&[smallest()])
            .unwrap()
            .write(Path::new(&tree))
            .unwrap();
    }
}

#[test]
fn neither_directory_nor_environment_matters() {
    let elsewhere = tempfile::tempdir().unwrap();
    let here = generate_in(
        Path::new(env!("CARGO_MANIFEST_DIR")),
        &[("LC_ALL", "C"), ("TZ", "UTC")],
    );
    let there = generate_in(
        elsewhere.path(),
        &[
            ("TZ", "Asia/Kolkata"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("HOME", "/nowhere"),
            ("USER", "ada"),
        ],
    );
    assert_eq!(here.len(), Plan::all(&[smallest()]).unwrap().files().len());
    assert_eq!(here, there);
}

#[test]
fn no_file_contains_a_path_of_the_build_machine() {
    let plan = Plan::all(&[smallest()]).unwrap();
    let places = [env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_VERSION")];
    for (path, text) in plan.files() {
        for place in places {
            assert!(!text.contains(place), "{path} names {place}");
        }
    }
}

#[test]
fn every_file_is_marked_as_generated_in_its_first_lines() {
    for (path, text) in Plan::all(&[smallest()]).unwrap().files() {
        // The first line of JSON is its brace.
        let first = text.lines().find(|line| *line != "{").unwrap();
        assert!(first.contains(MARKER), "{path}: {first}");
    }
}

#[test]
fn every_file_ends_in_one_line_break_and_no_line_in_a_space() {
    for (path, text) in Plan::all(&[smallest()]).unwrap().files() {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{path}");
    }
}
