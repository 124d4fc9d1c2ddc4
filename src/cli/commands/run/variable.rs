//! Names of variables that may be set for a command.
//!
//! A reference may stand in a file from somebody else's project, and a service may choose its
//! value. So variables by which programs find or load code are refused.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use crate::cli::environment;

/// The reason why a variable is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// No shell would accept the name.
    #[error("a variable's name is made of letters, digits and _, and begins with no digit")]
    Name,
    /// The loader puts the code that it names into every program.
    #[error("the loader takes code from it")]
    Loader,
    /// A shell finds programs by it, or runs its content.
    #[error("shells run what it names")]
    Shell,
    /// An interpreter or compiler takes code or options from it before its real work.
    #[error("interpreters and compilers take code or options from it")]
    Interpreter,
    /// Programs start the program that it names.
    #[error("programs start what it names")]
    Program,
    /// Programs read settings from the place that it names, and these name programs.
    #[error("programs look for their settings there")]
    Settings,
    /// The variable would change what tokctl does when the command calls it.
    #[error("it is tokctl's own")]
    Own,
}

/// The refused names; `*` at the end stands for any ending.
const REFUSED: [(Refusal, &str); 6] = [
    (
        Refusal::Loader,
        "LD_* DYLD_* _RLD* GCONV_PATH GLIBC_TUNABLES LIBPATH LOCPATH SHLIB_PATH
         OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES KRB5_CONFIG SASL_PATH GTK_MODULES
         GTK3_MODULES GTK_PATH GIO_EXTRA_MODULES GIO_MODULE_DIR GDK_PIXBUF_MODULE*
         QT_PLUGIN_PATH QT_QPA_PLATFORM_PLUGIN_PATH QML_IMPORT_PATH QML2_IMPORT_PATH
         GST_PLUGIN_* VK_ADD_* VK_LAYER_PATH VK_ICD_FILENAMES VK_DRIVER_FILES",
    ),
    (
        Refusal::Shell,
        "PATH IFS ENV BASH_ENV BASH_FUNC_* BASH_LOADABLES_PATH BASH_XTRACEFD BASHOPTS CDPATH
         EXECIGNORE FPATH GLOBIGNORE PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 SHELL SHELLOPTS ZDOTDIR",
    ),
    (
        Refusal::Interpreter,
        "NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE BUN_OPTIONS
         PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PYTHONUSERBASE PYTHONBREAKPOINT
         PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX PYTHONWARNINGS PYTHON_PRESITE
         PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE
         BUNDLE_APP_CONFIG JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME
         CLASSPATH MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS SBT_OPTS ANT_OPTS ANT_ARGS
         PHPRC PHP_INI_SCAN_DIR R_PROFILE* R_ENVIRON* R_LIBS*
         DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS DOTNET_ROOT* COR_PROFILER* CORECLR_PROFILER*
         ERL_AFLAGS ERL_FLAGS ERL_ZFLAGS ERL_LIBS JULIA_LOAD_PATH JULIA_DEPOT_PATH
         LUA_INIT* LUA_PATH* LUA_CPATH* TCLLIBPATH GUILE_LOAD_PATH AWKPATH AWKLIBPATH
         GOFLAGS GOROOT GOPATH GOENV GOTOOLCHAIN CGO_* RUSTC* RUSTDOC* RUSTFLAGS
         RUSTUP_TOOLCHAIN CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_* CARGO_TARGET_*
         MAKEFLAGS MAKEFILES MFLAGS GNUMAKEFLAGS GCC_EXEC_PREFIX COMPILER_PATH
         CFLAGS CXXFLAGS CPPFLAGS LDFLAGS CMAKE_TOOLCHAIN_FILE EMACSLOADPATH VIMINIT EXINIT",
    ),
    (
        Refusal::Program,
        "GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER
         GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_CONFIG* GIT_DIR
         GIT_COMMON_DIR GIT_WORK_TREE GIT_ALLOW_PROTOCOL EDITOR VISUAL FCEDIT PAGER MANPAGER
         BROWSER TERMINAL LESS LESSOPEN LESSCLOSE LESSEDIT LESSKEY* SSH_ASKPASS SUDO_ASKPASS
         SUDO_EDITOR SYSTEMD_PAGER SYSTEMD_EDITOR GH_PAGER GH_EDITOR GH_BROWSER AWS_PAGER
         KUBE_EDITOR PSQL_PAGER PSQL_EDITOR BAT_PAGER DELTA_PAGER TAR_OPTIONS ZIPOPT
         FZF_DEFAULT_* MANROFFOPT DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS
         RSYNC_RSH CVS_RSH HGEDITOR HGRCPATH SVN_SSH SVN_EDITOR CC CXX LD AR",
    ),
    (
        Refusal::Settings,
        "HOME XDG_* CARGO_HOME RUSTUP_HOME GNUPGHOME TERMINFO* NPM_CONFIG_* npm_config_*
         YARN_YARN_PATH YARN_RC_FILENAME YARN_PLUGINS PIP_CONFIG_FILE UV_CONFIG_FILE
         GRADLE_USER_HOME DOCKER_CONFIG KUBECONFIG AWS_CONFIG_FILE ANSIBLE_CONFIG CURL_HOME
         WGETRC PSQLRC INPUTRC RIPGREP_CONFIG_PATH BAT_CONFIG_PATH NIX_CONFIG NIX_PATH MAILCAPS",
    ),
    (Refusal::Own, "TOKCTL_*"),
];

/// The variables that `tokctl get --format env` sets. Other programs may read them.
const ANSWERS: [&str; 3] = ["TOKCTL_TOKEN", "TOKCTL_USERNAME", "TOKCTL_API_BASE_URL"];

/// The name of a variable that may be set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Variable(String);

impl Variable {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Variable {
    /// Parses the name of a variable that gets plain text of the user's own file.
    ///
    /// The user could set it in a shell as well, so only names that the system can't take are
    /// refused, and those that open the vault.
    pub(super) fn for_plain_text(name: &str) -> Result<Self, Refusal> {
        let is_well_formed = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !is_well_formed {
            return Err(Refusal::Name);
        }
        if environment::is_of_the_key(OsStr::new(name)) {
            return Err(Refusal::Own);
        }
        Ok(Self(name.to_owned()))
    }
}

impl FromStr for Variable {
    type Err = Refusal;

    fn from_str(name: &str) -> Result<Self, Refusal> {
        let is_well_formed = name
            .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_well_formed {
            return Err(Refusal::Name);
        }
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        let refused = REFUSED.iter().find(|(_, patterns)| patterns.split_whitespace().any(matches));
        match refused {
            Some((refusal, _)) if !ANSWERS.contains(&name) => Err(*refusal),
            Some(_) | None => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str) -> Option<Refusal> {
        name.parse::<Variable>().err()
    }

    #[test]
    fn what_programs_load_code_by_is_not_set() {
        for (name, reason) in [
            ("LD_PRELOAD", Refusal::Loader),
            ("DYLD_INSERT_LIBRARIES", Refusal::Loader),
            ("PATH", Refusal::Shell),
            ("OPENSSL_CONF", Refusal::Loader),
            ("GTK_MODULES", Refusal::Loader),
            ("QT_PLUGIN_PATH", Refusal::Loader),
            ("BASH_ENV", Refusal::Shell),
            ("ENV", Refusal::Shell),
            ("IFS", Refusal::Shell),
            ("NODE_OPTIONS", Refusal::Interpreter),
            ("PYTHONSTARTUP", Refusal::Interpreter),
            ("PERL5OPT", Refusal::Interpreter),
            ("LUA_INIT_5_4", Refusal::Interpreter),
            ("GIT_SSH_COMMAND", Refusal::Program),
            ("GIT_CONFIG_VALUE_0", Refusal::Program),
            ("TAR_OPTIONS", Refusal::Program),
            ("HOME", Refusal::Settings),
            ("NPM_CONFIG_SCRIPT_SHELL", Refusal::Settings),
            ("npm_config_node_options", Refusal::Settings),
            ("XDG_CONFIG_HOME", Refusal::Settings),
            ("TOKCTL_KEY", Refusal::Own),
            ("TOKCTL_VAULT", Refusal::Own),
        ] {
            assert_eq!(refusal(name), Some(reason), "{name}");
        }
        for name in [
            "TOKEN",
            "_x9",
            "GIT_TOKEN",
            "PYTHON_TOKEN",
            "JIRA_API_TOKEN",
            "GH_TOKEN",
            "NPM_TOKEN",
            "CARGO_REGISTRY_TOKEN",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "TOKCTL_TOKEN",
        ] {
            assert_eq!(refusal(name), None, "{name}");
        }
    }

    #[test]
    fn plain_text_goes_where_a_reference_does_not() {
        for name in ["PATH", "NODE_OPTIONS", "spring.profiles.active", "my-app", "TOKCTL_VAULT"] {
            assert_eq!(Variable::for_plain_text(name).map(|it| it.0), Ok(name.to_owned()));
        }
        assert_eq!(Variable::for_plain_text("TOKCTL_KEY"), Err(Refusal::Own));
        for name in ["", "a b", "caf\u{e9}", "$x"] {
            assert_eq!(Variable::for_plain_text(name), Err(Refusal::Name), "{name}");
        }
    }

    #[test]
    fn a_name_is_one_that_shells_take() {
        for name in ["", "9x", "a-b", "a b", "a=b", "caf\u{e9}", "a\0"] {
            assert_eq!(refusal(name), Some(Refusal::Name), "{name:?}");
        }
    }
}
