//! The JSON-LD context that Croissant 1.0 prescribes.

use serde::Serialize;

/// Short names and what they stand for, in the order in which they are written.
pub(super) struct Context(&'static [(&'static str, Term)]);

enum Term {
    /// Another name.
    Name(&'static str),
    /// Another name, and the type of its values.
    Typed(&'static str, &'static str),
}
use Term::{Name, Typed};

impl Serialize for Context {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, term)| (name, term)))
    }
}

impl Serialize for Term {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Name(id) => serializer.serialize_str(id),
            Typed(id, kind) => serializer.collect_map([("@id", id), ("@type", kind)]),
        }
    }
}

/// # Source
/// <https://docs.mlcommons.org/croissant/docs/croissant-spec.html#appendix-1-json-ld-context>; the prefix `rai` is that of
/// the RAI specification.
pub(super) const CONTEXT: Context = Context(&[
    ("@language", Name("en")),
    ("@vocab", Name("https://schema.org/")),
    ("citeAs", Name("cr:citeAs")),
    ("column", Name("cr:column")),
    ("conformsTo", Name("dct:conformsTo")),
    ("cr", Name("http://mlcommons.org/croissant/")),
    ("data", Typed("cr:data", "@json")),
    ("dataType", Typed("cr:dataType", "@vocab")),
    ("dct", Name("http://purl.org/dc/terms/")),
    ("equivalentProperty", Name("cr:equivalentProperty")),
    ("examples", Typed("cr:examples", "@json")),
    ("extract", Name("cr:extract")),
    ("field", Name("cr:field")),
    ("fileObject", Name("cr:fileObject")),
    ("fileProperty", Name("cr:fileProperty")),
    ("fileSet", Name("cr:fileSet")),
    ("format", Name("cr:format")),
    ("includes", Name("cr:includes")),
    ("isLiveDataset", Name("cr:isLiveDataset")),
    ("jsonPath", Name("cr:jsonPath")),
    ("key", Name("cr:key")),
    ("md5", Name("cr:md5")),
    ("parentField", Name("cr:parentField")),
    ("path", Name("cr:path")),
    ("rai", Name("http://mlcommons.org/croissant/RAI/")),
    ("recordSet", Name("cr:recordSet")),
    ("references", Name("cr:references")),
    ("regex", Name("cr:regex")),
    ("repeated", Name("cr:repeated")),
    ("replace", Name("cr:replace")),
    ("samplingRate", Name("cr:samplingRate")),
    ("sc", Name("https://schema.org/")),
    ("separator", Name("cr:separator")),
    ("source", Name("cr:source")),
    ("subField", Name("cr:subField")),
    ("transform", Name("cr:transform")),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_names_or_typed_names() {
        let json = serde_json::to_value(CONTEXT).unwrap();
        assert_eq!(json["citeAs"], "cr:citeAs");
        assert_eq!(json["dataType"], serde_json::json!({ "@id": "cr:dataType", "@type": "@vocab" }));
    }
}
