"""`promptdb schema`."""

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of prompt files, for editors.

    'promptdb init --vscode' writes it into a repository with the settings that use it.
    """
    from promptdb.project.prompt_schema import prompt_schema

    click.echo(json.dumps(prompt_schema(), indent=2))
