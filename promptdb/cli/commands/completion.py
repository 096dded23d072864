"""`promptdb completion`."""

import json
from pathlib import Path

import click

from promptdb.cli.completion import REQUEST, cache_file
from promptdb.domain.prompt_id import DEFAULT_NAMESPACE
from promptdb.errors import PromptDBError

_BASH = f"""\
_promptdb_complete() {{
    local IFS=$'\\n' words
    IFS=' ' read -ra words <<< "${{COMP_LINE:0:COMP_POINT}}"
    [[ "${{COMP_LINE:0:COMP_POINT}}" == *' ' ]] && words+=('')
    COMPREPLY=($(COMP_WORDBREAKS="$COMP_WORDBREAKS" {REQUEST}=1 promptdb "${{words[@]:1}}" 2>/dev/null))
    [[ "${{COMPREPLY[0]}}" == *: ]] && compopt -o nospace 2>/dev/null
}}
complete -o default -F _promptdb_complete promptdb
"""
_ZSH = f"""\
#compdef promptdb
_promptdb() {{
    local -a found open
    found=(${{(f)"$({REQUEST}=1 promptdb "${{(@)words[2,CURRENT]}}" 2>/dev/null)"}})
    (( $#found )) || {{ _files; return }}
    # After these, the word goes on.
    open=(${{(M)found:#*:}})
    found=(${{found:#*:}})
    compadd -Q -S '' -- $open
    compadd -Q -S ' ' -r ': ' -- $found
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
compdef _promptdb promptdb
"""
_FISH = f"""\
function __promptdb_complete
    set -lx {REQUEST} 1
    set -l before (commandline -opc)
    set -l found (promptdb $before[2..] (commandline -ct) 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c promptdb -f -a '(__promptdb_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)), required=False)
@click.option("--renew", is_flag=True, hidden=True, help="Read the names of prompts and aliases again.")
def command(shell: str | None, renew: bool) -> None:
    """Print a script that completes commands, options and references in a shell.

    Load it at the start of the shell: eval "$(promptdb completion bash)" in ~/.bashrc, the same with zsh in ~/.zshrc, and
    promptdb completion fish | source in ~/.config/fish/config.fish.

    References are completed from a small file in the cache of the user, which is read again in the background.
    """
    if renew:
        _renew()
    elif shell is None:
        raise click.UsageError("Missing argument 'SHELL'. Choose from bash, zsh, fish.")
    else:
        click.echo(SCRIPTS[shell], nl=False)


def _renew() -> None:
    from promptdb.cli.opening import service

    file = cache_file(Path.cwd())
    try:
        with service() as opened:
            start = f"{DEFAULT_NAMESPACE}/"
            found = {str(one.prompt).removeprefix(start): sorted(one.aliases) for one in opened.list_prompts()}
    except PromptDBError:
        # There may be no registry yet. The next attempt comes with the next press of a key.
        found = {}
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_suffix(".new")
    staged.write_text(json.dumps(found))
    staged.replace(file)
