//! The program that the README shows for the audit, which has a binary of its own: the audit looks at
//! whole programs.

#[allow(dead_code, reason = "what nobody calls is known all the same")]
#[path = "docs/one_line.rs"]
mod one_line;
