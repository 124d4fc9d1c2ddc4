
# Names from the vault, where a command takes one; all else as above.
function __tokctl_names
    set -l current (commandline -ct)
    tokctl __complete fish (commandline -opc) "$current" 2>/dev/null
end

function __tokctl_takes_a_name
    __tokctl_names >/dev/null
end

complete -c tokctl -n __tokctl_takes_a_name -f -a '(__tokctl_names)'
