//! Inserts the lines of a new driver into existing files.

use super::class::{Class, type_name};

/// Inserts two lines into `codegen/src/binding.rs`: the module, and the driver at the end of its
/// class.
pub(super) fn in_binding(text: &str, class: &Class, name: &str) -> Option<String> {
    let module = name.replace('-', "_");
    let text = with_module(text, &module)?;
    let class_begins = text.find(&format!("    pub enum {}: ", class.variant))?;
    let end = class_begins + text[class_begins..].find("\n    }\n")? + 1;
    let line = format!(
        "        {}({module}::{}),\n",
        type_name(name),
        type_name(name)
    );
    Some(format!("{}{line}{}", &text[..end], &text[end..]))
}

/// Inserts the module into `drivers/src/<CLASS>.rs`.
pub(super) fn in_drivers(text: &str, _class: &Class, name: &str) -> Option<String> {
    with_module(text, &name.replace('-', "_"))
}

/// Returns the text with a further module, sorted by name.
fn with_module(text: &str, module: &str) -> Option<String> {
    let line = format!("pub mod {module};\n");
    let mut at = None;
    let mut start = 0;
    for known in text.split_inclusive('\n') {
        let is_module = known.starts_with("pub mod ") && known.trim_end().ends_with(';');
        if is_module && (known < line.as_str() || at.is_none()) {
            at = Some(if known < line.as_str() {
                start + known.len()
            } else {
                start
            });
        }
        start += known.len();
    }
    let at = at?;
    Some(format!("{}{line}{}", &text[..at], &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_stay_in_order() {
        let text = "//! x\n\npub mod a;\npub mod c;\n\nuse y;\n";
        let with = with_module(text, "b").expect("a place");
        assert_eq!(
            with,
            "//! x\n\npub mod a;\npub mod b;\npub mod c;\n\nuse y;\n"
        );
        assert!(
            with_module(text, "_")
                .expect("a place")
                .contains("pub mod _;\npub mod a;")
        );
        assert_eq!(with_module("use y;\n", "b"), None);
    }
}
