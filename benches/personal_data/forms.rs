//! Personal data as letters from French hospitals write them; all of it made up.

/// A kind as the rule's detail names it, and how it may be written, in a sentence of its own.
pub(crate) type Forms = (&'static str, Vec<String>);

/// Every form of every kind.
pub(crate) fn forms() -> Vec<Forms> {
    vec![
        ("name", owned(&NAMES)),
        ("date of birth", owned(&BIRTHS)),
        ("social security number", social_security_numbers()),
        ("telephone number", owned(&TELEPHONES)),
        ("e-mail address", owned(&ADDRESSES)),
    ]
}

fn owned(sentences: &[&str]) -> Vec<String> {
    sentences.iter().map(|sentence| (*sentence).to_owned()).collect()
}

const NAMES: [&str; 26] = [
    "Je vois ce jour M. Dupont en consultation.",
    "Votre patiente Mme Lefèvre-Martin a été hospitalisée.",
    "Nous avons reçu Monsieur Jean DURAND dans le service.",
    "Madame Élodie Nguyen vit seule.",
    "Mme DE LA FONTAINE a été revue.",
    "M. d’Estaing ne fume pas.",
    "L'état de Mme L'Hermitte s'améliore.",
    "M. Le Gall sort ce jour.",
    "Mlle Roux est adressée par son médecin.",
    "Mr Durand prend un bêtabloquant.",
    "Mme. Petit ne prend aucun traitement.",
    "MM. Moreau et Simon sont cousins.",
    "Mmes Garnier et Faure sont sœurs.",
    "L'examen de Mme Ly est normal.",
    "M. Bâ est retraité.",
    "Mme O'Brien est anglaise.",
    "Je vous remercie de m'avoir adressé Monsieur MARTIN Paul.",
    "Mademoiselle Chloé Bernard est étudiante.",
    "M. J. Dupont est revu.",
    "M. J.-P. Lambert est revu.",
    "Mme Marie-Thérèse de Villiers a consenti.",
    "Concernant : Mme Ben Ahmed, hospitalisée du 3 au 7.",
    "Chère Madame Blanchard, vos résultats sont normaux.",
    "Cher Monsieur Leroy, vos résultats sont normaux.",
    "M DUPONT a été opéré.",
    "L'enfant de Mme Da Silva va bien.",
];

const BIRTHS: [&str; 20] = [
    "Patient né le 12/03/1954.",
    "Patiente née le 1er mars 1978.",
    "Né(e) le 03.04.1961.",
    "Née le 5 août 82.",
    "Né le : 12/03/1954.",
    "Née le 12-03-1954 à Nantes.",
    "Née à Nantes le 3 avril 1961.",
    "Né le lundi 3 avril 1961.",
    "Date de naissance : 12/03/1954.",
    "Date de naissance: 12 mars 1954.",
    "Date naissance 12/03/1954.",
    "DDN : 12/03/1954.",
    "DDN 12.03.54.",
    "D.D.N. : 12/03/1954.",
    "DN : 12/03/1954.",
    "Né(e) le : 1954-03-12.",
    "NÉ LE 12/03/1954.",
    "Nee le 12/03/1954.",
    "né le 12 mars 1954, marié, deux enfants.",
    "Date et lieu de naissance : 12/03/1954 à Brest.",
];

const TELEPHONES: [&str; 20] = [
    "Téléphone : 02 40 08 33 33.",
    "Joignable au 06 12 34 56 78.",
    "Joignable au 0612345678.",
    "Tél. : 0240083333.",
    "Tél.0240083333.",
    "Tel: 02.40.08.33.33.",
    "Tel 0240083333.",
    "Portable 06-12-34-56-78.",
    "Mobile : 0712345678.",
    "Fax : 0240083334.",
    "Secrétariat (02 40 08 33 33).",
    "Standard +33 2 40 08 33 33.",
    "Contact +33240083333.",
    "Contact +33 (0)2 40 08 33 33.",
    "Contact 0033 6 12 34 56 78.",
    "Appeler sa fille au 06/12/34/56/78.",
    "Rappeler le 0612345678 en cas de fièvre.",
    "N° de téléphone : 0612345678.",
    "Contact +262 692 12 34 56.",
    "T. 02 40 08 33 33.",
];

const ADDRESSES: [&str; 8] = [
    "Écrire à jean.dupont@chu-nantes.fr.",
    "Courriel : j_dupont+rdv@orange.fr",
    "Mail : secretariat.cardio@ch-saint-malo.fr",
    "JEAN.DUPONT@GMAIL.COM",
    "Contact (elodie.petit@laposte.net).",
    "Adresse : p.martin@med.univ-rennes1.fr ;",
    "e-mail:dupont35@free.fr",
    "Messagerie sécurisée : jean.dupont@medecin.mssante.fr.",
];

/// Numbers with the right key, as they are written with and without spaces, and of Corsica and overseas.
fn social_security_numbers() -> Vec<String> {
    let number = |body: &str| {
        let digits = body.replace("2A", "19").replace("2B", "18");
        let rest = digits.parse::<u64>().map_or(0, |value| value % 97);
        (body.to_owned(), format!("{:02}", 97 - rest))
    };
    let spaced = |body: &str, separator: &str| {
        let parts = [&body[..1], &body[1..3], &body[3..5], &body[5..7], &body[7..10], &body[10..13]];
        parts.join(separator)
    };
    let mut forms = Vec::new();
    for body in ["2550814168025", "1540344109012", "285122A004113", "191022B033045", "1780597405021"] {
        let (body, key) = number(body);
        let (space, dash, dot) = (spaced(&body, " "), spaced(&body, "-"), spaced(&body, "."));
        forms.push(format!("NIR : {space} {key}."));
        forms.push(format!("N° de sécurité sociale {body}{key}."));
        forms.push(format!("N° SS : {body} {key}."));
        forms.push(format!("Immatriculation {space} / {key}."));
        forms.push(format!("NIR {space} clé {key}."));
        forms.push(format!("NIR {dash}-{key}."));
        forms.push(format!("NIR {dot}.{key}."));
        forms.push(format!("NIR {}\u{a0}{key}.", spaced(&body, "\u{a0}")));
    }
    forms
}
