//! The process environment, read once, and what it says about where snowops runs.

#![expect(clippy::disallowed_methods, reason = "the only reader of the process environment")]

use std::collections::BTreeMap;

/// The variables of the process at start. Variables that are no Unicode are left out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProcessEnv(BTreeMap<String, String>);

impl ProcessEnv {
    /// Reads the process environment. Called once, at start.
    pub fn capture() -> Self {
        let pairs = std::env::vars_os();
        Self(
            pairs
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// Variables given one by one.
    pub fn of<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of a variable, empty or not.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that says something: an empty one is as good as none.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The first of `names` that says something.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.filled(name)?)))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn snowops(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(name, _)| name.starts_with("SNOWOPS_"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for ProcessEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Variables of snowops' own that stand for a key of the chosen environment.
pub(super) const KEY_VARIABLES: [(&str, &str); 5] = [
    ("SNOWOPS_DATABASE", "database"),
    ("SNOWOPS_SCHEMA", "schema"),
    ("SNOWOPS_ROLE", "role"),
    ("SNOWOPS_WAREHOUSE", "warehouse"),
    ("SNOWOPS_CONNECTION", "connection"),
];

/// The other variables of snowops' own, without the family `SNOWOPS_VAR_*`.
pub(super) const OTHER_VARIABLES: [&str; 5] =
    ["SNOWOPS_CONFIG", "SNOWOPS_ENV", "SNOWOPS_LOCK_TIMEOUT", "SNOWOPS_FORMAT", "SNOWOPS_TEST_CONNECTION"];

/// Prefix of variables that give a value to a declared name under `vars`.
pub(super) const VAR_PREFIX: &str = "SNOWOPS_VAR_";

/// An undefined variable of an Azure pipeline arrives as the text of its own reference, `$(NAME)`.
pub(super) fn is_undefined_reference(value: &str) -> bool {
    value.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).is_some_and(|inner| !inner.is_empty())
}

/// Where snowops runs: for the lock row, the journal, reports and the choice of output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Commit that is built (`BUILD_SOURCEVERSION`).
    pub commit: Option<String>,
    /// Number of the build as people see it (`BUILD_BUILDNUMBER`).
    pub build_number: Option<String>,
    /// Link to the build's page.
    pub pipeline_url: Option<String>,
    /// Name of the machine, where a variable tells it.
    pub host: Option<String>,
    /// Name of the user at the operating system.
    pub user: Option<String>,
    /// `TF_BUILD`: inside an Azure DevOps pipeline.
    pub azure: bool,
    /// Inside any pipeline.
    pub ci: bool,
    /// `NO_COLOR` is set to something (<https://no-color.org>).
    pub no_color: bool,
    /// `SNOWOPS_FORMAT`, unread.
    pub format: Option<String>,
    /// `SNOWOPS_TEST_CONNECTION`, for tests against an account.
    pub test_connection: Option<String>,
}

impl Surroundings {
    /// The same, with what the system itself says of host and user where no variable does: shells seldom export them.
    #[must_use]
    pub fn with_machine(mut self) -> Self {
        self.host = self.host.or_else(|| whoami::hostname().ok());
        self.user = self.user.or_else(|| whoami::username().ok());
        self
    }
}

/// What the variables of Azure Pipelines and of the operating system say
/// (<https://learn.microsoft.com/azure/devops/pipelines/build/variables>).
pub fn commit_and_pipeline(process: &ProcessEnv) -> Surroundings {
    let text =
        |name: &str| process.filled(name).filter(|value| !is_undefined_reference(value)).map(str::to_owned);
    let any = |names: &[&str]| names.iter().find_map(|name| text(name));
    let flag =
        |name: &str| process.filled(name).is_some_and(|v| !v.eq_ignore_ascii_case("false") && v != "0");
    let azure = flag("TF_BUILD");
    Surroundings {
        commit: any(&["BUILD_SOURCEVERSION", "GITHUB_SHA"]),
        build_number: text("BUILD_BUILDNUMBER"),
        pipeline_url: pipeline_url(&text),
        host: any(&["AGENT_MACHINENAME", "HOSTNAME", "COMPUTERNAME"]),
        user: any(&["USER", "USERNAME", "LOGNAME"]),
        azure,
        ci: azure || flag("CI"),
        no_color: process.filled("NO_COLOR").is_some(),
        format: text("SNOWOPS_FORMAT"),
        test_connection: text("SNOWOPS_TEST_CONNECTION"),
    }
}

fn pipeline_url(text: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let collection = text("SYSTEM_COLLECTIONURI")?;
    let project = text("SYSTEM_TEAMPROJECT")?;
    let build = text("BUILD_BUILDID")?;
    Some(format!(
        "{}/{}/_build/results?buildId={}",
        collection.trim_end_matches('/'),
        path_segment(&project),
        path_segment(&build)
    ))
}

/// A name as one segment of a URL's path (RFC 3986 2.3: only unreserved characters stay).
fn path_segment(name: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_azure_build_has_a_link() {
        let found = commit_and_pipeline(&ProcessEnv::of([
            ("TF_BUILD", "True"),
            ("BUILD_SOURCEVERSION", "abc123"),
            ("BUILD_BUILDNUMBER", "20261124.3"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/contoso/"),
            ("SYSTEM_TEAMPROJECT", "Data & Team"),
            ("BUILD_BUILDID", "17"),
            ("AGENT_MACHINENAME", "agent-1"),
            ("USER", "vsts"),
        ]));
        assert_eq!(
            found.pipeline_url.as_deref(),
            Some("https://dev.azure.com/contoso/Data%20%26%20Team/_build/results?buildId=17")
        );
        assert_eq!(found.commit.as_deref(), Some("abc123"));
        assert_eq!((found.azure, found.ci, found.no_color), (true, true, false));
        assert_eq!((found.host.as_deref(), found.user.as_deref()), (Some("agent-1"), Some("vsts")));
    }

    #[test]
    fn half_a_link_is_none_and_an_empty_variable_says_nothing() {
        let found = commit_and_pipeline(&ProcessEnv::of([
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/contoso/"),
            ("BUILD_BUILDID", "17"),
            ("NO_COLOR", ""),
            ("TF_BUILD", "false"),
            ("CI", "true"),
            ("BUILD_SOURCEVERSION", "$(Build.SourceVersion)"),
        ]));
        assert_eq!(found, Surroundings { ci: true, ..Surroundings::default() });
    }

    #[test]
    fn values_never_show_in_debug_output() {
        let process = ProcessEnv::of([("LOADER_PASSWORD", "hunter2-hunter2")]);
        assert_eq!(format!("{process:?}"), "{\"LOADER_PASSWORD\"}");
    }

    #[test]
    fn knows_an_undefined_pipeline_variable() {
        assert!(is_undefined_reference("$(db.password)"));
        for value in ["$()", "$(x", "x$(y)", "", "$x"] {
            assert!(!is_undefined_reference(value), "{value}");
        }
    }
}
