//! The files that an image is made of, and whether they have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use serde_json::Value;
use vmos_codegen::source;

use crate::workspace::{Workspace, cargo};

/// The inputs of an image in the folder of a workspace and in that of VMOS, besides the packages.
const SHARED: [&str; 6] = [
    "boards",
    "codegen",
    "parts",
    "templates",
    "Cargo.toml",
    ".cargo",
];

/// The state of the sources at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    /// Files and folders.
    roots: BTreeSet<PathBuf>,
    /// The time of the last change, and the size in bytes.
    files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    /// The folder that a run writes, which is no source.
    generated: PathBuf,
}

impl Sources {
    /// Reads the state of the sources of an app.
    pub(super) fn of(workspace: &Workspace, app: &str) -> Self {
        let shared = [workspace.root.clone(), source::library()];
        let shared = shared
            .iter()
            .flat_map(|root| SHARED.map(|name| root.join(name)));
        let mut roots: BTreeSet<_> = shared.collect();
        // If cargo cannot tell, it says why when it builds the app.
        let metadata = metadata(&workspace.root).unwrap_or_default();
        roots.extend(packages(&metadata, app));
        roots.insert(workspace.root.join("apps").join(app));
        Self::in_roots(roots, workspace.root.join("generated"))
    }

    fn in_roots(roots: BTreeSet<PathBuf>, generated: PathBuf) -> Self {
        let mut sources = Self {
            roots: BTreeSet::new(),
            files: BTreeMap::new(),
            generated,
        };
        for root in &roots {
            if let Ok(data) = fs::metadata(root) {
                sources.add(root, &data);
            }
        }
        Self { roots, ..sources }
    }

    /// Reads the state of what is in a folder.
    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self::in_roots(
            BTreeSet::from([folder.to_owned()]),
            folder.join("generated"),
        )
    }

    /// Reads the state of the same sources again.
    fn again(&self) -> Self {
        Self::in_roots(self.roots.clone(), self.generated.clone())
    }

    /// Returns whether a file was changed, added or removed since this state.
    pub(super) fn have_changed(&self) -> bool {
        self.again() != *self
    }

    /// Waits until the sources stay as they are during a `pause`.
    pub(super) fn settle(&self, mut pause: impl FnMut()) {
        let mut state = self.again();
        loop {
            pause();
            let next = state.again();
            if next == state {
                return;
            }
            state = next;
        }
    }

    /// Adds a file, or all in a folder.
    fn add(&mut self, path: &Path, data: &Metadata) {
        if !data.is_dir() {
            let state = (data.modified().ok(), data.len());
            self.files.insert(path.to_owned(), state);
            return;
        }
        if *path == self.generated {
            return;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if is_for_others(&entry.file_name().to_string_lossy()) {
                continue;
            }
            // Not into a linked folder, which may be one around it.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let data = fs::metadata(entry.path());
            if let Some(data) = data.ok().filter(|data| !(is_link && data.is_dir())) {
                self.add(&entry.path(), &data);
            }
        }
    }
}

/// Returns whether a name in a folder of sources is that of cargo's output, or of a file that an editor
/// keeps beside the file that is edited.
fn is_for_others(name: &str) -> bool {
    name == "target"
        || name.starts_with('.')
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'))
}

/// Returns cargo's metadata of a workspace, with the packages from elsewhere.
fn metadata(root: &Path) -> Option<Value> {
    let output = cargo()
        .args(["metadata", "--format-version=1"])
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// Returns the folders of an app and of the packages of this host that it depends on.
fn packages(metadata: &Value, app: &str) -> Vec<PathBuf> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = array(&metadata["packages"]);
    let nodes = array(&metadata["resolve"]["nodes"]);
    let app = packages.iter().find(|package| package["name"] == app);
    let mut waiting: Vec<Value> = app.iter().map(|app| app["id"].clone()).collect();
    let mut seen = Vec::new();
    while let Some(id) = waiting.pop() {
        if seen.contains(&id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id);
        waiting.extend(
            node.map(|node| array(&node["dependencies"]))
                .unwrap_or_default(),
        );
        seen.push(id);
    }
    let used = packages
        .iter()
        .filter(|package| seen.contains(&package["id"]));
    // Those of registries and of git repositories do not change.
    let own = used.filter(|package| package["source"].is_null());
    let manifests = own.filter_map(|package| package["manifest_path"].as_str());
    let folders = manifests.filter_map(|manifest| Path::new(manifest).parent());
    folders.map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn look(folder: &TempDir) -> Sources {
        Sources::in_folder(folder.path())
    }

    fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_file_that_is_written_added_or_removed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "a.rs", "1");
        let before = look(&folder);
        assert!(!before.have_changed());
        let added = write(&folder, "deeper/b.rs", "2");
        assert!(before.have_changed());
        let before = look(&folder);
        write(&folder, "a.rs", "longer");
        assert!(before.have_changed());
        let before = look(&folder);
        fs::remove_file(added).unwrap();
        assert!(before.have_changed());
    }

    #[test]
    fn a_file_that_is_replaced_by_an_older_one_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (write(&folder, "a.rs", "1"), write(&folder, "b.rs", "2"));
        let kept = fs::File::options().write(true).open(&other).unwrap();
        let day = Duration::from_secs(24 * 60 * 60);
        kept.set_modified(SystemTime::now() - day).unwrap();
        let before = look(&folder);
        fs::copy(&other, folder.path().join("c.rs")).unwrap();
        fs::rename(&other, &file).unwrap();
        fs::rename(folder.path().join("c.rs"), &other).unwrap();
        // Two files, of which the newest and the sizes are as before.
        assert!(before.have_changed());
    }

    #[test]
    fn sources_that_change_in_a_pause_have_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let mut pauses = 0;
        look(&folder).settle(|| {
            pauses += 1;
            if pauses < 3 {
                write(&folder, "a.rs", &"1".repeat(pauses));
            }
        });
        assert_eq!(pauses, 3);
    }

    #[test]
    fn what_an_editor_cargo_or_a_run_writes_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, "a.rs", "1");
        let before = look(&folder);
        for name in [
            ".a.rs.swp",
            "a.rs~",
            "#a.rs#",
            "target/debug/a",
            "generated/b/board.rs",
        ] {
            write(&folder, name, "2");
            assert!(!before.have_changed(), "{name}");
        }
        // A lock of Emacs is a link to nowhere, and this one leads to the folder around it.
        symlink("user@host.1", folder.path().join(".#a.rs")).unwrap();
        symlink(folder.path(), folder.path().join("around")).unwrap();
        assert!(!before.have_changed());
        assert_eq!(before.files.keys().collect::<Vec<_>>(), [&file]);
    }

    #[test]
    fn the_packages_of_this_host_that_an_app_uses_are_sources() {
        let package = |name: &str, source: Option<&str>| {
            let manifest = format!("/w/{name}/Cargo.toml");
            json!({"name": name, "id": name, "source": source, "manifest_path": manifest})
        };
        let metadata = json!({
            "packages": [
                package("app", None),
                package("other", None),
                package("library", None),
                package("serde", Some("registry")),
            ],
            "resolve": {"nodes": [
                {"id": "app", "dependencies": ["serde"]},
                {"id": "other", "dependencies": []},
                {"id": "library", "dependencies": ["app"]},
                {"id": "serde", "dependencies": ["library"]},
            ]},
        });
        let mut found = packages(&metadata, "app");
        found.sort();
        assert_eq!(found, ["/w/app", "/w/library"].map(PathBuf::from));
        assert_eq!(packages(&Value::Null, "app"), Vec::<PathBuf>::new());
    }
}
