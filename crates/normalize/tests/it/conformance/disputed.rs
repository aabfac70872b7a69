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
    (
        "cirrus/build.json",
        "run_url",
        "https://cirrus-ci.com/build/5082236150611968",
        "no body has its page, the note says where it is",
    ),
    (
        "semaphore/pipeline_done_stopped-docs.json",
        "run_url",
        "https://semaphore.semaphoreci.com/workflows/acabe58e-4bcc-4d39-be06-e98d71917703?pipeline_id=fa02c7bd-7a8b-42e0-8d6e-aa0d8a194e19",
        "no body has its page, the note says where it is",
    ),
    (
        "semaphore/tag-zulip.json",
        "run_url",
        "https://semaphore.semaphoreci.com/workflows/a8704319-2422-4828-9b11-6b2afa3554e6?pipeline_id=cbe5d41a-a1a0-4a54-ba2c-ca0bab4a5db7",
        "no body has its page, the note says where it is",
    ),
];
