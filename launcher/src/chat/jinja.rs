//! What transformers adds to, or expects of, Jinja.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// An environment in which a template means what it means to transformers.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(whitespace.expect("the delimiters are Jinja's own"));
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_formatter(print_like_python);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_filter("tojson", to_json);
    environment
}

/// Turns `{% generation %}` blocks, which mark the model's words for transformers, into blocks that change nothing.
///
/// The marks for white space (`-`, `+`) stay, so that what is rendered stays too.
pub(super) fn without_generation_tags(source: &str) -> String {
    let mut rest = source;
    let mut result = String::with_capacity(source.len());
    while let Some(start) = rest.find("{%") {
        let opened = start + 2;
        let Some(length) = rest[opened..].find("%}") else { break };
        let tag = &rest[opened..opened + length];
        result.push_str(&rest[..start]);
        let word = tag.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        let replaced = match word {
            "generation" => tag.replace(word, "if true"),
            "endgeneration" => tag.replace(word, "endif"),
            _ => tag.to_owned(),
        };
        result.push_str("{%");
        result.push_str(&replaced);
        result.push_str("%}");
        rest = &rest[opened + length + 2..];
    }
    result.push_str(rest);
    result
}

/// The widest indentation of `tojson`; more is the mistake of a template, or an attempt to use up memory.
const MAX_INDENT: usize = 64;

/// Python prints `True`, `False` and `None`.
fn print_like_python(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let word = match bool::try_from(value.clone()) {
        Ok(true) if value.kind() == minijinja::value::ValueKind::Bool => "True",
        Ok(false) if value.kind() == minijinja::value::ValueKind::Bool => "False",
        _ if value.is_none() => "None",
        _ => return minijinja::escape_formatter(output, state, value),
    };
    output.write_str(word).map_err(Error::from)
}

/// Python's `json.dumps(value, ensure_ascii=False, indent=indent)`.
#[expect(clippy::needless_pass_by_value, reason = "minijinja gives keyword arguments by value")]
fn to_json(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent = arguments.get::<Option<usize>>("indent")?;
    if arguments.get::<Option<bool>>("ensure_ascii")? == Some(true) {
        return Err(Error::new(ErrorKind::InvalidOperation, "tojson: ensure_ascii=true is not supported"));
    }
    arguments.assert_all_used()?;
    match indent {
        Some(width) if MAX_INDENT < width => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("tojson: expected an indent of at most {MAX_INDENT}, found {width}"),
        )),
        Some(width) => write_json(value, PrettyFormatter::with_indent(" ".repeat(width).as_bytes())),
        None => write_json(value, SpacedFormatter),
    }
}

fn write_json(value: &Value, formatter: impl Formatter) -> Result<String, Error> {
    let wrong = |why: String| Error::new(ErrorKind::BadSerialization, why);
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

/// JSON on one line with a space after each comma and colon.
struct SpacedFormatter;

impl Formatter for SpacedFormatter {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PIECES: &str = "[{%} \\-+é]|generation|endgeneration|\\{% |if yes| %\\}";

    fn render(source: &str) -> Result<String, Error> {
        let context = minijinja::context! { text => "é<", list => [1, 2], yes => true };
        environment().render_str(&without_generation_tags(source), context)
    }

    #[test]
    fn generation_blocks_change_nothing() {
        let source = "a\n  {%- generation -%}\n b {% endgeneration %}\nc{% if yes %}{% generation %}\nd{% endgeneration %}{% endif %}";
        assert_eq!(render(source).unwrap(), "ab cd");
    }

    #[test]
    fn a_tag_that_is_none_is_left_to_jinja() {
        for source in ["{%}", "{%", "{%%}", "a{%}b%}", "{%-%}"] {
            assert_eq!(without_generation_tags(source), source);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_an_error(pieces in prop::collection::vec(PIECES, 0..12)) {
            let source = pieces.concat();
            let _ = render(&source);
        }
    }

    #[test]
    fn values_are_printed_as_python_prints_them() {
        assert_eq!(render("{{ yes }} {{ not yes }} {{ none }} {{ missing }}|").unwrap(), "True False None |");
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        assert_eq!(render("{{ {'b': text, 'a': list} | tojson }}").unwrap(), r#"{"b": "é<", "a": [1, 2]}"#);
        assert_eq!(render("{{ list | tojson(indent=2) }}").unwrap(), "[\n  1,\n  2\n]");
        assert!(render("{{ list | tojson(ensure_ascii=true) }}").is_err());
        let message = render("{{ list | tojson(indent=9000000000000000000) }}").unwrap_err().to_string();
        assert!(message.contains("expected an indent of at most 64"), "{message}");
    }

    #[test]
    fn a_template_can_refuse_and_cannot_ask_for_the_date() {
        assert!(render("{{ raise_exception('no system turn') }}").unwrap_err().to_string().contains("no system turn"));
        assert!(render("{{ strftime_now('%Y') }}").unwrap_err().to_string().contains("strftime_now"));
    }

    #[test]
    fn methods_of_python_strings_work() {
        assert_eq!(render("{{ ' x</t>y\n'.split('</t>')[-1].rstrip('\n').upper() }}").unwrap(), "Y");
    }
}
