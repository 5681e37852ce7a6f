//! The attributes of `vmos`: `main` for the app's async main function, `task` for further tasks, and
//! `test` for tests.

#![forbid(unsafe_code)]

mod test;

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{ItemFn, parse_macro_input};

/// Makes an async function the app's main function: the kernel runs it after all devices are
/// started.
///
/// It takes the [`Kernel`] and a [`Spawner`], and returns `()`, `!` or a `Result` of either. When
/// it returns, the machine powers off, with exit status 0, or with 1 after an error was logged.
///
/// If the app is compiled for a host, it is a program: the process is the machine.
///
/// [`Kernel`]: ../vmos/struct.Kernel.html
/// [`Spawner`]: ../vmos/struct.Spawner.html
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    if !arguments.is_empty() {
        return error(&function, "`#[vmos::main]` takes no arguments");
    }
    if function.sig.asyncness.is_none() {
        return error(&function.sig, "the app must be an `async fn`");
    }
    if function.sig.inputs.len() != 2 {
        return error(
            &function.sig.inputs,
            "the app takes a `Kernel` and a `Spawner`",
        );
    }
    let mut app = function;
    app.sig.ident = format_ident!("vmos_app");
    let tracked = test::tracked();
    // In the image of a test, the test is started instead.
    let is_app = test::selected().is_none();
    let starter = test::starter(&app.sig.ident, is_app);
    let starter = match is_app {
        true => starter,
        // The test has functions of these names.
        false => quote! { const _: () = { #starter }; },
    };
    quote! {
        #tracked

        // SAFETY: the entry code of the board continues at a function of this name and signature,
        // and only an app's `main` defines it.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn vmos_start(a0: usize, a1: usize, a2: usize, a3: usize) -> ! {
            ::vmos::attribute::start([a0, a1, a2, a3])
        }

        #starter

        #app

        #[cfg(not(target_os = "none"))]
        #[global_allocator]
        static VMOS_HEAP: ::vmos::attribute::ProcessHeap = ::vmos::attribute::ProcessHeap;

        #[cfg(not(target_os = "none"))]
        fn main() {
            unsafe extern "Rust" {
                // Defined by the app, or by the test that takes its place.
                safe fn vmos_start_app(kernel: ::vmos::Kernel, spawner: ::vmos::Spawner);
            }
            ::vmos::attribute::run(vmos_start_app)
        }
    }
    .into()
}

/// Makes a function a test of the app.
///
/// An `async fn` that takes a `Kernel` and a `Spawner`, as an app's `main`, runs on one kernel, and
/// passes when it returns `()` or `Ok`. A `fn` that takes a `&mut vmos::simulation::Network` starts
/// several kernels, which it connects, cuts off and restarts.
///
/// `cargo test` runs a test on the host: each kernel is a process of its own on a simulated machine, whose
/// time is virtual. `cargo xtask test BOARD --app APP` runs the async tests on a board, each as an image
/// of its own.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    if !arguments.is_empty() {
        return error(&function, "`#[vmos::test]` takes no arguments");
    }
    match test::expand(&function) {
        Ok(tokens) => tokens.into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Compiles a module only for tests: on the host as `#[cfg(test)]` does, and for the image of a test on a
/// board.
#[proc_macro_attribute]
pub fn tests(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let module = parse_macro_input!(item as syn::ItemMod);
    if !arguments.is_empty() {
        return error(&module, "`#[vmos::tests]` takes no arguments");
    }
    let tracked = test::tracked();
    let condition = match test::selected() {
        // The other tests are in the module too, and nothing calls what only they use.
        Some(_) => quote! { #[allow(dead_code, unused_imports, reason = "an image has one test")] },
        None => quote! { #[cfg(test)] },
    };
    quote! {
        #tracked
        #condition
        #module
    }
    .into()
}

/// Makes an async function a task that a `Spawner` can spawn: `embassy_executor::task` under this
/// crate's name, so that an app depends on nothing but `vmos`. With the feature `tasks` of `vmos`, the
/// kernel counts what its tasks do.
#[proc_macro_attribute]
pub fn task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = proc_macro2::TokenStream::from(arguments);
    let mut item = parse_macro_input!(item as ItemFn);
    if item.sig.asyncness.is_some() {
        let name = match item.sig.ident.to_string() {
            name if name == test::APP_TASK => "main".to_owned(),
            name => name,
        };
        let statements = &item.block.stmts;
        item.block = syn::parse_quote! {{
            ::vmos::task_body! { #name #(#statements)* }
        }};
    }
    quote! {
        #[::vmos::embassy_executor::task(
            embassy_executor = ::vmos::embassy_executor, #arguments
        )]
        #item
    }
    .into()
}

fn error(at: &impl quote::ToTokens, message: &str) -> TokenStream {
    syn::Error::new_spanned(at, message)
        .into_compile_error()
        .into()
}
