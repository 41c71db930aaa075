//! Command line of MedInjection-FR.

fn main() {}
