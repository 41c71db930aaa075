//! Passes libtorch's folder to the linker as search path and rpath, so that binaries and tests run without `LD_LIBRARY_PATH`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    match std::env::var("LIBTORCH") {
        Ok(root) => link_arguments(&Path::new(&root).join("lib")),
        Err(error) => refuse(&format!("LIBTORCH cannot be read ({error})")),
    }
}

fn link_arguments(libraries: &Path) -> ExitCode {
    if !libraries.join("libtorch_cpu.so").is_file() {
        return refuse(&format!("{} holds no libtorch_cpu.so", libraries.display()));
    }
    println!("cargo:rustc-link-search=native={}", libraries.display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    ExitCode::SUCCESS
}

fn refuse(problem: &str) -> ExitCode {
    println!("cargo::error={problem}; type `bash launcher/bootstrap.sh && source launcher/env.sh` first");
    ExitCode::FAILURE
}
