"""Reference values of BLEU, chrF and chrF++ by sacreBLEU, of sentences and of corpora.

Reads TICO-19 in the test data, writes translation_metrics.json. Hypotheses are its French, shortened, exchanged or
respelled by fixed rules, so that scores of every height occur.
"""

import json
import os
import re
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("MEDINJECTION_TEST_DATA", HERE.parents[2] / "shared" / "data"))

# (hypothesis, reference): what no corpus has.
ODD = [
    ("", ""),
    ("", "Le foie."),
    ("Le foie.", ""),
    ("foie", "foie"),
    ("foie", "rein"),
    ("Le foie", "Le foie"),
    (".", "."),
    ("...", "…"),
    ("a", "aa"),
    ("Le foie sécrète la bile", "Le foie sécrète la bile."),
    ("Le  foie\tsécrète\nla\u00a0bile\u202f.", "Le foie sécrète la bile."),
    ("bio-\nlogie et -\n", "biologie et"),
    ("x\x1cy\x1fz\x85w\u2028v", "x y z w v"),
    ("e\u0301tat de l’état", "état de l'état"),
    ("Œdème ﬁbreux ½ dose ²", "œdème fibreux 1/2 dose 2"),
    ("💊💊 x 2 👩🏽‍⚕️", "💊 x 2 👩🏽‍⚕️"),
    ("肝臓は胆汁を分泌する。", "肝臓が胆汁を分泌する。"),
    ("الكبد يفرز الصفراء", "الكبد يفرز الصفراء."),
    ("&quot;a&quot; &amp;lt; b &lt;skipped&gt; <skipped>c", '"a" < b c'),
    ("1,5 mg/mL, 1.5, 1., .5, 10-20, a-b, 3,", "1,5 mg/mL , 1.5 ,1. ,.5 ,10 - 20 ,a-b ,3 ,"),
    ("(hi) [x] {y} 'z' «w» \"v\"", "( hi ) [ x ] { y } 'z' « w » \" v \""),
    ("le le le le le le le", "le foie et le rein"),
    ("\u200b\ufeff foie\ufeff", "foie"),
    ("   ", "foie"),
]


def real():
    text = (DATA / "tico19" / "all.en-fr.tmx").read_text("utf-8")
    segments = re.findall(r'<tuv xml:lang="fr">\s*<seg>(.*?)</seg>', text, re.S)
    pairs = []
    for index, reference in enumerate(segments[10:2010:25]):
        words = reference.split(" ")
        hypothesis = [
            reference,
            " ".join(words[: max(1, len(words) * 2 // 3)]),
            " ".join(word for at, word in enumerate(words) if at % 4 != 1),
            " ".join(words[len(words) // 2 :] + words[: len(words) // 2]),
            reference.lower().replace("é", "e").replace(",", " ,"),
            segments[index],
        ][index % 6]
        pairs.append((hypothesis, reference))
    return pairs


def corpus(pairs):
    hypotheses, references = [hypothesis for hypothesis, _ in pairs], [[reference for _, reference in pairs]]
    return {
        "bleu": BLEU().corpus_score(hypotheses, references).score,
        "chrf": CHRF().corpus_score(hypotheses, references).score,
        "chrf_plus_plus": CHRF(word_order=2).corpus_score(hypotheses, references).score,
    }


def sentence(hypothesis, reference):
    return {
        "hypothesis": hypothesis,
        "reference": reference,
        "bleu": BLEU(effective_order=True).sentence_score(hypothesis, [reference]).score,
        "chrf": CHRF().sentence_score(hypothesis, [reference]).score,
        "chrf_plus_plus": CHRF(word_order=2).sentence_score(hypothesis, [reference]).score,
    }


def main():
    pairs = real()
    value = {
        "sacrebleu": sacrebleu.__version__,
        "sentences": [sentence(*pair) for pair in ODD + pairs],
        "corpora": {"odd": corpus(ODD), "real": corpus(pairs), "all": corpus(ODD + pairs)},
    }
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in value["sentences"])
    text = f'{{"sacrebleu": "{value["sacrebleu"]}", "num_odd": {len(ODD)}, "corpora": {json.dumps(value["corpora"])},\n"sentences": [\n{lines}\n]}}\n'
    temporary = HERE / "translation_metrics.json.tmp"
    temporary.write_text(text, "utf-8")
    os.replace(temporary, HERE / "translation_metrics.json")
    print(f"{len(value['sentences'])} sentences; {value['corpora']}")


main()
