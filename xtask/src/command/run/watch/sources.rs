//! The files that an image is made of, and whether they have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use serde_json::Value;
use vmos_codegen::source;

use crate::workspace::{Workspace, cargo};

/// The inputs of an image in the folder of a workspace and in that of VMOS, besides the packages.
const SHARED: [&str; 8] = [
    "boards",
    "codegen",
    "parts",
    "templates",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo",
];

/// The state of the sources at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    /// Files and folders.
    roots: BTreeSet<PathBuf>,
    /// The time of the last change, and the size in bytes.
    files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    /// Files and folders that a run writes, which are no sources.
    outputs: BTreeSet<PathBuf>,
}

impl Sources {
    /// Reads the state of the sources of an app. `outputs` are files and folders that a run writes, besides those
    /// of every run. If cargo cannot read a manifest, the sources are those of the state `before`, or everything:
    /// a change of any of them may mend it.
    pub(super) fn of(
        workspace: &Workspace,
        app: &str,
        outputs: &[PathBuf],
        before: Option<&Self>,
    ) -> Self {
        let own = [workspace.root.join("generated"), workspace.target.clone()];
        let outputs = own.iter().chain(outputs).map(|path| real(path)).collect();
        let folders = [workspace.root.clone(), source::library()];
        let roots = match (metadata(&workspace.root), before) {
            (Some(metadata), _) => {
                let shared = folders
                    .iter()
                    .flat_map(|root| SHARED.map(|name| root.join(name)));
                let app_folder = workspace.root.join("apps").join(app);
                let own = shared.chain([app_folder]).chain(manifests(&metadata));
                own.chain(packages(&metadata, app)).collect()
            }
            (None, Some(before)) => before.roots.clone(),
            (None, None) => folders.into(),
        };
        Self::in_roots(roots, outputs)
    }

    fn in_roots(roots: BTreeSet<PathBuf>, outputs: BTreeSet<PathBuf>) -> Self {
        let mut sources = Self {
            roots: BTreeSet::new(),
            files: BTreeMap::new(),
            outputs,
        };
        let mut visited = BTreeSet::new();
        for root in &roots {
            sources.add(root, &mut visited);
        }
        Self { roots, ..sources }
    }

    /// Reads the state of what is in a folder.
    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        let outputs = ["generated", "disk.img"].map(|name| real(&folder.join(name)));
        Self::in_roots(BTreeSet::from([folder.to_owned()]), outputs.into())
    }

    /// Reads the state of the same sources again.
    fn again(&self) -> Self {
        Self::in_roots(self.roots.clone(), self.outputs.clone())
    }

    /// Returns whether a file was changed, added or removed since this state.
    pub(super) fn have_changed(&self) -> bool {
        self.again() != *self
    }

    /// Waits until the sources stay as they are during a `pause`, which returns whether to go on.
    pub(super) fn settle(&self, mut pause: impl FnMut() -> bool) {
        let mut state = self.again();
        while pause() {
            let next = state.again();
            if next == state {
                return;
            }
            state = next;
        }
    }

    /// Adds a file, or all in a folder that was not visited before: a link may lead to a folder around it.
    fn add(&mut self, path: &Path, visited: &mut BTreeSet<PathBuf>) {
        let (Ok(data), Ok(place)) = (fs::metadata(path), fs::canonicalize(path)) else {
            return;
        };
        if self.outputs.contains(&place) {
            return;
        }
        if !data.is_dir() {
            let state = (data.modified().ok(), data.len());
            self.files.insert(place, state);
        } else if visited.insert(place) {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                if !is_ignored(&entry.file_name().to_string_lossy()) {
                    self.add(&entry.path(), visited);
                }
            }
        }
    }
}

/// Returns a path without links, of a file that may not exist yet.
fn real(path: &Path) -> PathBuf {
    let whole = fs::canonicalize(path);
    let whole = whole.or_else(|error| {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(error);
        };
        let folder = if folder == Path::new("") {
            Path::new(".")
        } else {
            folder
        };
        Ok(fs::canonicalize(folder)?.join(name))
    });
    whole.unwrap_or_else(|_| path.to_owned())
}

/// Returns whether a name in a folder of sources is that of cargo's output, or of a file that an editor
/// keeps beside the file that is edited.
fn is_ignored(name: &str) -> bool {
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

/// Returns the manifests of the workspace: cargo builds no app if one of them is invalid.
fn manifests(metadata: &Value) -> Vec<PathBuf> {
    let members = metadata["workspace_members"].as_array();
    let is_member =
        |package: &&Value| members.is_some_and(|members| members.contains(&package["id"]));
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifests = packages
        .filter(is_member)
        .map(|package| &package["manifest_path"]);
    manifests
        .filter_map(|manifest| Some(manifest.as_str()?.into()))
        .collect()
}

/// Returns the folders of an app and of the local packages that it depends on.
fn packages(metadata: &Value, app: &str) -> Vec<PathBuf> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = array(&metadata["packages"]);
    let nodes = array(&metadata["resolve"]["nodes"]);
    let is_local = |package: &&Value| package["source"].is_null();
    let mut local = packages.iter().filter(is_local);
    let app = local.find(|package| package["name"] == app);
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
    let own = used.filter(is_local);
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
        let copy = folder.path().join("c.rs");
        fs::copy(&other, &copy).unwrap();
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        let copied = fs::File::options().write(true).open(&copy).unwrap();
        copied.set_modified(time).unwrap();
        fs::rename(&other, &file).unwrap();
        fs::rename(copy, &other).unwrap();
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
            true
        });
        assert_eq!(pauses, 3);
    }

    #[test]
    fn sources_that_never_settle_are_left_when_the_user_stops_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let mut pauses = 0;
        look(&folder).settle(|| {
            pauses += 1;
            write(&folder, "a.rs", &"1".repeat(pauses));
            pauses < 3
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
            "disk.img",
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
    fn a_linked_folder_is_a_source() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&elsewhere, "a.rs", "1");
        symlink(elsewhere.path(), folder.path().join("shared")).unwrap();
        let before = look(&folder);
        write(&elsewhere, "a.rs", "longer");
        assert!(before.have_changed());
    }

    #[test]
    fn a_broken_manifest_is_watched_until_it_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
            ..Workspace::find().unwrap()
        };
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"apps/app\", \"library\"]\n";
        write(&folder, "Cargo.toml", manifest);
        for name in ["apps/app", "library"] {
            let name = |file: &str| format!("{name}/{file}");
            let package = name("").replace("apps/", "").replace('/', "");
            let manifest = format!("[package]\nname = \"{package}\"\n");
            write(&folder, &name("Cargo.toml"), &manifest);
            write(&folder, &name("src/lib.rs"), "");
        }
        let look = |before| Sources::of(&workspace, "app", &[], before);
        let before = look(None);
        write(&folder, "library/Cargo.toml", "[package]\nname = broken\n");
        assert!(before.have_changed());
        for broken in [look(Some(&before)), look(None)] {
            write(
                &folder,
                "library/Cargo.toml",
                "[package]\nname = \"library\"\n",
            );
            assert!(broken.have_changed());
            write(&folder, "library/Cargo.toml", "[package]\nname = broken\n");
        }
    }

    #[test]
    fn the_local_packages_that_an_app_uses_are_sources() {
        let package = |name: &str, source: Option<&str>| {
            let manifest = format!("/w/{name}/Cargo.toml");
            json!({"name": name, "id": name, "source": source, "manifest_path": manifest})
        };
        let metadata = json!({
            "packages": [
                package("app", None),
                json!({"name": "app", "id": "registry#app", "source": "registry", "manifest_path": "/r/app/Cargo.toml"}),
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
