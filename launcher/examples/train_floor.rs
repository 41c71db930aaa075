//! How many tokens a second a training step could do if its matrix products were all it had to compute (`benches/train_vs_peft.sh`).
//!
//! The products are those of a frozen model under whole-chat loss: forward, and back to the inputs. They are timed one by one in their real
//! shapes, by libtorch's `matmul` and by the function that the trainer calls, the best of five each.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::Path;
use std::time::Instant;

use medinjection_launcher::Result;
use medinjection_launcher::kernels::product;
use medinjection_launcher::model::ModelConfig;
use tch::{Device, Kind, Tensor};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, model, num_tokens] = arguments.as_slice() else {
        eprintln_usage();
        return Ok(());
    };
    let config = ModelConfig::load(Path::new(model))?;
    let num_tokens: i64 = num_tokens.parse().unwrap_or(2_000);
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let (heads, kv_heads) = (config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim);
    let layers = [(hidden, heads + 2 * kv_heads), (heads, hidden), (hidden, 2 * inner), (inner, hidden)];
    let seconds = |multiply: &dyn Fn(&Tensor, &Tensor) -> Tensor| {
        let block: f64 =
            layers.iter().map(|(inputs, outputs)| there_and_back(multiply, num_tokens, *inputs, *outputs)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number of layers")]
        let blocks = block * config.num_layers as f64;
        blocks + there_and_back(multiply, num_tokens, hidden, config.vocab_size)
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = |multiply: &dyn Fn(&Tensor, &Tensor) -> Tensor| num_tokens as f64 / seconds(multiply);
    println!("{{\"libtorch\": {:.1}, \"trainer\": {:.1}}}", rate(&Tensor::matmul), rate(&product));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a benchmark says how it is called")]
fn eprintln_usage() {
    eprintln!("usage: train_floor MODEL TOKENS");
}

/// Seconds of `x Wᵀ` and of `g W`. The output layer is timed in chunks, as the trainer computes it.
fn there_and_back(multiply: &dyn Fn(&Tensor, &Tensor) -> Tensor, num_tokens: i64, inputs: i64, outputs: i64) -> f64 {
    let options = (Kind::Float, Device::Cpu);
    let rows = num_tokens.min((1 << 24) / outputs);
    let (x, weight, grad) = (
        Tensor::randn([rows, inputs], options),
        Tensor::randn([outputs, inputs], options),
        Tensor::randn([rows, outputs], options),
    );
    let best = |work: &dyn Fn() -> Tensor| {
        let time = |()| {
            let began = Instant::now();
            drop(work());
            began.elapsed().as_secs_f64()
        };
        std::iter::repeat_n((), 5).map(time).fold(f64::INFINITY, f64::min)
    };
    #[expect(clippy::cast_precision_loss, reason = "a ratio of numbers of tokens")]
    let times = num_tokens as f64 / rows as f64;
    times * (best(&|| multiply(&x, &weight.tr())) + best(&|| multiply(&grad, &weight)))
}
