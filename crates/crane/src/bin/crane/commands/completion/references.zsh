
# References are what the registry says that there is.
_crane_references() {
    local -a found
    found=("${(@f)$(crane __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    found=("${(@)found:#}")
    if (( ${#found} )); then
        compadd -a found
    else
        _default
    fi
}

