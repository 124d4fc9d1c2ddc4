//! `pow`, linked in.
//!
//! Libraries that draw progress bars and run tasks call it, seldom, and nothing else of the C
//! library's mathematics, which is a shared object that the loader would map, relocate and search
//! at every start.

/// `base` raised to `exponent`, as C has it.
#[expect(unsafe_code, reason = "the name is C's, and so is what it does")]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
