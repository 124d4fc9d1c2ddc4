    # Names from the vault, where a command takes one; all else as below.
    local _tokctl_names
    if _tokctl_names=$(tokctl __complete zsh "${(@Q)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null); then
        [[ -n $_tokctl_names ]] && compadd -- "${(@f)_tokctl_names}"
        return
    fi

