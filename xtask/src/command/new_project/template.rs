//! The files of a new repository, except for its board and the generated files. Settings that must
//! match VMOS (linker options, profiles, lints) are copied from VMOS's own files.

use core::fmt;
use std::path::PathBuf;

/// The board of the example of a part that VMOS has no driver for.
pub(super) const EXAMPLE_BOARD: &str = "buttons";

/// The source from which a repository gets VMOS.
pub(super) enum Origin {
    /// A folder on the host.
    Path(PathBuf),
    /// A git repository, with a revision.
    Git {
        url: String,
        revision: Option<Revision>,
    },
}

/// The revision of a git repository. Cargo distinguishes these two.
pub(super) enum Revision {
    /// A commit or a tag of the repository.
    Commit(String),
    /// A branch of the repository.
    Branch(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "{}", path.display()),
            Self::Git { url, revision } => {
                formatter.write_str(url)?;
                match revision {
                    Some(Revision::Commit(name)) => write!(formatter, ", commit {name}"),
                    Some(Revision::Branch(name)) => write!(formatter, ", branch {name}"),
                    None => Ok(()),
                }
            }
        }
    }
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../templates/project/", $path))
    };
}

const OWN_MANIFEST: &str = include_str!("../../../../Cargo.toml");
const OWN_CONFIGURATION: &str = include_str!("../../../../.cargo/config.toml");
const OWN_START: &str = include_str!("../../../start/src/main.rs");
const OWN_START_MANIFEST: &str = include_str!("../../../start/Cargo.toml");
const OWN_TOOLCHAIN: &str = include_str!("../../../../rust-toolchain.toml");

/// Returns the files by path, for a repository whose board is called `board`.
pub(super) fn files(origin: &Origin, board: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Cargo.toml", manifest(origin)),
        (".cargo/config.toml", configuration()),
        ("rust-toolchain.toml", OWN_TOOLCHAIN.to_owned()),
        (".gitignore", "/target\n".to_owned()),
        (
            "README.md",
            template!("README.md").replace("@BOARD@", board),
        ),
        (
            "apps/hello/Cargo.toml",
            template!("app/Cargo.toml.in").to_owned(),
        ),
        (
            "apps/hello/src/main.rs",
            template!("app/main.rs.in").to_owned(),
        ),
        (
            "apps/button/Cargo.toml",
            template!("button/Cargo.toml.in").to_owned(),
        ),
        (
            "apps/button/src/main.rs",
            template!("button/main.rs.in").to_owned(),
        ),
        (
            "drivers/pl061/Cargo.toml",
            template!("drivers/pl061/Cargo.toml.in").to_owned(),
        ),
        (
            "drivers/pl061/src/lib.rs",
            template!("drivers/pl061/lib.rs.in").to_owned(),
        ),
        (
            "drivers/pl061/src/tests.rs",
            template!("drivers/pl061/tests.rs.in").to_owned(),
        ),
        ("parts/pl061.toml", template!("parts/pl061.toml").to_owned()),
        (
            "boards/buttons.toml",
            template!("boards/buttons.toml").to_owned(),
        ),
        (
            "xtask/Cargo.toml",
            template!("xtask/Cargo.toml.in").to_owned(),
        ),
        (
            "xtask/src/main.rs",
            template!("xtask/main.rs.in").to_owned(),
        ),
        ("xtask/start/Cargo.toml", OWN_START_MANIFEST.to_owned()),
        ("xtask/start/src/main.rs", OWN_START.to_owned()),
    ]
}

fn manifest(origin: &Origin) -> String {
    let dependency = |folder: &str| match origin {
        // A path in TOML is a basic string, with escapes.
        Origin::Path(path) => format!("path = {:?}", path.join(folder).display().to_string()),
        Origin::Git { url, revision } => {
            let revision = match revision {
                Some(Revision::Commit(name)) => format!(", rev = {name:?}"),
                Some(Revision::Branch(name)) => format!(", branch = {name:?}"),
                None => String::new(),
            };
            format!("git = {url:?}{revision}")
        }
    };
    let taken = sections(OWN_MANIFEST, &["[workspace.lints", "[profile"]);
    template!("Cargo.toml.in")
        .replace("@KERNEL@", &dependency("kernel"))
        .replace("@DRIVERS@", &dependency("drivers"))
        .replace("@XTASK@", &dependency("xtask"))
        .replace("@TAKEN@", taken.trim_end())
}

/// Returns the tables of a manifest whose headers start with one of `headers`, with the comments
/// above each.
fn sections(manifest: &str, headers: &[&str]) -> String {
    let mut taken = String::new();
    let mut is_taken = false;
    let mut comments = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_taken = headers.iter().any(|header| line.starts_with(header));
            if is_taken {
                taken += &comments;
            }
        }
        match line {
            _ if line.starts_with('#') => comments += &format!("{line}\n"),
            _ => {
                comments.clear();
                if is_taken {
                    taken += &format!("{line}\n");
                }
            }
        }
    }
    taken
}

fn configuration() -> String {
    OWN_CONFIGURATION.replace("-- xtask", "-- project-xtask")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left() {
        let origin = Origin::Path("/vmos".into());
        for (path, text) in files(&origin, "a-board") {
            let left = text.split('@').skip(1).step_by(2);
            let left: Vec<_> = left.filter(|word| !word.is_empty()).collect();
            assert!(left.is_empty(), "{path}: {left:?}");
        }
    }

    #[test]
    fn a_repository_takes_vmos_from_a_folder_or_from_git() {
        let text = manifest(&Origin::Path("/vmos".into()));
        assert!(
            text.contains("vmos = { path = \"/vmos/kernel\" }"),
            "{text}"
        );
        let git = Origin::Git {
            url: "https://example.org/v.git".to_owned(),
            revision: Some(Revision::Commit("v1".to_owned())),
        };
        let line = "vmos = { git = \"https://example.org/v.git\", rev = \"v1\" }";
        assert!(manifest(&git).contains(line));
    }

    #[test]
    fn images_are_built_as_vmos_builds_its_own() {
        let text = manifest(&Origin::Path("/vmos".into()));
        assert!(text.contains("[profile.release]\nlto = "), "{text}");
        assert!(text.contains("[workspace.lints.rust]"), "{text}");
        assert!(!text.contains("smoltcp"), "{text}");
        assert!(configuration().contains("-- project-xtask\""));
    }

    #[test]
    fn a_table_is_taken_with_the_comments_above_it() {
        let manifest = "[a]\nx = 1\n\n# why\n[b]\ny = 2\n# more\nz = 3\n\n[c]\n";
        assert_eq!(sections(manifest, &["[b"]), "# why\n[b]\ny = 2\nz = 3\n\n");
    }
}
