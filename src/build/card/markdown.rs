//! Tables of Markdown.

use std::fmt::{Result, Write};

/// A text as it may stand in a cell: on one line, its bars escaped.
pub(super) fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

/// A table; columns of which every cell is a number are aligned to the right.
pub(super) fn table<const N: usize>(
    text: &mut String,
    names: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    let is_number = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let rule = |column: usize| {
        let numbers = !rows.is_empty() && rows.iter().all(|row| is_number(&row[column]));
        if numbers { "---:" } else { "---" }
    };
    let rules: Vec<&str> = (0..N).map(rule).collect();
    writeln!(text, "| {} |\n|{}|", names.join(" | "), rules.join("|"))?;
    for row in &rows {
        writeln!(text, "| {} |", row.each_ref().map(|value| cell(value)).join(" | "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_on_the_right_and_a_bar_does_not_end_a_cell() {
        let mut text = String::new();
        table(&mut text, ["name", "rows"], [["a|b\nc".to_owned(), "12".to_owned()]]).unwrap();
        assert_eq!(text, "| name | rows |\n|---|---:|\n| a\\|b c | 12 |\n");
    }
}
