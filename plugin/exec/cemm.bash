# bash completion for cemm: commands, their options, formats, periods, files. METERs are not
# completed, because finding them would send requests.
_cemm() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local formats='influx putval prometheus json csv table' options='--config --output --help'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W 'discover list read stream history energy help --help --version' -- "$word")
    return
  fi
  # bash splits --format=json into three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $command in
    list) options+=' --format' formats='table json' ;;
    read) options+=' --format' ;;
    stream) options+=' --format --interval --state --stdin' ;;
    energy)
      options+=' --format --from --to --by'
      formats='influx json csv table home-assistant'
      ;;
    history)
      options+=' --format --from --to --period'
      formats=${formats/prometheus/openmetrics}
      ;;
  esac
  case $before in
    --format) mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$word") ;;
    --by) mapfile -t COMPREPLY < <(compgen -W 'quarter hour day month' -- "$word") ;;
    --period) mapfile -t COMPREPLY < <(compgen -W 'day month year' -- "$word") ;;
    --from | --to) mapfile -t COMPREPLY < <(compgen -W "$(date +%F)" -- "$word") ;;
    --config | --output | --state)
      compopt -o filenames 2>/dev/null # only while bash completes
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
    --interval) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
  esac
}
complete -F _cemm cemm
