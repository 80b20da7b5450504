# SPDX-License-Identifier: MIT
#
# Completion of xeno's words in bash: verbs as 'xeno help' lists them, then domains or files, as the verb's usage says.
# Invariant: asks the tool itself, so a new verb needs no line here.
_xeno()
{
    local word=${COMP_WORDS[COMP_CWORD]} usage
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(xeno help 2>/dev/null | awk '{ print $1 }')" -- "$word")
        return
    fi
    usage=$(xeno help "${COMP_WORDS[1]}" 2>/dev/null | head -n 1)
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '--?[a-z]+' <<<"${usage#* * }")" -- "$word")
    elif [[ $usage == *DOMAIN* ]] && { [[ $usage != *FILE* ]] || ((COMP_CWORD == 2)); }; then
        mapfile -t COMPREPLY < <(compgen -W "$(xeno list 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$word")
    elif [[ $usage == *FILE* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -F _xeno xeno
