//! The page.

use super::charts::{differences, forest};
use super::format::{concat, count, escape, percent, percent_interval, points, points_interval};
use super::results::{Row, aggregate_row, caveats, rows, verdict};
use super::run::Run;
use super::sections;
use crate::metrics::Interval;

/// One self-contained HTML page on one run or several.
#[must_use]
pub fn html(runs: &[Run]) -> String {
    let body = match runs {
        [run] => single(run),
        _ => several(runs),
    };
    let title = match runs {
        [run] => format!("{}: base against tuned", run.name()),
        _ => format!("{} runs: base against tuned", runs.len()),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{} – MedInjection-FR</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n",
        escape(&title),
        include_str!("page.css")
    )
}

fn single(run: &Run) -> String {
    let rows = rows(run);
    [
        header(&format!("{}: base against tuned", run.name()), &lead(run)),
        warnings(std::slice::from_ref(run)),
        summary(run),
        "<h2>Exact match by source and task</h2>".to_owned(),
        forest(&rows),
        results_table(run, &rows),
        sections::several_answers(run),
        sections::mixture(run),
        sections::training(run),
        sections::study(std::slice::from_ref(run)),
        sections::recipe(run),
        sections::provenance(run),
        sections::method(),
    ]
    .join("\n")
}

fn several(runs: &[Run]) -> String {
    let lead =
        "In each run, the base model and the one fine-tuned on the run’s mixture answered the same test questions.";
    let aggregates: Vec<Row> = runs
        .iter()
        .filter_map(|run| aggregate_row(run).map(|row| Row { source: run.name().to_owned(), ..row }))
        .collect();
    let mut parts = vec![
        header(&format!("{} runs: base against tuned", runs.len()), lead),
        warnings(runs),
        "<h2>Aggregated exact match by run</h2>".to_owned(),
        differences(&aggregates),
        runs_table(runs),
        sections::study(runs),
    ];
    for run in runs {
        let rows = rows(run);
        parts.push(format!(
            "<section class=\"run\"><h2>{}</h2><p class=\"lead\">{}</p>",
            escape(run.name()),
            lead_of(run)
        ));
        parts.extend([summary(run), forest(&rows), results_table(run, &rows), sections::several_answers(run)]);
        parts.extend([sections::mixture(run), sections::training(run), sections::recipe(run)]);
        parts.push(sections::provenance(run));
        parts.push("</section>".to_owned());
    }
    parts.push(sections::method());
    parts.join("\n")
}

fn header(title: &str, lead: &str) -> String {
    format!(
        "<header><p class=\"eyebrow\">MedInjection-FR · evaluation report</p><h1>{}</h1><p class=\"lead\">{lead}</p></header>",
        escape(title)
    )
}

fn lead(run: &Run) -> String {
    format!("{} Both answered the same test questions.", lead_of(run))
}

/// What was compared, as markup.
fn lead_of(run: &Run) -> String {
    let model = match run.model_name() {
        "" => "The model".to_owned(),
        name => format!("The model in <strong>{}</strong>", escape(name)),
    };
    let records = run
        .mixture
        .as_ref()
        .map_or_else(String::new, |mixture| format!(" of {}", count(mixture.train.num_records, "record", "records")));
    format!(
        "{model}, as it was (base) and after {} of fine-tuning on <strong>{}</strong>{records} (tuned).",
        count(run.status.step, "step", "steps"),
        escape(&run.mixture_name())
    )
}

fn warnings(runs: &[Run]) -> String {
    let caveats = caveats(runs);
    if caveats.is_empty() {
        return String::new();
    }
    let items = concat(caveats.iter().map(|caveat| format!("<p><strong>Warning.</strong> {}.</p>", escape(caveat))));
    format!("<div class=\"card warning\" role=\"note\">{items}</div>")
}

fn summary(run: &Run) -> String {
    let verdict = escape(&verdict(run));
    let Some(row) = aggregate_row(run) else {
        return format!("<div class=\"card verdict\"><p>{verdict}</p></div>");
    };
    let figure = |name: &str, value: String, small: String| {
        format!("<div><dt>{name}</dt><dd>{value}<small>{small}</small></dd></div>")
    };
    let figures = [
        figure("Base, aggregated", format!("{} %", percent(row.base)), percent_interval(row.base_interval)),
        figure("Tuned, aggregated", format!("{} %", percent(row.tuned)), percent_interval(row.tuned_interval)),
        figure("Difference, points", points(row.difference), points_interval(row.difference_interval)),
        figure(
            "Questions",
            row.num_records.to_string(),
            row.chance.map(|chance| format!("guessing: {} %", percent(chance))).unwrap_or_default(),
        ),
    ];
    format!("<div class=\"card verdict\"><dl class=\"figures\">{}</dl><p>{verdict}</p></div>", figures.concat())
}

fn results_table(run: &Run, rows: &[Row]) -> String {
    let body = rows.iter().map(|row| {
        let class = if row.task.is_none() { " class=\"total\"" } else { "" };
        let changes = run.comparison.sets.iter().find(|set| set.source == row.source && Some(set.task) == row.task);
        format!(
            "<tr{class}><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">{}</td>{}<td>{}</td></tr>",
            escape(&row.source),
            row.task.map_or("", crate::record::Task::as_str),
            numbers(row),
            changes.map(|set| format!("+{} −{}", set.num_gained, set.num_lost)).unwrap_or_default()
        )
    });
    let over_sets = run.comparison.aggregate.as_ref().map_or_else(String::new, |aggregate| {
        format!(
            "<p class=\"note\">Had other data sets been asked as well as other questions, the interval of the aggregate’s difference \
             would be {}.</p>",
            points_interval(aggregate.exact_match_interval_over_sets)
        )
    });
    format!(
        "<div class=\"scroll\"><table><caption>Exact match in percent with 95 % intervals; the difference is in points, paired by \
         question; the last column counts the questions gained and lost.</caption><thead><tr><th scope=\"col\" class=\"text\">Source\
         </th><th scope=\"col\" class=\"text\">Task</th>{NUMBERS_HEAD}<th scope=\"col\">Gained, lost</th></tr></thead><tbody>{}\
         </tbody></table></div>{over_sets}{}",
        concat(body),
        sections::unscored(run)
    )
}

fn runs_table(runs: &[Run]) -> String {
    let body = runs.iter().filter_map(|run| {
        let row = aggregate_row(run)?;
        Some(format!(
            "<tr><th scope=\"row\" class=\"text\">{}</th><td class=\"text\">{}</td>{}</tr>",
            escape(run.name()),
            escape(&run.mixture_name()),
            numbers(&row)
        ))
    });
    format!(
        "<div class=\"scroll\"><table><caption>Aggregated exact match in percent with 95 % intervals; the difference is in points, \
         paired by question.</caption><thead><tr><th scope=\"col\" class=\"text\">Run</th><th scope=\"col\" class=\"text\">Mixture\
         </th>{NUMBERS_HEAD}</tr></thead><tbody>{}</tbody></table></div>",
        concat(body)
    )
}

const NUMBERS_HEAD: &str = "<th scope=\"col\">Questions</th><th scope=\"col\">Guessing</th><th scope=\"col\">Base</th>\
                            <th scope=\"col\">Tuned</th><th scope=\"col\">Difference</th>";

fn numbers(row: &Row) -> String {
    let cell = |value: String, interval: String| format!("<td>{value}<small>{interval}</small></td>");
    let share = |value: f64, interval: Interval| cell(percent(value), percent_interval(interval));
    format!(
        "<td>{}</td><td>{}</td>{}{}{}",
        row.num_records,
        row.chance.map(percent).unwrap_or_default(),
        share(row.base, row.base_interval),
        share(row.tuned, row.tuned_interval),
        cell(points(row.difference), points_interval(row.difference_interval))
    )
}
