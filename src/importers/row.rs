//! A row of another tool's store.

use std::ops::Deref;

use serde_json::{Map, Value};
use zeroize::Zeroize;

/// The values of a row by the names of their columns. All texts are wiped when they are dropped,
/// since some are secrets.
#[derive(Clone)]
pub(super) struct Row(Map<String, Value>);

impl Row {
    /// Returns a copy of the values, which the caller wipes by making a [`Row`] of them.
    pub(super) fn clone_fields(&self) -> Map<String, Value> {
        self.0.clone()
    }

    /// Replaces a text, and wipes the old one.
    pub(super) fn replace(&mut self, column: &str, text: &str) {
        if let Some(value) = self.0.get_mut(column) {
            wipe(value);
            *value = Value::String(text.to_owned());
        }
    }
}

impl From<Map<String, Value>> for Row {
    fn from(values: Map<String, Value>) -> Self {
        Self(values)
    }
}

impl FromIterator<(String, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Deref for Row {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_of_a_row_is_left_wherever_it_stands() {
        let mut value = json!({ "a": "made-up", "b": [{ "c": "made-up" }, 1], "d": null });
        wipe(&mut value);
        assert_eq!(value, json!({ "a": "", "b": [{ "c": "" }, 1], "d": null }));
    }

    #[test]
    fn a_text_takes_the_place_of_another() {
        let mut row: Row = [("a".to_owned(), Value::from("sealed"))].into_iter().collect();
        row.replace("a", "made-up");
        row.replace("b", "made-up");
        assert_eq!(*row, *json!({ "a": "made-up" }).as_object().unwrap());
    }
}
