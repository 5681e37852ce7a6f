//! Builds programs for this host with cargo.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::Failure;

/// Runs a `cargo build` of binaries, which prints its diagnostics to stderr. Returns the paths of the
/// programs `names`, in this order. Cargo reports them, because they depend on its configuration:
/// `CARGO_BUILD_TARGET` or `build.target` adds a folder.
///
/// # Errors
///
/// If cargo cannot be started, does not build the programs, or builds no program of one of the names.
pub fn build(cargo: &mut Command, names: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let output = cargo
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(Failure::Status(1));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let found = names.iter().map(|name| {
        let path = program(&messages, name);
        path.ok_or_else(|| missing(name))
    });
    found.collect()
}

/// Like [`build`], for one program.
///
/// # Errors
///
/// As of [`build`].
pub fn build_one(cargo: &mut Command, name: &str) -> Result<PathBuf, Failure> {
    let mut programs = build(cargo, &[name])?;
    programs.pop().ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    format!("cargo built no program `{name}`").into()
}

/// Returns the path of a program according to cargo's messages.
fn program(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        (message["target"]["name"] == name).then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_program_is_where_cargo_says() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"http"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"hello"},"executable":"/t/host/debug/hello"}
{"reason":"build-finished","success":true}"#;
        let found = program(messages, "hello");
        assert_eq!(found.as_deref(), Some(Path::new("/t/host/debug/hello")));
        assert_eq!(program(messages, "http"), None);
        assert_eq!(program(messages, "other"), None);
    }
}
