# SPDX-License-Identifier: MIT
#
# Completion of xeno's words in bash: verbs as 'xeno help' lists them, then options, domains or files, as the verb's usage says.
# Invariant: asks the tool itself, so a new verb needs no line here.
_xeno_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

_xeno()
{
    local word=${COMP_WORDS[COMP_CWORD]} verb='' usage i
    local -i arguments=0 # so far, but options and what may be an option's value
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -* ]]; then
            continue
        elif [[ -z $verb ]]; then
            verb=${COMP_WORDS[i]}
        elif [[ ${COMP_WORDS[i - 1]} != -* ]]; then
            arguments+=1
        fi
    done
    usage=$(xeno help "$verb" 2>/dev/null | head -n 1)
    if [[ -z $verb || $usage == *VERB* ]]; then
        _xeno_words "$word" "$(xeno help 2>/dev/null | awk '{ print $1 }')"
    elif [[ $word == -* ]]; then
        _xeno_words "$word" "$(grep -oE '[[| ]--?[A-Za-z]+' <<<"$usage" | tr -d '[| ' | sort -u)"
    elif [[ $usage == *DOMAIN…* ]] || { [[ $usage == *DOMAIN* || $usage == *NAME* ]] && ((arguments == 0)); }; then
        _xeno_words "$word" "$(xeno list 2>/dev/null | awk 'NR > 1 { print $1 }')"
    elif [[ $usage == *FILE* ]]; then
        compopt -o filenames 2>/dev/null # a folder is gone on with, a blank is quoted
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -F _xeno xeno
