"""The tests of Onoma; they mirror the package."""
