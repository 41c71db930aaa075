//! Numbers and text as a reader sees them.

use crate::metrics::Interval;

/// Text made safe between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Pieces of markup, one after the other.
pub(super) fn concat(pieces: impl IntoIterator<Item = String>) -> String {
    pieces.into_iter().collect::<Vec<_>>().concat()
}

/// A share of 1 as a number in percent, one decimal, without the sign.
pub(super) fn percent(share: f64) -> String {
    signless_zero(format!("{:.1}", share * 100.0)).replace('-', "−")
}

/// A difference of two shares in points, one decimal, with its sign.
pub(super) fn points(difference: f64) -> String {
    let text = signless_zero(format!("{:+.1}", difference * 100.0));
    text.replace('-', "−")
}

/// The ends of an interval of a share.
pub(super) fn percent_interval([low, high]: Interval) -> String {
    format!("{} to {}", percent(low), percent(high))
}

/// The ends of an interval of a difference.
pub(super) fn points_interval([low, high]: Interval) -> String {
    format!("{} to {}", points(low), points(high))
}

fn signless_zero(text: String) -> String {
    match text.trim_start_matches(['+', '-']) {
        "0.0" => "0.0".to_owned(),
        _ => text,
    }
}

/// A whole number with its thousands set apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as a reader says them.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// `singular` or `plural` after its number.
pub(super) fn count(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { singular } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_data_stays_text() {
        assert_eq!(escape("<b a=\"'&\">"), "&lt;b a=&quot;&#39;&amp;&quot;&gt;");
    }

    #[test]
    fn numbers_are_written_once_and_for_all() {
        assert_eq!((percent(0.4674), points(-0.031), points(-0.0001)), ("46.7".into(), "−3.1".into(), "0.0".into()));
        assert_eq!(
            (grouped(33_493), grouped(999), grouped(1_000_000)),
            ("33,493".into(), "999".into(), "1,000,000".into())
        );
        assert_eq!(
            (duration(59.6), duration(600.0), duration(9000.0)),
            ("60 s".into(), "10 min".into(), "2.5 h".into())
        );
    }
}
