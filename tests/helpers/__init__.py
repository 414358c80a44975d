"""What several test files share: fixtures and processes."""
