//! Groups of boards and apps in the workspace's metadata.

use serde_json::Value;

/// Boards and apps that belong together when a run of all tests leaves others out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The names of the boards.
    pub boards: Vec<String>,
    /// The names of the apps.
    pub apps: Vec<String>,
}

/// Returns the names in a list of the metadata; none if there is no list.
pub(super) fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns the groups in a list of the metadata; none if there is no list.
pub(super) fn groups(list: &Value) -> Vec<Group> {
    let list = list.as_array().into_iter().flatten();
    list.map(Group::of).collect()
}

impl Group {
    pub(super) fn of(metadata: &Value) -> Self {
        Self {
            boards: names(&metadata["boards"]),
            apps: names(&metadata["apps"]),
        }
    }

    /// Returns whether only a part is tried on a board, one of `count`.
    #[must_use]
    pub fn includes(&self, board: &str, count: usize) -> bool {
        count > 1 && self.boards.iter().any(|name| name == board)
    }

    /// Returns whether one of `boards` is in this group.
    pub(super) fn has_any_of(&self, boards: &[String]) -> bool {
        self.boards.iter().any(|name| boards.contains(name))
    }

    /// Returns whether this is a group with the app, whose boards do not include this one.
    pub(super) fn excludes(&self, board: &str, app: &str) -> bool {
        self.apps.iter().any(|name| name == app) && !self.boards.iter().any(|name| name == board)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_board_is_tested_seldom_only_next_to_others() {
        let seldom = Group::of(&json!({"boards": ["b"], "apps": ["alpha"]}));
        assert_eq!(seldom.apps, ["alpha"]);
        assert!(seldom.includes("b", 2));
        assert!(!seldom.includes("b", 1));
        assert!(!seldom.includes("a", 2));
    }
}
