//! Whether a machine can run what it is asked to, and what to do where it cannot.

mod all_reduce;

use std::path::Path;

use tch::Cuda;

pub use all_reduce::{NcclTrial, Speed, try_nccl};

use crate::comm::NcclSettings;
use crate::ffi::{folder_of_libtorch, open_cuda};

/// What was found of one part of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The part.
    pub what: &'static str,
    /// Whether it will do.
    pub verdict: Verdict,
    /// What there is.
    pub found: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Whether a part of the machine will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there and right.
    Good,
    /// It is not there, and a run can do without it.
    Absent,
    /// A run would fail.
    Bad,
}

impl Verdict {
    /// `good`, `absent` or `bad`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Absent => "absent",
            Self::Bad => "bad",
        }
    }
}

/// Looks at every part.
#[must_use]
pub fn examine() -> Vec<Finding> {
    vec![libtorch(), processor(), threads(), devices(), nccl(), launcher(), slurm(), memory()]
}

fn good(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Good, found: found.into(), remedy: None }
}

fn other(what: &'static str, verdict: Verdict, found: impl Into<String>, remedy: &str) -> Finding {
    Finding { what, verdict, found: found.into(), remedy: Some(remedy.to_owned()) }
}

fn libtorch() -> Finding {
    let version = libtorch_version().unwrap_or_else(|| "of unknown version".to_owned());
    match folder_of_libtorch() {
        Some(folder) => good("libtorch", format!("{version} in {}", folder.display())),
        None => other("libtorch", Verdict::Bad, "none is loaded", "type bash launcher/bootstrap.sh and build again"),
    }
}

/// The version of the libtorch that is loaded; `None` where its files do not tell.
#[must_use]
pub fn libtorch_version() -> Option<String> {
    version_of(folder_of_libtorch()?.parent()?)
}

/// The version that the files beside the libraries state: those of a wheel, or of a download from pytorch.org.
fn version_of(root: &Path) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(root.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let header = std::fs::read_to_string(root.join("include/torch/headeronly/version.h")).ok()?;
    let after = header.split_once("#define TORCH_VERSION")?.1;
    after.split('"').nth(1).map(str::to_owned)
}

fn processor() -> Finding {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let width = if crate::ffi::has_avx512() {
        "registers of 512 bits"
    } else if crate::ffi::has_avx2() {
        "registers of 256 bits"
    } else {
        return other(
            "processor",
            Verdict::Absent,
            format!("{name}, registers of 128 bits"),
            "training on this processor is slow; one with AVX2 does better",
        );
    };
    let products = if crate::ffi::has_fast_products() { "gemm" } else { "MKL" };
    good("processor", format!("{name}, {width}, products by {products}"))
}

fn threads() -> Finding {
    let (used, there) = (tch::get_num_threads(), std::thread::available_parallelism().map_or(1, usize::from));
    let found = format!("{used} of libtorch's on {there} processors that this process may use");
    if usize::try_from(used).is_ok_and(|used| used <= there) {
        return good("threads", found);
    }
    other(
        "threads",
        Verdict::Bad,
        found,
        "set OMP_NUM_THREADS to the processors of a rank, and bind each rank to its own (srun --cpus-per-task, mpirun --bind-to core)",
    )
}

fn devices() -> Finding {
    open_cuda();
    let driver = std::fs::read_to_string("/proc/driver/nvidia/version").ok();
    match (Cuda::device_count(), driver) {
        (count, driver) if 0 < count => {
            let driver = driver.as_deref().and_then(|text| text.lines().next()).unwrap_or("driver of unknown version");
            good("devices", format!("{count} of CUDA; {driver}"))
        }
        (_, Some(driver)) => other(
            "devices",
            Verdict::Bad,
            format!("a driver ({}) but no device of CUDA", driver.lines().next().unwrap_or_default()),
            "libtorch for CUDA 13 needs driver 580 or later: bash launcher/bootstrap.sh --cuda, or LIBTORCH set to a build of the same version for the driver's CUDA",
        ),
        _ => other(
            "devices",
            Verdict::Absent,
            "no GPU",
            "runs go on the CPU; on a cluster, ask for a GPU (--gres=gpu:1)",
        ),
    }
}

fn nccl() -> Finding {
    match NcclSettings::from_environment().and_then(|settings| settings.version()) {
        Ok(version) => good("NCCL", version),
        Err(error) => other("NCCL", Verdict::Absent, "none; one GPU and the CPU do without", &error.to_string()),
    }
}

fn launcher() -> Finding {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(size) = variable("OMPI_COMM_WORLD_SIZE") {
        return good("MPI", format!("one of {size} ranks of mpirun"));
    }
    if let Some(size) = variable("PMIX_RANK").and(variable("SLURM_NTASKS")) {
        return good("MPI", format!("one of {size} ranks of srun over PMIx"));
    }
    if variable("SLURM_STEP_ID").is_some() && variable("SLURM_NTASKS").is_some_and(|size| size != "1") {
        return other(
            "MPI",
            Verdict::Bad,
            "several tasks of srun without PMIx",
            "use srun --mpi=pmix, or mpirun inside the allocation",
        );
    }
    let found =
        std::env::split_paths(&variable("PATH").unwrap_or_default()).find(|folder| folder.join("mpirun").exists());
    match found {
        Some(folder) => good("MPI", format!("one process; {} starts several", folder.join("mpirun").display())),
        None => other(
            "MPI",
            Verdict::Absent,
            "one process; no mpirun on PATH",
            "only several ranks need it; load an MPI module",
        ),
    }
}

fn slurm() -> Finding {
    let variable = |name: &str| std::env::var(name).ok();
    let Some(job) = variable("SLURM_JOB_ID") else {
        return other("Slurm", Verdict::Absent, "not inside a job", "sbatch slurm/native_translated.sh starts one");
    };
    let or = |name: &str| variable(name).unwrap_or_else(|| "?".to_owned());
    good(
        "Slurm",
        format!(
            "job {job}, {} nodes, {} tasks, {} processors a task",
            or("SLURM_NNODES"),
            or("SLURM_NTASKS"),
            or("SLURM_CPUS_PER_TASK")
        ),
    )
}

fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<u64>().ok());
    match kibibytes {
        Some(kibibytes) if kibibytes < 2 << 20 => other(
            "memory",
            Verdict::Bad,
            format!("{} MiB free", kibibytes / 1024),
            "the smallest real model needs 2 GiB; ask for more (--mem)",
        ),
        Some(kibibytes) => good("memory", format!("{} GiB free", kibibytes / (1 << 20))),
        None => other("memory", Verdict::Absent, "unknown", "medinjection-launch plan says what a run needs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_named_once_and_what_is_not_good_has_a_remedy() {
        let findings = examine();
        let mut names: Vec<&str> = findings.iter().map(|finding| finding.what).collect();
        names.dedup();
        assert_eq!(names.len(), findings.len());
        assert!(findings.iter().all(|finding| (finding.verdict == Verdict::Good) == finding.remedy.is_none()));
        assert_eq!(findings[0].verdict, Verdict::Good, "{:?}", findings[0]);
    }
}
