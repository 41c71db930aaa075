//! The part of CUDA's run time that tch does not offer: which device is current, and whether the default stream is done.

use std::ffi::{CStr, c_char, c_int, c_void};

use libloading::os::unix::Library;

use super::cuda::open_library;

/// `cudaErrorNotReady`: work on the stream is still under way.
const NOT_READY: c_int = 600;
/// One a major version of CUDA; libtorch has opened its own.
const LIBRARIES: [&str; 2] = ["libcudart.so.13", "libcudart.so.12"];

/// CUDA's run time.
#[derive(Clone, Copy)]
pub(crate) struct Cudart {
    set_device: unsafe extern "C" fn(c_int) -> c_int,
    stream_query: unsafe extern "C" fn(*mut c_void) -> c_int,
    get_error_name: unsafe extern "C" fn(c_int) -> *const c_char,
}

impl Cudart {
    /// The copy that libtorch has opened, else that which the dynamic linker finds. It is never closed.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) fn open() -> Result<Self, String> {
        let library = open_library(&LIBRARIES).map_err(|_| format!("none of {} is found", LIBRARIES.join(", ")))?;
        let found = Self::symbols(&library).map_err(|error| format!("libcudart: {error}"));
        std::mem::forget(library);
        found
    }

    fn symbols(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: the names are CUDA's, and these are the functions' types in every version.
        unsafe {
            Ok(Self {
                set_device: *library.get(b"cudaSetDevice\0")?,
                stream_query: *library.get(b"cudaStreamQuery\0")?,
                get_error_name: *library.get(b"cudaGetErrorName\0")?,
            })
        }
    }

    /// Makes the device `index` the current one of this thread.
    ///
    /// # Errors
    /// The result of `cudaSetDevice`.
    pub(crate) fn set_device(&self, index: usize) -> Result<(), String> {
        // SAFETY: takes a number; one that is no device is refused.
        let code = unsafe { (self.set_device)(c_int::try_from(index).unwrap_or(c_int::MAX)) };
        self.check("cudaSetDevice", code)
    }

    /// Whether all work on the current device's default stream, which is libtorch's, is done.
    ///
    /// # Errors
    /// The result of `cudaStreamQuery`, also where work before it has failed.
    pub(crate) fn is_idle(&self) -> Result<bool, String> {
        // SAFETY: null is the default stream.
        let code = unsafe { (self.stream_query)(std::ptr::null_mut()) };
        if code == NOT_READY {
            return Ok(false);
        }
        self.check("cudaStreamQuery", code).map(|()| true)
    }

    fn check(&self, call: &str, code: c_int) -> Result<(), String> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: a name that is never freed, for any number.
        let name = unsafe { CStr::from_ptr((self.get_error_name)(code)) };
        Err(format!("{call}: {} ({code})", name.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_refused_by_name() {
        let Ok(cudart) = Cudart::open() else {
            println!("SKIPPED ffi::cudart: no libcudart is found");
            return;
        };
        let message = cudart.set_device(4096).unwrap_err();
        assert!(message.starts_with("cudaSetDevice: cudaError"), "{message}");
    }
}
