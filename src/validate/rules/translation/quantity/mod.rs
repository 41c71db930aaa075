//! Numbers of a text with the units after them.
//!
//! Digits are read as each language writes them: English `1,500.5`, French `1 500,5` with any space. Where a form has two
//! readings (`1.500` in French) both are kept. Small numbers in words, Roman numerals and ordinals are kept apart: a
//! translator may write them either way.

mod units;
mod words;

pub(super) use units::{Unit, is_unit};

/// Language whose number format is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    English,
    French,
}

/// A number as digits without sign: `digits / 10^scale`, no zero at the end of a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal {
    digits: u64,
    scale: u8,
}

/// A number in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) value: Decimal,
    /// The other reading of an ambiguous form.
    pub(super) other: Option<Decimal>,
    /// Whether it is written in digits, not in words or Roman numerals.
    pub(super) in_digits: bool,
    /// Whether digits touch a letter before them, as in `CD4`.
    pub(super) in_name: bool,
    pub(super) unit: Unit,
    /// Bytes of the text where the number stands.
    pub(super) begin: usize,
    pub(super) end: usize,
}

impl Decimal {
    pub(super) const fn whole(digits: u64) -> Self {
        Self { digits, scale: 0 }
    }

    fn new(whole: &str, fraction: &str) -> Option<Self> {
        let fraction = fraction.trim_end_matches('0');
        let mut digits = 0_u64;
        for digit in whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit) {
            digits = digits.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        }
        Some(Self { digits, scale: u8::try_from(fraction.len()).ok()? })
    }

    /// Whether one is a year of the last two centuries and the other its last two digits.
    pub(super) fn is_year_of(self, other: Self) -> bool {
        let (short, long) = (self.digits.min(other.digits), self.digits.max(other.digits));
        self.scale == 0 && other.scale == 0 && short < 100 && (1800..2000).contains(&long) && long % 100 == short
    }

    /// The whole part and the fraction's digits as two numbers: what `1,2` is where a comma separates a list.
    pub(super) fn parts(self) -> Option<[Self; 2]> {
        let power = 10_u64.checked_pow(self.scale.into()).filter(|_| self.scale > 0)?;
        Some([Self::whole(self.digits / power), Self::whole(self.digits % power)])
    }
}

impl Quantity {
    /// Whether one reading of one is one reading of the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let readings = [Some(other.value), other.other];
        readings.contains(&Some(self.value)) || self.other.is_some_and(|reading| readings.contains(&Some(reading)))
    }
}

/// The numbers of `text`, in order.
pub(super) fn quantities(text: &str, format: Format) -> Vec<Quantity> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        // `.05` in English is `0.05`.
        let bare_fraction =
            byte == b'.' && is_digit(at + 1) && !(at > 0 && (is_digit(at - 1) || bytes[at - 1] == b'.'));
        if byte.is_ascii_digit() || bare_fraction {
            let quantity = number(text, at, format);
            at = quantity.end;
            found.push(quantity);
        } else if byte.is_ascii_alphabetic() || byte >= 0x80 {
            let end = word_end(text, at);
            if end == at {
                at += char_len(text, at);
                continue;
            }
            if let Some(value) = words::value(&text[at..end], format) {
                // `demi` and `million` count what follows otherwise.
                let counts = (2..=12).contains(&value) && !words::is_part(&text[at..end]);
                let unit = if counts { units::after(text, end, format) } else { Unit::default() };
                let value = Decimal::whole(value);
                found.push(Quantity { value, other: None, in_digits: false, in_name: false, unit, begin: at, end });
            }
            // Digits that follow a letter are read as a number of their own.
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// End of the run of letters at `at`.
fn word_end(text: &str, at: usize) -> usize {
    text[at..].char_indices().find(|(_, letter)| !letter.is_alphabetic()).map_or(text.len(), |(offset, _)| at + offset)
}

/// End of the run of ASCII digits at `at`.
fn digits_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |offset| at + offset)
}

/// The number whose first digit is at `begin`.
fn number(text: &str, begin: usize, format: Format) -> Quantity {
    let bytes = text.as_bytes();
    let mut whole_end = digits_end(bytes, begin);
    let first_digits = whole_end - begin;
    let mut grouped = false;
    while let Some(next) = thousands(text, whole_end, format).filter(|_| grouped || (1..=3).contains(&first_digits)) {
        (whole_end, grouped) = (next, true);
    }
    let mut end = whole_end;
    let mut fraction = "";
    let is_point = |byte: Option<&u8>| match format {
        Format::English => byte == Some(&b'.'),
        Format::French => matches!(byte, Some(b'.' | b',')),
    };
    if is_point(bytes.get(whole_end)) && bytes.get(whole_end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits_end(bytes, whole_end + 1);
        fraction = &text[whole_end + 1..end];
    }
    let whole = &text[begin..whole_end];
    let value = Decimal::new(whole, fraction).unwrap_or(Decimal::whole(u64::MAX));
    // `1.500` or `1,500` in French is one and a half, or copied from English; `10 200` is one number or two. `42.000` in
    // English was written by someone used to other signs.
    let is_ambiguous = format == Format::French || fraction.ends_with("00");
    let other =
        if is_ambiguous && fraction.len() == 3 && !grouped { Decimal::new(&text[begin..end], "") } else { None };
    let in_name = text[..begin].chars().next_back().is_some_and(char::is_alphabetic);
    Quantity { value, other, in_digits: true, in_name, unit: units::after(text, end, format), begin, end }
}

/// End of a group of three digits after a thousands separator at `at`.
fn thousands(text: &str, at: usize, format: Format) -> Option<usize> {
    let separator = text[at..].chars().next()?;
    let separates = match format {
        Format::English => matches!(separator, ',' | ' ' | '\u{a0}'),
        Format::French => matches!(separator, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
    };
    let begin = at + separator.len_utf8();
    let end = digits_end(text.as_bytes(), begin.min(text.len()));
    (separates && end == begin + 3).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, format: Format) -> Vec<(u64, u8)> {
        quantities(text, format).iter().map(|found| (found.value.digits, found.value.scale)).collect()
    }

    #[test]
    fn each_language_has_its_separators() {
        assert_eq!(values("1,500.50 and 3.5", Format::English), [(15005, 1), (35, 1)]);
        assert_eq!(values("1\u{202f}500,50 et 3,5", Format::French), [(15005, 1), (35, 1)]);
        assert_eq!(values("1,2", Format::English), [(1, 0), (2, 0)]);
        assert_eq!(values("p < .05, 1.2.3", Format::English), [(5, 2), (12, 1), (3, 0)]);
        assert_eq!(values("120/80", Format::French), [(120, 0), (80, 0)]);
    }

    #[test]
    fn an_ambiguous_form_has_two_readings() {
        let found = quantities("1.500", Format::French)[0];
        assert_eq!((found.value, found.other), (Decimal { digits: 15, scale: 1 }, Some(Decimal::whole(1500))));
    }

    #[test]
    fn small_numbers_in_words_are_kept_apart() {
        let found = quantities("six semaines", Format::French)[0];
        assert_eq!((found.value, found.in_digits), (Decimal::whole(6), false));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned(text in "\\PC*|[0-9., /a-zé%°µ\u{a0}]*") {
            for format in [Format::English, Format::French] {
                for found in quantities(&text, format) {
                    proptest::prop_assert!(text.get(found.begin..found.end).is_some());
                }
            }
        }
    }
}
