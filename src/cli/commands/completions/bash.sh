# Names from the vault, where a command takes one; all else as above.
_tokctl_names() {
    local line=${COMP_LINE:0:COMP_POINT} names name typed kept apart i n=-1
    local -a words=()
    # The words up to the cursor, put together again where bash parts them at = : @.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        apart=
        while [[ $line == [[:space:]]* ]]; do
            line=${line:1}
            apart=1
        done
        name=$line
        ((i < COMP_CWORD)) && name=${COMP_WORDS[i]}
        line=${line#"$name"}
        if ((n < 0)) || [[ $apart ]]; then
            words[++n]=$name
        else
            words[n]+=$name
        fi
    done
    if ! names=$(tokctl __complete bash "${words[@]}" 2>/dev/null); then
        _tokctl "$@"
        return
    fi
    COMPREPLY=()
    compopt +o bashdefault +o default 2>/dev/null
    # Readline puts a candidate in the place of the last part alone.
    typed=${words[n]}
    [[ $typed == *"$2" ]] || return
    kept=${typed:0:${#typed}-${#2}}
    while IFS= read -r name; do
        [[ $name && $name == "$typed"* ]] && COMPREPLY+=("${name#"$kept"}")
    done <<<"$names"
}

