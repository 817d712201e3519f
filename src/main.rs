//! The `doctor` program.

fn main() -> std::process::ExitCode {
    dind_doctor::cli::main()
}
