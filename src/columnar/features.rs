//! The columns of a file as the Hub's `datasets` library names them.

use arrow::datatypes::{DataType, Fields};

use super::Row;

/// One column, or one field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub feature_type: FeatureType,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureType {
    /// A value of the named type: `string`, `uint64`, …
    Value(String),
    /// Any number of values.
    List(Box<FeatureType>),
    /// Named fields.
    Struct(Vec<Feature>),
}

/// The columns of files of `T`.
#[must_use]
pub fn features<T: Row>() -> Vec<Feature> {
    of_fields(&T::fields())
}

fn of_fields(fields: &Fields) -> Vec<Feature> {
    let feature =
        |name: &str, data_type: &DataType| Feature { name: name.to_owned(), feature_type: of_type(data_type) };
    fields.iter().map(|field| feature(field.name(), field.data_type())).collect()
}

fn of_type(data_type: &DataType) -> FeatureType {
    match data_type {
        DataType::Utf8 => FeatureType::Value("string".to_owned()),
        DataType::List(item) => FeatureType::List(Box::new(of_type(item.data_type()))),
        DataType::Struct(fields) => FeatureType::Struct(of_fields(fields)),
        number => FeatureType::Value(number.to_string().to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Document;

    #[test]
    fn types_have_the_names_of_the_hub() {
        let features = features::<Document>();
        let string = FeatureType::Value("string".to_owned());
        assert_eq!(features[0], Feature { name: "id".to_owned(), feature_type: string.clone() });
        assert_eq!(
            features[5],
            Feature { name: "authors".to_owned(), feature_type: FeatureType::List(Box::new(string)) }
        );
    }
}
