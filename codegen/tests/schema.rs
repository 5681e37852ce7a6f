//! Tests `board.schema.json` with an independent validator.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};
use vmos_codegen::emit::{reference, schema};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validator() -> Validator {
    let schema = serde_json::from_str(&schema::emit()).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
}

/// Returns the board files of the workspace and of the golden tests.
fn files() -> Vec<PathBuf> {
    let boards = fs::read_dir(workspace().join("boards")).unwrap();
    let boards = boards.map(|entry| entry.unwrap().path());
    let golden = fs::read_dir(workspace().join("tests/golden")).unwrap();
    let golden = golden.map(|entry| entry.unwrap().path().join("board.toml"));
    let mut files: Vec<PathBuf> = boards.chain(golden).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    files
}

fn read(path: &PathBuf) -> Value {
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns a minimal board with these lines added.
fn board(toml: &str) -> Value {
    toml::from_str(&format!("schema = 1\n{toml}")).unwrap()
}

#[test]
fn the_schema_is_valid() {
    let schema: Value = serde_json::from_str(&schema::emit()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
}

/// Tests that the schema avoids `allOf`, which Taplo does not complete, and `$ref`, beside which it
/// shows no description.
#[test]
fn the_schema_contains_no_references() {
    let schema = schema::emit();
    assert!(!schema.contains("\"$ref\"") && !schema.contains("\"allOf\""));
}

#[test]
fn every_board_conforms() {
    let validator = validator();
    for path in files() {
        let mistakes: Vec<String> = validator
            .iter_errors(&read(&path))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(mistakes.is_empty(), "{}:\n{mistakes:#?}", path.display());
    }
}

/// Returns the paths of all keys in a table, except for names that the author chose.
fn keys(value: &Value, schema: &Value, path: &str, paths: &mut Vec<String>) {
    let Some(table) = value.as_object() else {
        return;
    };
    let pattern = schema["propertyNames"]["pattern"].as_str();
    let chosen = pattern.is_some_and(|pattern| pattern.starts_with("^[a-z]"));
    for (key, value) in table {
        let inner = match &schema["properties"][key] {
            Value::Null => &schema["additionalProperties"],
            inner => inner,
        };
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        keys(value, inner, &path, paths);
        if !chosen {
            paths.push(path);
        }
    }
}

/// Returns the board with an `x` appended to one key.
fn misspelt(board: &Value, path: &str) -> Value {
    let mut board = board.clone();
    let (table, key) = path.rsplit_once('/').unwrap();
    let table = board.pointer_mut(table).unwrap().as_object_mut().unwrap();
    let value = table.remove(key).unwrap();
    table.insert(format!("{key}x"), value);
    board
}

#[test]
fn no_key_can_be_misspelt() {
    let validator = validator();
    let schema: Value = serde_json::from_str(&schema::emit()).unwrap();
    for path in files() {
        let board = read(&path);
        let mut paths = Vec::new();
        keys(&board, &schema, "", &mut paths);
        for key in paths {
            let wrong = misspelt(&board, &key);
            assert!(!validator.is_valid(&wrong), "{}: {key}", path.display());
        }
    }
}

#[test]
fn values_of_the_wrong_form_are_rejected() {
    let validator = validator();
    for (right, wrong) in [
        ("virtio-mmio.count = 8", "virtio-mmio.count = 0"),
        ("virtio-mmio.stride = 0x200", "virtio-mmio.stride = -1"),
        (
            "virtio-mmio.stride = \"1 KiB\"",
            "virtio-mmio.stride = \"1 kB\"",
        ),
        ("virtio-mmio.base = 0x1000", "virtio-mmio.base = \"0x1000\""),
        (
            "virtio-mmio.interrupt = { spi = 1 }",
            "virtio-mmio.interrupt = 33",
        ),
        (
            "virtio-mmio.interrupt = { spi = 1 }",
            "virtio-mmio.interrupt = { line = 1 }",
        ),
        (
            "virtio-mmio.interrupt = { spi = 1 }",
            "virtio-mmio.interrupt = {}",
        ),
        (
            "console.pl011.clock = \"62.5 MHz\"",
            "console.pl011.clock = \"62.5 Mhz\"",
        ),
        (
            "console.pl011.clock = \"24 MHz\"",
            "console.pl011.clock = 24000000",
        ),
        (
            "console.pl011.clock = \"24 MHz\"",
            "console.pl012.clock = \"24 MHz\"",
        ),
        (
            "power.psci.conduit = \"hvc\"",
            "power.psci.conduit = \"hcv\"",
        ),
        ("memory.ram.main.base = 0x0", "memory.ram.Main.base = 0x0"),
        ("board.title = \"A board\"", "board.title = \" \""),
        ("qemu.tested = [\"7.2\"]", "qemu.tested = \"7.2\""),
        (
            "undescribed.\"0x1000\" = \"a clock\"",
            "undescribed.clock = \"0x1000\"",
        ),
        (
            "interrupt-controller.gic-v3 = {}",
            "interrupt-controller = { gic-v2 = {}, gic-v3 = {} }",
        ),
    ] {
        assert!(validator.is_valid(&board(right)), "{right}");
        assert!(!validator.is_valid(&board(wrong)), "{wrong}");
    }
}

#[test]
fn the_schema_requires_the_supported_version() {
    let validator = validator();
    assert!(validator.is_valid(&json!({ "schema": 1 })));
    assert!(!validator.is_valid(&json!({ "schema": 2 })));
    assert!(!validator.is_valid(&json!({})));
}

#[test]
fn every_board_refers_to_the_schema() {
    for entry in fs::read_dir(workspace().join("boards")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let schema = text
            .strip_prefix("#:schema ")
            .and_then(|rest| rest.lines().next());
        let schema = schema.map(|schema| path.parent().unwrap().join(schema));
        assert!(
            schema.is_some_and(|schema| schema.is_file()),
            "{}: its first line is not `#:schema ../generated/{}`",
            path.display(),
            schema::FILE
        );
    }
}

/// Tests that the description of a driver is where editors show it.
#[test]
fn a_driver_lists_its_architectures() {
    let page = reference::emit();
    let (_, section) = page.split_once("### `[timer.arm-generic]`").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    assert!(section.contains("On `aarch64`, `arm`."), "{section}");
    let (_, section) = page.split_once("### `[console.pl011]`").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    assert!(section.contains("On any architecture."), "{section}");
    let schema = schema::emit();
    assert!(
        schema.contains("\\n\\nOn `riscv64`, `riscv32`."),
        "{schema}"
    );
}
