//! Names of functions in the names of their types, and paths of entries in templates.

/// The bare name of a function, from the name of its type: `get` of `app::users::get<u8>`. None if
/// it is the type of something else that can be called.
pub(super) fn function_name(path: &'static str) -> Option<&'static str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut end = path.len();
    let mut previous = 0;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'<' => {
                if depth == 0 {
                    end = at;
                }
                depth += 1;
            }
            // Not that of `fn() -> u8`.
            b'>' if previous != b'-' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => (start, end) = (at + 1, path.len()),
            // Of `fn(u8) -> String`, `dyn Fn(u8)`.
            b'(' | b' ' if depth == 0 => return None,
            _ => {}
        }
        previous = byte;
    }
    let name = path.get(start..end)?;
    let is_name = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_name.then_some(name)
}

/// The path below which all entries of a function lie: its node, or as much of its key prefix as is
/// the same for all of them. Empty if nothing is.
pub(crate) fn fixed_path(key_prefix: &str, name: &str) -> String {
    match key_prefix.find('{') {
        None if key_prefix.is_empty() => name.to_owned(),
        None => format!("{key_prefix}:{name}"),
        Some(placeholder) => {
            let end = key_prefix[..placeholder].rfind(':');
            key_prefix[..end.unwrap_or(0)].to_owned()
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::{fixed_path, function_name};

    #[test]
    fn the_last_segment_of_a_path_is_found() {
        for path in [
            "get",
            "app::users::get",
            "app::users::get<alloc::vec::Vec<u8>>",
            "app::Users<app::Db>::get",
            "<app::Users as app::Repo<u8>>::get<u8>",
            "<[u8] as app::Repo>::get",
            "app::Users<fn(u8) -> alloc::string::String>::get",
            "app::get<fn(u8) -> alloc::vec::Vec<alloc::string::String>>",
        ] {
            assert_eq!(function_name(path), Some("get"), "{path}");
        }
    }

    #[test]
    fn what_is_no_function_with_a_name_has_none() {
        for path in [
            "fn(u8)",
            "fn(u8) -> alloc::string::String",
            "app::main::{{closure}}",
            "app::UserId::{{constructor}}",
            "alloc::boxed::Box<dyn core::ops::function::Fn(u8) -> u8>::",
            "",
        ] {
            assert_eq!(function_name(path), None, "{path}");
        }
    }

    #[test]
    fn all_entries_of_a_function_are_below_its_fixed_path() {
        assert_eq!(
            fixed_path("booking:stats", "of_day"),
            "booking:stats:of_day"
        );
        assert_eq!(fixed_path("", "get"), "get");
        assert_eq!(fixed_path("user:{id}:profile", "get"), "user");
        assert_eq!(fixed_path("user:x{id}", "get"), "user");
        assert_eq!(fixed_path("{id}:profile", "get"), "");
    }
}
