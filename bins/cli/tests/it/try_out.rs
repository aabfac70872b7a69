//! What docs/try has to paste: read as the CI systems read it, as far as that goes without them.

use std::fs;
use std::process::Command;

use meshhook_testkit::synapse_python;
use serde_json::Value;

use crate::words::fixtures;

/// YAML as JSON; keys are texts, as `on` is for GitHub and `true` for YAML 1.1.
const READ: &str = "
import json, sys, yaml
class Reader(yaml.SafeLoader): pass
Reader.yaml_implicit_resolvers = {
    first: [one for one in ones if one[0] != 'tag:yaml.org,2002:bool' or first not in 'oO']
    for first, ones in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
print(json.dumps(yaml.load(sys.stdin, Reader)))
";

fn read(name: &str) -> Value {
    let file = fs::File::open(fixtures().join("../docs/try").join(name)).unwrap();
    let output = Command::new(synapse_python()).args(["-c", READ]).stdin(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a step does with the result that was chosen.
fn ends_well(script: &str, result: &str) -> bool {
    Command::new("sh").args(["-ec", script]).env("RESULT", result).status().unwrap().success()
}

#[test]
fn githubs_workflow_ends_as_was_chosen() {
    let workflow = read("github.yml");
    let result = &workflow["on"]["workflow_dispatch"]["inputs"]["result"];
    assert_eq!((&result["type"], &result["default"]), (&"choice".into(), &"failure".into()));
    assert_eq!(result["options"], serde_json::json!(["failure", "success"]));
    let jobs = workflow["jobs"].as_object().unwrap();
    for (name, job) in jobs {
        assert!(job["runs-on"].is_string() && job["timeout-minutes"].is_u64(), "{name}");
        assert!(job["steps"].as_array().unwrap().iter().all(|step| step["run"].is_string()), "{name}");
    }
    assert_eq!(workflow["jobs"]["end"]["needs"], "wait");
    let step = &workflow["jobs"]["end"]["steps"][0];
    assert_eq!(step["env"]["RESULT"], "${{ inputs.result }}");
    // What somebody types into a form is no part of a command.
    let script = step["run"].as_str().unwrap();
    assert!(!script.contains("${{"));
    assert!(ends_well(script, "success") && !ends_well(script, "failure"));
}

#[test]
fn gitlabs_pipeline_ends_as_was_chosen() {
    let pipeline = read("gitlab-ci.yml");
    let result = &pipeline["variables"]["RESULT"];
    assert_eq!((&result["value"], &result["options"][1]), (&"failure".into(), &"success".into()));
    assert_eq!(pipeline["workflow"]["rules"][0]["if"], "$CI_PIPELINE_SOURCE == \"web\"");
    for stage in pipeline["stages"].as_array().unwrap() {
        let job = &pipeline[stage.as_str().unwrap()];
        assert_eq!(job["stage"], *stage);
        assert!(job["script"][0].is_string());
    }
    let script = pipeline["end"]["script"][0].as_str().unwrap();
    assert!(ends_well(script, "success") && !ends_well(script, "failure"));
}
