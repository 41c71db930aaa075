//! Code compiled for the processor at hand.

/// Whether [`with_avx512`] can be called.
#[inline]
pub(crate) fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether [`with_avx2`] can be called.
#[inline]
pub(crate) fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Runs `work` compiled for registers of 512 bits, as far as it is inlined here: a closure that is used nowhere else is.
///
/// # Panics
/// If the processor has none.
#[inline]
pub(crate) fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
    #[cfg(target_arch = "x86_64")]
    fn compiled<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    assert!(has_avx512(), "the processor has no registers of 512 bits");
    // SAFETY: the processor has these instructions.
    #[cfg(target_arch = "x86_64")]
    return unsafe { compiled(work) };
    #[cfg(not(target_arch = "x86_64"))]
    work()
}

/// [`with_avx512`] for registers of 256 bits.
///
/// # Panics
/// If the processor has none.
#[inline]
pub(crate) fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx2,fma")]
    #[cfg(target_arch = "x86_64")]
    fn compiled<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    assert!(has_avx2(), "the processor has no registers of 256 bits");
    // SAFETY: the processor has these instructions.
    #[cfg(target_arch = "x86_64")]
    return unsafe { compiled(work) };
    #[cfg(not(target_arch = "x86_64"))]
    work()
}
