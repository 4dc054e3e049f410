"""Entry point of the backend process."""

from neural_core.backend.server import main

if __name__ == "__main__":
    main()
