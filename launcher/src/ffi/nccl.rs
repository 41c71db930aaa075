//! NCCL, opened where it is when the program runs: what one communicator of non-blocking calls needs, and nothing else.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use libloading::os::unix::Library;
use tch::{Kind, Tensor};

use super::cuda::open_library;

/// Bytes of the id by which the ranks of a communicator find one another.
pub(crate) const UNIQUE_ID_BYTES: usize = 128;
/// The first version (2.18.0) whose configuration has all fields of [`Config`]; later ones have more, behind them.
const OLDEST_VERSION: c_int = 21_800;
const SUCCESS: c_int = 0;
const IN_PROGRESS: c_int = 7;
const CONFIG_MAGIC: c_uint = 0xcafe_beef;
const UNDEFINED: c_int = c_int::MIN;
const FLOAT32: c_int = 7;
const SUM: c_int = 0;
const LIBRARY: &str = "libnccl.so.2";

/// `ncclUniqueId`, passed by value.
#[derive(Clone, Copy)]
#[repr(C)]
struct UniqueId([u8; UNIQUE_ID_BYTES]);

/// `ncclConfig_t` of NCCL 2.18, which every later version reads by its size and version.
#[repr(C)]
struct Config {
    size: usize,
    magic: c_uint,
    version: c_uint,
    blocking: c_int,
    cga_cluster_size: c_int,
    min_ctas: c_int,
    max_ctas: c_int,
    net_name: *const c_char,
    split_share: c_int,
}

type Handle = *mut c_void;
type Stream = *mut c_void;

/// A call of NCCL that did not succeed: its name, and the result's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// NCCL's entry points.
#[derive(Clone, Copy)]
pub(crate) struct Nccl {
    get_version: unsafe extern "C" fn(*mut c_int) -> c_int,
    get_unique_id: unsafe extern "C" fn(*mut UniqueId) -> c_int,
    comm_init_rank_config: unsafe extern "C" fn(*mut Handle, c_int, UniqueId, c_int, *mut Config) -> c_int,
    all_reduce: unsafe extern "C" fn(*const c_void, *mut c_void, usize, c_int, c_int, Handle, Stream) -> c_int,
    comm_get_async_error: unsafe extern "C" fn(Handle, *mut c_int) -> c_int,
    comm_finalize: unsafe extern "C" fn(Handle) -> c_int,
    comm_destroy: unsafe extern "C" fn(Handle) -> c_int,
    comm_abort: unsafe extern "C" fn(Handle) -> c_int,
    get_error_string: unsafe extern "C" fn(c_int) -> *const c_char,
    get_last_error: unsafe extern "C" fn(Handle) -> *const c_char,
}

impl Nccl {
    /// The library `file`, or without one the copy that libtorch has opened, else that which the dynamic linker finds.
    ///
    /// It is never closed.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, String> {
        let name = file.unwrap_or(Path::new(LIBRARY));
        let library =
            open_library(&[name]).map_err(|error| format!("{} cannot be opened ({error})", name.display()))?;
        let found = Self::symbols(&library).map_err(|error| format!("{} is no NCCL ({error})", name.display()));
        std::mem::forget(library);
        let nccl = found?;
        let version = nccl.version().map_err(|failure| failure.0)?;
        if version < OLDEST_VERSION {
            return Err(format!("{}: expected NCCL 2.18 or later, found {}", name.display(), Version(version)));
        }
        Ok(nccl)
    }

    fn symbols(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: the names are NCCL's, whose functions have had these types since 2.18.
        unsafe {
            Ok(Self {
                get_version: *library.get(b"ncclGetVersion\0")?,
                get_unique_id: *library.get(b"ncclGetUniqueId\0")?,
                comm_init_rank_config: *library.get(b"ncclCommInitRankConfig\0")?,
                all_reduce: *library.get(b"ncclAllReduce\0")?,
                comm_get_async_error: *library.get(b"ncclCommGetAsyncError\0")?,
                comm_finalize: *library.get(b"ncclCommFinalize\0")?,
                comm_destroy: *library.get(b"ncclCommDestroy\0")?,
                comm_abort: *library.get(b"ncclCommAbort\0")?,
                get_error_string: *library.get(b"ncclGetErrorString\0")?,
                get_last_error: *library.get(b"ncclGetLastError\0")?,
            })
        }
    }

    fn version(&self) -> Result<c_int, Failure> {
        let mut version = 0;
        // SAFETY: the call writes one int.
        let code = unsafe { (self.get_version)(&raw mut version) };
        self.check("ncclGetVersion", code, std::ptr::null_mut()).map(|()| version)
    }

    /// The version in words, `2.32.3`.
    ///
    /// # Errors
    /// The result of `ncclGetVersion`.
    pub(crate) fn version_name(&self) -> Result<String, Failure> {
        self.version().map(|version| Version(version).to_string())
    }

    /// An id for a new communicator; this process then waits for the others at an address that the id holds.
    ///
    /// # Errors
    /// The result of `ncclGetUniqueId`.
    pub(crate) fn unique_id(&self) -> Result<[u8; UNIQUE_ID_BYTES], Failure> {
        let mut id = UniqueId([0; UNIQUE_ID_BYTES]);
        // SAFETY: the call writes one id.
        let code = unsafe { (self.get_unique_id)(&raw mut id) };
        self.check("ncclGetUniqueId", code, std::ptr::null_mut()).map(|()| id.0)
    }

    /// Begins to join the `world_size` ranks that share `id`, on the current device; [`NcclRanks::is_ready`] says when that is done.
    ///
    /// # Errors
    /// The result of `ncclCommInitRankConfig`.
    pub(crate) fn join(self, id: [u8; UNIQUE_ID_BYTES], rank: usize, world_size: usize) -> Result<NcclRanks, Failure> {
        let mut config = Config {
            size: size_of::<Config>(),
            magic: CONFIG_MAGIC,
            version: OLDEST_VERSION.unsigned_abs(),
            blocking: 0,
            cga_cluster_size: UNDEFINED,
            min_ctas: UNDEFINED,
            max_ctas: UNDEFINED,
            net_name: std::ptr::null(),
            split_share: UNDEFINED,
        };
        let count = |number: usize| c_int::try_from(number).unwrap_or(c_int::MAX);
        let mut handle: Handle = std::ptr::null_mut();
        // SAFETY: handle and configuration are written during the call only, id and numbers are passed by value.
        let code = unsafe {
            (self.comm_init_rank_config)(&raw mut handle, count(world_size), UniqueId(id), count(rank), &raw mut config)
        };
        let ranks = NcclRanks { nccl: self, handle: Cell::new(handle) };
        self.check("ncclCommInitRankConfig", code, handle).map(|()| ranks)
    }

    /// A call that is in progress has not failed.
    fn check(&self, call: &str, code: c_int, handle: Handle) -> Result<(), Failure> {
        if code == SUCCESS || code == IN_PROGRESS {
            return Ok(());
        }
        let name = result_name(code);
        // SAFETY: the texts, where there are any, end with a zero and live at least until the next failure of this thread.
        let [meaning, last] =
            unsafe { [(self.get_error_string)(code), (self.get_last_error)(handle)].map(|at| text(at)) };
        let parts = [format!("{call}: {name}"), meaning, last];
        Err(Failure(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")))
    }
}

/// The ranks of one communicator, joined or on their way; aborted when they are dropped without [`NcclRanks::leave`].
pub(crate) struct NcclRanks {
    nccl: Nccl,
    /// Null once it is aborted or destroyed.
    handle: Cell<Handle>,
}

impl NcclRanks {
    /// Whether the call before this one has done its part; what it has put on the stream may still be under way.
    ///
    /// # Errors
    /// The state of the communicator, or the result of `ncclCommGetAsyncError`.
    pub(crate) fn is_ready(&self) -> Result<bool, Failure> {
        let mut state = SUCCESS;
        // SAFETY: the handle is that of a communicator that is neither aborted nor destroyed, or null, which NCCL refuses.
        let code = unsafe { (self.nccl.comm_get_async_error)(self.handle.get(), &raw mut state) };
        self.nccl.check("ncclCommGetAsyncError", code, self.handle.get())?;
        self.nccl.check("asynchronous error", state, self.handle.get())?;
        Ok(state == SUCCESS && code == SUCCESS)
    }

    /// Begins to replace `values` by their sum over ranks, on the default stream.
    ///
    /// The caller lets the tensor live, and uses it from that stream alone, until the sum is made.
    ///
    /// # Errors
    /// The result of `ncclAllReduce`.
    ///
    /// # Panics
    /// If the values are not of f32, side by side.
    pub(crate) fn begin_sum(&self, values: &Tensor) -> Result<(), Failure> {
        assert!(values.kind() == Kind::Float && values.is_contiguous(), "expected f32 side by side");
        let (at, count) = (values.data_ptr(), values.numel());
        // SAFETY: `count` f32 lie at `at`; NCCL allows the sum to be made in place, and the caller lets them live until then.
        let code =
            unsafe { (self.nccl.all_reduce)(at, at, count, FLOAT32, SUM, self.handle.get(), std::ptr::null_mut()) };
        self.nccl.check("ncclAllReduce", code, self.handle.get())
    }

    /// Begins to end the communicator in order; [`NcclRanks::is_ready`] says when that is done.
    ///
    /// # Errors
    /// The result of `ncclCommFinalize`.
    pub(crate) fn begin_leaving(&self) -> Result<(), Failure> {
        // SAFETY: as of `is_ready`.
        let code = unsafe { (self.nccl.comm_finalize)(self.handle.get()) };
        self.nccl.check("ncclCommFinalize", code, self.handle.get())
    }

    /// Gives back what a communicator has that was ended in order.
    ///
    /// # Errors
    /// The result of `ncclCommDestroy`.
    pub(crate) fn leave(self) -> Result<(), Failure> {
        // SAFETY: as of `is_ready`; null from here on, so that nothing uses the handle again.
        let code = unsafe { (self.nccl.comm_destroy)(self.handle.replace(std::ptr::null_mut())) };
        self.nccl.check("ncclCommDestroy", code, std::ptr::null_mut())
    }

    /// Ends the communicator whatever it does; waits at most `patience` for that, since a device may no longer answer.
    pub(crate) fn abort(&self, patience: Duration) {
        let handle = self.handle.replace(std::ptr::null_mut());
        if handle.is_null() {
            return;
        }
        let (address, abort) = (handle.expose_provenance(), self.nccl.comm_abort);
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            // SAFETY: NCCL lets any thread abort; the handle was taken from its owner, so that this is its last use.
            unsafe { abort(std::ptr::with_exposed_provenance_mut(address)) };
            done.send(()).ok();
        });
        is_done.recv_timeout(patience).ok();
    }
}

impl Drop for NcclRanks {
    fn drop(&mut self) {
        self.abort(Duration::from_secs(1));
    }
}

/// The name of an `ncclResult_t`.
fn result_name(code: c_int) -> String {
    const NAMES: [&str; 9] = [
        "ncclSuccess",
        "ncclUnhandledCudaError",
        "ncclSystemError",
        "ncclInternalError",
        "ncclInvalidArgument",
        "ncclInvalidUsage",
        "ncclRemoteError",
        "ncclInProgress",
        "ncclTimeout",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("result {code}, which has no name here"), |name| (*name).to_owned())
}

/// # Safety
/// `at` is null, or the beginning of a text that ends with a zero.
unsafe fn text(at: *const c_char) -> String {
    if at.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(at) }.to_string_lossy().trim().to_owned()
}

/// `NCCL_VERSION_CODE` in words.
struct Version(c_int);

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Until 2.8 a minor version had one digit less.
        let thousand = if self.0 < 10_000 { 1_000 } else { 10_000 };
        write!(formatter, "{}.{}.{}", self.0 / thousand, self.0 % thousand / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_laid_out_as_in_2_18() {
        assert_eq!(std::mem::offset_of!(Config, blocking), 16);
        assert_eq!(std::mem::offset_of!(Config, net_name), 32);
        assert_eq!(size_of::<Config>(), 48);
        assert_eq!(size_of::<UniqueId>(), 128);
    }

    #[test]
    fn versions_and_results_have_names() {
        assert_eq!(Version(23_203).to_string(), "2.32.3");
        assert_eq!(Version(2_708).to_string(), "2.7.8");
        assert_eq!(result_name(6), "ncclRemoteError");
        assert_eq!(result_name(-1), "result -1, which has no name here");
    }

    #[test]
    fn a_file_that_is_not_there_or_is_no_nccl_is_named() {
        let Err(message) = Nccl::open(Some(Path::new("nowhere/libnccl.so.2"))) else { panic!("it was opened") };
        assert!(message.starts_with("nowhere/libnccl.so.2 cannot be opened"), "{message}");
        let Err(message) = Nccl::open(Some(Path::new("libc.so.6"))) else { panic!("it was opened") };
        assert!(message.contains("is no NCCL") && message.contains("ncclGetVersion"), "{message}");
    }
}
