//! The part of libtorch that knows CUDA, opened where it is.

use std::ffi::{OsStr, c_int};
use std::path::PathBuf;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

/// In glibc's `dlfcn.h`: opens only what is open already.
const RTLD_NOLOAD: c_int = 4;

/// Opens `libtorch_cuda.so` of the libtorch that this program runs on, once, so that GPUs can be used; without the file nothing happens.
///
/// The program is linked with the CPU part alone and runs on machines that have no CUDA.
pub fn open_cuda() {
    static OPENED: OnceLock<Option<Library>> = OnceLock::new();
    OPENED.get_or_init(|| {
        let path = folder_of_libtorch()?.join("libtorch_cuda.so");
        if !path.exists() {
            return None;
        }
        // SAFETY: libtorch's own library, of the version that is running; its initialisers register kernels and nothing else.
        // Where the driver or a library of CUDA is missing it does not open, and the program goes on without GPUs.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.ok()
    });
}

/// A library of CUDA by one of `names`: the copy that libtorch has opened, else that which the dynamic linker finds.
///
/// # Errors
/// Why the last of `names` does not open.
pub(super) fn open_library(names: &[impl AsRef<OsStr>]) -> Result<Library, String> {
    let open = |flags: c_int, name: &OsStr| {
        // SAFETY: asked for CUDA's and NCCL's own libraries alone, by their names or by the user's, whose initialisers prepare their state
        // and nothing else.
        unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL | flags) }
    };
    let mut why = "no name is given".to_owned();
    for (flags, name) in [RTLD_NOLOAD, 0].into_iter().flat_map(|flags| names.iter().map(move |name| (flags, name))) {
        match open(flags, name.as_ref()) {
            Ok(library) => return Ok(library),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// The folder from which `libtorch_cpu.so` was loaded.
pub(crate) fn folder_of_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps
        .lines()
        .find_map(|line| line.find('/').map(|at| &line[at..]).filter(|path| path.ends_with("/libtorch_cpu.so")))?;
    Some(PathBuf::from(path).parent()?.to_path_buf())
}
