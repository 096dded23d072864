"""The commands by what people want to do. Nothing is imported here, so that a shell completes them at once."""

JOBS = {
    "Prompt files": {
        "init": ("init", "Find the prompts in a repository and set up promptdb for them."),
        "check": ("check", "Check the prompt files without a database."),
        "explain": ("explain", "Explain a problem code or a finding of verify, such as PDB302 or V402."),
        "fmt": ("fmt", "Write the prompt files in one form."),
        "schema": ("schema", "Print the JSON Schema of prompt files, for editors."),
        "mv": ("mv", "Rename a prompt and keep its history."),
        "codegen": ("codegen", "Write the types of prompts as Python or TypeScript."),
    },
    "From files to versions": {
        "plan": ("plan", "Show what sync would do."),
        "sync": ("sync", "Record new versions of changed prompt files."),
        "status": ("status", "Show the settings, the database and unsynced changes."),
        "watch": ("watch", "Sync a local registry whenever prompt files change."),
        "register-file": ("register_file", "Add a version from a single file."),
    },
    "Look at prompts": {
        "list": ("list_", "List prompts."),
        "show": ("show", "Show the version that a reference names."),
        "blame": ("blame", "Show what each alias pointed at, who had moved it there and why."),
        "log": ("log", "List the versions of a prompt, newest first."),
        "render": ("render", "Render a prompt with values."),
        "diff": ("diff", "Compare two versions, or a version with its file."),
    },
    "Promote and roll back": {
        "promote": ("promote", "Point an alias at a version."),
        "rollback": ("rollback", "Move an alias back to its previous version."),
        "alias": ("alias", "List, set, split, release and delete aliases, and show their history."),
    },
    "Move prompts between registries": {
        "export": ("export", "Export a version or the whole registry to a file."),
        "import": ("import_", "Import a file written by 'export', or prompts of other tools."),
        "copy": ("copy_", "Copy the whole registry to another one."),
        "snapshot": (
            "snapshot",
            "Write a snapshot: one file from which applications read prompts without the registry.",
        ),
    },
    "Serve prompts and events": {
        "serve": ("serve", "Serve prompts to applications over HTTP."),
        "dashboard": ("dashboard", "Show the registry in a browser: what is live, and what differs."),
        "mcp": ("mcp", "Offer prompts to MCP clients, such as editors and chat programs."),
        "token": ("token", "Create, list, revoke and check access tokens of the HTTP API."),
        "webhook": ("webhook", "Send events to other programs, as docs/webhooks.md explains."),
    },
    "Keep a registry healthy": {
        "verify": ("verify", "Check the registry's rows and blobs against their digests."),
        "gc": ("gc", "Find or remove blobs that no version needs."),
        "db": ("db", "Manage the database schema and diagnose problems."),
    },
    "Set up a shell": {
        "completion": ("completion", "Print a script that completes commands, options and references in a shell."),
    },
}
"""Job -> command -> (module, help). The help is repeated here so that `promptdb --help` loads no command; a test compares
both."""

COMMANDS = {name: entry for commands in JOBS.values() for name, entry in commands.items()}

SYNONYMS = {"resolve": "show", "export-file": "export"}
