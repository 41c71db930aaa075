//! The parts of the page below the results.

use super::charts;
use super::format::{concat, count, duration, escape, grouped, percent, percent_interval, points, points_interval};
use super::results::aggregate_row;
use super::run::Run;
use super::study::PUBLISHED;
use super::text::open_scores;
use crate::mixture::{MixtureSummary, SplitSummary};
use crate::provenance::TOOL_VERSION;
use crate::record::Task;

/// Jaccard of the multi-answer sets; empty where there is none.
pub(super) fn several_answers(run: &Run) -> String {
    let sets = run.base.sets.iter().zip(&run.tuned.sets).zip(&run.comparison.sets);
    let body = concat(sets.filter(|((base, _), _)| base.task == Task::Mcq).map(|((base, tuned), difference)| {
        let cell = |value: String, interval: String| format!("<td>{value}<small>{interval}</small></td>");
        format!(
            "<tr><th scope=\"row\" class=\"text\">{}</th><td>{}</td>{}{}{}</tr>",
            escape(&base.source),
            base.num_records,
            cell(percent(base.jaccard), percent_interval(base.jaccard_interval)),
            cell(percent(tuned.jaccard), percent_interval(tuned.jaccard_interval)),
            cell(points(difference.jaccard), points_interval(difference.jaccard_interval))
        )
    }));
    if body.is_empty() {
        return String::new();
    }
    format!(
        "<h3>Questions with several answers: jaccard</h3><div class=\"scroll\"><table><caption>Labels both gold and chosen among \
         those gold or chosen, in percent; the study calls it “Hamming”.</caption><thead><tr><th scope=\"col\" class=\"text\">Source\
         </th><th scope=\"col\">Questions</th><th scope=\"col\">Base</th><th scope=\"col\">Tuned</th><th scope=\"col\">Difference\
         </th></tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// What was counted and not scored, or scored as wrong because it could not be read.
pub(super) fn unscored(run: &Run) -> String {
    let unparsed = |scores: &crate::metrics::Scores| scores.sets.iter().map(|set| set.num_unparsed as u64).sum::<u64>();
    let mut notes = Vec::new();
    let (base, tuned) = (unparsed(&run.base), unparsed(&run.tuned));
    if base + tuned > 0 {
        notes.push(format!(
            "Answers from which no letter could be read count as wrong: {} of the base model, {} of the tuned one.",
            grouped(base),
            grouped(tuned)
        ));
    }
    if run.base.open.num_records > 0 {
        let questions = count(run.base.open.num_records, "open question", "open questions");
        let [base, tuned] = [&run.base, &run.tuned].map(|scores| open_scores(&scores.open));
        notes.push(format!("{questions}. Base model: {base}. Tuned: {tuned}."));
    }
    concat(notes.iter().map(|note| format!("<p class=\"note\">{note}</p>")))
}

/// What the tuned model was trained on.
pub(super) fn mixture(run: &Run) -> String {
    let Some(mixture) = &run.mixture else {
        return "<h2>Training data</h2><p>The run holds no mixture.json: what it was trained on is not known.</p>"
            .to_owned();
    };
    let notes = concat(mixture.notes.iter().map(|note| format!("<p class=\"note\">{}</p>", escape(note))));
    format!(
        "<h2>Training data: {}</h2>{}{}{notes}",
        escape(&run.mixture_name()),
        charts::mixture(&mixture.train),
        composition(mixture)
    )
}

fn composition(mixture: &MixtureSummary) -> String {
    let MixtureSummary { train, validation, .. } = mixture;
    let mut keys: Vec<_> = [train, validation]
        .into_iter()
        .flat_map(|split| split.composition.iter().map(|share| (share.origin, share.source.as_str(), share.task)))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let of = |split: &SplitSummary, key| -> u64 {
        let shares = split.composition.iter().filter(|share| (share.origin, share.source.as_str(), share.task) == key);
        shares.map(|share| share.num_records).sum()
    };
    let rows = concat(keys
        .into_iter()
        .map(|key| {
            format!(
                "<tr><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td></tr>",
                key.0,
                escape(key.1),
                key.2,
                grouped(of(train, key)),
                grouped(of(validation, key))
            )
        }));
    format!(
        "<div class=\"scroll\"><table><caption>Records by origin, source and task.</caption><thead><tr><th scope=\"col\" class=\"text\">Origin\
         </th><th scope=\"col\" class=\"text\">Source</th><th scope=\"col\" class=\"text\">Task</th><th scope=\"col\">Training</th>\
         <th scope=\"col\">Validation</th></tr></thead><tbody>{rows}<tr class=\"total\"><th scope=\"row\" class=\"text\">all</th><td></td>\
         <td></td><td>{}</td><td>{}</td></tr></tbody></table></div>",
        grouped(train.num_records),
        grouped(validation.num_records)
    )
}

/// The loss curve and what training took.
pub(super) fn training(run: &Run) -> String {
    let losses = run.losses();
    if losses.is_empty() {
        return "<h2>Training</h2><p>No step was logged.</p>".to_owned();
    }
    let mut facts = vec![("Optimizer steps", grouped(run.status.step))];
    let last = |value: fn(&super::run::MetricsLine) -> Option<f64>| run.metrics.iter().rev().find_map(value);
    facts.extend(last(|line| line.epoch).map(|epoch| ("Passes over the data", format!("{epoch:.2}"))));
    let tokens: u64 = run.metrics.iter().filter_map(|line| line.tokens).sum();
    facts.push(("Tokens of the logged steps", grouped(tokens)));
    facts.extend(last(|line| line.elapsed_seconds).map(|seconds| ("Time", duration(seconds))));
    let peak = run.metrics.iter().filter_map(|line| line.peak_memory_bytes).max().filter(|bytes| *bytes > 0);
    facts.extend(peak.map(|bytes| ("Most memory in use, a rank", gibibytes(bytes))));
    facts.extend(
        last(|line| line.eval_exact_match).map(|share| ("Exact match, validation", format!("{} %", percent(share)))),
    );
    format!(
        "<h2>Training</h2>{}{}",
        charts::loss(&losses, &run.eval_losses()),
        fact_table(facts.into_iter().map(|(name, value)| (name.to_owned(), escape(&value))))
    )
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn gibibytes(bytes: u64) -> String {
    format!("{:.2} GiB", bytes as f64 / f64::from(1_u32 << 30))
}

/// The study's results, and ours where the mixture is the same.
pub(super) fn study(runs: &[Run]) -> String {
    let base = PUBLISHED.iter().find(|row| row.preset.is_none()).map_or(0.0, |row| row.exact_match);
    let rows = concat(PUBLISHED
        .iter()
        .map(|published| {
            let ours: Vec<String> = runs
                .iter()
                .filter(|run| published.preset.is_some() && run.preset() == published.preset)
                .filter_map(aggregate_row)
                .map(|row| format!("{} % ({} points)", percent(row.tuned), points(row.difference)))
                .collect();
            let class = if ours.is_empty() { "" } else { " class=\"here\"" };
            let gain = published.preset.map(|_| points(published.exact_match - base)).unwrap_or_default();
            format!(
                "<tr{class}><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">{}</td><td>{:.2}</td><td>{gain}</td><td>{}</td></tr>",
                published.study_name,
                published.preset.unwrap_or("no fine-tuning"),
                100.0 * published.exact_match,
                ours.join("<br>")
            )
        })
        );
    format!(
        "<h2>Beside the published study</h2><p>Another model and other data: the study fine-tuned Qwen3-4B-Instruct-2507 on 33,493 \
         records a mixture and asked its own test sets. Its numbers are here for orientation, not for comparison.</p>\
         <div class=\"scroll\"><table><caption>Aggregated exact match in percent.</caption><thead><tr><th scope=\"col\" class=\"text\">Study</th>\
         <th scope=\"col\" class=\"text\">Mixture</th><th scope=\"col\">Study, exact match</th><th scope=\"col\">Study, over base</th>\
         <th scope=\"col\">Here, tuned (over base)</th></tr></thead><tbody>{rows}</tbody></table></div><p class=\"note\">Belmadani et al., 2026, \
         <cite>MedInjection-FR</cite>, <a href=\"https://arxiv.org/abs/2603.06905\">arXiv 2603.06905</a>.</p>"
    )
}

/// The resolved configuration, without the paths of the machine: names with their values.
pub(super) fn settings(run: &Run) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for (section, keys) in &run.config {
        let Some(keys) = keys.as_table() else { continue };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            let value = match name.as_str() {
                "data.train" | "data.validation" | "output.dir" | "adapter.init_from" => continue,
                "model.path" => run.model_name().to_owned(),
                _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            };
            settings.push((name, value));
        }
    }
    settings
}

/// The settings as a table.
pub(super) fn recipe(run: &Run) -> String {
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    let facts = settings(run).into_iter().map(|(name, value)| (code(&name), code(&value)));
    format!("<h2>Recipe</h2><details open><summary>The resolved configuration</summary>{}</details>", fact_table(facts))
}

/// Versions, seeds and hashes.
pub(super) fn provenance(run: &Run) -> String {
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    let mut facts = vec![
        ("Report by".to_owned(), code(&format!("medinjection {TOOL_VERSION}"))),
        ("Scores by".to_owned(), code(&format!("medinjection {}", run.tuned.tool_version))),
        ("Resamples, seed".to_owned(), code(&format!("{}, {}", run.tuned.num_resamples, run.tuned.seed))),
    ];
    if let Some(mixture) = &run.mixture {
        facts.push((
            "Mixture by".to_owned(),
            code(&format!("medinjection {}, seed {}", mixture.tool_version, mixture.seed)),
        ));
        facts.push(("Data set’s manifest".to_owned(), code(&mixture.dataset)));
    }
    for (which, lineage) in &run.lineages {
        facts.push((format!("Predictions, {which}"), code(&lineage.config.to_string())));
        facts.extend(lineage.inputs.iter().map(|(role, hash)| (format!("… made from {}", escape(role)), code(hash))));
    }
    facts.extend(run.files.iter().map(|(file, hash)| (code(file), code(hash))));
    format!(
        "<h2>Provenance</h2><details open><summary>Versions and SHA-256 of what the numbers come from</summary>{}</details>",
        fact_table(facts)
    )
}

/// How the numbers are made.
pub(super) fn method() -> String {
    let entries = [
        ("Exact match", "the share of the questions answered with exactly the gold letters, no more and no less."),
        (
            "Aggregate",
            "half the mean over the sets of multi-answer questions (mcq) and half the mean over those of single-answer questions \
             (mcqu), or the one mean where there is one task; a set counts the same whatever its size.",
        ),
        (
            "Intervals",
            "95 % percentile intervals of 10,000 bootstrap resamples of the questions; the difference draws both answers to a \
             question together. They say how the numbers would vary with other questions of the same kind, not with another training run.",
        ),
        (
            "Guessing",
            "the exact match to be expected of a guesser that draws one choice, or one of the non-empty sets of choices, uniformly.",
        ),
    ];
    let text =
        concat(entries.iter().map(|(name, words)| format!("<p class=\"note\"><strong>{name}</strong>: {words}</p>")));
    format!("<h2>How to read this page</h2>{text}")
}

/// A table of names and values, both markup.
fn fact_table(facts: impl IntoIterator<Item = (String, String)>) -> String {
    let rows = concat(facts.into_iter().map(|(name, value)| {
        format!("<tr><th scope=\"row\" class=\"text\">{name}</th><td class=\"text code\">{value}</td></tr>")
    }));
    format!("<table class=\"facts\"><tbody>{rows}</tbody></table>")
}
