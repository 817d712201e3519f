//! How the table of questions is written, and what becomes of it.

/// For each row a type in [`super::ask`], and all of them together as [`super::Question`], whose serialised form is the
/// key under which a bundle keeps the answer:
///
/// ```text
/// /// What it asks.
/// Name { field: Type, … } -> type of the answer {
///     looks_at: the field that is its path, if it is about one,
///     about: what it is called in a missing fact; its path unless it says so,
///     risk: what a seccomp filter may do to who asks; nothing unless it says so,
///     live: |within| how the machine that the doctor runs on answers,
/// }
/// ```
macro_rules! questions {
    ($(
        $(#[$doc:meta])*
        $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })? -> $answer:ty {
            $(looks_at: $path:expr,)?
            $(about: $about:expr,)?
            $(risk: $risk:expr,)?
            live: |$within:pat_param| $live:expr,
        }
    )*) => {
        /// A question of any kind. Its serialised form is the key under which a bundle keeps the answer.
        ///
        /// Paths are text: what the kernel lists that is not UTF-8 is asked for by its percent-encoded bytes (see
        /// [`super::Entry`]).
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(tag = "ask", rename_all = "kebab-case")]
        pub enum Question {
            $($(#[$doc])* $name $({ $($(#[$field_doc])* $field: $type),* })?),*
        }

        /// Questions, each a type that knows the type of its answer.
        pub mod ask {
            use super::*;

            $(questions! { @type $(#[$doc])* $name $({ $($(#[$field_doc])* $field: $type),* })? })*
        }

        $(
            impl Ask for ask::$name {
                type Answer = $answer;
            }

            impl From<ask::$name> for Question {
                fn from(ask::$name $({ $($field),* })?: ask::$name) -> Self {
                    Self::$name $({ $($field),* })?
                }
            }
        )*

        #[expect(unused_variables, reason = "no row needs all of its fields for everything")]
        impl Question {
            /// The path that is looked up, if it is about one.
            pub fn path(&self) -> Option<&str> {
                match self {
                    $(Self::$name $({ $($field),* })? => questions! { @option $($path)? },)*
                }
            }

            /// What it is called in a missing fact.
            pub fn about(&self) -> String {
                match self {
                    $(Self::$name $({ $($field),* })? => questions! { @first $($about,)? $($path,)? }.into(),)*
                }
            }

            /// What asking it may cost the process that asks.
            pub(in crate::source) fn risk(&self) -> Risk {
                match self {
                    $(Self::$name $({ $($field),* })? => questions! { @first $($risk,)? Risk::None, },)*
                }
            }

            /// Asks the machine, in this process.
            pub(in crate::source) fn live(&self, within: Within) -> Result<Answer, Refusal> {
                match self {
                    $(Self::$name $({ $($field),* })? => {
                        let $within = within;
                        let answer: Result<$answer, Refusal> = $live;
                        answer.map(Answered::erased)
                    })*
                }
            }
        }
    };
    (@type $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
    };
    (@type $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type),*
        }
    };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
    (@first $first:expr, $($other:expr,)*) => { $first };
}
