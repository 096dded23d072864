"""`promptdb watch`: keeps a local registry in step with the files. Events only start a look; a look reads everything."""
