"""The maker of the bundled sample photo."""
