
# References are what the registry says that there is.
function __fish_crane_references
    set -l cmd (commandline -opc)
    command crane __complete $cmd[2..-1] (commandline -ct) 2>/dev/null
end

# Whether the word can be no file.
function __fish_crane_on_reference
    set -l word (commandline -ct)
    string match -qr '^[^-./][^/]*[.:][^/]*/|^[^-./:]+:' -- $word
    and not string match -qr '^(oci|oci-archive|docker-archive):[^:]*$' -- $word
    and not __fish_crane_needs_command >/dev/null
end

complete -c crane -n __fish_crane_on_reference -f -a "(__fish_crane_references)"
