# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tokctl_global_optspecs
    string join \n vault= config= no-input json color= q/quiet v/verbose h/help V/version
end

function __fish_tokctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tokctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tokctl_using_subcommand
    set -l cmd (__fish_tokctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tokctl -n "__fish_tokctl_needs_command" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_needs_command" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_needs_command" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_needs_command" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_needs_command" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_needs_command" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_needs_command" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_needs_command" -s V -l version -d 'Print version'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "login" -d 'Log in to a service and store the credential'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "get" -d 'Print a token that works, refreshed first if need be'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "refresh" -d 'Refresh a token now, due or not'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "list" -d 'Show what is stored, never a secret'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "ls" -d 'Show what is stored, never a secret'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "status" -d 'Say which credentials work and which need somebody'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "delete" -d 'Revoke a grant where the provider can do that, and forget it'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "logout" -d 'Revoke a grant where the provider can do that, and forget it'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "rm" -d 'Revoke a grant where the provider can do that, and forget it'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "why" -d 'Say why a credential works or does not, and what to type'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "check" -d 'Ask the service whether a token works, and record the answer'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "audit" -d 'Show who used which credential or changed the keys, and when'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "providers" -d 'Show the services that tokctl knows, or all that it knows of one'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "rotate-key" -d 'Replace the vault\'s keys, and seal every credential again; all or nothing'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "key" -d 'The vault\'s key slots: ways to unlock it'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "vault" -d 'A vault that many machines share, in a PostgreSQL database'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "member" -d 'The members of a shared vault, and what they may do'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "backup" -d 'Copy the vault to a new file, which opens with the same key slots'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "import" -d 'Take in credentials that another tool kept, or that `tokctl export` sealed'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "export" -d 'Seal credentials into a bundle for another machine'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "run" -d 'Run a command with tokens in its environment, or in files'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "env" -d 'Print credentials as variables, for a shell, a `.env` file or GitHub Actions'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "use" -d 'Choose whose credential is used in this directory and below it'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "git-credential" -d 'Answer git, which asks for a user name and a password'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "docker-credential" -d 'Answer docker, which asks for a user name and a secret'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "doctor" -d 'Say whether everything is in order, and what mends what is not'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "completions" -d 'Print a completion script'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "man" -d 'Write the man pages into a directory'
complete -c tokctl -n "__fish_tokctl_needs_command" -f -a "help" -d 'Show the manual: the page of a command, or of a topic'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -s u -l user -d 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l method -d 'How to log in, where that is not clear by itself' -r -f -a "browser\t'In a browser on this machine'
device\t'With a code that is entered in a browser anywhere'
token\t'With a token that was made at the service'
client-credentials\t'As the OAuth client itself, with its id and secret or key'
service-account\t'As a Google service account, with its key file'
workload-identity\t'As a job or workload, with the identity token of its platform'"
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l server -d 'The service\'s own address, such as https://jira.example.com' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l key-slot -d 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery; or the id of the one slot to open it with' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l username -d 'The account\'s name at the service: the token is sent with it, as Jira Cloud wants its API tokens' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l expires -d 'When the token ends: a date, a time in RFC 3339, in how long, such as 90d, or `never`' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l client-id -d 'The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l client-secret-file -d 'A file with the client\'s secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l client-key-file -d 'A file with the client\'s private key, in place of a secret [env: TOKCTL_<PROVIDER>_CLIENT_KEY]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l client-secrets -d 'A client file from Google\'s console, in place of id and secret' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l scope -d 'A scope to ask for, in place of the provider\'s own; repeatable' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l timeout -d 'How long to wait for the person [default: 5m, or as long as a code counts]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l port -d 'The port that the browser comes back to' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l service-account -d 'The key file of a Google service account' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l subject -d 'The person in whose name it acts, by domain-wide delegation' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l as -d 'The name to keep the service under, in place of one made from its host' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l external-account -d 'A file of Google\'s without a key: of type external_account or impersonated_service_account' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l token-stdin -d 'Read the token from stdin'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l no-browser -d 'Print the address instead of opening it'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l pages -d 'At Facebook, store the tokens of the pages as well, each under its page\'s number'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l new-client -d 'Register a client anew, even if an earlier login registered one'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l format -d 'What to print' -r -f -a "token\t'The token alone'
json\t'An object with the token and all that is known of it'
header\t'The lines of an HTTP request that carry the token, as the service wants it'
headers-json\t'An object with these headers'
env\t'Variables for a shell: TOKCTL_TOKEN, TOKCTL_USERNAME, TOKCTL_API_BASE_URL; those that do not apply are unset'
curl\t'The same headers for `curl -K -`'
netrc\t'A line of a .netrc file, for services that take the token as a password'
adc\t'Google\'s application default credentials; hands out the refresh token'
google-executable\t'What Google\'s libraries take from a program: an ID token, or a token that is a JWT'
exec-credential\t'What kubectl takes from a credential plugin'"
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l min-ttl -d 'Promise at least this much life, such as 90s, 10m or 2h' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l ci-mask -d 'First have the CI platform mask what is secret of it, by its command on stderr. Where there is no such command, as on GitLab and Jenkins, `tokctl run` keeps tokens out of logs' -r -f -a "github\t'GitHub Actions, and what speaks its workflow commands'
azure\t'Azure Pipelines'"
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l no-refresh -d 'Fail rather than refresh'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l expiring-within -d 'Only tokens that end, or are due, within this time, such as 10m or 1h' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l jobs -d 'How many to refresh at once, up to 256' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l if-token-is -d 'Only if the token on stdin is still the current one: for a script that was refused with it' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l every -d 'How often to look what is due' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l metrics -d 'Write counters here, in the text format of Prometheus' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l all -d 'Refresh all that can be; PROVIDER and `--user` narrow it'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l watch -d 'Stay, and refresh all tokens before they are due'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l print-unit -d 'Print a systemd user unit for the service'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand refresh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l expiring-within -d 'Only what a person has to log in to again within this time, such as 14d; if there is any, the command ends with 4' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l columns -d 'Show these columns, in this order, separated by commas: provider, user, status, expires, login-by, kind, server, account, scopes' -r -f -a "provider\t''
user\t''
status\t''
expires\t''
login-by\t'When a person has to log in again'
kind\t'oauth or static'
server\t''
account\t'The name of the account at the service'
scopes\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l sort -d 'Sort by one of these columns; what has no end comes last' -r -f -a "provider\t''
user\t''
status\t''
expires\t''
login-by\t'When a person has to log in again'
kind\t'oauth or static'
server\t''
account\t'The name of the account at the service'
scopes\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -s w -l wide -d 'Show the next login, the kind, the server, its account and the scopes as well'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l expiring-within -d 'Only what a person has to log in to again within this time, such as 14d; if there is any, the command ends with 4' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l columns -d 'Show these columns, in this order, separated by commas: provider, user, status, expires, login-by, kind, server, account, scopes' -r -f -a "provider\t''
user\t''
status\t''
expires\t''
login-by\t'When a person has to log in again'
kind\t'oauth or static'
server\t''
account\t'The name of the account at the service'
scopes\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l sort -d 'Sort by one of these columns; what has no end comes last' -r -f -a "provider\t''
user\t''
status\t''
expires\t''
login-by\t'When a person has to log in again'
kind\t'oauth or static'
server\t''
account\t'The name of the account at the service'
scopes\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -s w -l wide -d 'Show the next login, the kind, the server, its account and the scopes as well'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -s s -l short -d 'Print what needs somebody in a word for a shell\'s prompt, and nothing if nothing does'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l no-revoke -d 'Forget it without asking the provider: needs no key, and works on damaged rows'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -s y -l yes -d 'Don\'t ask'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l no-revoke -d 'Forget it without asking the provider: needs no key, and works on damaged rows'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -s y -l yes -d 'Don\'t ask'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l no-revoke -d 'Forget it without asking the provider: needs no key, and works on damaged rows'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -s y -l yes -d 'Don\'t ask'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l all -d 'Check every credential, or every one of the PROVIDER or USER that is named'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l last -d 'Only the last N of them' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l verify -d 'Find entries that were changed, removed or moved; needs the vault\'s key'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and not __fish_seen_subcommand_from client-metadata" -a "client-metadata" -d 'Print the Client ID Metadata Document that makes tokctl known to servers'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l url -d 'The address at which the document will be [default: client_id_metadata_url]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand providers; and __fish_seen_subcommand_from client-metadata" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l drop-slot -d 'Drop this key slot instead of renewing it: its id, as `tokctl key list` shows it, the beginning of the id, or its kind; may be repeated' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l verify -d 'Open every credential with the new key, as the keychain has it, before the old one goes'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand rotate-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -f -a "list" -d 'Show the key slots; needs no key'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -f -a "add" -d 'Add a key slot'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -f -a "remove" -d 'Remove key slots, but not the last one, and replace the data key'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -f -a "generate" -d 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and not __fish_seen_subcommand_from list add remove generate public" -f -a "public" -d 'Print your member string, for an admin of a shared vault'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l no-rotate -d 'Keep the data key: whoever kept the slot and its secret goes on opening the vault'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Don\'t ask, also where the slot is the one that opens the vault now, or leaves nothing but recovery codes'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l identity -d 'Print an identity for shared vaults, for machines that keep none in a file: CI jobs and servers'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l key-slot -d 'The key slot that keeps a new identity: keychain, key or passphrase' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand key; and __fish_seen_subcommand_from public" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -f -a "init" -d 'Found a vault in a database, with yourself as its admin'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -f -a "join" -d 'Use a shared vault of which an admin made you a member'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and not __fish_seen_subcommand_from init join status" -f -a "status" -d 'Show a shared vault: its generation, the head of its list of members, who refreshes'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l label -d 'Your label among the members [default: your name on this machine, else `admin`]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l from -d 'The file of a vault whose credentials move into the new one' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l name -d 'The name for `--vault` [default: that of the database]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l key-slot -d 'The key slot that keeps a new identity: keychain, key, passphrase' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l name -d 'The name for `--vault` [default: that of the database]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l key-slot -d 'The key slot that keeps a new identity: keychain, key, passphrase' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand vault; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -f -a "list" -d 'Show the members'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -f -a "add" -d 'Add a member, by the string that `tokctl key public` prints there'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -f -a "remove" -d 'Remove a member, and replace the data key'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and not __fish_seen_subcommand_from list add remove role" -f -a "role" -d 'Change what a member may do'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l reader -d 'May read and never write: for runners'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l admin -d 'May change the members, too'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Don\'t ask'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l force -d 'Give up new tokens that may be on the member\'s machine alone, and name them'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l force -d 'Give up new tokens that may be on the machine of a member who may only read from now on'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand member; and __fish_seen_subcommand_from role" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l key-slot -d 'The key slot of the file that a shared vault is copied to: keychain, key, passphrase' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l move -d 'Move the credentials of a shared vault into the file: they work in the shared one no more'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -s y -l yes -d 'Don\'t ask before --move; needed where nobody can be asked'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l key-file -d 'A file with the key that the other tool encrypted with [env: TOKCTL_IMPORT_KEY, or the tool\'s own variable; for a bundle TOKCTL_BUNDLE_KEY, TOKCTL_BUNDLE_KEY_FILE, TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -s u -l user -d 'Whose it is, where the file does not say [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l provider -d 'The service to keep it under, in place of the one that the file is for; also PROVIDER/USER' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l only -d 'Take in only this credential, or only those of this service; can be repeated' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l server -d 'The service\'s own address, where the file does not say, such as https://jira.example.com' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l key-slot -d 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery; or the id of the one slot to open it with' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l dry-run -d 'Show what would come in, and store nothing'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l strict -d 'Store nothing unless all that is in the file comes in'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l replace -d 'Overwrite what is there already; the earlier grant is not revoked'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l take-over -d 'Take in refresh tokens that each use replaces, too: the other tool must not use them any more'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l if-new -d 'Store nothing, and end with 0, if this vault took the bundle in before'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s u -l user -d 'The user of the services that are named without one [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l to -d 'What the bundle opens with: the key in a file, or a passphrase, which is asked for [env: TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s o -l output -d 'The file to make; one that is there is left alone [default: stdout, if it is no terminal]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l all -d 'Every credential, or every one of the services or of the USER that is named; those that need a login stay here'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l move -d 'Hand the credentials over: they work here no more; needs --output'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s y -l yes -d 'Don\'t ask before --move; needed where nobody can be asked, and for the --resume of a move that is on its way to another vault, which may have the credentials already'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l resume -d 'Put the bundle of an interrupted move in place; needs --output'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l env -d 'Set the variable NAME to what REF means' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l env-file -d 'Set the variables of this `.env` file, or of stdin for `-`; a value that is a tokctl:// reference is resolved' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l only -d 'Take no reference from an `--env-file`, or from the environment, but to this service or credential; repeatable' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l file -d 'Write what REF means to a private file, and set NAME to its path' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l ci-mask -d 'Tell the CI platform on stderr to mask the tokens in its log' -r -f -a "github\t'GitHub Actions, and what speaks its workflow commands'
azure\t'Azure Pipelines'"
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l resolve-env -d 'Resolve variables that are in the environment and whose value is a tokctl:// reference'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l no-masking -d 'Let the command\'s output through as it is'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l mask -d 'Mask tokens in output that goes to a file that is no log as well'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l format -d 'For whom to quote' -r -f -a "shell\t'sh, dash, bash, zsh and ksh'
fish\t'fish'
dotenv\t'A `.env` file'
github\t'$GITHUB_ENV'"
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l ci-mask -d 'First have the CI platform mask the tokens, by its command on stderr' -r -f -a "github\t'GitHub Actions, and what speaks its workflow commands'
azure\t'Azure Pipelines'"
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -s u -l user -d 'The user of the service [env: TOKCTL_USER]' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l allow -d 'Let the `.tokctl.toml` that is nearest count, as it is now'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l deny -d 'Take back what --allow did'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l unset -d 'Forget the user of this service in this directory, or of all services'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l provider -d 'Only credentials of this service, or only this one' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -s u -l user -d 'Only this user\'s, whatever name git asks for' -r
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand git-credential" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand docker-credential" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l online -d 'Ask the servers of the stored logins for the time, without any token'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l accept-older -d 'Accept a vault or a credential that is older than this machine has seen'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l repair -d 'Take out of the vault what tokctl did not make, and begin a new audit if it was tampered with'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -s y -l yes -d 'Don\'t ask'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -l vault -d 'The vault: its file, the address of a shared one, or a name [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -l config -d 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]' -r -F
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -l color -d 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -l no-input -d 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -l json -d 'Print data and errors as JSON'
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -s q -l quiet -d 'Say less on stderr; twice: errors alone'
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -s v -l verbose -d 'Show each request on stderr; twice: also what decides'
complete -c tokctl -n "__fish_tokctl_using_subcommand help" -s h -l help -d 'Print help (see more with \'--help\')'

# Names from the vault, where a command takes one; all else as above.
function __tokctl_names
    set -l current (commandline -ct)
    tokctl __complete fish (commandline -opc) "$current" 2>/dev/null
end

function __tokctl_takes_a_name
    __tokctl_names >/dev/null
end

complete -c tokctl -n __tokctl_takes_a_name -f -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -l drop-slot -x -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -l env -x -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -l file -x -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -l only -x -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -l provider -x -a '(__tokctl_names)'
complete -c tokctl -n __tokctl_takes_a_name -s u -l user -x -a '(__tokctl_names)'
