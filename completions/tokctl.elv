
use builtin;
use str;

set edit:completion:arg-completer[tokctl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'tokctl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'tokctl'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand login 'Log in to a service and store the credential'
            cand get 'Print a token that works, refreshed first if need be'
            cand refresh 'Refresh a token now, due or not'
            cand list 'Show what is stored, never a secret'
            cand delete 'Revoke a grant where the provider can do that, and forget it'
            cand why 'Say why a credential works or does not, and what to type'
            cand key 'The vault''s key slots'
            cand completions 'Print a completion script'
            cand man 'Write the man pages into a directory'
        }
        &'tokctl;login'= {
            cand -u 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]'
            cand --user 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]'
            cand --method 'How to log in, where that is not clear by itself'
            cand --server 'The service''s own address, such as https://jira.example.com'
            cand --key-slot 'The kind of key slot that a new vault gets, or that opens this one: keychain, key or passphrase'
            cand --username 'The account''s name at the service: the token is sent with it, as Jira Cloud wants its API tokens'
            cand --expires 'When the token ends: a date, a time in RFC 3339, or `never`'
            cand --client-id 'The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]'
            cand --client-secret-file 'A file with the client''s secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]'
            cand --client-secrets 'A client file from Google''s console, in place of id and secret'
            cand --scope 'A scope to ask for, in place of the provider''s own; repeatable'
            cand --timeout 'How long to wait for the person [default: 5m, or as long as a code counts]'
            cand --port 'The port that the browser comes back to'
            cand --service-account 'The key file of a Google service account'
            cand --subject 'The person in whose name it acts, by domain-wide delegation'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --token-stdin 'Read the token from stdin'
            cand --no-browser 'Print the address instead of opening it'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;get'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --format 'What to print: the token alone, or a JSON object'
            cand --min-ttl 'Promise at least this much life, such as 90s, 10m or 2h'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-refresh 'Fail rather than refresh'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;refresh'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;list'= {
            cand -u 'Only this user''s'
            cand --user 'Only this user''s'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;delete'= {
            cand -u 'The user of the service'
            cand --user 'The user of the service'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-revoke 'Forget it without asking the provider: needs no key, and works on damaged rows'
            cand -y 'Don''t ask'
            cand --yes 'Don''t ask'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tokctl;why'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;key'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand generate 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE'
        }
        &'tokctl;key;generate'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;completions'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tokctl;man'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
