//! Keys and sealed bytes.
