//! The model card of a trained adapter, or of a model with its adapter folded in.
//!
//! The card says what the run says: mixture, recipe, losses, and results with their intervals. No path of the machine is in it.

use std::fmt::{Result as Written, Write};

use serde_json::Value;

use super::format::{grouped, percent, percent_interval, points, points_interval};
use super::model_publication::{ModelKind, ModelStatement};
use super::results::{caveats, rows, verdict};
use super::run::Run;
use super::sections::settings;

/// Points of the loss curve that the card has, at most.
const MAX_CURVE_POINTS: usize = 12;

/// The model card of what a run has made.
///
/// # Panics
/// Never: writing into a text does not fail.
pub(super) fn card(run: &Run, kind: ModelKind, statement: &ModelStatement<'_>) -> String {
    let mut text = String::new();
    body(&mut text, run, kind, statement).expect("writing into a text does not fail");
    text
}

fn body(text: &mut String, run: &Run, kind: ModelKind, statement: &ModelStatement<'_>) -> Written {
    let ModelStatement { repository, base_model, .. } = statement;
    let name = repository.split('/').next_back().unwrap_or(repository);
    front_matter(text, run, kind, statement, name)?;
    let mixture = run.mixture_name();
    match kind {
        ModelKind::Adapter => writeln!(
            text,
            "# {name}\n\nAn adapter of `{base_model}` for French biomedical questions, mixture: {mixture}.\n\n\
             ```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
             base = AutoModelForCausalLM.from_pretrained(\"{base_model}\")\n\
             model = PeftModel.from_pretrained(base, \"{repository}\")\n```"
        )?,
        ModelKind::Merged => writeln!(
            text,
            "# {name}\n\n`{base_model}`, fine-tuned on French biomedical questions, mixture: {mixture}; its adapter is folded \
             into the weights.\n\n```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
             tokenizer = AutoTokenizer.from_pretrained(\"{repository}\")\n\
             model = AutoModelForCausalLM.from_pretrained(\"{repository}\")\n```"
        )?,
    }
    results(text, run)?;
    training_data(text, run)?;
    recipe(text, run)?;
    curve(text, run)?;
    writeln!(text, "{LIMITS}")
}

/// The header that the Hub reads, with the results as its `model-index`.
///
/// # Source
/// <https://github.com/huggingface/hub-docs/blob/main/modelcard.md>
fn front_matter(text: &mut String, run: &Run, kind: ModelKind, statement: &ModelStatement<'_>, name: &str) -> Written {
    let ModelStatement { base_model, license, .. } = statement;
    let (library, relation) = match kind {
        ModelKind::Adapter => ("peft", "adapter"),
        ModelKind::Merged => ("transformers", "finetune"),
    };
    writeln!(
        text,
        "---\nlibrary_name: {library}\nbase_model: {base_model}\nbase_model_relation: {relation}\nlicense: {}\nlanguage:\n- fr\n\
         pipeline_tag: text-generation\ntags:\n- medical\n- biology\n- french\n- medinjection-fr",
        license.to_lowercase()
    )?;
    for (index, row) in rows(run).into_iter().enumerate() {
        if index == 0 {
            writeln!(text, "model-index:\n- name: {}\n  results:", Value::from(name))?;
        }
        let task = row.task.map_or("all tasks".to_owned(), |task| task.to_string());
        // A JSON text is a YAML text as well.
        let source = Value::from(row.source.as_str());
        writeln!(
            text,
            "  - task:\n      type: multiple-choice\n    dataset:\n      name: {source}\n      type: {source}\n      config: {task}\n      \
             split: test\n    metrics:\n    - type: exact_match\n      value: {:.1}\n      name: exact match in percent",
            100.0 * row.tuned
        )?;
    }
    text.push_str("---\n\n");
    Ok(())
}

/// Base against tuned, with intervals.
fn results(text: &mut String, run: &Run) -> Written {
    writeln!(
        text,
        "\n## Results\n\nExact match in percent, with 95 % bootstrap intervals; differences in points, paired by question.\n"
    )?;
    text.push_str("| source | task | questions | base | tuned | difference |\n|---|---|---:|---|---|---|\n");
    for row in rows(run) {
        let task = row.task.map(|task| task.to_string()).unwrap_or_default();
        let [base, tuned] = [(row.base, row.base_interval), (row.tuned, row.tuned_interval)]
            .map(|(share, interval)| format!("{} ({})", percent(share), percent_interval(interval)));
        let difference = format!("{} ({})", points(row.difference), points_interval(row.difference_interval));
        let source = cell(&row.source);
        writeln!(
            text,
            "| {source} | {task} | {} | {base} | {tuned} | {difference} |",
            grouped(row.num_records as u64)
        )?;
    }
    writeln!(text, "\n{}", verdict(run))?;
    caveats(std::slice::from_ref(run)).iter().try_for_each(|caveat| writeln!(text, "\n**Note**: {caveat}."))
}

/// What it was trained on.
fn training_data(text: &mut String, run: &Run) -> Written {
    let Some(mixture) = &run.mixture else {
        return writeln!(text, "\n## Training data\n\nThe run names no mixture.");
    };
    let (size, dataset) = (grouped(mixture.train.num_records), &mixture.dataset);
    writeln!(
        text,
        "\n## Training data\n\n{size} records, drawn with seed {} from the data set whose manifest has SHA-256 `{dataset}`.\n",
        mixture.seed
    )?;
    text.push_str("| origin | source | task | records |\n|---|---|---|---:|\n");
    for share in &mixture.train.composition {
        let (origin, source, task) = (share.origin, cell(&share.source), share.task);
        writeln!(text, "| {origin} | {source} | {task} | {} |", grouped(share.num_records))?;
    }
    Ok(())
}

/// The recipe, without paths.
fn recipe(text: &mut String, run: &Run) -> Written {
    text.push_str("\n## Recipe\n\n| setting | value |\n|---|---|\n");
    settings(run).iter().try_for_each(|(name, value)| writeln!(text, "| `{name}` | `{}` |", cell(value)))
}

/// How the losses went: the first point, the last, and points between them at even distances.
fn curve(text: &mut String, run: &Run) -> Written {
    for (title, points) in [("Training loss", run.losses()), ("Validation loss", run.eval_losses())] {
        let (Some((first_step, first)), Some((last_step, last))) = (points.first(), points.last()) else { continue };
        write!(
            text,
            "\n## {title}\n\nMean negative log-likelihood per target token, in nats: {first:.4} at step {}",
            grouped(*first_step)
        )?;
        if last_step == first_step {
            text.push_str(".\n");
            continue;
        }
        writeln!(text, ", {last:.4} at step {}.\n", grouped(*last_step))?;
        text.push_str("| step | loss |\n|---:|---:|\n");
        for (step, loss) in thinned(&points) {
            writeln!(text, "| {} | {loss:.4} |", grouped(*step))?;
        }
    }
    Ok(())
}

/// At most [`MAX_CURVE_POINTS`] of the points, the first and the last among them.
fn thinned<T>(points: &[T]) -> impl Iterator<Item = &T> {
    let num_kept = points.len().min(MAX_CURVE_POINTS);
    (0..num_kept).filter_map(move |index| points.get(index * (points.len() - 1) / (num_kept - 1).max(1)))
}

/// A text that stands in one cell of a table.
fn cell(text: &str) -> String {
    let plain = text.replace('|', "\\|").replace('`', "'").replace('<', "&lt;");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

const LIMITS: &str = "\n## Intended use and limits\n\n\
    For research on instruction data in French biomedicine: comparing what native, translated and synthetic questions are worth.\n\n\
    - Not a medical device and no medical advice: it must not be deployed, nor used on patients, without review by experts.\n\
    - Translated and synthetic training data can introduce factual drift; nothing here says that a physician reviewed them.\n\
    - The results are of exam questions with choices; they say nothing on free answers, on dialogue or on other languages.\n\n\
    ## Citation\n\n```bibtex\n@article{belmadani2026medinjectionfr,\n  title = {MedInjection-FR: Exploring the Role of Native, Synthetic, \
    and Translated Data in Biomedical Instruction Tuning},\n  author = {Belmadani and others},\n  year = {2026},\n  \
    journal = {arXiv preprint arXiv:2603.06905}\n}\n```";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b\n`c` <script>"), "a\\|b 'c' &lt;script>");
    }

    #[test]
    fn a_curve_keeps_its_ends() {
        let kept = |number: usize| thinned(&(0..number).collect::<Vec<_>>()).copied().collect::<Vec<_>>();
        assert_eq!((kept(0), kept(1), kept(3)), (vec![], vec![0], vec![0, 1, 2]));
        let many = kept(1_000);
        assert_eq!((many.len(), many[0], many[11]), (MAX_CURVE_POINTS, 0, 999));
    }
}
