//! HTTP to authorization servers, one file per RFC; never opens the store.
