//! Where the index is not followed, and why.

/// A cell in which the index differs from the contract or from a system's documents: file, column, what is read here,
/// and who says so.
pub(super) const DISPUTED: &[(&str, &str, &str, &str)] = &[
    (
        "github/workflow_run_other_repository-hub4j.json",
        "branch",
        "gsmet-bot-playground:test2",
        "contract, vocabulary: of a fork the branch is owner:branch",
    ),
    (
        "drone/build_completed-docs.json",
        "branch",
        "spaceghost:develop",
        "contract, vocabulary: of a fork the branch is owner:branch; master is where it wants to go",
    ),
    (
        "drone/build_updated-docs.json",
        "branch",
        "spaceghost:develop",
        "contract, vocabulary: of a fork the branch is owner:branch; master is where it wants to go",
    ),
    (
        "jenkins/cloudevents_queue_left.json",
        "unit",
        "run",
        "contract, vocabulary: there is no unit of a queue; the event is ignored",
    ),
];

/// Bodies that were cut down so far that they have no system's shape any more; their sender has to be named.
pub(super) fn is_shapeless(_file: &str) -> bool {
    false
}
