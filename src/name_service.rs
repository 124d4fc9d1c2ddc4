//! Name lookups of the statically linked program.
//!
//! glibc looks a name up through the services that `/etc/nsswitch.conf` lists, and loads a shared
//! object for each but `files` and `dns`, which it has built in. A static program would load a
//! second C library with them, and crash where that is of another version.

/// Restricts lookups of hosts and users to what needs no shared object: `/etc/hosts` and DNS, and
/// `/etc/passwd`. A program that is linked dynamically asks whatever the system is set up to ask.
///
/// Everything that may look up a name calls it first. It reads a file, so the start is no place for
/// it.
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
        // It fails where there is no memory left, as the lookup will then.
        let _ = unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}
