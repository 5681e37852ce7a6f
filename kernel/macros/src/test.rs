//! `#[vmos::test]`: the test of an app.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ItemFn;

/// The environment variable with the name of the test that an image consists of.
const VARIABLE: &str = "VMOS_TEST";

/// The name of the task that runs the app's main function, or the test in its place.
pub(crate) const APP_TASK: &str = "vmos_app_task";

/// Returns the name of the test that the image to be compiled consists of, instead of the app.
pub(crate) fn selected() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())
}

/// Makes the compiler expand the attributes again if another test is selected.
pub(crate) fn tracked() -> TokenStream {
    quote! {
        const _: ::core::option::Option<&str> = ::core::option_env!(#VARIABLE);
    }
}

/// Returns what starts an async function as the app of a kernel: a task, and the function that spawns it.
pub(crate) fn starter(app: &syn::Ident, is_app: bool) -> TokenStream {
    // SAFETY of what is generated: the kernel declares a function of this name and signature, and only
    // an app's `main` or a test that replaces it defines it.
    let attribute = match is_app {
        true => quote! { #[unsafe(no_mangle)] },
        false => quote! { #[allow(dead_code, reason = "a test takes the place of the app")] },
    };
    let task = format_ident!("{APP_TASK}");
    quote! {
        #[::vmos::task]
        async fn #task(kernel: ::vmos::Kernel, spawner: ::vmos::Spawner) {
            ::vmos::attribute::finish(#app(kernel, spawner).await)
        }

        #attribute
        fn vmos_start_app(kernel: ::vmos::Kernel, spawner: ::vmos::Spawner) {
            if let Ok(task) = #task(kernel, spawner) {
                spawner.spawn(task);
            }
        }
    }
}

/// Returns the test with what runs it.
pub(crate) fn expand(function: &ItemFn) -> syn::Result<TokenStream> {
    let inputs = function.sig.inputs.len();
    let tracked = tracked();
    let name = &function.sig.ident;
    let text = name.to_string();
    let attributes = &function.attrs;
    let mut inner = function.clone();
    inner.attrs.clear();
    inner.sig.ident = format_ident!("vmos_test_{}", name);
    let inner_name = &inner.sig.ident;
    let run = match function.sig.asyncness {
        Some(_) if inputs == 2 => quote! { test_alone },
        None if inputs == 1 => quote! { test_network },
        Some(_) => {
            let message = "an async test takes a `Kernel` and a `Spawner`";
            return Err(syn::Error::new_spanned(&function.sig, message));
        }
        None => {
            let message = "a test is an `async fn` that takes a `Kernel` and a `Spawner`, or a `fn` that \
                           takes a `&mut vmos::simulation::Network`";
            return Err(syn::Error::new_spanned(&function.sig, message));
        }
    };
    let image = match function.sig.asyncness {
        Some(_) if selected().as_ref() == Some(&text) => {
            let starter = starter(inner_name, true);
            quote! {
                #[cfg(not(test))]
                const _: () = {
                    #inner
                    #starter
                };
            }
        }
        _ => quote! {},
    };
    Ok(quote! {
        #tracked

        #[cfg(test)]
        #(#attributes)*
        #[::core::prelude::v1::test]
        fn #name() {
            #inner
            ::vmos::attribute::#run(::core::module_path!(), #text, #inner_name)
        }

        #image
    })
}
