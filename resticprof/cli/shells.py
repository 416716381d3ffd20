"""Scripts that connect shells to the hidden command `complete`."""

from __future__ import annotations

BASH = """\
# resticprof completion for bash; put it where bash-completion looks, or source it
_resticprof() {
    local IFS=$'\\n' program=${COMP_WORDS[0]}
    COMPREPLY=($("$program" complete bash:v1 "__POS:$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null))
    if [[ ${COMPREPLY[0]} == __complete_file ]]; then
        COMPREPLY=()
        compopt -o default
    elif [[ ${COMPREPLY[0]} == *. ]]; then
        compopt -o nospace
    fi
}
complete -F _resticprof resticprof
"""

ZSH = """\
#compdef resticprof
# resticprof completion for zsh; save it as _resticprof in a directory of $fpath
_resticprof() {
    local -a lines described
    local line place="__POS:$((CURRENT - 1))"
    lines=("${(@f)$("${words[1]}" complete zsh:v2 $place "${words[@]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        if [[ $line == __complete_file ]]; then
            _files
        elif [[ -n $line ]]; then
            described+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
        fi
    done
    (( ${#described} )) && _describe resticprof described
}
compdef _resticprof resticprof
"""

FISH = """\
# resticprof completion for fish; save it as ~/.config/fish/completions/resticprof.fish
function __resticprof_complete
    set -l words (commandline -opc)
    set -l place __POS:(count $words)
    set -l current (commandline -ct)
    for line in (command $words[1] complete fish:v1 $place $words "$current" 2>/dev/null)
        if test "$line" = __complete_file
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c resticprof -f -a '(__resticprof_complete)'
"""
