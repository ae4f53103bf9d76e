"""Tests of biotrail; a package, so that no installed ``tests`` package is found in its place."""
