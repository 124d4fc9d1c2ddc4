//! The fields of a request as a JSON object, for servers that take no form.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

/// The value of a field: a text, or a list of texts where the field comes several times. It borrows
/// the texts, which may be secrets.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum FieldValue<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

/// Returns `fields` as an object.
pub(super) fn json_object<'a>(fields: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, FieldValue<'a>> {
    let mut object = BTreeMap::new();
    for (name, value) in fields.iter().copied() {
        match object.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(FieldValue::One(value));
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                FieldValue::Several(values) => values.push(value),
                FieldValue::One(first) => {
                    let values = vec![*first, value];
                    entry.insert(FieldValue::Several(values));
                }
            },
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_twice_is_a_list() {
        let object = json_object(&[("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")]);
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"a":["1","3","4"],"b":"2"}"#);
    }
}
