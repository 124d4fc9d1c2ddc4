
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
            cand ls 'Show what is stored, never a secret'
            cand status 'Say which credentials work and which need somebody'
            cand delete 'Revoke a grant where the provider can do that, and forget it'
            cand logout 'Revoke a grant where the provider can do that, and forget it'
            cand rm 'Revoke a grant where the provider can do that, and forget it'
            cand why 'Say why a credential works or does not, and what to type'
            cand check 'Ask the service whether a token works, and record the answer'
            cand audit 'Show who used which credential or changed the keys, and when'
            cand providers 'Show the services that tokctl knows, or all that it knows of one'
            cand rotate-key 'Replace the vault''s keys, and seal every credential again; all or nothing'
            cand key 'The vault''s key slots: ways to unlock it'
            cand backup 'Copy the vault to a new file, which opens with the same key slots'
            cand import 'Take in credentials that another tool kept, or that `tokctl export` sealed'
            cand export 'Seal credentials into a bundle for another machine'
            cand run 'Run a command with tokens in its environment, or in files'
            cand env 'Print credentials as variables, for a shell, a `.env` file or GitHub Actions'
            cand use 'Choose whose credential is used in this directory and below it'
            cand git-credential 'Answer git, which asks for a user name and a password'
            cand doctor 'Say whether everything is in order, and what mends what is not'
            cand completions 'Print a completion script'
            cand man 'Write the man pages into a directory'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tokctl;login'= {
            cand -u 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]'
            cand --user 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]'
            cand --method 'How to log in, where that is not clear by itself'
            cand --server 'The service''s own address, such as https://jira.example.com'
            cand --key-slot 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery'
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
            cand --pages 'At Facebook, store the tokens of the pages as well, each under its page''s number'
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
            cand --format 'What to print'
            cand --min-ttl 'Promise at least this much life, such as 90s, 10m or 2h'
            cand --ci-mask 'First have the CI platform mask what is secret of it, by its command on stderr. Where there is no such command, as on GitLab and Jenkins, `tokctl run` keeps tokens out of logs'
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
            cand --expiring-within 'Only tokens that end, or are due, within this time, such as 10m or 1h'
            cand --jobs 'How many to refresh at once, up to 256'
            cand --if-token-is 'Only if the token on stdin is still the current one: for a script that was refused with it'
            cand --every 'How often to look what is due'
            cand --metrics 'Write counters here, in the text format of Prometheus'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --all 'Refresh all that can be; PROVIDER and `--user` narrow it'
            cand --watch 'Stay, and refresh all tokens before they are due'
            cand --print-unit 'Print a systemd user unit for the service'
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
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --expiring-within 'Only what a person has to log in to again within this time, such as 14d; if there is any, the command ends with 4'
            cand --columns 'Show these columns, in this order, separated by commas: provider, user, status, expires, login-by, kind, server, account, scopes'
            cand --sort 'Sort by one of these columns; what has no end comes last'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand -w 'Show the next login, the kind, the server, its account and the scopes as well'
            cand --wide 'Show the next login, the kind, the server, its account and the scopes as well'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;ls'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --expiring-within 'Only what a person has to log in to again within this time, such as 14d; if there is any, the command ends with 4'
            cand --columns 'Show these columns, in this order, separated by commas: provider, user, status, expires, login-by, kind, server, account, scopes'
            cand --sort 'Sort by one of these columns; what has no end comes last'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand -w 'Show the next login, the kind, the server, its account and the scopes as well'
            cand --wide 'Show the next login, the kind, the server, its account and the scopes as well'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;status'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand -s 'Print what needs somebody in a word for a shell''s prompt, and nothing if nothing does'
            cand --short 'Print what needs somebody in a word for a shell''s prompt, and nothing if nothing does'
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
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
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
        &'tokctl;logout'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
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
        &'tokctl;rm'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
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
        &'tokctl;check'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --all 'Check every credential, or every one of the PROVIDER or USER that is named'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;audit'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --last 'Only the last N of them'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --verify 'Find entries that were changed, removed or moved; needs the vault''s key'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;providers'= {
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
        &'tokctl;rotate-key'= {
            cand --drop-slot 'Drop this key slot instead of renewing it; may be repeated'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --verify 'Open every credential with the new key, as the keychain has it, before the old one goes'
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
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'Show the key slots; needs no key'
            cand add 'Add a key slot'
            cand remove 'Remove a key slot, but not the last one; needs the key of any'
            cand generate 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tokctl;key;list'= {
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
        &'tokctl;key;add'= {
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
        &'tokctl;key;remove'= {
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
        &'tokctl;key;help'= {
            cand list 'Show the key slots; needs no key'
            cand add 'Add a key slot'
            cand remove 'Remove a key slot, but not the last one; needs the key of any'
            cand generate 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tokctl;key;help;list'= {
        }
        &'tokctl;key;help;add'= {
        }
        &'tokctl;key;help;remove'= {
        }
        &'tokctl;key;help;generate'= {
        }
        &'tokctl;key;help;help'= {
        }
        &'tokctl;backup'= {
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
        &'tokctl;import'= {
            cand --key-file 'A file with the key that the other tool encrypted with [env: TOKCTL_IMPORT_KEY, or the tool''s own variable; for a bundle TOKCTL_BUNDLE_KEY, TOKCTL_BUNDLE_KEY_FILE, TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]'
            cand -u 'Whose it is, where the file does not say [env: TOKCTL_USER]'
            cand --user 'Whose it is, where the file does not say [env: TOKCTL_USER]'
            cand --provider 'The service to keep it under, in place of the one that the file is for'
            cand --server 'The service''s own address, where the file does not say, such as https://jira.example.com'
            cand --key-slot 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --dry-run 'Show what would come in, and store nothing'
            cand --replace 'Overwrite what is there already; the earlier grant is not revoked'
            cand --take-over 'Take in refresh tokens that each use replaces, too: the other tool must not use them any more'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;export'= {
            cand --to 'What the bundle opens with: the key in a file, or a passphrase, which is asked for [env: TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]'
            cand -o 'The file to make; one that is there is left alone [default: stdout, if it is no terminal]'
            cand --output 'The file to make; one that is there is left alone [default: stdout, if it is no terminal]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --move 'Hand the credentials over: they work here no more; needs --output'
            cand --resume 'Put the bundle of an interrupted move in place; needs --output'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;run'= {
            cand --env 'Set the variable NAME to what REF means'
            cand --env-file 'Set the variables of this `.env` file; a value that is a tokctl:// reference is resolved'
            cand --file 'Write what REF means to a private file, and set NAME to its path'
            cand --ci-mask 'Tell the CI platform on stderr to mask the tokens in its log'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --resolve-env 'Resolve variables that are in the environment and whose value is a tokctl:// reference'
            cand --no-masking 'Let the command''s output through as it is'
            cand --mask 'Mask tokens in output that goes to a file as well'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;env'= {
            cand --format 'For whom to quote'
            cand --ci-mask 'First have the CI platform mask the tokens, by its command on stderr'
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
        &'tokctl;use'= {
            cand -u 'The user of the service [env: TOKCTL_USER]'
            cand --user 'The user of the service [env: TOKCTL_USER]'
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --allow 'Let the `.tokctl.toml` that is nearest count, as it is now'
            cand --deny 'Take back what --allow did'
            cand --unset 'Forget the user of this service in this directory, or of all services'
            cand --no-input 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]'
            cand --json 'Print data and errors as JSON'
            cand -q 'Say less on stderr; twice: errors alone'
            cand --quiet 'Say less on stderr; twice: errors alone'
            cand -v 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand --verbose 'Say more on stderr [env: TOKCTL_LOG=error|warn|info|debug]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tokctl;git-credential'= {
            cand --provider 'Only credentials of this service'
            cand -u 'Only this user''s, whatever name git asks for'
            cand --user 'Only this user''s, whatever name git asks for'
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
        &'tokctl;doctor'= {
            cand --vault 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]'
            cand --config 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]'
            cand --color 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]'
            cand --online 'Ask the servers of the stored logins for the time, without any token'
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
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
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
        &'tokctl;help'= {
            cand login 'Log in to a service and store the credential'
            cand get 'Print a token that works, refreshed first if need be'
            cand refresh 'Refresh a token now, due or not'
            cand list 'Show what is stored, never a secret'
            cand status 'Say which credentials work and which need somebody'
            cand delete 'Revoke a grant where the provider can do that, and forget it'
            cand why 'Say why a credential works or does not, and what to type'
            cand check 'Ask the service whether a token works, and record the answer'
            cand audit 'Show who used which credential or changed the keys, and when'
            cand providers 'Show the services that tokctl knows, or all that it knows of one'
            cand rotate-key 'Replace the vault''s keys, and seal every credential again; all or nothing'
            cand key 'The vault''s key slots: ways to unlock it'
            cand backup 'Copy the vault to a new file, which opens with the same key slots'
            cand import 'Take in credentials that another tool kept, or that `tokctl export` sealed'
            cand export 'Seal credentials into a bundle for another machine'
            cand run 'Run a command with tokens in its environment, or in files'
            cand env 'Print credentials as variables, for a shell, a `.env` file or GitHub Actions'
            cand use 'Choose whose credential is used in this directory and below it'
            cand git-credential 'Answer git, which asks for a user name and a password'
            cand doctor 'Say whether everything is in order, and what mends what is not'
            cand completions 'Print a completion script'
            cand man 'Write the man pages into a directory'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tokctl;help;login'= {
        }
        &'tokctl;help;get'= {
        }
        &'tokctl;help;refresh'= {
        }
        &'tokctl;help;list'= {
        }
        &'tokctl;help;status'= {
        }
        &'tokctl;help;delete'= {
        }
        &'tokctl;help;why'= {
        }
        &'tokctl;help;check'= {
        }
        &'tokctl;help;audit'= {
        }
        &'tokctl;help;providers'= {
        }
        &'tokctl;help;rotate-key'= {
        }
        &'tokctl;help;key'= {
            cand list 'Show the key slots; needs no key'
            cand add 'Add a key slot'
            cand remove 'Remove a key slot, but not the last one; needs the key of any'
            cand generate 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE'
        }
        &'tokctl;help;key;list'= {
        }
        &'tokctl;help;key;add'= {
        }
        &'tokctl;help;key;remove'= {
        }
        &'tokctl;help;key;generate'= {
        }
        &'tokctl;help;backup'= {
        }
        &'tokctl;help;import'= {
        }
        &'tokctl;help;export'= {
        }
        &'tokctl;help;run'= {
        }
        &'tokctl;help;env'= {
        }
        &'tokctl;help;use'= {
        }
        &'tokctl;help;git-credential'= {
        }
        &'tokctl;help;doctor'= {
        }
        &'tokctl;help;completions'= {
        }
        &'tokctl;help;man'= {
        }
        &'tokctl;help;help'= {
        }
    ]
    $completions[$command]
}
