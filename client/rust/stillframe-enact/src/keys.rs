//! Which keys of the working memory belong to an execution.

use enact_core::kernel::ExecutionId;

/// The prefixes under which an execution's keys are found: enact-core's namespace, and the id.
pub(crate) fn prefixes(execution_id: &ExecutionId) -> [String; 2] {
    [format!("exec:{execution_id}"), execution_id.to_string()]
}

/// Whether a key that starts with one of the prefixes belongs to the execution, by what follows.
///
/// An id that enact-core makes has a fixed length, so that none is the beginning of another. Of
/// one that was made otherwise, such as `run-1`, the key `run-10:x` is somebody else's: it must
/// end where the id does.
pub(crate) fn belongs(execution_id: &ExecutionId, rest: &str) -> bool {
    let goes_on = |next: char| next.is_alphanumeric() || matches!(next, '-' | '_');
    has_fixed_length(execution_id) || !rest.starts_with(goes_on)
}

fn has_fixed_length(execution_id: &ExecutionId) -> bool {
    let ksuid = execution_id.as_str().strip_prefix("exec_");
    ksuid.is_some_and(|ksuid| {
        ksuid.len() == 27 && ksuid.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_the_id_that_it_starts_with() {
        let made = ExecutionId::new();
        for rest in ["", ":var:x", "_x", "x"] {
            assert!(belongs(&made, rest), "{rest}");
        }
        let given = ExecutionId::from("run-1");
        for rest in ["", ":var:x", "/x", ".x"] {
            assert!(belongs(&given, rest), "{rest}");
        }
        for rest in ["0", "0:x", "-2:x", "_b", "é"] {
            assert!(!belongs(&given, rest), "{rest}");
        }
    }
}
