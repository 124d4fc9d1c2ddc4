//! Lookups of host and user names in the statically linked program.
//!
//! glibc looks a name up through the services that `/etc/nsswitch.conf` lists. `files` and `dns`
//! are built in; for each other service glibc loads a shared object. In a static program that
//! object would bring a second C library, and the program crashes if its version is another one.

/// Restricts name lookups of a static program to the services that glibc has built in:
/// `/etc/hosts` and DNS for hosts, `/etc/passwd` for users. In a dynamically linked program it does
/// nothing.
///
/// All code that may look up a name calls this first. It is not called when the program starts,
/// because it reads a file.
pub(crate) fn use_built_in_services() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    built_in::choose();
}

#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
mod built_in {
    use std::ffi::{CStr, c_char, c_int};
    use std::sync::Once;

    #[expect(unsafe_code, reason = "a function of glibc that no crate wraps")]
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }

    pub(super) fn choose() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            configure(c"hosts", c"files dns");
            configure(c"passwd", c"files");
        });
    }

    #[expect(unsafe_code, reason = "glibc keeps neither of the strings")]
    fn configure(database: &CStr, services: &CStr) {
        // SAFETY: both are C strings, glibc locks what it changes, and copies what it keeps.
        // It fails only without free memory, and then the lookup fails as well.
        let _ = unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}
