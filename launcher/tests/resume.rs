//! Runs that are ended and go on: by signals, by kills at any moment, and only from what is whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

#[path = "support/workshop.rs"]
mod workshop;

use std::process::{Child, Output, Stdio};

use workshop::{CONFIG, Workshop, signal, text};

impl Workshop {
    /// Begins to train into `run`, with more arguments.
    fn start(&self, ranks: usize, run: &str, arguments: &[&str]) -> Child {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let output = format!("output.dir={run}");
        let arguments = [&["train", "--config", "sft.toml", "--device", "cpu", "--set", &output], arguments].concat();
        self.command(ranks, &arguments).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns when `run` has written `num_steps` lines of metrics.
    fn wait_for_steps(&self, run: &str, num_steps: usize, child: &mut Child) {
        while self.num_lines(run) < num_steps {
            assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

#[test]
fn a_terminated_run_leaves_a_checkpoint_that_is_never_passed_over_in_silence() {
    let workshop = Workshop::new();
    let mut child = workshop.start(1, "run", &["--set", "train.epochs=100000"]);
    workshop.wait_for_steps("run", 2, &mut child);
    signal("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let status = workshop.status("run");
    assert_eq!((&status["state"], &status["reason"]), (&"stopped".into(), &"SIGTERM".into()));
    let step = workshop.losses("run").len();
    assert_eq!(status["step"], step);
    let checkpoint = format!("run/checkpoints/step-{step}");
    assert!(workshop.path(&checkpoint).join("adapter/adapter_config.json").exists());

    let refusal = |output: Output| {
        assert_eq!(output.status.code(), Some(2));
        text(&output)
    };
    let message = refusal(workshop.train(1, "run", &["train.epochs=100000"]));
    assert!(message.contains(&format!("checkpoint after step {step}; go on from it with --resume")), "{message}");
    let message = refusal(workshop.start(1, "run", &["--resume"]).wait_with_output().unwrap());
    assert!(message.contains("train.epochs is 100000, not 2; give another directory"), "{message}");
    let forced = workshop.start(1, "run", &["--force"]).wait_with_output().unwrap();
    assert!(forced.status.success(), "{}", text(&forced));
    assert_eq!((workshop.status("run")["state"].as_str(), workshop.losses("run").len()), (Some("completed"), 6));
}

#[test]
fn a_run_that_is_killed_at_twenty_moments_goes_on_as_if_it_had_not_been() {
    const SETTINGS: [&str; 8] = [
        "--set",
        "train.epochs=50",
        "--set",
        "train.save_every_steps=1",
        "--set",
        "data.validation=validation.jsonl",
        "--set",
        "train.eval_every_steps=2",
    ];
    let workshop = Workshop::new();
    assert!(workshop.start(1, "whole", &SETTINGS).wait().unwrap().success());
    let arguments = [&SETTINGS[..], &["--resume"]].concat();
    let mut state = 12_345_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for kill in 0..20 {
        let mut child = workshop.start(1, "killed", &arguments);
        // Every fourth before the first step that it makes, at the latest; the others up to five lines of metrics later.
        if kill % 4 != 0 {
            workshop.wait_for_steps(
                "killed",
                workshop.num_lines("killed") + 1 + usize::try_from(random(5)).unwrap(),
                &mut child,
            );
        }
        std::thread::sleep(std::time::Duration::from_millis(random(60)));
        assert!(child.try_wait().unwrap().is_none(), "the run has ended before kill {kill}");
        signal("KILL", child.id());
        child.wait().unwrap();
    }
    let last = workshop.start(1, "killed", &arguments).wait_with_output().unwrap();
    assert!(last.status.success() && text(&last).contains("goes on from the checkpoint"), "{}", text(&last));
    assert_eq!(workshop.metrics("killed"), workshop.metrics("whole"));
    assert_eq!((workshop.losses("whole").len(), workshop.metrics("whole").len()), (150, 225));
    assert_eq!(workshop.adapter("killed"), workshop.adapter("whole"));
}

#[test]
fn the_best_adapter_is_left_and_a_run_that_gets_no_better_ends_early_also_when_killed() {
    // With such a rate the validation loss goes up and down.
    const SETTINGS: [&str; 14] = [
        "--set",
        "train.epochs=200",
        "--set",
        "optim.learning_rate=0.05",
        "--set",
        "train.save_every_steps=1",
        "--set",
        "data.validation=validation.jsonl",
        "--set",
        "train.eval_every_steps=2",
        "--set",
        "train.load_best_at_end=true",
        "--set",
        "train.early_stopping_patience=6",
    ];
    let workshop = Workshop::new();
    let whole = workshop.start(1, "whole", &SETTINGS).wait_with_output().unwrap();
    assert!(whole.status.success(), "{}", text(&whole));
    let metrics = workshop.metrics("whole");
    let losses: Vec<(u64, f64)> =
        metrics.iter().filter_map(|line| Some((line["step"].as_u64().unwrap(), line["eval_loss"].as_f64()?))).collect();
    let (best, loss) = losses.iter().copied().min_by(|left, right| left.1.total_cmp(&right.1)).unwrap();
    let last = losses.last().unwrap().0;
    assert_eq!(last, best + 12, "{losses:?}");
    let reason = format!(
        "stopped early: 6 evaluations were no better than that of step {best}; the adapter is that of step {best}, eval_loss {loss:.4}"
    );
    assert_eq!(
        (&workshop.status("whole")["step"], &workshop.status("whole")["reason"]),
        (&last.into(), &reason.into())
    );
    let mut child = workshop.start(1, "killed", &SETTINGS);
    workshop.wait_for_steps("killed", metrics.len() - 4, &mut child);
    signal("KILL", child.id());
    child.wait().unwrap();
    let resumed = workshop.start(1, "killed", &[&SETTINGS[..], &["--resume"]].concat()).wait_with_output().unwrap();
    assert!(text(&resumed).contains("goes on from the checkpoint"), "{}", text(&resumed));
    assert_eq!(workshop.metrics("killed"), metrics);
    assert_eq!(workshop.adapter("killed"), workshop.adapter("whole"));
    assert_eq!(workshop.status("killed"), workshop.status("whole"));
    // Two ranks come to one verdict and end.
    let shared = workshop.start(2, "shared", &SETTINGS).wait_with_output().unwrap();
    assert!(shared.status.success(), "{}", text(&shared));
    assert!(workshop.status("shared")["reason"].as_str().unwrap().starts_with("stopped early"));
}

#[test]
fn the_adapter_that_is_left_is_that_of_the_best_evaluation() {
    let workshop = Workshop::new();
    let settings = [
        "optim.learning_rate=0.05",
        "optim.schedule=constant",
        "data.validation=validation.jsonl",
        "train.eval_every_steps=1",
        "train.keep_checkpoints=100",
        "train.save_every_steps=1",
        "train.max_steps=10",
        "train.load_best_at_end=true",
    ];
    let output = workshop.train(1, "run", &settings);
    assert!(output.status.success(), "{}", text(&output));
    let losses: Vec<f64> = workshop.metrics("run").iter().filter_map(|line| line["eval_loss"].as_f64()).collect();
    let best = (0..losses.len()).min_by(|left, right| losses[*left].total_cmp(&losses[*right])).unwrap() + 1;
    assert!(best < losses.len(), "the last of {losses:?} is the best: nothing is shown");
    let adapter = workshop.path(&format!("run/checkpoints/step-{best}/adapter/adapter_model.safetensors"));
    assert_eq!(std::fs::read(adapter).unwrap(), workshop.adapter("run"));
}

#[test]
fn what_was_tampered_with_or_is_in_use_is_not_gone_on_with() {
    let workshop = Workshop::new();
    let settings = ["--set", "train.epochs=100000", "--set", "train.log_every_steps=2", "--resume"];
    let mut child = workshop.start(1, "run", &settings);
    workshop.wait_for_steps("run", 2, &mut child);
    let refusal = |ranks| {
        let output = workshop.start(ranks, "run", &settings).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        text(&output)
    };
    let message = refusal(1);
    assert!(message.contains("output.dir: run: another run works in it"), "{message}");
    signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    std::fs::write(workshop.path("run/metrics.jsonl"), "{}\n").unwrap();
    for ranks in [1, 2] {
        let message = refusal(ranks);
        assert!(
            message.contains("metrics.jsonl: expected the ") && message.contains("found 0: it was changed"),
            "{message}"
        );
        assert_eq!(message.contains("2 ranks go on with what 1 began"), ranks == 2, "{message}");
    }
}

#[test]
fn two_ranks_whose_time_is_up_ask_to_be_queued_again_and_go_on() {
    const SETTINGS: [&str; 4] = ["--set", "train.epochs=60", "--set", "train.micro_batch_size=2"];
    let workshop = Workshop::new();
    let mut child = workshop.start(2, "run", &[&SETTINGS[..], &["--resume"]].concat());
    workshop.wait_for_steps("run", 2, &mut child);
    // mpirun passes it on to the ranks.
    signal("USR1", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert_eq!(workshop.status("run")["state"], "requeue");
    let stopped = workshop.losses("run").len();
    assert!((2..180).contains(&stopped), "{stopped}");
    let resumed = workshop.start(2, "run", &[&SETTINGS[..], &["--resume"]].concat()).wait_with_output().unwrap();
    let message = text(&resumed);
    assert!(resumed.status.success() && message.contains(&format!("checkpoint after step {stopped}")), "{message}");
    assert!(workshop.start(2, "whole", &SETTINGS).wait().unwrap().success());
    assert_eq!(workshop.losses("run"), workshop.losses("whole"));
    assert_eq!(workshop.adapter("run"), workshop.adapter("whole"));
}

#[test]
fn predictions_that_are_killed_or_told_to_end_go_on_to_the_same_bytes() {
    let workshop = Workshop::new();
    let rows = (0..40).map(|row| {
        let question = "Une question ? ".repeat(1 + row * 3 % 4);
        format!("{{\"id\":\"q{row}\",\"task\":\"oeq\",\"messages\":[{{\"role\":\"user\",\"content\":\"{row} {question}\"}}]}}\n")
    });
    std::fs::write(workshop.path("test.jsonl"), rows.collect::<String>()).unwrap();
    let predict = |ranks, out: &str, more: &[&str]| {
        let arguments = ["predict", "--model", "model", "--data", "test.jsonl", "--out", out, "--device", "cpu"];
        let mut command = workshop.command(ranks, &[&arguments[..], &["--batch-size", "2"], more].concat());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let answered = |out: &str| {
        let files = std::fs::read_dir(workshop.path(&format!("{out}.partial"))).map_or(Vec::new(), |entries| {
            entries.filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok()).collect()
        });
        files.iter().map(|text| text.matches("\\\"id\\\"").count()).sum::<usize>()
    };
    let wait = |out: &str, number: usize, child: &mut Child| {
        while answered(out) < number {
            assert!(child.try_wait().unwrap().is_none(), "the predictions have ended by themselves");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    for ranks in [1, 2] {
        let whole = format!("whole-{ranks}.jsonl");
        assert!(predict(ranks, &whole, &[]).wait().unwrap().success());
        let out = format!("out-{ranks}.jsonl");
        let mut child = predict(ranks, &out, &[]);
        wait(&out, 4, &mut child);
        signal("USR1", child.id());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", text(&output));
        assert!(text(&output).contains("stopped by SIGUSR1; the same command goes on from here"), "{}", text(&output));
        let stopped = answered(&out);
        assert!((4..40).contains(&stopped) && !workshop.path(&out).exists(), "{stopped}");
        let refused = predict(ranks, &out, &["--max-new-tokens", "5"]).wait_with_output().unwrap();
        assert!(
            refused.status.code() == Some(2) && text(&refused).contains("other inputs or settings"),
            "{}",
            text(&refused)
        );
        let mut child = predict(ranks, &out, &[]);
        wait(&out, stopped + 4, &mut child);
        signal("KILL", child.id());
        child.wait().unwrap();
        // Killed itself, mpirun leaves its ranks to end by themselves.
        let began = std::time::Instant::now();
        let last = loop {
            let last = predict(ranks, &out, &[]).wait_with_output().unwrap();
            if last.status.success() || began.elapsed().as_secs() > 30 {
                break last;
            }
            assert!(text(&last).contains("another program is making the same predictions"), "{}", text(&last));
            std::thread::sleep(std::time::Duration::from_millis(100));
        };
        assert!(last.status.success(), "{}", text(&last));
        assert_eq!(std::fs::read(workshop.path(&out)).unwrap(), std::fs::read(workshop.path(&whole)).unwrap());
        assert!(!workshop.path(&format!("{out}.partial")).exists());
    }
}
