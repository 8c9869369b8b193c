"""Model bundles: verified before anything of them runs, loaded, warmed up, described."""
