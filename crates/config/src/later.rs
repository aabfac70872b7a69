//! Words that later versions are to have: unknown in this one, which says so in its hint.

pub(crate) const TABLES: &[&str] = &["appservice", "node"];
pub(crate) const MATRIX_KEYS: &[&str] = &["ca_file", "proxy", "tls_fingerprints"];
pub(crate) const MODES: &[&str] = &["appservice"];
pub(crate) const SOURCE_KEYS: &[&str] = &["only"];
pub(crate) const PROVIDERS: &[&str] = &[
    "appcircle",
    "appveyor",
    "argo",
    "azure-devops",
    "bitbucket",
    "bitrise",
    "buildbot",
    "buildkite",
    "cdevents",
    "circleci",
    "cirrus",
    "codemagic",
    "codeship",
    "drone",
    "eas",
    "forgejo",
    "gitea",
    "gocd",
    "gogs",
    "harness",
    "jenkins",
    "netlify",
    "semaphore",
    "teamcity",
    "tekton",
    "travis",
    "woodpecker",
    "xcode-cloud",
];
