# fish completion for runner; load it with: runner completions fish | source
function __runner
    set -l word (commandline -ct)
    set -l typed (commandline -opc)
    set -l program $typed[1]
    set -e typed[1]
    command -sq $program; or return
    set -l found (command $program complete fish -- $typed "$word" 2>/dev/null </dev/null)
    if not contains -- "$found" :files :folders
        string join \n -- $found
        return
    end
    # --option=path
    set -l option (string match -r -- '^-.*?=' "$word")
    set -l paths (complete -C "'' "(string replace -r -- '^-.*?=' '' "$word"))
    test $found = :files; or set paths (string match -- '*/' $paths)
    string join \n -- "$option"$paths
end
complete -c runner -f -a '(__runner)'
