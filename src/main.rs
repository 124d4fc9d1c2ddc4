//! The `tokctl` program: hands the arguments to the library and takes its exit code.

fn main() -> std::process::ExitCode {
    tokctl::run(std::env::args_os())
}
