"""What leaves a registry, and comes into another: version bundles, whole registries in a file, copies between stores."""
