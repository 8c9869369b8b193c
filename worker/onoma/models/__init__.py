"""The bundles that ship with the package: data, each as any other bundle."""
