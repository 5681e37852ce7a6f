//! The macro that declares a table.
//!
//! One declaration defines the struct with located fields, its reader, which reports every error,
//! and its schema. A key's name in the board file is its Rust name with hyphens.

/// Declares a table of a board file.
///
/// ```text
/// table! {
///     /// A lamp.
///     pub struct Lamp {
///         /// The first address of the device's registers.
///         base: Address => required,
///         /// The interrupt that the lamp raises when it fails.
///         interrupt: Interrupt => optional,
///         /// The brightness.
///         level: Number<0, 10> => default("5"),
///         /// The frequency of the lamp's supply.
///         supply: Frequency => default("50 Hz"),
///     }
/// }
/// ```
///
/// A default is written as in a board file, text without its quotes.
macro_rules! table {
    (
        $(#[doc = $table_doc:literal])+
        pub struct $Name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $Type:ty => $presence:ident $(($default:literal))?,
            )*
        }
    ) => {
        $(#[doc = $table_doc])+
        #[derive(Clone, Debug)]
        pub struct $Name {
            /// The path and location of the table.
            pub place: $crate::language::Place,
            $($(#[doc = $doc])+ pub $field: $crate::language::Field<$Type>,)*
        }

        impl $Name {
            /// The schema of the table.
            pub const TABLE: $crate::language::schema::Table =
                $crate::language::schema::Table {
                    doc: concat!($($table_doc, "\n"),+),
                    keys: &[$($crate::language::schema::Key {
                        name: $crate::language::table::kebab!($field),
                        doc: concat!($($doc, "\n"),+),
                        kind: &<$Type as $crate::language::Read>::KIND,
                        presence: $crate::language::table::presence!(
                            $presence $(($default))?
                        ),
                    },)*],
                };
        }

        impl $crate::language::Read for $Name {
            const KIND: $crate::language::schema::Kind =
                $crate::language::schema::Kind::Table(&Self::TABLE);

            fn read(
                given: &$crate::language::Given<'_>,
                problems: &mut $crate::diagnostic::Problems,
            ) -> Option<Self> {
                let mut keys = $crate::language::reader::Keys::open(
                    given, &Self::TABLE, problems,
                )?;
                let table = Self {
                    $($field: keys.take($crate::language::table::kebab!($field)),)*
                    place: keys.place(),
                };
                keys.close();
                Some(table)
            }
        }
    };
}

/// Returns a Rust name with hyphens in place of underscores, as a constant.
macro_rules! kebab {
    ($name:ident) => {{
        const NAME: &str = stringify!($name);
        const BYTES: [u8; NAME.len()] = $crate::language::table::hyphenated(NAME);
        match core::str::from_utf8(&BYTES) {
            Ok(name) => name,
            Err(_) => NAME,
        }
    }};
}

macro_rules! presence {
    (required) => {
        $crate::language::schema::Presence::Required
    };
    (optional) => {
        $crate::language::schema::Presence::Optional
    };
    (default($default:literal)) => {
        $crate::language::schema::Presence::Default($default)
    };
}

pub(crate) use {kebab, presence, table};

/// Returns the bytes of `name` with hyphens in place of underscores; `LENGTH` is their number.
pub(crate) const fn hyphenated<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        let byte = name.as_bytes()[at];
        bytes[at] = if byte == b'_' { b'-' } else { byte };
        at += 1;
    }
    bytes
}
