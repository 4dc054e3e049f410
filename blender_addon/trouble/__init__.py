"""What went wrong, in one sentence with a code, and the button that mends it."""
