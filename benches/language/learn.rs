//! Learns `src/language/table.bin`; run by `learn.sh`, which brings the packages.
//!
//! `language_learn DATA PACKAGES OUT` writes the table and prints its SHA-256.

#![expect(clippy::print_stdout, reason = "prints the hash of the table")]

mod corpus;
mod medical;
mod packages;
mod regression;
mod rows;
mod spelling;
mod splits;

use std::error::Error;
use std::path::Path;

/// Factor on the log-odds of French against English, so that confidence is near the share of right answers in texts that
/// were not learned from: their log-loss is least between 0.8 and 1. It changes no answer.
const CALIBRATION: f32 = 0.8;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, packages, out] = arguments.as_slice() else {
        return Err("expected the folder of real data, the folder of packages and the table to write".into());
    };
    let fields = corpus::read(Path::new(data), Path::new(packages))?;
    let (french, third) = regression::learn(&fields);
    let ((french_scale, french_weights), (third_scale, third_weights)) = (french.quantised(), third.quantised());
    let (french_scale, french_bias) = (french_scale * CALIBRATION, french.bias * CALIBRATION);
    let mut table: Vec<u8> =
        [french_scale, french_bias, third_scale, third.bias].into_iter().flat_map(f32::to_le_bytes).collect();
    table.extend(french_weights.iter().chain(&third_weights).map(|weight| weight.cast_unsigned()));
    std::fs::write(out, &table)?;
    let sha256 = medinjection_fr::provenance::sha256_file(Path::new(out))?;
    println!("{} fields, {} bytes, SHA-256 {sha256}", fields.len(), table.len());
    Ok(())
}
