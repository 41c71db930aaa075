//! Units of measurement after a number, under one name in both languages.

use super::Format;

/// A unit and, where there is one, what it is taken per; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Unit {
    head: u8,
    per: u8,
}

impl Unit {
    /// Whether there is a unit.
    pub(in super::super) const fn is_known(self) -> bool {
        self.head != 0
    }

    /// Whether both have the same unit, as far as both say what it is taken per.
    pub(in super::super) const fn agrees(self, other: Self) -> bool {
        self.head == other.head && (self.per == other.per || self.per == 0 || other.per == 0)
    }

    /// Whether French adds it where English says a bare number: years of age, percent; hours are for the original to show.
    pub(in super::super) fn goes_without_saying(self) -> bool {
        self.per != 0 || matches!(self.name().as_str(), "ans" | "%" | "UI" | "°C" | "°F" | "battements" | "bpm" | "m")
    }

    /// Whether it is hours, which may be a time of day.
    pub(in super::super) fn is_hours(self) -> bool {
        self.per == 0 && self.head == index("heures")
    }

    /// Whether one of the words is a form of the unit.
    pub(in super::super) fn is_among<'a>(self, mut words: impl Iterator<Item = &'a str>) -> bool {
        words.any(|word| index(word) == self.head)
    }

    /// The unit as it is written in French.
    pub(in super::super) fn name(self) -> String {
        let name = |index: u8| FORMS.get(usize::from(index).wrapping_sub(1)).map_or("", |forms| forms[0]);
        if self.per == 0 { name(self.head).to_owned() } else { format!("{}/{}", name(self.head), name(self.per)) }
    }
}

/// The forms of each unit in both languages, the French name first. Letters of more than two are compared in lower case.
const FORMS: &[&[&str]] = &[
    &["ans", "an", "année", "années", "year", "years", "yr", "yrs"],
    &["mois", "month", "months"],
    &["semaines", "semaine", "week", "weeks", "wk", "wks"],
    &["jours", "jour", "j", "day", "days", "d"],
    &["heures", "heure", "h", "hour", "hours", "hr", "hrs"],
    &["minutes", "minute", "min", "mins", "mn"],
    &["secondes", "seconde", "s", "sec", "second", "seconds"],
    &["ms", "millisecondes", "milliseconde", "milliseconds", "millisecond", "msec"],
    &["µg", "μg", "mcg", "ug", "microgrammes", "microgramme", "micrograms", "microgram"],
    &["mg", "milligrammes", "milligramme", "milligrams", "milligram"],
    &["g", "grammes", "gramme", "grams", "gram"],
    &["kg", "kilogrammes", "kilogramme", "kilos", "kilo", "kilograms", "kilogram"],
    &["ng", "nanogrammes", "nanograms"],
    &["livres", "livre", "lb", "lbs", "pounds", "pound"],
    &["mL", "ml", "cc", "millilitres", "millilitre", "milliliters", "milliliter"],
    &["dL", "dl", "décilitres", "décilitre", "deciliters", "deciliter"],
    &["L", "l", "litres", "litre", "liters", "liter"],
    &["µL", "μL", "µl", "μl", "uL", "microlitres", "microliters"],
    &["nm", "nanomètres", "nanometers", "nanometres"],
    &["µm", "μm", "um", "micromètres", "micrometers", "microns", "micron"],
    &["mm", "millimètres", "millimètre", "millimeters", "millimeter", "millimetres"],
    &["cm", "centimètres", "centimètre", "centimeters", "centimeter", "centimetres"],
    &["m", "mètres", "mètre", "meters", "meter", "metres", "metre"],
    &["km", "kilomètres", "kilomètre", "kilometers", "kilometer", "kilometres"],
    &["pouces", "pouce", "inches", "inch"],
    &["pieds", "pied", "feet", "foot", "ft"],
    &["miles", "mile", "milles"],
    &["mmHg"],
    &["kPa"],
    &["°C", "celsius"],
    &["°F", "fahrenheit"],
    &["%", "percent", "pourcent", "pour-cent"],
    &["bpm", "battements", "beats", "batt"],
    &["UI", "IU", "U", "unités", "unité", "units", "unit"],
    &["mEq", "meq"],
    &["mmol", "millimoles"],
    &["µmol", "μmol", "umol", "micromoles"],
    &["mol", "moles", "mole"],
    &["kcal", "kilocalories"],
    &["calories", "calorie", "cal"],
    &["J", "joules"],
    &["kJ", "kilojoules"],
    &["Hz", "hertz"],
    &["kDa"],
    &["mV", "millivolts"],
    &["ppm"],
];

/// The unit that follows a number ending at `at`; none where nothing known follows.
pub(super) fn after(text: &str, at: usize, format: Format) -> Unit {
    let rest = text[at..].trim_start_matches([' ', '\u{a0}', '\u{202f}', '\u{2009}', '-']);
    let (head, rest) = token(rest);
    // `the 1990s`, `over 65s` are no seconds.
    if head == "s" && text[at..].starts_with('s') {
        return Unit::default();
    }
    // An elided word is no unit: `19 s’est`, `15 d'origine`.
    if rest.starts_with(['\'', '’']) {
        return Unit::default();
    }
    let mut unit = Unit { head: index(head), per: 0 };
    let next = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    if head == "mm" && (next.starts_with("Hg") || next.starts_with("de mercure") || next.starts_with("of mercury")) {
        unit.head = index("mmHg");
        return unit;
    }
    if matches!((format, head), (Format::English, "per") | (Format::French, "pour")) && next.starts_with("cent") {
        unit.head = index("%");
        return unit;
    }
    if matches!(head, "degrees" | "degré" | "degrés") {
        unit.head = index(token(next).0.trim_start_matches('°'));
        return unit;
    }
    if matches!(head, "°" | "º") {
        unit.head = if next.starts_with('C') { index("°C") } else { index("°F") * u8::from(next.starts_with('F')) };
        return unit;
    }
    if unit.is_known()
        && let Some(per) = rest.strip_prefix('/')
    {
        unit.per = index(token(per).0);
    }
    unit
}

/// Whether a word is a form of a unit.
pub(in super::super) fn is_unit(word: &str) -> bool {
    index(word) != 0
}

/// The run of letters, or the one sign, at the beginning, and what follows it.
fn token(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix('%') {
        return ("%", rest);
    }
    let degree = text.chars().next().filter(|first| matches!(first, '°' | 'º')).map_or(0, char::len_utf8);
    let letters = text[degree..].char_indices().find(|(_, letter)| !letter.is_alphabetic());
    text.split_at(letters.map_or(text.len(), |(offset, _)| degree + offset))
}

/// One-based place of a unit's forms; 0 where it is none.
fn index(form: &str) -> u8 {
    if form.is_empty() || form.len() > 16 {
        return 0;
    }
    let same = |known: &str| {
        known == form || (form.len() > 2 && known.len() == form.len() && known.eq_ignore_ascii_case(form))
    };
    let found = FORMS.iter().position(|forms| forms.iter().any(|known| same(known)));
    found.and_then(|index| u8::try_from(index + 1).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str, format: Format) -> String {
        after(text, 0, format).name()
    }

    #[test]
    fn a_unit_has_one_name_in_both_languages() {
        for (english, french, name) in [
            (" years", "\u{a0}ans", "ans"),
            ("-year-old", " ans", "ans"),
            (" mcg", "\u{202f}µg", "µg"),
            (" mm Hg", " mmHg", "mmHg"),
            (" mg/dL", " mg/dl", "mg/dL"),
            (" IU/L", " UI/L", "UI/L"),
            ("%", " %", "%"),
            (" percent", " pour cent", "%"),
            ("°F", " °F", "°F"),
            (" degrees Celsius", " degrés Celsius", "°C"),
        ] {
            assert_eq!(
                (unit(english, Format::English), unit(french, Format::French)),
                (name.to_owned(), name.to_owned())
            );
        }
        assert_eq!(unit(" patients", Format::English), "");
        assert_eq!(
            (unit(" d'origine", Format::French), unit(" s’est", Format::French)),
            (String::new(), String::new())
        );
    }

    #[test]
    fn agreement_is_by_unit_and_by_what_it_is_taken_per() {
        let agrees = |left, right| after(left, 0, Format::English).agrees(after(right, 0, Format::French));
        assert!(agrees("mg/dL", "mg") && agrees("hours", "h"));
        assert!(!agrees("mg", "g") && !agrees("mg/dL", "mg/L"));
    }
}
