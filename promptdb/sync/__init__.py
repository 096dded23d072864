"""Where files, git, database and blobs meet: collect the desired state, apply a plan."""
