"""Published checkpoints: where they come from, fetching them, and reading them without running what they hold."""
