//! Where the configuration lies.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variable that names the config root.
pub const ROOT_VARIABLE: &str = "OPENCLAW_CONFIG_ROOT";
const DEFAULT: &str = "/etc/meshhook";

/// The config root: `flag`, else what [`ROOT_VARIABLE`] says, else `/etc/meshhook`; never the current folder unasked.
#[must_use]
pub fn config_root(flag: Option<&Path>) -> PathBuf {
    choose(flag, std::env::var_os(ROOT_VARIABLE))
}

fn choose(flag: Option<&Path>, variable: Option<OsString>) -> PathBuf {
    let variable = variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    flag.map(Path::to_owned).or(variable).unwrap_or_else(|| DEFAULT.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_environment_before_the_default() {
        let variable = || Some("/b".into());
        assert_eq!(choose(Some(Path::new("/a")), variable()), Path::new("/a"));
        assert_eq!(choose(None, variable()), Path::new("/b"));
        assert_eq!(choose(None, Some(OsString::new())), Path::new("/etc/meshhook"));
        assert_eq!(choose(None, None), Path::new("/etc/meshhook"));
    }
}
