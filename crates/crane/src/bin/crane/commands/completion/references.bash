
# References are what the registry says that there is. To bash a colon ends a word, so that only what comes after the last
# one is replaced.
_crane_references() {
    local line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##*[[:space:]]}"
    local value="${word#-*=}"
    if [[ "${value}" == -* || "${value}" != *[:/]* ]]; then
        _crane "$@"
        return
    fi
    local -a words
    read -ra words <<< "${line%"${word}"}"
    local before="" candidate
    if [[ "${value}" == *:* && "${COMP_WORDBREAKS}" == *:* ]]; then
        before="${value%:*}:"
    fi
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("${candidate#"${before}"}")
    done < <("${words[0]}" __complete "${words[@]:1}" "${word}" 2>/dev/null)
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _crane_references -o nosort -o bashdefault -o default crane
else
    complete -F _crane_references -o bashdefault -o default crane
fi
