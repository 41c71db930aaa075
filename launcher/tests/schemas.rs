//! What a run is made of agrees with `schemas/`, says a validator that is not ours.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "../../tests/support/schemas.rs"]
mod schemas;
#[path = "support/workshop.rs"]
mod workshop;

use std::path::PathBuf;

use workshop::{Workshop, text};

#[test]
fn a_run_agrees_and_so_does_the_shortest_configuration() {
    let workshop = Workshop::new();
    let settings =
        ["data.validation=validation.jsonl", "train.load_best_at_end=true", "adapter.init_from=earlier/adapter"];
    let made = workshop.train(1, "earlier", &[]);
    assert!(made.status.success(), "{}", text(&made));
    let made = workshop.train(1, "run", &settings);
    assert!(made.status.success(), "{}", text(&made));
    let shortest =
        "model.path = 'model'\ndata.train = 'train.jsonl'\noutput.dir = 'run'\nadapter.target_modules = 'all-linear'\n";
    std::fs::write(workshop.path("shortest.toml"), shortest).unwrap();
    for (name, files) in [
        ("train-config", &["run/config.toml", "earlier/config.toml", "shortest.toml"][..]),
        ("environment", &["run/environment.json"]),
        ("metrics", &["run/metrics.jsonl"]),
        ("checkpoint", &["run/checkpoints/step-3/checkpoint.json", "earlier/checkpoints/step-3/checkpoint.json"]),
        ("status", &["run/status.json"]),
    ] {
        let paths: Vec<PathBuf> = files.iter().map(|file| workshop.path(file)).collect();
        schemas::assert_valid(name, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    }
    assert!(workshop.metrics("run").iter().any(|line| line.get("eval_loss").is_some()));
}
