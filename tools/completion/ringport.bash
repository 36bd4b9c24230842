# Completion of ringport's command lines for bash. The options are those that the program itself tells with --help.
_ringport() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} value
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'compare get judge load trust --version --help' -- "$word")
        return
    fi
    case $command in get | judge | load | trust) ;; *) return ;; esac
    # "  -o, --output FILE   ..." and what its value is
    value=$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null | sed -nE 's/^  (-.,|   ) (--[^ ]+)( ([^ ]+))?( .*)?$/\1 \2 \4/p' |
        awk -v option="$before" '{ sub(/,/, "", $1) } $1 == option || $2 == option { print $NF; exit }')
    case $value in
    DIRECTORY) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    FILE* | DATA | PATH) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null |
            sed -nE 's/^  (-.,|   ) (--[^ ]+).*/\2/p')" -- "$word")
        ;;
    esac
}
complete -o default -F _ringport ringport
