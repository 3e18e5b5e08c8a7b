//! Wires the program together; everything else is in the library.

use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr};

fn main() -> Result<ExitCode> {
    // A shell that completes a line runs the program too; it must get its answer and nothing else.
    tidegate::cli::answer_shell();
    let (panics, errors) = color_eyre::config::HookBuilder::default().into_hooks();
    errors.install()?;
    tidegate::console::terminal::restore_on_panic(move |panic| panics.panic_report(panic).to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime that everything waits in")?;
    Ok(ExitCode::from(runtime.block_on(tidegate::cli::run())))
}
