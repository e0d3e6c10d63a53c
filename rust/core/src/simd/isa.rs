//! Which instruction set a kernel is compiled for, chosen by what the machine has.

#![allow(
    unsafe_code,
    reason = "a function with instructions of its own is called after they were found"
)]

use std::sync::OnceLock;

use super::{Kernel, Scalar};

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

#[cfg(target_arch = "aarch64")]
use super::neon;

/// Shows that the machine has an instruction set: only [`Isa::available`] makes one, after it looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found(());

/// An instruction set that has a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust: the reference, and what other machines get.
    Scalar,
    /// 32 bytes at once.
    #[cfg(target_arch = "x86_64")]
    Avx2(Found),
    /// 64 bytes at once, with permutation and compression of bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512(Found),
    /// 16 bytes at once.
    #[cfg(target_arch = "aarch64")]
    Neon(Found),
}

impl Isa {
    /// The best one of this machine.
    #[must_use]
    pub fn detect() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().pop().unwrap_or(Self::Scalar))
    }

    /// Those of this machine, the reference first, the best one last. `PENSTOCK_ISA` ends the list at the one it
    /// names, for tests; a name that isn't in it leaves the reference.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if avx2::is_available() {
                found.push(Self::Avx2(Found(())));
            }
            if avx512::is_available() {
                found.push(Self::Avx512(Found(())));
            }
        }
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon(Found(())));
        if let Ok(limit) = std::env::var("PENSTOCK_ISA") {
            let last = found.iter().position(|isa| isa.name() == limit);
            found.truncate(last.unwrap_or(0) + 1);
        }
        found
    }

    /// Its name, as `PENSTOCK_ISA` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// Run `kernel` compiled for this instruction set. Part of the function that calls it, so that instructions can be
    /// counted by function where no instruction set needs one of its own.
    #[inline(always)]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Scalar => kernel.run::<Scalar>(),
            // SAFETY: `Found` is only made where `is_available` has seen all that `run` is compiled with.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Found(())) => unsafe { avx2::run(kernel) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(Found(())) => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon(Found(())) => neon::run(kernel),
        }
    }
}
