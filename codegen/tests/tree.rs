//! Tests writing the tree of generated files, and comparing it with the plan.

mod fixture;

use std::path::Path;
use std::{fs, io};

use tempfile::TempDir;
use vmos_codegen::Board;
use vmos_codegen::tree::{Error, Obstacle, Plan, Report, Stale};

use fixture::smallest;

fn named(name: &str) -> Board {
    Board {
        name: name.to_owned(),
        sources: vec![format!("boards/{name}.toml")],
        ..smallest()
    }
}

fn plan(names: &[&str]) -> Plan {
    let boards: Vec<Board> = names.iter().map(|name| named(name)).collect();
    Plan::all(&boards).unwrap()
}

/// A tree that contains the boards `a` and `b`, and its plan.
fn tree() -> (TempDir, Plan) {
    let root = tempfile::tempdir().unwrap();
    let plan = plan(&["a", "b"]);
    plan.write(root.path()).unwrap();
    (root, plan)
}

/// Returns every file under `root` with its bytes, including hidden files.
fn snapshot(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![];
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                files.push((path.display().to_string(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Returns the obstacles that `plan` finds under `root`; asserts that nothing was written.
fn obstacles(plan: &Plan, root: &Path) -> Vec<Obstacle> {
    let before = snapshot(root);
    let Err(Error::Obstacles(obstacles)) = plan.write(root) else {
        panic!("nothing was in the way");
    };
    assert_eq!(snapshot(root), before);
    obstacles
}

#[test]
fn written_files_are_up_to_date() {
    let (root, plan) = tree();
    assert_eq!(plan.check(root.path()).unwrap(), []);
}

#[test]
fn a_missing_tree_is_created() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("generated");
    let plan = plan(&["a"]);
    let report = plan.write(&root).unwrap();
    assert_eq!(
        report.written,
        plan.files().keys().cloned().collect::<Vec<_>>()
    );
    assert_eq!(plan.check(&root).unwrap(), []);
}

#[test]
fn an_up_to_date_file_is_not_touched() {
    let (root, plan) = tree();
    let path = root.path().join("a/board.rs");
    let past = std::time::UNIX_EPOCH;
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(past)
        .unwrap();
    let report = plan.write(root.path()).unwrap();
    assert_eq!(report.written, [""; 0]);
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), past);
}

#[test]
fn only_what_changed_is_written() {
    let (root, plan) = tree();
    fs::write(root.path().join("a/linker.ld"), "/* mine */\n").unwrap();
    fs::remove_file(root.path().join("b/board.md")).unwrap();
    let report = plan.write(root.path()).unwrap();
    assert_eq!(report.written, ["a/linker.ld", "b/board.md"]);
    assert_eq!(plan.check(root.path()).unwrap(), []);
}

#[test]
fn no_temporary_file_stays() {
    let (root, plan) = tree();
    assert_eq!(snapshot(root.path()).len(), plan.files().len());
}

#[test]
fn a_missing_file_is_stale() {
    let (root, plan) = tree();
    fs::remove_file(root.path().join("a/qemu.args")).unwrap();
    let path = String::from("a/qemu.args");
    assert_eq!(plan.check(root.path()).unwrap(), [Stale::Missing { path }]);
}

#[test]
fn all_files_of_a_missing_tree_are_stale() {
    let parent = tempfile::tempdir().unwrap();
    let plan = plan(&["a"]);
    let stale = plan.check(&parent.path().join("generated")).unwrap();
    assert_eq!(stale.len(), plan.files().len());
}

#[test]
fn a_changed_file_is_stale_and_shown_as_a_diff() {
    let (root, plan) = tree();
    let path = root.path().join("a/linker.ld");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("ENTRY(_start)", "ENTRY(_begin)")).unwrap();
    let [Stale::Changed { path, diff, .. }] = &plan.check(root.path()).unwrap()[..] else {
        panic!("one file changed");
    };
    assert_eq!(path, "a/linker.ld");
    assert!(diff.contains("-ENTRY(_begin)\n+ENTRY(_start)\n"), "{diff}");
}

#[test]
fn a_long_diff_is_cut_short() {
    let (root, plan) = tree();
    fs::write(root.path().join("a/board.rs"), "x\n".repeat(500)).unwrap();
    let [Stale::Changed { diff, .. }] = &plan.check(root.path()).unwrap()[..] else {
        panic!("one file changed");
    };
    assert_eq!(diff.lines().count(), 41);
}

#[test]
fn a_file_of_no_board_is_stale_even_if_written_by_hand() {
    let (root, plan) = tree();
    let extra = ["a/notes.txt", "board.rs", "c/linker.ld"];
    fs::create_dir(root.path().join("c")).unwrap();
    for path in extra {
        fs::write(root.path().join(path), "mine\n").unwrap();
    }
    let expected = extra.map(|path| Stale::Extra {
        path: path.to_owned(),
    });
    assert_eq!(plan.check(root.path()).unwrap(), expected);
}

#[test]
fn a_check_writes_nothing() {
    let (root, plan) = tree();
    fs::remove_file(root.path().join("a/qemu.args")).unwrap();
    fs::write(root.path().join("a/board.rs"), "stale\n").unwrap();
    let before = snapshot(root.path());
    plan.check(root.path()).unwrap();
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn line_ends_are_not_compared_but_corrected() {
    let (root, plan) = tree();
    let path = root.path().join("a/board.rs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace('\n', "\r\n")).unwrap();
    assert_eq!(plan.check(root.path()).unwrap(), []);
    assert_eq!(plan.write(root.path()).unwrap().written, ["a/board.rs"]);
}

#[test]
fn the_files_of_a_removed_board_are_deleted() {
    let (root, _) = tree();
    let report = plan(&["a"]).write(root.path()).unwrap();
    let of_b = |path: &String| path.starts_with("b/");
    assert!(
        report.deleted.iter().all(of_b) && report.deleted.len() > 5,
        "{report}"
    );
    assert!(!root.path().join("b").exists());
}

#[test]
fn writing_some_boards_keeps_the_files_of_the_others() {
    let (root, all) = tree();
    let some = Plan::some(&[named("a")], &["a", "b"]).unwrap();
    fs::write(root.path().join("b/notes.txt"), "mine\n").unwrap();
    let report = some.write(root.path()).unwrap();
    assert_eq!(
        report,
        Report {
            unchanged: some.files().keys().cloned().collect(),
            ..Report::default()
        }
    );
    let extra = Stale::Extra {
        path: String::from("b/notes.txt"),
    };
    assert_eq!(all.check(root.path()).unwrap(), [extra]);
}

#[test]
fn a_directory_of_the_user_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    let theirs = root.path().join("a");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("linker.ld"), "/* mine */\n").unwrap();
    assert_eq!(
        obstacles(&plan(&["a"]), root.path()),
        [Obstacle::Directory(theirs)]
    );
}

#[test]
fn a_root_of_the_user_is_not_written_to() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("letter.txt"), "Dear Ada\n").unwrap();
    let theirs = root.path().to_owned();
    assert_eq!(
        obstacles(&plan(&["a"]), root.path()),
        [Obstacle::Directory(theirs)]
    );
}

#[test]
fn a_file_of_the_user_is_not_deleted() {
    let (root, plan) = tree();
    let theirs = root.path().join("a/notes.txt");
    fs::write(&theirs, "mine\n").unwrap();
    assert_eq!(obstacles(&plan, root.path()), [Obstacle::File(theirs)]);
}

#[test]
fn all_obstacles_are_reported_at_once() {
    let (root, plan) = tree();
    let [directory, file] = ["a", "b/board.rs"].map(|path| root.path().join(path));
    fs::remove_dir_all(&directory).unwrap();
    fs::write(&directory, "a file\n").unwrap();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let expected = [Obstacle::Kind(directory), Obstacle::Kind(file)];
    assert_eq!(obstacles(&plan, root.path()), expected);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let (root, plan) = tree();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = root.path().join("a");
    fs::remove_dir_all(&link).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    assert_eq!(obstacles(&plan, root.path()), [Obstacle::Link(link)]);
}

#[test]
fn a_name_that_starts_with_a_dot_is_ignored() {
    let (root, _) = tree();
    let hidden = root.path().join("b/.board.rs.swp");
    fs::write(&hidden, "an editor's\n").unwrap();
    let plan = plan(&["a"]);
    plan.write(root.path()).unwrap();
    assert!(hidden.exists());
    assert_eq!(plan.check(root.path()).unwrap(), []);
}

#[test]
fn nothing_is_written_if_one_file_cannot_be() {
    let (root, _) = tree();
    // The place of the temporary file.
    fs::create_dir(root.path().join("b/.vectors.S.new")).unwrap();
    let mut boards = [named("a"), named("b")];
    for board in &mut boards {
        board.title = String::from("Another title");
    }
    let before = snapshot(root.path());
    let error = Plan::all(&boards).unwrap().write(root.path()).unwrap_err();
    let Error::Io { source, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::IsADirectory);
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn a_file_with_conflict_markers_is_overwritten() {
    let (root, plan) = tree();
    let path = root.path().join("a/board.rs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        format!("<<<<<<< HEAD\n=======\n>>>>>>> other\n\n\n\n{text}"),
    )
    .unwrap();
    plan.write(root.path()).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

#[test]
fn the_order_of_the_boards_does_not_matter() {
    assert_eq!(plan(&["a", "b"]), plan(&["b", "a"]));
}

#[test]
fn two_boards_cannot_have_one_name() {
    assert!(Plan::all(&[named("a"), named("a")]).is_err());
}
