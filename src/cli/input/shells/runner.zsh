#compdef runner
# zsh completion for runner; load it with: eval "$(runner completions zsh)", after compinit
_runner() {
  local program=${(Q)words[1]} tab=$'\t'
  local -a found options
  found=(${(f)"$("${program/#\~/$HOME}" complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)"})
  case $found[1] in
    (:files) compset -P '-*='; _files ;;
    (:folders) compset -P '-*='; _files -/ ;;
    (*)
      # no space behind --option=
      options=("${(@M)found:#*=$tab*}")
      found=("${(@)found:#*=$tab*}")
      options=("${(@)options/$tab/:}")
      found=("${(@)found/$tab/:}")
      _describe -V runner found -- options -S ''
      ;;
  esac
}
if [[ $funcstack[1] == _runner ]]; then _runner "$@"; else compdef _runner runner; fi
