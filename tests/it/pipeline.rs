//! The pipeline file against Microsoft's published schema, and what the schema cannot see.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::harness::repository;

fn pipeline() -> Value {
    let text = fs::read_to_string(repository().join("azure-pipelines.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// The schema (MIT, microsoft/azure-pipelines-vscode) is not part of this repository; `SNOWOPS_AZURE_SCHEMA` names a
/// copy, else one beside the checkout is taken.
fn schema() -> Option<PathBuf> {
    let named = std::env::var_os("SNOWOPS_AZURE_SCHEMA").map(PathBuf::from);
    let beside = repository().parent().map(|p| p.join("shared/data/azure-pipelines-service-schema.json"));
    named.into_iter().chain(beside).find(|path| path.is_file())
}

/// The published schema types numbers and booleans as strings: `type: string|boolean|number` becomes all three.
fn relax(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(kind) = fields.get_mut("type")
                && matches!(kind.as_str(), Some("string" | "boolean" | "number" | "integer"))
            {
                *kind = serde_json::json!(["string", "boolean", "number"]);
            }
            fields.values_mut().for_each(relax);
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        _ => {}
    }
}

#[test]
fn the_pipeline_fits_the_published_schema() {
    let Some(path) = schema() else {
        eprintln!("skipped: no copy of the schema; set SNOWOPS_AZURE_SCHEMA to one");
        return;
    };
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    relax(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&pipeline()).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut broken = pipeline();
    broken["stages"][0]["jobs"][0]["timeoutInMinute"] = 3.into();
    assert!(!validator.is_valid(&broken), "the schema no longer refuses an unknown key");
}

#[test]
fn every_stage_waits_only_for_stages_above_it() {
    let pipeline = pipeline();
    let mut above = BTreeSet::new();
    for stage in pipeline["stages"].as_array().unwrap() {
        let name = stage["stage"].as_str().unwrap();
        if let Some(waits) = stage["dependsOn"].as_str() {
            assert!(above.contains(waits), "{name} waits for {waits}, which is not above it");
        }
        assert!(above.insert(name), "two stages are called {name}");
    }
}

#[test]
fn each_environment_of_the_sample_project_is_deployed_by_a_deployment_job() {
    let pipeline = pipeline();
    let mut deployed = BTreeSet::new();
    for stage in pipeline["stages"].as_array().unwrap() {
        for job in stage["jobs"].as_array().unwrap() {
            let Some(environment) = job["environment"].as_str() else { continue };
            let steps = job["strategy"]["runOnce"]["deploy"]["steps"].as_array().unwrap();
            let migrate = format!("migrate --env {environment}");
            let found = steps.iter().any(|s| s["bash"].as_str().is_some_and(|text| text.contains(&migrate)));
            assert!(found, "the job of {environment} does not run `{migrate}`");
            deployed.insert(environment.to_owned());
        }
    }
    let project: Value =
        serde_saphyr::from_str(&fs::read_to_string(repository().join("snowops.yml")).unwrap()).unwrap();
    let mut declared: BTreeSet<String> =
        project["environments"].as_object().unwrap().keys().cloned().collect();
    declared.remove("local");
    assert_eq!(deployed, declared);
}

/// The agent hands its signals to the shell only; a tool that is not the shell's successor never sees a cancel.
#[test]
fn a_migrate_step_ends_with_exec() {
    let pipeline = pipeline();
    for stage in pipeline["stages"].as_array().unwrap() {
        for job in stage["jobs"].as_array().unwrap() {
            let Some(steps) = job["strategy"]["runOnce"]["deploy"]["steps"].as_array() else { continue };
            for text in steps.iter().filter_map(|s| s["bash"].as_str()) {
                let last = text.trim_end().lines().last().unwrap();
                assert!(last.starts_with("exec "), "{last}");
            }
        }
    }
}
