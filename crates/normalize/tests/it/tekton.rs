//! What is Tekton's own: the type in the header, which is told from the body, and jobs of a run.

use meshhook_normalize::{Meaning, Provider, Unreadable, read};

use crate::support::{bodies, event, fixture, json_of};

fn tekton() -> &'static Provider {
    Provider::by_name("tekton").unwrap()
}

/// Each type over each body of a task or a pipeline run: under the wrong one nothing is announced.
#[test]
fn a_type_may_only_agree() {
    let rank = |word: &str| matches!(word, "successful" | "failed").then(|| word.to_owned());
    for name in bodies("tekton") {
        let file = name.split('/').next_back().unwrap();
        let Some((kind, word)) = file.split('-').next().unwrap().split_once('_') else { continue };
        if kind == "customrun" {
            continue;
        }
        for named in ["taskrun", "pipelinerun", "customrun", "run"] {
            for type_word in ["queued", "started", "running", "unknown", "successful", "failed", "done"] {
                let header = format!("dev.tekton.event.{named}.{type_word}.v1");
                let reading = read(tekton(), fixture(&name).as_bytes(), Some(&header)).unwrap();
                let mismatch =
                    matches!(reading.meaning, Meaning::Unreadable { reason: Unreadable::EventMismatch, .. });
                let agrees = named == kind && type_word != "done" && rank(word) == rank(type_word);
                assert_eq!(mismatch, !agrees, "{name} under {header}");
            }
        }
    }
}

#[test]
fn a_task_belongs_to_its_pipeline_run() {
    let run = event(tekton(), &json_of("tekton/pipelinerun_failed-ios.json")).identity;
    let job = event(tekton(), &json_of("tekton/taskrun_failed-test.json")).identity;
    assert_eq!(run.run, job.run);
    assert!(job.job.is_some() && job.job != job.run);
}
