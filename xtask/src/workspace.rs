//! The paths and packages of the workspace, from `cargo metadata`.

mod group;

use core::error::Error;
use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use toml_edit::{DocumentMut, Item};
use vmos_codegen::Board;

use crate::forward::Forward;
use crate::suggest;

use group::{groups, names};

pub use group::Group;

/// The workspace that the command runs in.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// The target folder of cargo.
    pub target: PathBuf,
    /// The apps in `apps/`, sorted by name.
    pub apps: Vec<App>,
    /// The default app: `workspace.metadata.vmos.default-app`.
    pub default_app: Option<String>,
    /// The boards that are tested seldom, and the only apps that are then tried on them:
    /// `workspace.metadata.vmos.seldom-tested`.
    pub seldom: Group,
    /// Groups of apps, each tested only on few boards: `workspace.metadata.vmos.few-boards`.
    pub few: Vec<Group>,
    /// The apps that need no devices, which are tested on boards whose machine has only a console:
    /// `workspace.metadata.vmos.console-apps`.
    pub console_apps: Vec<String>,
    /// The boards without virtio on which the network is tested, over their Ethernet controllers, and the
    /// apps for that: `workspace.metadata.vmos.ethernet`. Only with `--all`, other apps are tested on them,
    /// and these apps on other boards without virtio.
    pub ethernet: Group,
    /// The names of all workspace packages.
    pub members: Vec<String>,
    /// Additional cargo settings for building images, each passed by `--config`.
    pub configuration: Vec<String>,
}

/// A program that runs on the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The app's package name.
    pub name: String,
    /// The package's description, shown by `list`.
    pub description: String,
    /// The ports that the app serves: `package.metadata.vmos.forward`.
    pub forwards: Vec<Forward>,
    /// The kernel features that the app enables.
    pub features: Vec<String>,
}

impl App {
    /// Returns whether the app has the driver of the board's Ethernet controller.
    #[must_use]
    pub fn has_ethernet_driver(&self) -> bool {
        self.features.iter().any(|feature| feature == ETHERNET)
    }

    /// Returns whether the app logs by defmt: its image then has a section of texts.
    #[must_use]
    pub fn logs_by_defmt(&self) -> bool {
        self.features.iter().any(|feature| feature == "defmt")
    }
}

/// The demo app of VMOS.
pub const DEFAULT_APP: &str = "demo";

/// The name of the kernel's package.
const KERNEL: &str = "vmos";

/// The feature of the kernel with the driver of a board's Ethernet controller. It changes nothing on other
/// boards.
pub const ETHERNET: &str = "ethernet";

impl Workspace {
    /// Finds the workspace of the current folder, with cargo's help.
    pub fn find() -> Result<Self, WorkspaceError> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| WorkspaceError::NoCargo(error.to_string()))?;
        if !output.status.success() {
            return Err(WorkspaceError::NotAWorkspace);
        }
        let metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| WorkspaceError::Metadata(error.to_string()))?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Value) -> Result<Self, WorkspaceError> {
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| WorkspaceError::Metadata(format!("`{key}` is missing")))
        };
        let root = path("workspace_root")?;
        let target = path("target_directory")?;
        let packages = metadata["packages"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut apps = packages
            .iter()
            .filter(|package| is_app(package, &root))
            .map(app)
            .collect::<Result<Vec<_>, _>>()?;
        apps.sort_by(|a, b| a.name.cmp(&b.name));
        let name = |package: &Value| package["name"].as_str().map(str::to_owned);
        Ok(Self {
            root,
            target,
            apps,
            default_app: metadata["metadata"]["vmos"]["default-app"]
                .as_str()
                .map(str::to_owned),
            seldom: Group::of(&metadata["metadata"]["vmos"]["seldom-tested"]),
            few: groups(&metadata["metadata"]["vmos"]["few-boards"]),
            console_apps: names(&metadata["metadata"]["vmos"]["console-apps"]),
            ethernet: Group::of(&metadata["metadata"]["vmos"]["ethernet"]),
            members: packages.iter().filter_map(name).collect(),
            configuration: Vec::new(),
        })
    }

    /// Returns whether the workspace has a package of this name.
    #[must_use]
    pub fn has_member(&self, name: &str) -> bool {
        self.members.iter().any(|member| member == name)
    }

    /// Returns whether the kernel has a feature. That of an earlier commit may lack it; a kernel that is not in
    /// this workspace is of the version of this program.
    #[must_use]
    pub fn kernel_has(&self, feature: &str) -> bool {
        let manifest = fs::read_to_string(self.root.join("kernel/Cargo.toml")).unwrap_or_default();
        let manifest = manifest.parse::<DocumentMut>().unwrap_or_default();
        let features = manifest.get("features").and_then(Item::as_table);
        features.is_none_or(|features| features.contains_key(feature))
    }

    /// Returns whether an app is tried on a board, one of `chosen`, if not everything is.
    #[must_use]
    pub fn tries(&self, board: &str, chosen: &[String], app: &str) -> bool {
        let is_left_out = self.seldom.includes(board, chosen.len())
            && self.seldom.apps.iter().all(|name| name != app);
        let mut few = self.few.iter();
        let is_elsewhere = few.any(|group| group.excludes(board, app) && group.has_any_of(chosen));
        !is_left_out && !is_elsewhere
    }

    /// Returns whether an app is tried on a board without virtio devices.
    #[must_use]
    pub fn runs_without_virtio(&self, board: &Board, all: bool, app: &str) -> bool {
        let is_for_ethernet = self.ethernet.boards.contains(&board.name);
        let uses_ethernet =
            board.ethernet.is_some() && self.ethernet.apps.iter().any(|one| one == app);
        (uses_ethernet && (all || is_for_ethernet))
            || (self.runs_on_a_console(app) && (all || !is_for_ethernet))
    }

    /// Returns whether an app needs only a console. Unless the workspace lists those apps, any may.
    fn runs_on_a_console(&self, app: &str) -> bool {
        let listed = &self.console_apps;
        listed.is_empty() || listed.iter().any(|one| one == app)
    }

    /// Returns the app of this name, or the default app: the one that the workspace's metadata
    /// names, or the only one.
    pub fn app_or_default(&self, name: Option<&str>) -> Result<&App, WorkspaceError> {
        match (name.or(self.default_app.as_deref()), &*self.apps) {
            (Some(name), _) => self.app(name),
            (None, [app]) => Ok(app),
            (None, apps) => Err(WorkspaceError::NoDefaultApp {
                names: apps.iter().map(|app| app.name.clone()).collect(),
            }),
        }
    }

    /// Returns the app of this name.
    pub fn app(&self, name: &str) -> Result<&App, WorkspaceError> {
        self.apps
            .iter()
            .find(|app| app.name == name)
            .ok_or_else(|| {
                let names = self.apps.iter().map(|app| app.name.clone()).collect();
                WorkspaceError::NoSuchApp {
                    name: name.to_owned(),
                    names,
                }
            })
    }

    /// Returns the folder with the generated files of a board.
    #[must_use]
    pub fn generated(&self, board: &str) -> PathBuf {
        self.root.join("generated").join(board)
    }
}

fn is_app(package: &Value, root: &Path) -> bool {
    let manifest = package["manifest_path"].as_str().map(Path::new);
    manifest.is_some_and(|manifest| manifest.starts_with(root.join("apps")))
}

fn app(package: &Value) -> Result<App, WorkspaceError> {
    let name = package["name"].as_str().unwrap_or_default().to_owned();
    let forwards = package["metadata"]["vmos"]["forward"].as_array();
    let forwards = forwards
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|forward| forward.as_str().unwrap_or_default().parse())
        .collect::<Result<_, _>>()
        .map_err(|error| {
            let key = "package.metadata.vmos.forward";
            WorkspaceError::Metadata(format!("`{key}` of the app `{name}`: {error}"))
        })?;
    let description = package["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let dependencies = package["dependencies"].as_array();
    let features = dependencies
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["name"] == KERNEL)
        .filter_map(|dependency| dependency["features"].as_array())
        .flatten()
        .filter_map(|feature| feature.as_str().map(str::to_owned))
        .collect();
    Ok(App {
        name,
        description,
        forwards,
        features,
    })
}

/// Returns a command for the cargo that runs this program, so that everything is built with one
/// toolchain.
#[must_use]
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns a path relative to the current folder.
#[must_use]
pub fn relative_to_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.unwrap_or_else(|| path.to_owned())
}

/// Why the workspace, or an app in it, was not found.
#[derive(Debug, PartialEq, Eq)]
pub enum WorkspaceError {
    /// Cargo could not be started.
    NoCargo(String),
    /// Cargo found no workspace; it has printed the reason.
    NotAWorkspace,
    /// Cargo's answer, or an app's metadata, is invalid.
    Metadata(String),
    /// No app was named, there are several or none, and the workspace names no default.
    NoDefaultApp {
        /// The names of all apps.
        names: Vec<String>,
    },
    /// No app has this name.
    NoSuchApp {
        /// The requested name of an app.
        name: String,
        /// The names of all apps.
        names: Vec<String>,
    },
}

impl fmt::Display for WorkspaceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCargo(error) => write!(formatter, "cannot start cargo: {error}"),
            Self::NotAWorkspace => formatter.write_str(
                "this folder is not in a cargo workspace; run the command in the folder of VMOS",
            ),
            Self::Metadata(error) => write!(formatter, "`cargo metadata`: {error}"),
            Self::NoDefaultApp { names } if names.is_empty() => {
                formatter.write_str("there is no app yet: `cargo xtask new-app NAME` creates one")
            }
            Self::NoDefaultApp { names } => write!(
                formatter,
                "there are several apps and no default: select one with --app, or in the root Cargo.toml\n  \
                 [workspace.metadata.vmos]\n  default-app = \"{}\"\n  there are: {}",
                names.first().map_or("", String::as_str),
                names.join(", ")
            ),
            Self::NoSuchApp { name, names } => suggest::unknown(formatter, "app", name, names),
        }
    }
}

impl Error for WorkspaceError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata() -> Value {
        json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [
                {"name": "zeta", "manifest_path": "/w/apps/zeta/Cargo.toml", "description": "Last"},
                {"name": "kernel", "manifest_path": "/w/kernel/Cargo.toml"},
                {"name": "alpha", "manifest_path": "/w/apps/alpha/Cargo.toml",
                 "metadata": {"vmos": {"forward": ["udp:8007:7"]}}},
            ],
        })
    }

    #[test]
    fn apps_are_the_packages_under_apps_in_order() {
        let workspace = Workspace::from_metadata(&metadata()).unwrap();
        let names: Vec<_> = workspace.apps.iter().map(|app| app.name.as_str()).collect();
        assert_eq!(names, ["alpha", "zeta"]);
    }

    #[test]
    fn an_app_declares_the_ports_it_serves() {
        let workspace = Workspace::from_metadata(&metadata()).unwrap();
        let forwards = &workspace.app("alpha").unwrap().forwards;
        assert_eq!(forwards, &["udp:8007:7".parse().unwrap()]);
    }

    #[test]
    fn without_a_list_of_console_apps_all_are_built() {
        let mut workspace = Workspace::find().unwrap();
        assert!(workspace.runs_on_a_console("hello"));
        assert!(!workspace.runs_on_a_console("no-such-app"));
        workspace.console_apps.clear();
        assert!(workspace.runs_on_a_console("no-such-app"));
    }

    #[test]
    fn an_app_for_few_boards_is_tried_on_them_or_else_on_all_that_were_chosen() {
        let mut metadata = metadata();
        metadata["metadata"] = json!({"vmos": {
            "seldom-tested": {"boards": ["c"], "apps": ["zeta"]},
            "few-boards": [
                {"boards": ["a"], "apps": ["alpha"]},
                {"boards": ["b", "c"], "apps": ["beta"]},
            ],
        }});
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        let tried = |board: &str, chosen: &[&str]| {
            let chosen: Vec<_> = chosen.iter().map(|name| (*name).to_owned()).collect();
            ["alpha", "beta", "zeta"].map(|app| workspace.tries(board, &chosen, app))
        };
        let all = ["a", "b", "c", "d"];
        assert_eq!(tried("a", &all), [true, false, true]);
        assert_eq!(tried("b", &all), [false, true, true]);
        assert_eq!(tried("c", &all), [false, false, true]);
        assert_eq!(tried("d", &all), [false, false, true]);
        assert_eq!(tried("d", &["a", "d"]), [false, true, true]);
        assert_eq!(tried("d", &["d"]), [true, true, true]);
        assert_eq!(tried("c", &["c"]), [true, true, true]);
    }

    #[test]
    fn a_kernel_elsewhere_has_every_feature() {
        let mut workspace = Workspace::find().unwrap();
        assert!(workspace.kernel_has(ETHERNET));
        assert!(!workspace.kernel_has("no-such-feature"));
        workspace.root = workspace.root.join("apps");
        assert!(workspace.kernel_has("no-such-feature"));
    }

    #[test]
    fn the_default_app_is_the_one_that_the_workspace_names() {
        let mut metadata = metadata();
        metadata["metadata"] = json!({"vmos": {"default-app": "zeta"}});
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        assert_eq!(workspace.app_or_default(None).unwrap().name, "zeta");
        assert_eq!(
            workspace.app_or_default(Some("alpha")).unwrap().name,
            "alpha"
        );
    }

    #[test]
    fn without_a_default_the_only_app_is_used() {
        let mut workspace = Workspace::from_metadata(&metadata()).unwrap();
        let error = workspace.app_or_default(None).unwrap_err().to_string();
        assert!(error.contains("default-app = \"alpha\""), "{error}");
        assert!(error.contains("alpha, zeta"), "{error}");
        workspace.apps.truncate(1);
        assert_eq!(workspace.app_or_default(None).unwrap().name, "alpha");
        workspace.apps.clear();
        let error = workspace.app_or_default(None).unwrap_err().to_string();
        assert!(error.contains("cargo xtask new-app"), "{error}");
    }

    #[test]
    fn the_kernel_features_of_an_app_are_found() {
        let mut metadata = metadata();
        metadata["packages"][0]["dependencies"] = json!([
            {"name": "vmos", "features": ["picoserve"]},
            {"name": "other", "features": ["else"]},
        ]);
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        assert_eq!(workspace.app("zeta").unwrap().features, ["picoserve"]);
        assert!(workspace.app("alpha").unwrap().features.is_empty());
    }

    #[test]
    fn an_unknown_app_gets_the_nearest_name_and_the_list() {
        let workspace = Workspace::from_metadata(&metadata()).unwrap();
        let error = workspace.app("alhpa").unwrap_err().to_string();
        assert!(error.contains("no app is called `alhpa`"), "{error}");
        assert!(error.contains("did you mean `alpha`?"), "{error}");
        assert!(error.contains("alpha, zeta"), "{error}");
    }

    #[test]
    fn an_invalid_forward_names_the_app() {
        let mut metadata = metadata();
        metadata["packages"][2]["metadata"]["vmos"]["forward"] = json!(["udp:x"]);
        let error = Workspace::from_metadata(&metadata).unwrap_err().to_string();
        assert!(
            error.contains("`package.metadata.vmos.forward` of the app `alpha`"),
            "{error}"
        );
    }
}
