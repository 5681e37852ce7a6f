//! What to write in place of a value of the wrong type.

use super::hexadecimal;
use super::reader::Given;
use super::schema::Kind;
use super::tree::{Integer, Node, Value};

impl Given<'_> {
    /// Returns the value rewritten as the expected type, if that is obvious.
    pub(super) fn rewritten(&self, expected: &Kind) -> Option<String> {
        match (expected, &self.node.value) {
            (Kind::Number { .. }, Value::Text(text)) => {
                text.trim().parse::<u32>().ok()?;
                Some(format!("write it without quotes: {}", text.trim()))
            }
            (Kind::Text | Kind::Name, Value::Integer(_) | Value::Float | Value::Boolean) => {
                Some("write it in quotes".to_owned())
            }
            (Kind::Table(_), Value::List(_)) => {
                Some(format!("a table has single brackets: [{}]", self.path))
            }
            (Kind::Named(_), Value::List(_)) => Some(format!(
                "write a header with a name for each: [{}.some-name]",
                self.path
            )),
            (Kind::Address, Value::Table(table)) => match table.get("base")?.node.value {
                Value::Integer(Integer { value, .. }) => {
                    let base = u64::try_from(value?).ok()?;
                    Some(format!("write only the address: {}", hexadecimal(base)))
                }
                _ => None,
            },
            (Kind::Text | Kind::Name, Value::List(list)) => match list.as_slice() {
                [
                    Node {
                        value: Value::Text(text),
                        ..
                    },
                ] => Some(format!("write it without brackets: \"{text}\"")),
                _ => None,
            },
            (Kind::List(_), Value::Text(text)) if text.starts_with('-') => {
                let words: Vec<_> = text
                    .split_whitespace()
                    .map(|word| format!("{word:?}"))
                    .collect();
                Some(format!("write [{}]", words.join(", ")))
            }
            (Kind::List(_), Value::Text(text)) => {
                Some(format!("write it in brackets: [\"{}\"]", text.trim()))
            }
            (Kind::Choice(choices), Value::Integer(integer))
                if choices.iter().any(|one| integer.is_written_as(one.word)) =>
            {
                Some(format!("write it in quotes: \"{}\"", integer.value?))
            }
            (Kind::Choice(choices), Value::Integer(_) | Value::Boolean) => {
                let word = choices.first()?.word;
                Some(format!("write the word in quotes, as \"{word}\""))
            }
            _ => None,
        }
    }
}
