//! Rows of named columns that know which of the names stands twice; a plain map keeps the last value without a word.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The columns of a row.
pub(in crate::source) struct Fields {
    /// Each with its value, of a repeated one the last.
    pub(in crate::source) columns: Map<String, Value>,
    /// Those that stand twice or more.
    pub(in crate::source) repeated: BTreeSet<String>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields { columns: Map::new(), repeated: BTreeSet::new() };
        while let Some((name, Once(value))) = map.next_entry::<String, Once>()? {
            if fields.columns.contains_key(&name) {
                fields.repeated.insert(name.clone());
            }
            fields.columns.insert(name, value);
        }
        Ok(fields)
    }
}

/// A value in whose objects each key stands once.
pub(in crate::source) struct Once(pub(in crate::source) Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let Fields { columns, repeated } = FieldsVisitor.visit_map(map)?;
        match repeated.first() {
            Some(name) => Err(A::Error::custom(stands_twice(name))),
            None => Ok(columns.into()),
        }
    }
}

/// What is said of a key that is repeated.
pub(in crate::source) fn stands_twice(name: &str) -> String {
    format!("expected each key once, the key {name:?} stands twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_known_at_the_top_and_refused_below() {
        let fields: Fields = serde_json::from_str(r#"{"q": 1, "r": [1.5, null, {"a": -1}], "q": true}"#).unwrap();
        assert_eq!(fields.repeated.iter().collect::<Vec<_>>(), ["q"]);
        assert_eq!(Value::from(fields.columns), serde_json::json!({ "q": true, "r": [1.5, null, { "a": -1 }] }));
        let refusal = serde_json::from_str::<Fields>(r#"{"q": [{"a": 1, "a": 2}]}"#).err().unwrap().to_string();
        assert!(refusal.starts_with("expected each key once, the key \"a\" stands twice"), "{refusal}");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(text: String, number: f64, whole: u64) {
            let value = serde_json::json!({ "a": [text, number, whole], "b": { "c": whole } });
            proptest::prop_assert_eq!(serde_json::from_str::<Once>(&value.to_string()).unwrap().0, value);
        }
    }
}
