//! The attributes of `vmos`: `main` for the app's async main function, and `task` for further
//! tasks.

#![forbid(unsafe_code)]

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
    quote! {
        #app

        // SAFETY: the entry code of the board continues at a function of this name and signature,
        // and only an app's `main` defines it.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn vmos_start(a0: usize, a1: usize, a2: usize, a3: usize) -> ! {
            ::vmos::attribute::start([a0, a1, a2, a3])
        }

        #[::vmos::task]
        async fn vmos_app_task(kernel: ::vmos::Kernel, spawner: ::vmos::Spawner) {
            ::vmos::attribute::finish(vmos_app(kernel, spawner).await)
        }

        // SAFETY: the kernel declares a function of this name and signature, and only an app's
        // `main` defines it.
        #[cfg_attr(target_os = "none", unsafe(no_mangle))]
        fn vmos_start_app(kernel: ::vmos::Kernel, spawner: ::vmos::Spawner) {
            if let Ok(task) = vmos_app_task(kernel, spawner) {
                spawner.spawn(task);
            }
        }

        #[cfg(not(target_os = "none"))]
        #[global_allocator]
        static VMOS_HEAP: ::vmos::attribute::ProcessHeap = ::vmos::attribute::ProcessHeap;

        #[cfg(not(target_os = "none"))]
        fn main() {
            ::vmos::attribute::run(vmos_start_app)
        }
    }
    .into()
}

/// Makes an async function a task that a `Spawner` can spawn: `embassy_executor::task` under this
/// crate's name, so that an app depends on nothing but `vmos`.
#[proc_macro_attribute]
pub fn task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = proc_macro2::TokenStream::from(arguments);
    let item = proc_macro2::TokenStream::from(item);
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
