# bash completion for runner; load it with: eval "$(runner completions bash)"
_runner() {
  local cur=${COMP_WORDS[COMP_CWORD]#[=:]} found line
  found=$("${COMP_WORDS[0]/#\~/$HOME}" complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
  # bash 3 has no compopt
  case $found in
    :files) compopt -o default 2>/dev/null && found= || found=$(compgen -f -- "$cur") ;;
    :folders) compopt -o dirnames 2>/dev/null && found= || found=$(compgen -d -- "$cur") ;;
  esac
  COMPREPLY=()
  while IFS= read -r line; do
    # of --option=value, bash completes what is behind the equals sign
    [[ $COMP_WORDBREAKS != *=* ]] || line=${line#-*=}
    [ -z "$line" ] || COMPREPLY+=("$line")
  done <<<"$found"
}
complete -F _runner runner
