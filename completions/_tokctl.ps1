
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'tokctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'tokctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'tokctl' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to a service and store the credential')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Print a token that works, refreshed first if need be')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh a token now, due or not')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show what is stored, never a secret')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Revoke a grant where the provider can do that, and forget it')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Say why a credential works or does not, and what to type')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Ask the service whether a token works, and record the answer')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Show who used which credential or changed the keys, and when')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'Show the services that tokctl knows, or all that it knows of one')
            [CompletionResult]::new('rotate-key', 'rotate-key', [CompletionResultType]::ParameterValue, 'Replace the vault''s keys, and seal every credential again; all or nothing')
            [CompletionResult]::new('key', 'key', [CompletionResultType]::ParameterValue, 'The vault''s key slots: ways to unlock it')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copy the vault to a new file, which opens with the same key slots')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Take in credentials that another tool kept, or that `tokctl export` sealed')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Seal credentials into a bundle for another machine')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a command with tokens in its environment, or in files')
            [CompletionResult]::new('git-credential', 'git-credential', [CompletionResultType]::ParameterValue, 'Answer git, which asks for a user name and a password')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Say whether everything is in order, and what mends what is not')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the man pages into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Show the manual: the page of a command, or of a topic')
            break
        }
        'tokctl;login' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The name to keep it under, usually an e-mail address [env: TOKCTL_USER]')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How to log in, where that is not clear by itself')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The service''s own address, such as https://jira.example.com')
            [CompletionResult]::new('--key-slot', '--key-slot', [CompletionResultType]::ParameterName, 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The account''s name at the service: the token is sent with it, as Jira Cloud wants its API tokens')
            [CompletionResult]::new('--expires', '--expires', [CompletionResultType]::ParameterName, 'When the token ends: a date, a time in RFC 3339, in how long, such as 90d, or `never`')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'The id of the OAuth client [env: TOKCTL_<PROVIDER>_CLIENT_ID]')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'A file with the client''s secret [env: TOKCTL_<PROVIDER>_CLIENT_SECRET]')
            [CompletionResult]::new('--client-secrets', '--client-secrets', [CompletionResultType]::ParameterName, 'A client file from Google''s console, in place of id and secret')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A scope to ask for, in place of the provider''s own; repeatable')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for the person [default: 5m, or as long as a code counts]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The port that the browser comes back to')
            [CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The key file of a Google service account')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'The person in whose name it acts, by domain-wide delegation')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from stdin')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Print the address instead of opening it')
            [CompletionResult]::new('--pages', '--pages', [CompletionResultType]::ParameterName, 'At Facebook, store the tokens of the pages as well, each under its page''s number')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;get' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Promise at least this much life, such as 90s, 10m or 2h')
            [CompletionResult]::new('--ci-mask', '--ci-mask', [CompletionResultType]::ParameterName, 'First have the CI platform mask what is secret of it, by its command on stderr. Where there is no such command, as on GitLab and Jenkins, `tokctl run` keeps tokens out of logs')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-refresh', '--no-refresh', [CompletionResultType]::ParameterName, 'Fail rather than refresh')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;refresh' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--expiring-within', '--expiring-within', [CompletionResultType]::ParameterName, 'Only tokens that end, or are due, within this time, such as 10m or 1h')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many to refresh at once, up to 256')
            [CompletionResult]::new('--if-token-is', '--if-token-is', [CompletionResultType]::ParameterName, 'Only if the token on stdin is still the current one: for a script that was refused with it')
            [CompletionResult]::new('--every', '--every', [CompletionResultType]::ParameterName, 'How often to look what is due')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Write counters here, in the text format of Prometheus')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Refresh all that can be; PROVIDER and `--user` narrow it')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Stay, and refresh all tokens before they are due')
            [CompletionResult]::new('--print-unit', '--print-unit', [CompletionResultType]::ParameterName, 'Print a systemd user unit for the service')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;list' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Only this user''s')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Only this user''s')
            [CompletionResult]::new('--expiring-within', '--expiring-within', [CompletionResultType]::ParameterName, 'Only what a person has to log in to again within this time, such as 14d; if there is any, the command ends with 4')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, in this order, separated by commas: provider, user, status, expires, login-by, kind, server, account, scopes')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort by one of these columns; what has no end comes last')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Show the next login, the kind, the server, its account and the scopes as well')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show the next login, the kind, the server, its account and the scopes as well')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;delete' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user of the service')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user of the service')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-revoke', '--no-revoke', [CompletionResultType]::ParameterName, 'Forget it without asking the provider: needs no key, and works on damaged rows')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;why' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;check' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user of the service [env: TOKCTL_USER]')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Check every credential, or every one of the PROVIDER or USER that is named')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;audit' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Only this user''s')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Only this user''s')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Only the last N of them')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Find entries that were changed, removed or moved; needs the vault''s key')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;providers' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;rotate-key' {
            [CompletionResult]::new('--drop-slot', '--drop-slot', [CompletionResultType]::ParameterName, 'Drop this key slot instead of renewing it; may be repeated')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Open every credential with the new key, as the keychain has it, before the old one goes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;key' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show the key slots; needs no key')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a key slot')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a key slot, but not the last one; needs the key of any')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Print a new random key, for TOKCTL_KEY or a file named by TOKCTL_KEY_FILE')
            break
        }
        'tokctl;key;list' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;key;add' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;key;remove' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;key;generate' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;backup' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;import' {
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'A file with the key that the other tool encrypted with [env: TOKCTL_IMPORT_KEY, or the tool''s own variable; for a bundle TOKCTL_BUNDLE_KEY, TOKCTL_BUNDLE_KEY_FILE, TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Whose it is, where the file does not say [env: TOKCTL_USER]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Whose it is, where the file does not say [env: TOKCTL_USER]')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The service to keep it under, in place of the one that the file is for')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The service''s own address, where the file does not say, such as https://jira.example.com')
            [CompletionResult]::new('--key-slot', '--key-slot', [CompletionResultType]::ParameterName, 'The kind of key slot that a new vault gets, or that opens this one: keychain, key, passphrase or recovery')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would come in, and store nothing')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrite what is there already; the earlier grant is not revoked')
            [CompletionResult]::new('--take-over', '--take-over', [CompletionResultType]::ParameterName, 'Take in refresh tokens that each use replaces, too: the other tool must not use them any more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;export' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'What the bundle opens with: the key in a file, or a passphrase, which is asked for [env: TOKCTL_BUNDLE_PASSPHRASE, TOKCTL_BUNDLE_PASSPHRASE_FILE]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The file to make; one that is there is left alone [default: stdout, if it is no terminal]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The file to make; one that is there is left alone [default: stdout, if it is no terminal]')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--move', '--move', [CompletionResultType]::ParameterName, 'Hand the credentials over: they work here no more; needs --output')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Put the bundle of an interrupted move in place; needs --output')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;run' {
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Set the variable NAME to what REF means')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Set the variables of this `.env` file; a value that is a tokctl:// reference is resolved')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Write what REF means to a private file, and set NAME to its path')
            [CompletionResult]::new('--ci-mask', '--ci-mask', [CompletionResultType]::ParameterName, 'Tell the CI platform on stderr to mask the tokens in its log')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--resolve-env', '--resolve-env', [CompletionResultType]::ParameterName, 'Resolve variables that are in the environment and whose value is a tokctl:// reference')
            [CompletionResult]::new('--no-masking', '--no-masking', [CompletionResultType]::ParameterName, 'Let the command''s output through as it is')
            [CompletionResult]::new('--mask', '--mask', [CompletionResultType]::ParameterName, 'Mask tokens in output that goes to a file as well')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;git-credential' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only credentials of this service')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Only this user''s, whatever name git asks for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Only this user''s, whatever name git asks for')
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;doctor' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--online', '--online', [CompletionResultType]::ParameterName, 'Ask the servers of the stored logins for the time, without any token')
            [CompletionResult]::new('--accept-older', '--accept-older', [CompletionResultType]::ParameterName, 'Accept a vault or a credential that is older than this machine has seen')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Take out of the vault what tokctl did not make, and begin a new audit if it was tampered with')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Don''t ask')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;completions' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;man' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tokctl;help' {
            [CompletionResult]::new('--vault', '--vault', [CompletionResultType]::ParameterName, 'The vault''s file [env: TOKCTL_VAULT] [default: $XDG_DATA_HOME/tokctl/tokens.db]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [env: TOKCTL_CONFIG] [default: $XDG_CONFIG_HOME/tokctl/config.toml]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours: auto, always or never [env: NO_COLOR, CLICOLOR_FORCE]')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser [env: TOKCTL_NO_INPUT, CI]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print data and errors as JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less on stderr; twice: errors alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show each request on stderr; twice: also what decides')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
