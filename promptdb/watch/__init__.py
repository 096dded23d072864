"""`promptdb watch`: keeps a local store in step with the files. Events only say when to look; a look reads everything."""
